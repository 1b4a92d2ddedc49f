//! `include`: what the client wants to see beside the answer.
//!
//! | value | rule |
//! |---|---|
//! | `reasoning.encrypted_content` | reasoning items carry it |
//! | `web_search_call.action.sources` | web searches list their pages |
//! | `code_interpreter_call.outputs` | executed code shows its output |
//! | `message.output_text.logprobs` | refused |
//! | others of OpenAI's | nothing: the items they are about cannot occur |
//! | anything else | refused |

use crate::chat::request::path::Path;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::{Json, Object, Text};
use crate::responses::context::Include;

/// What was asked for, of a list that [`check`] has passed.
pub(super) fn read(request: &Object<'_>) -> Include {
    let list = request.given("include").and_then(Json::as_array).map(|list| list.items.as_slice());
    let asked =
        |name: &str| list.unwrap_or_default().iter().filter_map(Json::as_text).any(|value| &value == name);
    Include {
        encrypted_reasoning: asked("reasoning.encrypted_content"),
        search_sources: asked("web_search_call.action.sources"),
        code_outputs: asked("code_interpreter_call.outputs"),
    }
}

/// Refuses what cannot be shown.
pub(super) fn check(request: &Object<'_>) -> Result<(), InvalidRequest> {
    let Some(list) = request.given("include") else { return Ok(()) };
    let path = Path::root("include");
    for (index, value) in path.array(list)?.items.iter().enumerate() {
        let path = path.index(index);
        match path.text(value).map(Text::decode)?.as_ref() {
            "reasoning.encrypted_content"
            | "web_search_call.action.sources"
            | "web_search_call.results"
            | "code_interpreter_call.outputs"
            | "computer_call_output.output.image_url"
            | "file_search_call.results"
            | "message.input_image.image_url" => {}
            "message.output_text.logprobs" => {
                let what = "is not supported: this model's API gives no log probabilities";
                return Err(path.refuse(InvalidCode::UnsupportedValue, what));
            }
            _ => return Err(path.refuse(InvalidCode::InvalidValue, "is nothing that can be included")),
        }
    }
    Ok(())
}
