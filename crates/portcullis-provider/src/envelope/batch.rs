//! Where the models stand in a batch of Messages requests, so that each of these values can change and nothing else.
//!
//! A batch may have 256 MB and 100,000 items: it is read once from its beginning to its end, and only the models are kept.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use portcullis_types::ModelId;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::splice::{self, Splice};
use super::{invalid_json, once, wrong_type};
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::{self, Json, lenient};

/// What the gateway must know about the body of `POST /v1/messages/batches`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchEnvelope {
    /// The model of each item, in the items' order.
    pub models: Vec<BatchModel>,
}

/// The model of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchModel {
    /// The model, unescaped.
    pub model: String,
    span: Range<usize>,
}

impl BatchEnvelope {
    /// Reads the whole body once, and copies nothing but the models.
    ///
    /// # Errors
    /// The body is not JSON of a batch's shape, or an item has no model, or one that is no string, or has it twice. The
    /// refusal names the item by its place: `requests[3].params.model`.
    pub fn scan(body: &[u8]) -> Result<Self, InvalidRequest> {
        let text = std::str::from_utf8(body)
            .map_err(|error| invalid_json(format_args!("not UTF-8 at index {}", error.valid_up_to())))?;
        let found: Body<'_> = serde_json::from_str(text).map_err(|error| match error.classify() {
            Category::Data => InvalidRequest::at(
                InvalidCode::InvalidType,
                "requests",
                format!("the body must be an object with an array `requests` of objects: {error}"),
            ),
            _ => invalid_json(error),
        })?;
        let items = once("requests", found.requests)?.ok_or_else(|| missing("requests".to_owned()))?;
        let models = items.into_iter().enumerate().map(|(n, item)| item.model(n, body));
        Ok(Self { models: models.collect::<Result<_, _>>()? })
    }

    /// The body with each item's model replaced, in parts that share `body`.
    ///
    /// - `body`: the bytes that were scanned.
    /// - `models`: one for each item, in their order.
    ///
    /// # Panics
    /// If `body` is shorter than the one that was scanned.
    pub fn splice_models(&self, body: &Bytes, models: &[ModelId]) -> Vec<Bytes> {
        let pairs = self.models.iter().zip(models).filter(|(old, new)| old.model != new.as_str());
        // A model id needs no escapes, by its own rules.
        let by = |(old, new): (&BatchModel, &ModelId)| Splice {
            span: old.span.clone(),
            by: splice::quoted(new.as_str()),
        };
        splice::parts(body, pairs.map(by))
    }
}

/// The place of an item's model, as errors name it.
#[must_use]
pub fn model_path(item: usize) -> String {
    format!("requests[{item}].params.model")
}

/// The body's members that matter, as often as they stand there.
#[derive(Default)]
struct Body<'a> {
    requests: Vec<Vec<Item<'a>>>,
}

#[derive(Default)]
struct Item<'a> {
    params: Vec<Params<'a>>,
}

#[derive(Default)]
struct Params<'a> {
    model: Vec<&'a RawValue>,
}

impl<'a> Item<'a> {
    fn model(self, n: usize, body: &[u8]) -> Result<BatchModel, InvalidRequest> {
        let path = model_path(n);
        let params = once(&format!("requests[{n}].params"), self.params)?;
        let raw: Option<&'a RawValue> = params.map(|params| once(&path, params.model)).transpose()?.flatten();
        let raw = raw.ok_or_else(|| missing(path.clone()))?;
        let model = match json::parse_str(raw.get()).map_err(invalid_json)? {
            Json::String(model) => model.decode().into_owned(),
            other => return Err(wrong_type(&path, "a string", &other)),
        };
        let start = json::offset_in(body, raw.get().as_bytes());
        Ok(BatchModel { model, span: start..start + raw.get().len() })
    }
}

fn missing(path: String) -> InvalidRequest {
    let message = format!("`{path}` is missing");
    InvalidRequest::at(InvalidCode::MissingRequiredParameter, path, message)
}

/// Reads an object of which one member matters, into a place for each time it stands there.
macro_rules! one_member {
    ($type:ident, $field:ident, $name:literal, $value:ty) => {
        impl<'de> Deserialize<'de> for $type<'de> {
            fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
                struct Members;
                impl<'de> Visitor<'de> for Members {
                    type Value = $type<'de>;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<$type<'de>, A::Error> {
                        let mut found = $type::default();
                        while let Some(key) = members.next_key::<&RawValue>()? {
                            match lenient::unescape(key.get()).as_str() {
                                $name => found.$field.push(members.next_value::<$value>()?.into()),
                                _ => drop(members.next_value::<IgnoredAny>()?),
                            }
                        }
                        Ok(found)
                    }
                }
                value.deserialize_map(Members)
            }
        }
    };
}

one_member!(Body, requests, "requests", Items<'de>);
one_member!(Item, params, "params", Params<'de>);
one_member!(Params, model, "model", &RawValue);

/// The items, of which a batch has at most 100,000: a longer list is refused before it fills the memory.
struct Items<'a>(Vec<Item<'a>>);

const MOST_ITEMS: usize = 100_000;

impl<'a> From<Items<'a>> for Vec<Item<'a>> {
    fn from(Items(items): Items<'a>) -> Self {
        items
    }
}

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        struct Elements;
        impl<'de> Visitor<'de> for Elements {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Items<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = elements.next_element()? {
                    if items.len() == MOST_ITEMS {
                        return Err(A::Error::custom("more than 100000 items"));
                    }
                    items.push(item);
                }
                Ok(Items(items))
            }
        }
        value.deserialize_seq(Elements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models(body: &str) -> Result<Vec<String>, (InvalidCode, Option<String>)> {
        let envelope = BatchEnvelope::scan(body.as_bytes());
        let names = |found: BatchEnvelope| found.models.into_iter().map(|model| model.model).collect();
        envelope.map(names).map_err(|invalid| (invalid.code, invalid.param))
    }

    #[test]
    fn each_items_model_is_found_wherever_it_stands() {
        let body = r#"{"x":{"requests":1},"requests":[{"params":{"model":"a"},"custom_id":"1"},
            {"custom_id":"2","params":{"messages":[{"model":"no"}],"mod\u0065l":"@s\/b"}}]}"#;
        assert_eq!(models(body).unwrap(), ["a", "@s/b"]);
        assert_eq!(models(r#"{"requests":[]}"#).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        use InvalidCode as C;
        let check = |body: &str, code, path: &str| {
            let path = (!path.is_empty()).then(|| path.to_owned());
            assert_eq!(models(body), Err((code, path)), "{body}");
        };
        check("{", C::InvalidJson, "");
        check(r#"{"requests":[{}],}"#, C::InvalidJson, "");
        check("[]", C::InvalidType, "requests");
        check("{}", C::MissingRequiredParameter, "requests");
        check(r#"{"requests":{}}"#, C::InvalidType, "requests");
        check(r#"{"requests":[7]}"#, C::InvalidType, "requests");
        check(r#"{"requests":[{"params":[]}]}"#, C::InvalidType, "requests");
        check(r#"{"requests":[{}]}"#, C::MissingRequiredParameter, "requests[0].params.model");
        check(
            r#"{"requests":[{"params":{"model":"m"}},{"params":{"model":null}}]}"#,
            C::InvalidType,
            "requests[1].params.model",
        );
        check(
            r#"{"requests":[{"params":{"model":"m","model":"m"}}]}"#,
            C::DuplicateParameter,
            "requests[0].params.model",
        );
        check(
            r#"{"requests":[{"params":{"model":"m"},"params":{}}]}"#,
            C::DuplicateParameter,
            "requests[0].params",
        );
        check(r#"{"requests":[],"requests":[]}"#, C::DuplicateParameter, "requests");
        let many = format!(r#"{{"requests":[{}{{}}]}}"#, "{},".repeat(MOST_ITEMS));
        check(&many, C::InvalidType, "requests");
    }

    #[test]
    fn nothing_but_the_models_changes() {
        let body = "{ \"requests\":[ {\"params\": {\"model\" : \"@s/a\",\"n\":1e400}},{\"params\":{\"model\":\"b\"}} , {\"params\":{\"x\":\"\u{e9}\",\"model\":\"@s/c\"}}]\n}";
        let bytes = Bytes::from(body);
        let models: Vec<ModelId> = ["a", "b", "c"].iter().map(|id| id.parse().unwrap()).collect();
        let spliced = BatchEnvelope::scan(&bytes).unwrap().splice_models(&bytes, &models).concat();
        assert_eq!(spliced, body.replace("@s/", "").as_bytes());
    }

    #[test]
    fn depth_is_the_upstreams_to_judge_and_costs_no_stack() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let body = format!(r#"{{"requests":[{{"params":{{"messages":{deep},"model":"m"}}}}]}}"#);
        assert_eq!(models(&body).unwrap(), ["m"]);
    }
}
