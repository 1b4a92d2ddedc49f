//! Tools of type `custom`, which take a text in place of JSON: functions of one string at the upstream.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{Definition, Tool, description, extra, name, with_native};
use crate::chat::request::path::Path;
use crate::chat::request::scope::Scope;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::Str;
use crate::json::{Json, Object};

/// The schema of a tool that takes one text.
pub(crate) const TEXT_SCHEMA: &str = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}"#;

/// A tool of type `custom`.
pub(super) fn tool<'a>(
    tool: &Object<'a>,
    path: &Path<'_>,
    names: &mut BTreeSet<String>,
    scope: &mut Scope,
) -> Result<Tool<'a>, InvalidRequest> {
    path.only(tool, &with_native(&["type", "custom"]))?;
    scope.emulated(path)?;
    let path = path.key("custom");
    let custom = path.object(path.required(tool)?)?;
    path.only(custom, &["name", "description", "format"])?;
    let name = name(custom, &path, scope)?;
    let mut description = description(custom, &path)?;
    if let Some(format) = custom.given("format") {
        let path = path.key("format");
        let format = path.object(format)?;
        if !format.text("type").is_some_and(|kind| &kind == "text") {
            let grammar = format.given("grammar").and_then(Json::as_object);
            description = Some(grammar_in(description, grammar.unwrap_or(format), &path, scope)?);
        }
    }
    names.insert(name.decode().into_owned());
    let name = scope.renames.sent(name);
    let (schema, extra) = (Cow::Borrowed(TEXT_SCHEMA), extra(custom, tool, &path)?);
    Ok(Tool {
        name: name.decode(),
        definition: Definition::Function { name, description, schema, strict: false, extra },
    })
}

/// The description of a custom tool with the grammar that its input should have, on routes that say so.
///
/// - `grammar`: has `syntax` and `definition`.
/// - `path`: the format.
pub(crate) fn grammar_in<'a>(
    description: Option<Str<'a>>,
    grammar: &Object<'a>,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Str<'a>, InvalidRequest> {
    let (Some(syntax), Some(definition)) = (grammar.text("syntax"), grammar.text("definition")) else {
        let what = "must be text, or a grammar with `syntax` and `definition`";
        return Err(path.refuse(InvalidCode::UnsupportedValue, what));
    };
    if !scope.options.emulate_custom_grammar {
        return Err(path.refuse(InvalidCode::UnsupportedValue, "must be text: no grammar would be enforced"));
    }
    scope.emulated(path)?;
    let (syntax, definition) = (syntax.decode(), definition.decode());
    let before = description.map(|text| format!("{}\n\n", text.decode())).unwrap_or_default();
    Ok(Str::from(format!("{before}The input must match this {syntax} grammar:\n\n{definition}")))
}
