//! `text`: the answer's form.
//!
//! | format | becomes |
//! |---|---|
//! | `text` | nothing |
//! | `json_schema` | `output_config.format` with an adapted schema, as in Chat Completions |
//! | `json_object` | an instruction in the system prompt, reported |
//!
//! `verbosity` is ignored and reported unless it is `medium`: there is nothing like it, effort is another thing.

use crate::chat::request::output::{self, Output};
use crate::chat::request::path::Path;
use crate::chat::request::scope::Scope;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::Object;

use super::parameters::without;

pub(super) fn translate(request: &Object<'_>, scope: &mut Scope) -> Result<Output, InvalidRequest> {
    let Some(text) = request.given("text") else { return Ok(Output::default()) };
    let path = Path::root("text");
    let text = path.object(text)?;
    path.only(text, &["format", "verbosity"])?;
    verbosity(text, &path, scope)?;
    let Some(format) = text.given("format") else { return Ok(Output::default()) };
    let path = path.key("format");
    let format = path.object(format)?;
    let type_path = path.key("type");
    let kind = type_path.text(type_path.required(format)?)?.decode();
    match kind.as_ref() {
        "text" => path.only(format, &["type"]).map(|()| Output::default()),
        "json_object" => {
            path.only(format, &["type"])?;
            scope.emulated("text.format.json_object")?;
            Ok(Output { json_object: true, ..Output::default() })
        }
        "json_schema" => {
            if scope.model.is_some_and(|model| !model.structured_outputs) {
                return Err(type_path.refuse(InvalidCode::UnsupportedValue, "is not supported by this model"));
            }
            output::json_schema(&without(format, &["type"]), request, &path, scope)
        }
        _ => {
            Err(type_path
                .refuse(InvalidCode::InvalidValue, "must be one of text, json_schema and json_object"))
        }
    }
}

fn verbosity(text: &Object<'_>, path: &Path<'_>, scope: &mut Scope) -> Result<(), InvalidRequest> {
    let Some(verbosity) = text.given("verbosity") else { return Ok(()) };
    let path = path.key("verbosity");
    match path.text(verbosity)?.decode().as_ref() {
        "medium" => Ok(()),
        "low" | "high" => scope.ignored(path),
        _ => Err(path.refuse(InvalidCode::InvalidValue, "must be one of low, medium and high")),
    }
}
