//! What a client asks for with a new batch.
//!
//! | parameter | |
//! |---|---|
//! | `input_file_id`, `endpoint`, `completion_window` | OpenAI's form: a file of lines, one of two endpoints, `24h` |
//! | `requests` | Portkey's inline form, in place of the three: items in the upstream's own dialect |
//! | `metadata` | kept: up to 16 texts |
//! | `output_expires_after` | how long the output files are kept; 30 days otherwise |

use std::collections::BTreeMap;
use std::time::Duration;

use portcullis_provider::error::{ApiError, ErrorKind};
use portcullis_provider::openai_batch::{BatchEndpoint, LineError};
use portcullis_provider::{InvalidCode, InvalidRequest};
use portcullis_types::FileId;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::openai::expiry::expires_after_json;

const KNOWN: [&str; 6] =
    ["input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after", "requests"];

/// What is to be made.
#[derive(Debug)]
pub(super) struct NewBatchBody<'a> {
    pub(super) input: Input<'a>,
    pub(super) metadata: Option<Map<String, Value>>,
    pub(super) output_expires_after: Option<Duration>,
}

/// What the batch is made of.
#[derive(Debug)]
pub(super) enum Input<'a> {
    File { id: FileId, endpoint: BatchEndpoint },
    Requests(Vec<&'a RawValue>),
}

impl<'a> NewBatchBody<'a> {
    /// Reads the body.
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, InvalidRequest> {
        let fields: BTreeMap<String, &'a RawValue> = serde_json::from_slice(body).map_err(|error| {
            InvalidRequest::body(format!("the request body is not a JSON object: {error}"))
        })?;
        if let Some(name) = fields.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            let message = format!("there is no parameter `{name}`");
            return Err(InvalidRequest::at(InvalidCode::UnknownParameter, name, message));
        }
        let fields = Fields(fields);
        let output_expires_after = fields
            .value("output_expires_after")
            .map_or(Ok(None), |value| expires_after_json("output_expires_after", &value))?;
        Ok(Self { input: fields.input()?, metadata: fields.metadata()?, output_expires_after })
    }
}

struct Fields<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    /// A value that is given and not null.
    fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.0.get(name).copied().filter(|value| value.get() != "null")
    }

    fn value(&self, name: &str) -> Option<Value> {
        serde_json::from_str(self.raw(name)?.get()).ok()
    }

    fn text(&self, name: &'static str) -> Result<Option<String>, InvalidRequest> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => {
                Err(InvalidRequest::at(InvalidCode::InvalidType, name, format!("`{name}` must be a string")))
            }
        }
    }

    fn required(&self, name: &'static str) -> Result<String, InvalidRequest> {
        self.text(name)?.ok_or_else(|| {
            InvalidRequest::at(InvalidCode::MissingRequiredParameter, name, format!("`{name}` is missing"))
        })
    }

    fn input(&self) -> Result<Input<'a>, InvalidRequest> {
        let Some(requests) = self.raw("requests") else { return self.file() };
        if self.raw("input_file_id").is_some() {
            let message = "`requests` and `input_file_id` cannot be given together";
            return Err(InvalidRequest::at(InvalidCode::ConflictingParameters, "requests", message));
        }
        self.check_window()?;
        let items: Vec<&'a RawValue> = serde_json::from_str(requests.get()).map_err(|_| {
            InvalidRequest::at(InvalidCode::InvalidType, "requests", "`requests` must be a list of objects")
        })?;
        if items.is_empty() {
            let message = "`requests` must not be empty";
            return Err(InvalidRequest::at(InvalidCode::InvalidValue, "requests", message));
        }
        Ok(Input::Requests(items))
    }

    fn file(&self) -> Result<Input<'a>, InvalidRequest> {
        let id = self.required("input_file_id")?;
        let id = id.parse().map_err(|_| {
            let message = "`input_file_id` must be the id of a file with the purpose `batch`";
            InvalidRequest::at(InvalidCode::InvalidValue, "input_file_id", message)
        })?;
        let endpoint = self.required("endpoint")?.parse().map_err(|error| {
            InvalidRequest::at(InvalidCode::UnsupportedValue, "endpoint", format!("`endpoint` {error}"))
        })?;
        self.required("completion_window")?;
        self.check_window()?;
        Ok(Input::File { id, endpoint })
    }

    fn check_window(&self) -> Result<(), InvalidRequest> {
        match self.text("completion_window")?.as_deref() {
            None | Some("24h") => Ok(()),
            Some(_) => {
                let message = "`completion_window` must be `24h`";
                Err(InvalidRequest::at(InvalidCode::UnsupportedValue, "completion_window", message))
            }
        }
    }

    /// Source of the limits: OpenAI API reference, "Create batch".
    fn metadata(&self) -> Result<Option<Map<String, Value>>, InvalidRequest> {
        let invalid = |code, message: &str| InvalidRequest::at(code, "metadata", message.to_owned());
        let metadata = match self.value("metadata") {
            None => return Ok(None),
            Some(Value::Object(metadata)) => metadata,
            Some(_) => {
                return Err(invalid(InvalidCode::InvalidType, "`metadata` must be an object of strings"));
            }
        };
        let fits = |(name, value): (&String, &Value)| {
            let value = value.as_str();
            name.chars().count() <= 64 && value.is_some_and(|value| value.chars().count() <= 512)
        };
        if metadata.len() > 16 || !metadata.iter().all(fits) {
            let message = "`metadata` takes 16 strings of 512 characters under names of 64";
            return Err(invalid(InvalidCode::InvalidValue, message));
        }
        Ok(Some(metadata))
    }
}

/// An item of `requests` that is wrong: the same words as for a line, the place being one in the body.
pub(super) fn item_error(error: LineError) -> ApiError {
    let LineError { code, line, message, param } = error;
    let place = line.map(|line| format!("requests[{}]", line - 1));
    let place = match (place, param) {
        (Some(place), Some(param)) => Some(format!("{place}.{}", param.replace("body.", "params."))),
        (place, None) => place,
        (None, Some(_)) => None,
    };
    let (status, kind) = match code.as_ref() {
        "feature_not_enabled" => (403, ErrorKind::Permission),
        _ => (400, ErrorKind::InvalidRequest),
    };
    let param = Some(place.unwrap_or_else(|| "requests".to_owned()));
    ApiError { param, ..ApiError::new(status, kind, code, message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "file-0123456789abcdef0123456789abcdef";

    fn refused(body: &str) -> (InvalidCode, Option<String>) {
        let error = NewBatchBody::parse(body.replace("FILE", FILE).as_bytes()).unwrap_err();
        (error.code, error.param)
    }

    #[test]
    fn either_form_is_read() {
        let body = format!(
            r#"{{"input_file_id":"{FILE}","endpoint":"/v1/chat/completions","completion_window":"24h",
               "metadata":{{"a":"b"}},"output_expires_after":{{"anchor":"created_at","seconds":3600}}}}"#
        );
        let read = NewBatchBody::parse(body.as_bytes()).unwrap();
        assert!(matches!(read.input, Input::File { endpoint: BatchEndpoint::ChatCompletions, .. }));
        assert_eq!(read.output_expires_after, Some(Duration::from_secs(3600)));
        let inline = NewBatchBody::parse(br#"{"requests":[{"custom_id":"a"}, {}],"metadata":null}"#).unwrap();
        assert!(matches!(inline.input, Input::Requests(items) if items.len() == 2));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |body: &str, code, param: &str| {
            assert_eq!(refused(body), (code, Some(param.to_owned())), "{body}");
        };
        use InvalidCode as Code;
        assert_eq!(refused("[]").0, Code::InvalidJson);
        check("{}", Code::MissingRequiredParameter, "input_file_id");
        check(r#"{"input_file_id":"x"}"#, Code::InvalidValue, "input_file_id");
        check(r#"{"input_file_id":"FILE"}"#, Code::MissingRequiredParameter, "endpoint");
        check(r#"{"input_file_id":"FILE","endpoint":"/v1/embeddings"}"#, Code::UnsupportedValue, "endpoint");
        let rest = r#""input_file_id":"FILE","endpoint":"/v1/responses""#;
        check(&format!("{{{rest}}}"), Code::MissingRequiredParameter, "completion_window");
        let window = format!(r#"{{{rest},"completion_window":"1h"}}"#);
        check(&window, Code::UnsupportedValue, "completion_window");
        check(r#"{"requests":[]}"#, Code::InvalidValue, "requests");
        check(r#"{"requests":{}}"#, Code::InvalidType, "requests");
        check(r#"{"requests":[{}],"input_file_id":"FILE"}"#, Code::ConflictingParameters, "requests");
        check(r#"{"requests":[{}],"metadata":{"a":1}}"#, Code::InvalidValue, "metadata");
        check(r#"{"requests":[{}],"metadata":[]}"#, Code::InvalidType, "metadata");
        check(r#"{"requests":[{}],"priority":1}"#, Code::UnknownParameter, "priority");
    }

    #[test]
    fn an_item_is_named_by_its_place_in_the_body() {
        let error = item_error(LineError::at(4, "provider_mismatch", "m").of("body.model"));
        assert_eq!((error.status, error.param.as_deref()), (400, Some("requests[3].params.model")));
        let error = item_error(LineError::file("feature_not_enabled", "m"));
        assert_eq!((error.status, error.param.as_deref()), (403, Some("requests")));
    }
}
