//! The query of a list: `after`, `limit`, `order`, `purpose`.

use std::str::FromStr;

use portcullis_catalog::ListOrder;
use portcullis_provider::{InvalidCode, InvalidRequest};
use reqwest::Url;

use crate::error::GatewayError;
use crate::inbound::check_query;

/// The parameters of a list, decoded.
#[derive(Debug, Default)]
pub(super) struct ListQuery(Vec<(String, String)>);

impl ListQuery {
    /// Reads a query that may have these parameters, each once.
    pub(super) fn read(query: Option<&str>, known: &[&str]) -> Result<Self, GatewayError> {
        check_query(query, known)?;
        let mut url = Url::parse("http://gateway/").expect("a constant");
        url.set_query(query);
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let is_repeated = |name: &str| pairs.iter().filter(|(other, _)| other == name).count() > 1;
        if let Some(name) = known.iter().find(|name| is_repeated(name)) {
            let message = format!("`{name}` stands in the query more than once");
            return Err(InvalidRequest::at(InvalidCode::DuplicateParameter, *name, message).into());
        }
        Ok(Self(pairs))
    }

    /// A parameter that is given and not empty.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A parameter that is an id of ours, or one of a few words.
    ///
    /// - `is`: reads after "must be", such as "a file's id".
    pub(super) fn parsed<T: FromStr>(&self, name: &str, is: &str) -> Result<Option<T>, GatewayError> {
        let Some(text) = self.given(name) else { return Ok(None) };
        let message = || format!("`{name}` must be {is}");
        let invalid = |_| InvalidRequest::at(InvalidCode::InvalidValue, name, message()).into();
        text.parse().map(Some).map_err(invalid)
    }

    /// How many at most, from 1 to `most`.
    pub(super) fn limit(&self, default: u32, most: u32) -> Result<u32, GatewayError> {
        let range = format!("a number from 1 to {most}");
        match self.parsed::<u32>("limit", &range)? {
            None => Ok(default),
            Some(limit) if (1..=most).contains(&limit) => Ok(limit),
            Some(_) => {
                let message = format!("`limit` must be {range}");
                Err(InvalidRequest::at(InvalidCode::InvalidValue, "limit", message).into())
            }
        }
    }

    /// `asc` or `desc`, by the time of making; `desc` when nothing is said.
    pub(super) fn order(&self) -> Result<ListOrder, GatewayError> {
        match self.given("order") {
            Some("asc") => Ok(ListOrder::Oldest),
            None | Some("desc") => Ok(ListOrder::Newest),
            Some(_) => {
                let message = "`order` must be `asc` or `desc`";
                Err(InvalidRequest::at(InvalidCode::InvalidValue, "order", message).into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["after", "limit", "order"];

    fn param(query: &str, read: impl Fn(&ListQuery) -> Result<(), GatewayError>) -> Option<String> {
        let result = ListQuery::read(Some(query), KNOWN).and_then(|list| read(&list));
        result.err().and_then(|error| error.to_client().param)
    }

    #[test]
    fn what_is_given_is_read_and_the_rest_has_its_default() {
        let list = ListQuery::read(Some("limit=7&order=asc&after=file%2D1"), KNOWN).unwrap();
        assert_eq!((list.limit(20, 100).unwrap(), list.given("after")), (7, Some("file-1")));
        assert!(matches!(list.order().unwrap(), ListOrder::Oldest));
        let none = ListQuery::read(None, KNOWN).unwrap();
        assert_eq!((none.limit(20, 100).unwrap(), none.given("after")), (20, None));
        assert!(matches!(none.order().unwrap(), ListOrder::Newest));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for limit in ["0", "101", "-1", "many"] {
            let named = param(&format!("limit={limit}"), |list| list.limit(20, 100).map(drop));
            assert_eq!(named.as_deref(), Some("limit"), "{limit}");
        }
        assert_eq!(param("order=up", |list| list.order().map(drop)).as_deref(), Some("order"));
        assert_eq!(param("limit=1&limit=2", |_| Ok(())).as_deref(), Some("limit"));
        assert_eq!(param("key=1", |_| Ok(())).as_deref(), Some("key"));
    }
}
