//! `reasoning`.
//!
//! | member | rule |
//! |---|---|
//! | `effort` | as `reasoning_effort` in Chat Completions: thinking by what the model allows |
//! | `summary`, and `generate_summary` before it | thinking shows its summary; how long that is cannot be chosen, so `concise` and `detailed` are reported |
//! | `summary` without `effort` | shown on models that think by themselves; on others there is nothing to show |
//! | `context: "auto"`, `mode: "standard"` | what happens anyway; other values are refused |

use crate::chat::request::path::Path;
use crate::chat::request::reasoning::{Reasoning, Thinking, Wish, display, for_wish};
use crate::chat::request::sampling::MaxTokens;
use crate::chat::request::scope::Scope;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::{Object, Text};
use crate::models::{ThinkingDefault, ThinkingType};

pub(super) fn translate<'c>(
    request: &Object<'c>,
    max_tokens: MaxTokens,
    scope: &mut Scope,
) -> Result<Reasoning<'c>, InvalidRequest> {
    let Some(reasoning) = request.given("reasoning") else { return Ok(Reasoning::default()) };
    let path = Path::root("reasoning");
    let reasoning = path.object(reasoning)?;
    path.only(reasoning, &["effort", "summary", "generate_summary", "context", "mode"])?;
    for (name, only) in [("context", "auto"), ("mode", "standard")] {
        let path = path.key(name);
        if let Some(value) = reasoning.given(name)
            && &path.text(value)? != only
        {
            return Err(path.refuse(InvalidCode::UnsupportedValue, format_args!("must be \"{only}\"")));
        }
    }
    let wants_summary = wants_summary(reasoning, &path, scope)?;
    if let Some(effort) = reasoning.given("effort") {
        let path = path.key("effort");
        let wish = Wish::read(path.text(effort)?, &path)?;
        return for_wish(wish, display(scope), max_tokens, &path, scope);
    }
    let thinks_anyway = scope.model.is_none_or(|model| {
        model.thinking_default == ThinkingDefault::On && model.accepts_thinking(ThinkingType::Adaptive)
    });
    let shown = wants_summary && thinks_anyway;
    let thinking = shown.then_some(Thinking::Adaptive { display: display(scope) });
    Ok(Reasoning { thinking, effort: None })
}

fn wants_summary(reasoning: &Object<'_>, path: &Path<'_>, scope: &mut Scope) -> Result<bool, InvalidRequest> {
    let (summary, old) = (reasoning.given("summary"), reasoning.given("generate_summary"));
    if let (Some(summary), Some(old)) = (summary, old)
        && summary != old
    {
        let what = "and `reasoning.summary` say different things";
        return Err(path.key("generate_summary").refuse(InvalidCode::ConflictingParameters, what));
    }
    let (name, value) = match (summary, old) {
        (Some(summary), _) => ("summary", summary),
        (None, Some(old)) => ("generate_summary", old),
        (None, None) => return Ok(false),
    };
    let path = path.key(name);
    match path.text(value).map(Text::decode)?.as_ref() {
        "auto" => {}
        "concise" | "detailed" => scope.ignored(path)?,
        _ => return Err(path.refuse(InvalidCode::InvalidValue, "must be one of auto, concise and detailed")),
    }
    Ok(true)
}
