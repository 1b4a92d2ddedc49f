//! `reasoning_effort`, OpenRouter's `reasoning`, Anthropic's own `thinking`, and `verbosity`.
//!
//! Models differ in how they are told to think, so the effort becomes what the model's row in the table allows:
//!
//! | the model | `none` | `minimal` and `low` to `max` |
//! |---|---|---|
//! | thinks with a budget (4.5) | nothing | `enabled` with a budget within 80 % of `max_tokens`, and an effort if it knows one |
//! | thinks as it sees fit, off by default (4.6 to 4.8) | nothing | `adaptive` with an effort |
//! | the same, on by default (5) | `disabled` | the same |
//! | cannot stop but between tools (sonnet-5-5) | `between_tools`, reported | the same |
//! | cannot stop (opus-5-5, fable, mythos) | refused | the same |
//!
//! Thinking is asked for with its summary shown, unless the route wants it omitted: newer models otherwise send blocks
//! without text. No parameter at all means the model's default.

use portcullis_types::ReasoningDisplay;

use super::path::Path;
use super::sampling::MaxTokens;
use super::scope::Scope;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::Writer;
use crate::json::{Json, Object, Text};
use crate::models::{Effort, Model, ThinkingDefault, ThinkingType};

/// The smallest budget the upstream takes.
const SMALLEST_BUDGET: u64 = 1024;

/// What the request says about thinking.
#[derive(Debug, Default)]
pub(crate) struct Reasoning<'a> {
    pub(crate) thinking: Option<Thinking<'a>>,
    pub(crate) effort: Option<Effort>,
}

/// `thinking` on its way out.
#[derive(Debug, PartialEq)]
pub(crate) enum Thinking<'a> {
    /// The client's own, and its type if that is one we know.
    Native(&'a str, Option<ThinkingType>),
    Adaptive {
        display: &'static str,
    },
    Enabled {
        budget: u64,
    },
    Disabled,
    BetweenTools,
}

impl Reasoning<'_> {
    /// The type of thinking, if the request names one.
    pub(crate) fn kind(&self) -> Option<ThinkingType> {
        self.thinking.as_ref().and_then(|thinking| match thinking {
            Thinking::Native(_, kind) => *kind,
            Thinking::Adaptive { .. } => Some(ThinkingType::Adaptive),
            Thinking::Enabled { .. } => Some(ThinkingType::Enabled),
            Thinking::Disabled => Some(ThinkingType::Disabled),
            Thinking::BetweenTools => Some(ThinkingType::BetweenTools),
        })
    }

    /// Whether the request makes the model think.
    pub(crate) fn thinks(&self) -> bool {
        self.kind().is_some_and(|kind| kind != ThinkingType::Disabled)
    }
}

impl Thinking<'_> {
    pub(crate) fn write(&self, w: &mut Writer) {
        let kind = |w: &mut Writer, kind: ThinkingType| w.key("type").plain(kind.as_str());
        match self {
            Self::Native(raw, _) => w.raw(raw),
            Self::Adaptive { display } => w.object(|w| {
                kind(w, ThinkingType::Adaptive);
                w.key("display").plain(display);
            }),
            Self::Enabled { budget } => w.object(|w| {
                kind(w, ThinkingType::Enabled);
                w.key("budget_tokens").integer(*budget);
            }),
            Self::Disabled => w.object(|w| kind(w, ThinkingType::Disabled)),
            Self::BetweenTools => w.object(|w| kind(w, ThinkingType::BetweenTools)),
        }
    }
}

/// How hard the client wants the model to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    None,
    Minimal,
    Effort(Effort),
}

impl Wish {
    pub(crate) fn read(text: Text<'_>, path: &Path<'_>) -> Result<Self, InvalidRequest> {
        let text = text.decode();
        match text.as_ref() {
            "none" => Ok(Self::None),
            "minimal" => Ok(Self::Minimal),
            other => Effort::from_wire(other).map(Self::Effort).ok_or_else(|| {
                path.refuse(
                    InvalidCode::InvalidValue,
                    "must be one of none, minimal, low, medium, high, xhigh and max",
                )
            }),
        }
    }

    /// The budget of a model that thinks with one.
    fn budget(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Minimal => 1024,
            Self::Effort(Effort::Low) => 4000,
            Self::Effort(Effort::Medium) => 12_000,
            Self::Effort(Effort::High) => 32_000,
            Self::Effort(Effort::Xhigh | Effort::Max) => 48_000,
        }
    }
}

/// Translates all four parameters.
pub(crate) fn translate<'a>(
    request: &Object<'a>,
    max_tokens: MaxTokens,
    scope: &mut Scope,
) -> Result<Reasoning<'a>, InvalidRequest> {
    verbosity(request, scope)?;
    let native_effort =
        request.given("output_config").and_then(Json::as_object).and_then(|c| c.given("effort"));
    let names = ["reasoning_effort", "reasoning"];
    let mut asked = names.into_iter().filter(|name| request.given(name).is_some());
    let first = asked.next();
    if let (Some(_), Some(second)) = (first, asked.next()) {
        return Err(Path::root(second)
            .refuse(InvalidCode::ConflictingParameters, "and `reasoning_effort` say the same thing"));
    }
    if let Some(name) = first
        && (request.given("thinking").is_some() || native_effort.is_some())
    {
        let what = "cannot be used together with `thinking` or `output_config.effort`";
        return Err(Path::root(name).refuse(InvalidCode::ConflictingParameters, what));
    }
    if let Some(effort) = request.given("reasoning_effort") {
        let path = Path::root("reasoning_effort");
        let wish = Wish::read(path.text(effort)?, &path)?;
        return for_wish(wish, display(scope), max_tokens, &path, scope);
    }
    if let Some(reasoning) = request.given("reasoning") {
        let path = Path::root("reasoning");
        return reasoning_object(path.object(reasoning)?, max_tokens, &path, scope);
    }
    match request.given("thinking") {
        Some(thinking) => native(thinking, native_effort, scope),
        None => Ok(Reasoning::default()),
    }
}

/// How thinking is shown on this route.
pub(crate) fn display(scope: &Scope) -> &'static str {
    match scope.options.reasoning_display {
        ReasoningDisplay::Summarized => "summarized",
        ReasoningDisplay::Omitted => "omitted",
    }
}

fn verbosity(request: &Object<'_>, scope: &mut Scope) -> Result<(), InvalidRequest> {
    let Some(verbosity) = request.given("verbosity") else { return Ok(()) };
    let path = Path::root("verbosity");
    match path.text(verbosity)?.decode().as_ref() {
        "medium" => Ok(()),
        "low" | "high" => scope.ignored(path),
        _ => Err(path.refuse(InvalidCode::InvalidValue, "must be one of low, medium and high")),
    }
}

/// What the effort becomes for this model.
///
/// - `path`: the effort.
pub(crate) fn for_wish<'a>(
    wish: Wish,
    display: &'static str,
    max_tokens: MaxTokens,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Reasoning<'a>, InvalidRequest> {
    if wish == Wish::None {
        return Ok(Reasoning { thinking: without_thinking(path, scope)?, effort: None });
    }
    let effort = match wish {
        Wish::Effort(effort) => effort,
        Wish::Minimal | Wish::None => Effort::Low,
    };
    // A model the table does not know is taken for a new one.
    let Some(model) = scope.model else {
        return Ok(Reasoning { thinking: Some(Thinking::Adaptive { display }), effort: Some(effort) });
    };
    if !model.effort.is_empty() && !model.effort.contains(&effort) {
        return Err(path.refuse(InvalidCode::UnsupportedValue, supported(model)));
    }
    if model.accepts_thinking(ThinkingType::Adaptive) {
        return Ok(Reasoning { thinking: Some(Thinking::Adaptive { display }), effort: Some(effort) });
    }
    // Four fifths without overflow, whatever number the client wrote.
    let budget = wish.budget().min(max_tokens.value / 5 * 4 + max_tokens.value % 5 * 4 / 5);
    if budget < SMALLEST_BUDGET {
        let what = format!(
            "needs a `{}` of at least 1280: 80 % of it are the model's budget for thinking, and that must be 1024",
            max_tokens.field
        );
        return Err(path.refuse(InvalidCode::ConflictingParameters, what));
    }
    let effort = Some(effort).filter(|_| !model.effort.is_empty());
    Ok(Reasoning { thinking: Some(Thinking::Enabled { budget }), effort })
}

fn supported(model: &Model) -> String {
    let off =
        model.accepts_thinking(ThinkingType::Disabled) || model.accepts_thinking(ThinkingType::BetweenTools);
    let names =
        off.then_some("none").into_iter().chain(["minimal"]).chain(model.effort.iter().map(|e| e.as_str()));
    format!("is not supported by this model; supported: {}", names.collect::<Vec<_>>().join(", "))
}

/// What makes a model not think, as far as it can.
fn without_thinking<'a>(path: &Path<'_>, scope: &mut Scope) -> Result<Option<Thinking<'a>>, InvalidRequest> {
    let Some(model) = scope.model else { return Ok(Some(Thinking::Disabled)) };
    if model.thinking_default == ThinkingDefault::Off {
        Ok(None)
    } else if model.accepts_thinking(ThinkingType::Disabled) {
        Ok(Some(Thinking::Disabled))
    } else if model.accepts_thinking(ThinkingType::BetweenTools) {
        scope.emulated(path)?;
        Ok(Some(Thinking::BetweenTools))
    } else {
        Err(path.refuse(InvalidCode::UnsupportedValue, supported(model)))
    }
}

/// OpenRouter's form.
fn reasoning_object<'a>(
    reasoning: &Object<'a>,
    max_tokens: MaxTokens,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Reasoning<'a>, InvalidRequest> {
    path.only(reasoning, &["effort", "max_tokens", "enabled", "exclude"])?;
    let flag = |name: &str| reasoning.given(name).map(|flag| path.key(name).boolean(flag)).transpose();
    let display = if flag("exclude")? == Some(true) { "omitted" } else { display(scope) };
    let enabled = flag("enabled")?;
    let budget_path = path.key("max_tokens");
    let budget = reasoning.given("max_tokens").map(|budget| budget_path.count(budget)).transpose()?;
    if let Some(effort) = reasoning.given("effort") {
        if budget.is_some() {
            let what = "and `reasoning.effort` cannot be used together";
            return Err(budget_path.refuse(InvalidCode::ConflictingParameters, what));
        }
        let path = path.key("effort");
        let wish = Wish::read(path.text(effort)?, &path)?;
        if enabled.is_some_and(|enabled| enabled == (wish == Wish::None)) {
            return Err(path
                .refuse(InvalidCode::ConflictingParameters, "and `reasoning.enabled` say different things"));
        }
        return for_wish(wish, display, max_tokens, &path, scope);
    }
    match (budget, enabled) {
        (Some(_), Some(false)) => Err(budget_path
            .refuse(InvalidCode::ConflictingParameters, "and `reasoning.enabled` say different things")),
        (Some(budget), _) => budget_of(budget, max_tokens, &budget_path, scope),
        (None, Some(true)) => for_wish(Wish::Effort(Effort::Medium), display, max_tokens, path, scope),
        (None, Some(false)) => for_wish(Wish::None, display, max_tokens, path, scope),
        // Nothing is shown unless it is asked for, so there is nothing to exclude.
        (None, None) => Ok(Reasoning::default()),
    }
}

fn budget_of<'a>(
    budget: u64,
    max_tokens: MaxTokens,
    path: &Path<'_>,
    scope: &Scope,
) -> Result<Reasoning<'a>, InvalidRequest> {
    let adaptive = scope.model.is_none_or(|model| model.accepts_thinking(ThinkingType::Adaptive));
    if adaptive {
        let what =
            "is not supported by this model: it decides itself how much to think; use `reasoning.effort`";
        return Err(path.refuse(InvalidCode::UnsupportedParameter, what));
    }
    if budget < SMALLEST_BUDGET || budget >= max_tokens.value {
        let what = format!("must be at least 1024 and less than `{}`", max_tokens.field);
        return Err(path.refuse(InvalidCode::InvalidValue, what));
    }
    Ok(Reasoning { thinking: Some(Thinking::Enabled { budget }), effort: None })
}

/// Anthropic's own `thinking`, checked against the table and sent as it is.
fn native<'a>(
    thinking: &Json<'a>,
    effort: Option<&Json<'a>>,
    scope: &Scope,
) -> Result<Reasoning<'a>, InvalidRequest> {
    let path = Path::root("thinking");
    let object = path.object(thinking)?;
    let path = path.key("type");
    let name = path.text(path.required(object)?)?.decode();
    let kinds =
        [ThinkingType::Adaptive, ThinkingType::Enabled, ThinkingType::Disabled, ThinkingType::BetweenTools];
    let kind = kinds.into_iter().find(|kind| kind.as_str() == name);
    if let (Some(model), Some(kind)) = (scope.model, kind) {
        if !model.accepts_thinking(kind) {
            let supported: Vec<&str> = model.thinking.iter().map(|kind| kind.as_str()).collect();
            let what = format!("is not supported by this model; supported: {}", supported.join(", "));
            return Err(path.refuse(InvalidCode::UnsupportedValue, what));
        }
        let effort = effort.and_then(Json::as_text).and_then(|effort| Effort::from_wire(&effort.decode()));
        let limit = model.disabled_up_to_effort.filter(|_| kind == ThinkingType::Disabled);
        if limit.zip(effort).is_some_and(|(limit, effort)| effort > limit) {
            let what = "cannot be disabled at this `output_config.effort`";
            return Err(path.refuse(InvalidCode::ConflictingParameters, what));
        }
    }
    Ok(Reasoning { thinking: Some(Thinking::Native(object.raw, kind)), effort: None })
}
