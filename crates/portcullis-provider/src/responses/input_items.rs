//! `GET /v1/responses/{id}/input_items`: the items of a request, page by page.
//!
//! | parameter | rule |
//! |---|---|
//! | `limit` | 1 to 100, 20 if absent |
//! | `order` | `asc` or `desc`; `desc` if absent |
//! | `after` | the id of the last item of the page before |
//! | `include` | ignored: items are kept as they were sent |
//! | anything else | refused |

use serde_json::{Value, json};

use crate::chat::request::path::Path;
use crate::invalid::{InvalidCode, InvalidRequest};

/// Which page is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputItemsQuery {
    after: Option<String>,
    limit: usize,
    newest_first: bool,
}

impl Default for InputItemsQuery {
    fn default() -> Self {
        Self { after: None, limit: 20, newest_first: true }
    }
}

impl InputItemsQuery {
    /// Reads the decoded parameters of a query.
    ///
    /// # Errors
    /// One of them is unknown or has a wrong value; the error names it.
    pub fn parse<'q>(
        parameters: impl IntoIterator<Item = (&'q str, &'q str)>,
    ) -> Result<Self, InvalidRequest> {
        let mut query = Self::default();
        for (name, value) in parameters {
            let path = Path::root(name);
            let wrong = |what: &str| path.refuse(InvalidCode::InvalidValue, what);
            match name {
                "after" => query.after = Some(value.to_owned()),
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=100).contains(limit));
                    query.limit = limit.ok_or_else(|| wrong("must be an integer from 1 to 100"))?;
                }
                "order" if matches!(value, "asc" | "desc") => query.newest_first = value == "desc",
                "order" => return Err(wrong("must be \"asc\" or \"desc\"")),
                "include" | "include[]" => {}
                _ => return Err(path.unknown()),
            }
        }
        Ok(query)
    }

    /// The page as a list object.
    ///
    /// - `items`: all of them, in the order of the request.
    ///
    /// # Errors
    /// `after` names none of the items.
    pub fn page(&self, items: &[Value]) -> Result<Vec<u8>, InvalidRequest> {
        let mut ordered: Vec<&Value> = items.iter().collect();
        if self.newest_first {
            ordered.reverse();
        }
        let start = match &self.after {
            None => 0,
            Some(after) => {
                let at = ordered.iter().position(|item| id(item) == Some(after));
                let unknown = || {
                    Path::root("after").refuse(InvalidCode::InvalidValue, "names no item of this response")
                };
                at.ok_or_else(unknown)? + 1
            }
        };
        let rest = &ordered[start..];
        let page = &rest[..rest.len().min(self.limit)];
        let body = json!({
            "object": "list",
            "data": page,
            "first_id": page.first().and_then(|item| id(item)),
            "last_id": page.last().and_then(|item| id(item)),
            "has_more": rest.len() > page.len(),
        });
        Ok(body.to_string().into_bytes())
    }
}

fn id(item: &Value) -> Option<&str> {
    item.get("id").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(parameters: &[(&str, &str)]) -> Result<Value, InvalidRequest> {
        let items: Vec<Value> = (0..5).map(|n| json!({"id": format!("i{n}")})).collect();
        let page = InputItemsQuery::parse(parameters.iter().copied())?.page(&items)?;
        Ok(serde_json::from_slice(&page).unwrap())
    }

    #[test]
    fn pages_follow_each_other_without_gap() {
        let ids = |list: &Value| {
            let data = list["data"].as_array().unwrap();
            data.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let first = page(&[("limit", "2")]).unwrap();
        assert_eq!(ids(&first), ["i4", "i3"]);
        assert_eq!(
            (&first["first_id"], &first["last_id"], &first["has_more"]),
            (&json!("i4"), &json!("i3"), &json!(true))
        );
        assert_eq!(ids(&page(&[("limit", "2"), ("after", "i3")]).unwrap()), ["i2", "i1"]);
        let last = page(&[("order", "asc"), ("after", "i2")]).unwrap();
        assert_eq!((ids(&last), &last["has_more"]), (vec!["i3".to_owned(), "i4".to_owned()], &json!(false)));
        assert_eq!(page(&[("after", "i0")]).unwrap()["first_id"], Value::Null);
    }

    #[test]
    fn a_wrong_query_is_refused_by_name() {
        for wrong in [("limit", "0"), ("limit", "x"), ("order", "up"), ("after", "i9"), ("before", "i1")] {
            assert_eq!(page(&[wrong]).unwrap_err().param.as_deref(), Some(wrong.0), "{wrong:?}");
        }
    }
}
