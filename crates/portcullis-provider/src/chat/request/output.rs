//! `response_format`, and `output_config` which it shares with the effort.
//!
//! | format | becomes |
//! |---|---|
//! | `text` | nothing |
//! | `json_schema` | `output_config.format` with an adapted schema, strict or not; never a forced tool |
//! | `json_schema.description` | the schema's own, if it has none |
//! | `json_schema.name` | nothing: it has no meaning of its own |
//! | `json_object` | an instruction in the system prompt, reported |

use super::path::Path;
use super::reasoning::Reasoning;
use super::schema::Strict;
use super::scope::Scope;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::Object;
use crate::json::write::Writer;

/// The instruction that stands in for `json_object`.
pub(crate) const JSON_INSTRUCTION: &str = "Respond with a single valid JSON object and nothing else.";

/// How the answer must look.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Output {
    /// The schema of `output_config.format`.
    pub(crate) schema: Option<String>,
    /// The model must be told to answer in JSON.
    pub(crate) json_object: bool,
}

/// Translates `response_format`.
pub(crate) fn translate(request: &Object<'_>, scope: &mut Scope) -> Result<Output, InvalidRequest> {
    let Some(format) = request.given("response_format") else { return Ok(Output::default()) };
    let path = Path::root("response_format");
    let format = path.object(format)?;
    let type_path = path.key("type");
    let kind = type_path.text(type_path.required(format)?)?.decode();
    match kind.as_ref() {
        "text" => path.only(format, &["type"]).map(|()| Output::default()),
        "json_object" => {
            path.only(format, &["type"])?;
            scope.emulated("response_format.json_object")?;
            Ok(Output { json_object: true, ..Output::default() })
        }
        "json_schema" => {
            path.only(format, &["type", "json_schema"])?;
            if scope.model.is_some_and(|model| !model.structured_outputs) {
                return Err(type_path.refuse(InvalidCode::UnsupportedValue, "is not supported by this model"));
            }
            let path = path.key("json_schema");
            let schema = path.object(path.required(format)?)?;
            json_schema(schema, request, &path, scope)
        }
        _ => {
            Err(type_path
                .refuse(InvalidCode::InvalidValue, "must be one of text, json_schema and json_object"))
        }
    }
}

/// The schema of `json_schema`, adapted.
pub(crate) fn json_schema(
    json_schema: &Object<'_>,
    request: &Object<'_>,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Output, InvalidRequest> {
    path.only(json_schema, &["name", "description", "schema", "strict"])?;
    if let Some(strict) = json_schema.given("strict") {
        path.key("strict").boolean(strict)?;
    }
    if has_native_format(request) {
        let what = "and `output_config.format` say the same thing";
        return Err(Path::root("response_format").refuse(InvalidCode::ConflictingParameters, what));
    }
    let description = json_schema.given("description");
    let description = description.map(|text| path.key("description").text(text)).transpose()?;
    let schema_path = path.key("schema");
    let schema = schema_path.required(json_schema)?;
    let strict = Strict { path: &schema_path, report: &"", description, object_root: false };
    Ok(Output { schema: Some(strict.adapt(schema, scope)?), json_object: false })
}

fn native<'j, 'a>(request: &'j Object<'a>) -> Result<Option<&'j Object<'a>>, InvalidRequest> {
    request.given("output_config").map(|config| Path::root("output_config").object(config)).transpose()
}

/// Whether the client sent `output_config.format` itself.
pub(crate) fn has_native_format(request: &Object<'_>) -> bool {
    native(request).is_ok_and(|config| config.is_some_and(|config| config.given("format").is_some()))
}

/// The merged `output_config`: the client's own members first, then ours.
pub(crate) fn config(
    request: &Object<'_>,
    reasoning: &Reasoning<'_>,
    output: &Output,
) -> Result<Option<String>, InvalidRequest> {
    let native = native(request)?;
    if native.is_none() && reasoning.effort.is_none() && output.schema.is_none() {
        return Ok(None);
    }
    let mut writer = Writer::default();
    writer.object(|w| {
        for (key, value) in
            native.iter().flat_map(|config| &config.members).filter(|(_, value)| !value.is_null())
        {
            w.foreign_key(key).raw(value.raw());
        }
        if let Some(effort) = reasoning.effort {
            w.key("effort").plain(effort.as_str());
        }
        if let Some(schema) = &output.schema {
            w.key("format").object(|w| {
                w.key("type").plain("json_schema");
                w.key("schema").raw(schema);
            });
        }
    });
    Ok(Some(writer.into_string()))
}
