//! Lists: which page is asked for, and the envelope it comes in.

use axum::Json;
use axum::extract::FromRequestParts;
use http::Uri;
use http::request::Parts;
use portcullis_catalog::{CatalogError, Listing, Page};
use serde_json::{Map, Value, json};

use crate::error::AdminError;
use crate::fields::read::{self, invalid};
use crate::fields::{Fields, Reading};
use crate::problem::{ProblemCode, Problems, echo};

/// The largest page, in rows.
const MAX_PAGE_SIZE: u32 = portcullis_catalog::page::MAX_PAGE_SIZE;

/// A request's query, not yet read. Empty values are absent: clients send `?workspace_id=` for "none".
#[derive(Debug)]
pub(crate) struct Query(Map<String, Value>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = AdminError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, AdminError> {
        parse_query(&parts.uri).map(Self).map_err(Into::into)
    }
}

fn parse_query(uri: &Uri) -> Result<Map<String, Value>, Problems> {
    let Ok(axum::extract::Query(pairs)) = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri)
    else {
        return Err(Problems::one("query", ProblemCode::InvalidValue, "cannot be read"));
    };
    let mut given = Map::new();
    for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
        if given.contains_key(&name) {
            return Err(Problems::one(echo(&name), ProblemCode::ConflictingFields, "is given twice"));
        }
        given.insert(name, Value::String(value));
    }
    Ok(given)
}

impl Query {
    /// Lets `reader` take what it knows; the rest is unknown.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read<T>(self, reader: impl FnOnce(&mut Fields<'_>) -> T) -> Result<T, AdminError> {
        let mut problems = Problems::default();
        let mut fields = Fields::new(self.0, &mut problems);
        let value = reader(&mut fields);
        fields.finish();
        Ok(problems.settle(Some(value))?)
    }
}

/// Which page is asked for, in either spelling that clients use.
///
/// - `default_size`: rows per page when the client does not say.
pub(crate) fn page(fields: &mut Fields<'_>, default_size: u32) -> Page {
    let current_page =
        fields.optional(&["current_page", "currentPage"], |value| whole(value, 0..=u32::MAX)).unwrap_or(0);
    let page_size = fields
        .optional(&["page_size", "pageSize"], |value| whole(value, 1..=MAX_PAGE_SIZE))
        .unwrap_or(default_size);
    Page { current_page, page_size }
}

fn whole(value: Value, range: std::ops::RangeInclusive<u32>) -> Reading<u32> {
    let number = read::string(value)?.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| invalid(format!("must be a whole number from {} to {}", range.start(), range.end())))
}

/// The envelope of every list.
pub(crate) fn list<T>(listing: &Listing<T>, render: impl Fn(&T) -> Value) -> Json<Value> {
    let data: Vec<Value> = listing.data.iter().map(render).collect();
    Json(json!({ "object": "list", "total": listing.total, "data": data }))
}

/// One page of the rows that pass `keep`, for conditions that the catalog does not know. Reads all rows.
///
/// - `fetch`: yields one page of all rows, the oldest first.
///
/// # Errors
/// The catalog's.
pub(crate) async fn filtered<T, F>(
    page: Page,
    keep: impl Fn(&T) -> bool,
    fetch: impl Fn(Page) -> F,
) -> Result<Listing<T>, CatalogError>
where
    F: Future<Output = Result<Listing<T>, CatalogError>>,
{
    let mut rows = Vec::new();
    for current_page in 0.. {
        let batch = fetch(Page { current_page, ..Page::FIRST }).await?;
        let is_last = batch.data.len() < MAX_PAGE_SIZE as usize;
        rows.extend(batch.data.into_iter().filter(&keep));
        if is_last {
            break;
        }
    }
    let total = rows.len() as u64;
    let skipped = (page.current_page as usize).saturating_mul(page.page_size as usize);
    let data = rows.into_iter().skip(skipped).take(page.page_size as usize).collect();
    Ok(Listing { total, data })
}

/// The name of one row in a path. Not a slug and not an id: then there is no such row, and the database is not asked.
///
/// # Errors
/// [`AdminError::NotFound`].
pub(crate) fn row_name<'n>(raw: &'n str, what: &'static str) -> Result<&'n str, AdminError> {
    match raw.parse::<portcullis_types::Slug>() {
        Ok(_) => Ok(raw),
        Err(_) => Err(AdminError::NotFound(what)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expect: Result<(u32, u32), &str>) {
        let seen = parse_query(&format!("/v1/providers?{raw}").parse().unwrap())
            .map_err(AdminError::from)
            .and_then(|given| Query(given).read(|fields| page(fields, 50)))
            .map(|page| (page.current_page, page.page_size))
            .map_err(|error| error.to_string());
        assert_eq!(seen, expect.map_err(str::to_owned), "{raw}");
    }

    #[test]
    fn a_page_is_asked_for_in_two_spellings() {
        check("", Ok((0, 50)));
        check("current_page=2&page_size=7", Ok((2, 7)));
        check("currentPage=2&pageSize=7", Ok((2, 7)));
        check("page_size=", Ok((0, 50)));
        check(
            "current_page=1&currentPage=1",
            Err("`currentPage` is the same field as `current_page`: give one of them"),
        );
        check("page_size=1&page_size=2", Err("`page_size` is given twice"));
        check("page_size=0", Err("`page_size` must be a whole number from 1 to 1000"));
        check("page_size=x", Err("`page_size` must be a whole number from 1 to 1000"));
        check("current_page=-1", Err("`current_page` must be a whole number from 0 to 4294967295"));
        check("worksapce_id=a", Err("`worksapce_id` is not a field of this request"));
    }

    #[tokio::test]
    async fn a_filtered_list_counts_and_cuts_what_is_kept() {
        let rows: Vec<u32> = (0..2500).collect();
        let fetch = async |page: Page| {
            let from = page.current_page as usize * page.page_size as usize;
            let data = rows.iter().skip(from).take(page.page_size as usize).copied().collect();
            Ok(Listing { total: rows.len() as u64, data })
        };
        let page = Page { current_page: 1, page_size: 3 };
        let listing = filtered(page, |row: &u32| row.is_multiple_of(1000), fetch).await.unwrap();
        assert_eq!((listing.total, listing.data), (3, vec![]));
        let page = Page { current_page: 1, page_size: 2 };
        let listing = filtered(page, |row: &u32| row.is_multiple_of(1000), fetch).await.unwrap();
        assert_eq!((listing.total, listing.data), (3, vec![2000]));
    }
}
