//! The query of a request, and the pages of lists.
//!
//! Two kinds of list: by cursor (`after_id`, `before_id`), and by token (`page`, `next_page`).

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::error::PlatformError;
use crate::server::Arrival;

const DEFAULT_LIMIT: usize = 20;
const HIGHEST_LIMIT: usize = 1000;
const TOKEN_PREFIX: &str = "page_";

/// Names and values, decoded, in order of arrival.
#[derive(Clone, Debug)]
pub(super) struct Query(Vec<(String, String)>);

/// What stands in a list.
pub(super) trait Listed {
    fn id(&self) -> &str;
    /// Counts up with each thing made, so that a page goes on where the last ended, whatever came or went meanwhile.
    fn sequence(&self) -> u64;
    fn to_json(&self) -> Value;
}

impl Query {
    /// Reads it; a name that is not `known` is refused. `beta` is always known.
    pub(super) fn of(arrival: &Arrival, known: &[&str]) -> Result<Self, PlatformError> {
        let text = arrival.query.as_deref().unwrap_or_default();
        let pairs: Vec<(String, String)> = text
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(name), decode(value))
            })
            .collect();
        match pairs.iter().find(|(name, _)| name != "beta" && !known.contains(&name.as_str())) {
            Some((name, _)) => Err(PlatformError::invalid(format!("{name}: Extra inputs are not permitted"))),
            None => Ok(Self(pairs)),
        }
    }

    /// The value of a parameter that may come once.
    pub(super) fn one<'a>(&'a self, name: &str) -> Result<Option<&'a str>, PlatformError> {
        let mut values = self.many(name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(PlatformError::invalid(format!("{name}: Input should be given once"))),
            (value, None) => Ok(value),
        }
    }

    /// The values of a parameter that may come several times.
    pub(super) fn many<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.0.iter().filter(move |(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }

    fn limit(&self) -> Result<usize, PlatformError> {
        let Some(text) = self.one("limit")? else { return Ok(DEFAULT_LIMIT) };
        let limit: usize =
            text.parse().map_err(|_| PlatformError::invalid("limit: Input should be a valid integer"))?;
        match limit {
            0 => Err(PlatformError::invalid("limit: Input should be greater than or equal to 1")),
            1..=HIGHEST_LIMIT => Ok(limit),
            _ => Err(PlatformError::invalid(format!(
                "limit: Input should be less than or equal to {HIGHEST_LIMIT}"
            ))),
        }
    }

    /// A page by cursor; `items` are in the order of the list.
    pub(super) fn cursor_page<T: Listed>(&self, items: &[&T]) -> Result<Value, PlatformError> {
        let limit = self.limit()?;
        let place = |name: &str, id: &str| {
            let found = items.iter().position(|item| item.id() == id);
            found.ok_or_else(|| PlatformError::invalid(format!("{name}: `{id}` is not in this list")))
        };
        let (shown, has_more) = match (self.one("after_id")?, self.one("before_id")?) {
            (Some(_), Some(_)) => {
                return Err(PlatformError::invalid("Only one of `after_id` and `before_id` may be given"));
            }
            (Some(id), None) => front(&items[place("after_id", id)? + 1..], limit),
            (None, Some(id)) => back(&items[..place("before_id", id)?], limit),
            (None, None) => front(items, limit),
        };
        let data: Vec<Value> = shown.iter().map(|item| item.to_json()).collect();
        let id = |item: Option<&&T>| item.map(|item| item.id().to_owned());
        Ok(
            json!({"data": data, "has_more": has_more, "first_id": id(shown.first()), "last_id": id(shown.last())}),
        )
    }

    /// A page by token; `items` are in the order of the list, which is that of their making or the reverse.
    pub(super) fn token_page<T: Listed>(&self, items: &[&T]) -> Result<Value, PlatformError> {
        let limit = self.limit()?;
        let reached = match self.one("page")? {
            None => None,
            Some(token) => {
                let read = read_token(token);
                Some(read.ok_or_else(|| PlatformError::invalid("page: Invalid page token"))?)
            }
        };
        let ascends = items.first().map(|item| item.sequence()) < items.last().map(|item| item.sequence());
        let comes_after =
            |item: &T| {
                reached.is_none_or(|reached| {
                    if ascends { item.sequence() > reached } else { item.sequence() < reached }
                })
            };
        let rest: Vec<&T> = items.iter().copied().filter(|item| comes_after(item)).collect();
        let (shown, has_more) = front(&rest, limit);
        let data: Vec<Value> = shown.iter().map(|item| item.to_json()).collect();
        let next = shown.last().filter(|_| has_more).map(|item| token_after(item.sequence()));
        Ok(json!({"data": data, "next_page": next}))
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

fn front<T>(items: &[T], limit: usize) -> (&[T], bool) {
    (&items[..limit.min(items.len())], items.len() > limit)
}

fn back<T>(items: &[T], limit: usize) -> (&[T], bool) {
    (&items[items.len().saturating_sub(limit)..], items.len() > limit)
}

/// Opaque to clients, as the real ones are.
fn token_after(sequence: u64) -> String {
    format!("{TOKEN_PREFIX}{}", hex::encode(sequence.to_be_bytes()))
}

fn read_token(token: &str) -> Option<u64> {
    let bytes = hex::decode(token.strip_prefix(TOKEN_PREFIX)?).ok()?;
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Item(u64, String);

    impl Listed for Item {
        fn id(&self) -> &str {
            &self.1
        }

        fn sequence(&self) -> u64 {
            self.0
        }

        fn to_json(&self) -> Value {
            json!(self.1)
        }
    }

    fn query(pairs: &[(&str, &str)]) -> Query {
        Query(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn items() -> Vec<Item> {
        (1..=5).rev().map(|number| Item(number, format!("i{number}"))).collect()
    }

    #[test]
    fn a_list_by_cursor_goes_both_ways() {
        let items = items();
        let items: Vec<&Item> = items.iter().collect();
        let check = |pairs: &[(&str, &str)], data: Value, has_more: bool| {
            let page = query(pairs).cursor_page(&items).unwrap();
            assert_eq!((&page["data"], page["has_more"].as_bool()), (&data, Some(has_more)), "{pairs:?}");
        };
        check(&[], json!(["i5", "i4", "i3", "i2", "i1"]), false);
        check(&[("limit", "2")], json!(["i5", "i4"]), true);
        check(&[("limit", "2"), ("after_id", "i4")], json!(["i3", "i2"]), true);
        check(&[("after_id", "i2")], json!(["i1"]), false);
        check(&[("limit", "2"), ("before_id", "i2")], json!(["i4", "i3"]), true);
        check(&[("before_id", "i5")], json!([]), false);
        for wrong in [[("limit", "0")], [("limit", "1001")], [("limit", "x")], [("after_id", "i9")]] {
            assert_eq!(query(&wrong).cursor_page(&items).unwrap_err().status, 400, "{wrong:?}");
        }
        let both = query(&[("after_id", "i2"), ("before_id", "i1")]);
        assert!(both.cursor_page(&items).is_err());
    }

    #[test]
    fn a_list_by_token_goes_on_where_it_ended() {
        let items = items();
        let mut items: Vec<&Item> = items.iter().collect();
        let first = query(&[("limit", "2")]).token_page(&items).unwrap();
        assert_eq!(first["data"], json!(["i5", "i4"]));
        // The last of the first page is deleted before the second is asked for.
        items.retain(|item| item.id() != "i4");
        let token = first["next_page"].as_str().unwrap();
        let second = query(&[("limit", "3"), ("page", token)]).token_page(&items).unwrap();
        assert_eq!((&second["data"], &second["next_page"]), (&json!(["i3", "i2", "i1"]), &Value::Null));
        assert!(query(&[("page", "page_x")]).token_page(&items).is_err());
        items.reverse();
        let oldest = query(&[("limit", "2")]).token_page(&items).unwrap();
        let token = oldest["next_page"].as_str().unwrap();
        assert_eq!(query(&[("page", token)]).token_page(&items).unwrap()["data"], json!(["i3", "i5"]));
    }
}
