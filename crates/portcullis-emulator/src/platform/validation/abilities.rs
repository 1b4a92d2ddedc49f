//! What differs by model: thinking, effort, sampling, forced tools.
//!
//! Source: Claude docs, "Extended thinking" (troubleshooting), "Effort", "Structured outputs"; the pages of each model.

use std::collections::BTreeSet;

use serde_json::Value;

use super::shape::{no_others, object};
use super::{Check, invalid, schema};
use crate::platform::models::{Disabling, EFFORTS, Model, Sampling};
use crate::platform::protocol::{Protocol, Version};

const LEAST_BUDGET: u64 = 1024;

pub(super) fn check(body: &Value, model: &Model, protocol: &Protocol) -> Check {
    check_sampling(body, model, protocol)?;
    check_tool_choice(body, model)?;
    check_thinking(body, model, protocol)?;
    check_output_config(body, model, protocol)?;
    if body["speed"] == "fast" {
        return invalid("speed: fast mode is not available on this platform");
    }
    match body["inference_geo"].as_str() {
        Some(_) if !model.inference_geo => invalid("inference_geo: not supported for this model"),
        Some(geo) if !["us", "global"].contains(&geo) => {
            invalid("inference_geo: Input should be 'us' or 'global'")
        }
        _ => Ok(()),
    }
}

fn check_sampling(body: &Value, model: &Model, protocol: &Protocol) -> Check {
    let given = |name: &str| body.get(name);
    for name in ["temperature", "top_p", "top_k"] {
        let Some(value) = given(name) else { continue };
        if protocol.version == Version::Second {
            return invalid(format!("{name}: `{name}` is not supported in this API version"));
        }
        let is_default = name != "top_k" && value.as_f64() == Some(1.0);
        if model.sampling == Sampling::DefaultOnly && !is_default {
            return invalid(format!("{name}: `{name}` is not supported for this model; leave it out"));
        }
        let in_range = value.as_f64().is_some_and(|number| (0.0..=1.0).contains(&number));
        if name != "top_k" && !in_range {
            return invalid(format!("{name}: range: 0..1"));
        }
    }
    if given("temperature").is_some() && given("top_p").is_some() && model.sampling == Sampling::Free {
        return invalid(
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
        );
    }
    if body["thinking"]["type"] == "enabled" || body["thinking"]["type"] == "adaptive" {
        if given("temperature").is_some_and(|value| value.as_f64() != Some(1.0)) {
            return invalid("`temperature` may only be set to 1 when thinking is enabled.");
        }
        if given("top_k").is_some() {
            return invalid("`top_k` must be unset when thinking is enabled.");
        }
        if given("top_p").and_then(Value::as_f64).is_some_and(|top_p| top_p < 0.95) {
            return invalid(
                "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.",
            );
        }
    }
    Ok(())
}

fn check_tool_choice(body: &Value, model: &Model) -> Check {
    let Some(choice) = body.get("tool_choice") else { return Ok(()) };
    let kind = choice["type"].as_str().unwrap_or_default();
    let allowed: &[&str] = match kind {
        "auto" | "any" => &["type", "disable_parallel_tool_use"],
        "tool" => &["type", "name", "disable_parallel_tool_use"],
        "none" => &["type"],
        _ => return invalid("tool_choice.type: Input tag does not match any of the expected tags"),
    };
    no_others(object(choice, "tool_choice")?, allowed, &format!("tool_choice.{kind}"))?;
    if kind == "auto" || kind == "none" {
        return Ok(());
    }
    if !model.forced_tools {
        return invalid(format!("tool_choice.type: `{kind}` is not supported for this model."));
    }
    if body["thinking"]["type"] == "enabled" {
        return invalid("Thinking may not be enabled when tool_choice forces tool use.");
    }
    let tools = body["tools"].as_array().into_iter().flatten();
    let names: BTreeSet<&str> = tools.filter_map(|tool| tool["name"].as_str()).collect();
    match (kind, choice["name"].as_str()) {
        ("any", _) if names.is_empty() => invalid("tool_choice: tools must be provided"),
        ("tool", name) if !name.is_some_and(|name| names.contains(name)) => {
            invalid("tool_choice: the named tool was not found in `tools`")
        }
        _ => Ok(()),
    }
}

fn check_thinking(body: &Value, model: &Model, protocol: &Protocol) -> Check {
    let Some(thinking) = body.get("thinking") else { return Ok(()) };
    let abilities = model.thinking;
    let kind = thinking["type"].as_str().unwrap_or_default();
    let allowed: &[&str] = match kind {
        "enabled" => &["type", "budget_tokens", "display", "block_binding"],
        "adaptive" | "between_tools" => &["type", "display", "block_binding"],
        "disabled" => &["type"],
        _ => return invalid("thinking.type: Input tag does not match any of the expected tags"),
    };
    no_others(object(thinking, "thinking")?, allowed, &format!("thinking.{kind}"))?;
    let is_supported = match kind {
        "enabled" => abilities.enabled,
        "adaptive" => abilities.adaptive,
        "between_tools" => abilities.between_tools,
        _ => abilities.disabled != Disabling::Never,
    };
    if !is_supported {
        let hint = if kind == "enabled" { "; use `adaptive` and `output_config.effort`" } else { "" };
        return invalid(format!("thinking.type: `{kind}` is not supported for this model{hint}."));
    }
    let effort = body["output_config"]["effort"].as_str().unwrap_or_default();
    if kind == "disabled"
        && abilities.disabled == Disabling::UpToHighEffort
        && ["xhigh", "max"].contains(&effort)
    {
        return invalid(format!("thinking.type: `disabled` is not supported with effort `{effort}`."));
    }
    match thinking.get("display").and_then(Value::as_str) {
        Some("summarized" | "omitted") => {}
        Some("updates") if protocol.has_any(&["thinking-display-updates"]) => {}
        None if thinking.get("display").is_none_or(Value::is_null) => {}
        _ => return invalid(format!("thinking.{kind}.display: Input should be 'summarized' or 'omitted'")),
    }
    if kind == "enabled" { check_budget(body, protocol) } else { Ok(()) }
}

fn check_budget(body: &Value, protocol: &Protocol) -> Check {
    let at = "thinking.enabled.budget_tokens";
    match (body["thinking"]["budget_tokens"].as_u64(), body["max_tokens"].as_u64()) {
        (None, _) => invalid(format!("{at}: Field required")),
        (Some(budget), _) if budget < LEAST_BUDGET => {
            invalid(format!("{at}: Input should be greater than or equal to {LEAST_BUDGET}"))
        }
        // Between tool calls, the budget is that of the whole turn.
        (Some(budget), Some(max)) if budget >= max && !protocol.has_any(&["interleaved-thinking"]) => {
            invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")
        }
        _ => Ok(()),
    }
}

fn check_output_config(body: &Value, model: &Model, protocol: &Protocol) -> Check {
    let Some(config) = body.get("output_config") else { return Ok(()) };
    let fields = object(config, "output_config")?;
    let allowed: &[&str] = if protocol.has_any(&["task-budgets"]) {
        &["effort", "format", "task_budget"]
    } else {
        &["effort", "format"]
    };
    no_others(fields, allowed, "output_config")?;
    match config.get("effort").filter(|effort| !effort.is_null()) {
        None => {}
        Some(effort) => {
            let level = effort.as_str().filter(|level| EFFORTS.contains(level));
            let Some(level) = level else {
                return invalid(format!("output_config.effort: Input should be '{}'", EFFORTS.join("', '")));
            };
            if model.efforts.is_empty() {
                return invalid("output_config.effort: This model does not support the effort parameter.");
            }
            if !model.efforts.contains(&level) {
                return invalid(format!(
                    "output_config.effort: `{level}` is not supported for this model. Supported levels: {}.",
                    model.efforts.join(", ")
                ));
            }
        }
    }
    match config.get("format").filter(|format| !format.is_null()) {
        None => Ok(()),
        Some(format) => check_format(body, format),
    }
}

fn check_format(body: &Value, format: &Value) -> Check {
    let at = "output_config.format";
    let fields = object(format, at)?;
    if format["type"] != "json_schema" {
        return invalid(format!("{at}.type: Input should be 'json_schema'"));
    }
    no_others(fields, &["type", "schema"], &format!("{at}.json_schema"))?;
    let Some(schema) = format.get("schema") else { return invalid(format!("{at}.schema: Field required")) };
    schema::check_schema(schema, &format!("{at}.schema"))?;
    let blocks = body["messages"].as_array().into_iter().flatten();
    let mut blocks = blocks.filter_map(|message| message["content"].as_array()).flatten();
    if blocks.any(|block| block["citations"]["enabled"] == true) {
        return invalid(format!("{at}: citations cannot be enabled together with structured outputs"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::body;
    use super::*;
    use crate::platform::models::find;

    /// The body with these fields, under the older version.
    fn refusal(model: &str, fields: Value) -> Option<String> {
        let mut body = body(model);
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let protocol = Protocol::with(Version::First, &[]);
        check(&body, &find(model).unwrap(), &protocol).err().map(|error| error.message)
    }

    fn check_all(cases: &[(&str, Value, &str)]) {
        for (model, fields, part) in cases {
            let refusal = refusal(model, fields.clone());
            match *part {
                "" => assert_eq!(refusal, None, "{model} {fields}"),
                part => assert!(
                    refusal.as_ref().is_some_and(|text| text.contains(part)),
                    "{model} {fields}: {refusal:?}"
                ),
            }
        }
    }

    #[test]
    fn thinking_is_what_the_model_takes() {
        let thinking = |kind: &str| json!({"thinking": {"type": kind}});
        let budget = |tokens: u64| json!({"max_tokens": 4000, "thinking": {"type": "enabled", "budget_tokens": tokens}});
        let disabled_at =
            |effort: &str| json!({"thinking": {"type": "disabled"}, "output_config": {"effort": effort}});
        check_all(&[
            ("claude-haiku-4-5", budget(2000), ""),
            ("claude-haiku-4-5", budget(1000), "1024"),
            ("claude-haiku-4-5", budget(4000), "`max_tokens` must be greater"),
            ("claude-haiku-4-5", thinking("adaptive"), "`adaptive` is not supported"),
            ("claude-sonnet-4-6", thinking("adaptive"), ""),
            ("claude-opus-4-7", budget(2000), "`enabled` is not supported"),
            ("claude-opus-5", disabled_at("high"), ""),
            ("claude-opus-5", disabled_at("max"), "with effort `max`"),
            ("claude-opus-5-5", thinking("disabled"), "`disabled` is not supported"),
            ("claude-sonnet-5-5", thinking("between_tools"), ""),
            ("claude-opus-5-5", thinking("between_tools"), "`between_tools` is not supported"),
            ("claude-opus-5-5", json!({"thinking": {"type": "adaptive", "display": "omitted"}}), ""),
            (
                "claude-opus-5-5",
                json!({"thinking": {"type": "adaptive", "display": "all"}}),
                "display: Input",
            ),
            (
                "claude-opus-5-5",
                json!({"thinking": {"type": "adaptive", "budget_tokens": 5}}),
                "thinking.adaptive.budget_tokens: Extra",
            ),
        ]);
    }

    #[test]
    fn effort_sampling_and_forced_tools_go_by_the_model() {
        let effort = |level: &str| json!({"output_config": {"effort": level}});
        let tools = json!([{"name": "f", "input_schema": {"type": "object"}}]);
        let forced = json!({"tools": tools, "tool_choice": {"type": "any"}});
        check_all(&[
            ("claude-haiku-4-5", effort("low"), "does not support the effort"),
            ("claude-opus-4-5", effort("max"), "Supported levels: low, medium, high"),
            ("claude-opus-4-6", effort("max"), ""),
            ("claude-opus-5-5", effort("xhigh"), ""),
            ("claude-opus-5-5", effort("huge"), "output_config.effort: Input should be"),
            ("claude-haiku-4-5", json!({"temperature": 0.5}), ""),
            ("claude-haiku-4-5", json!({"temperature": 0.5, "top_p": 0.5}), "cannot both"),
            ("claude-opus-4-7", json!({"temperature": 1}), ""),
            ("claude-opus-4-7", json!({"temperature": 0.5}), "`temperature` is not supported for this model"),
            ("claude-opus-4-7", json!({"top_k": 5}), "`top_k` is not supported for this model"),
            (
                "claude-opus-4-6",
                json!({"temperature": 0.5, "thinking": {"type": "adaptive"}}),
                "may only be set to 1",
            ),
            ("claude-opus-5", forced.clone(), ""),
            ("claude-opus-5-5", forced, "`any` is not supported for this model"),
            ("claude-haiku-4-5", json!({"inference_geo": "us"}), "not supported for this model"),
            ("claude-opus-5-5", json!({"inference_geo": "eu"}), "'us' or 'global'"),
            ("claude-opus-5-5", json!({"speed": "fast"}), "fast mode"),
        ]);
    }
}
