//! A list with what its tenant made alone, where several tenants share one workspace of the upstream.
//!
//! The only answers whose bytes change: what is another tenant's is taken out, and `first_id` and `last_id` name what is
//! left. Pages may be shorter than asked for. One that would be empty is skipped as long as another one follows, so that
//! a client that stops at an empty page has seen everything.
//!
//! What is skipped is asked for in the largest pages there are: each is a call of the upstream, which its other tenants
//! have to share. Such a page is cut to what the client asked for where it is paged by ids; a token names its end, so that
//! one paged by tokens has all it holds of the tenant's.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use portcullis_catalog::UpstreamObjectKind;
use portcullis_provider::envelope::answers::{Direction, Next, Page, id_of};

use super::send::{Answered, ask};
use super::tenancy;
use crate::arrival::Arrival;
use crate::error::GatewayError;
use crate::gateway::Parts;
use crate::way::{Admitted, Payload};

/// Pages without anything of the tenant's that are looked through for one request.
const MOST_PAGES: usize = 10;
/// The pages asked for while nothing of the tenant's is found, in items. Source: Claude API reference, the lists' `limit`;
/// for skills and user profiles none is written down, and 100 is what every list there takes.
const fn largest_page(kind: UpstreamObjectKind) -> usize {
    match kind {
        UpstreamObjectKind::Batch | UpstreamObjectKind::File => 1000,
        UpstreamObjectKind::Container | UpstreamObjectKind::Skill | UpstreamObjectKind::UserProfile => 100,
    }
}
/// How many items a page has whose `limit` is not given. Source: as above.
const USUAL_PAGE: usize = 20;

/// Asks for pages until there is one with something of the tenant's on it.
pub(super) async fn ask_for_own(
    gateway: &Parts,
    arrival: &Arrival,
    admitted: &Admitted,
    payload: &Payload,
    kind: UpstreamObjectKind,
) -> Result<Answered, GatewayError> {
    let mut query = payload.query.clone().unwrap_or_default();
    let wanted = limit_of(&query);
    for _ in 0..MOST_PAGES {
        let answered = ask(gateway, arrival, admitted, &payload.asking(query.clone())).await?;
        let Answered::Whole(head, answer) = answered else { return Ok(answered) };
        // What cannot be read cannot be narrowed, and must not be shown.
        let page = Page::read(&answer).ok_or(GatewayError::NotAsAsked)?;
        let own = tenancy::own(gateway, admitted, kind, &page.ids()).await?;
        let is_own = |item: &str| {
            id_of(item.as_bytes()).is_some_and(|id| own.contains(&id) || !tenancy::has_maker(kind, &id))
        };
        let direction = direction(&query);
        match page.next(direction) {
            Some(next) if !page.items().any(is_own) => {
                query = with(&following(&query, &next), "limit", &largest_page(kind).to_string());
            }
            _ => return Ok(Answered::Whole(head, page.keeping(is_own, wanted, direction))),
        }
    }
    Err(GatewayError::TooManyForeignPages { limit: MOST_PAGES })
}

fn direction(query: &str) -> Direction {
    let is_backwards = names(query).any(|name| name == "before_id");
    if is_backwards { Direction::Backwards } else { Direction::Forwards }
}

fn names(query: &str) -> impl Iterator<Item = String> {
    let pairs = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    pairs.map(|name| percent_decode_str(name).decode_utf8_lossy().into_owned())
}

/// The query of the page behind.
fn following(query: &str, next: &Next) -> String {
    let (name, value) = match next {
        Next::AfterId(id) => ("after_id", id),
        Next::BeforeId(id) => ("before_id", id),
        Next::Page(token) => ("page", token),
    };
    with(query, name, value)
}

/// The query with this value alone for a parameter.
fn with(query: &str, name: &str, value: &str) -> String {
    let others = query.split('&').zip(names(query)).filter(|(pair, other)| !pair.is_empty() && other != name);
    let mut pairs: Vec<String> = others.map(|(pair, _)| pair.to_owned()).collect();
    pairs.push(format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    pairs.join("&")
}

/// How many items the client wants on a page. What is no number the upstream refuses.
fn limit_of(query: &str) -> usize {
    let pairs = query.split('&').zip(names(query)).filter(|(_, name)| name == "limit");
    let limits = pairs.filter_map(|(pair, _)| pair.split_once('=')?.1.parse().ok());
    limits.last().unwrap_or(USUAL_PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_behind_is_asked_for_as_the_first_was() {
        let check = |query, next, expect: &str| assert_eq!(following(query, &next), expect);
        check("limit=2", Next::AfterId("a_1".into()), "limit=2&after_id=a%5F1");
        check("", Next::Page("t=".into()), "page=t%3D");
        check("p%61ge=x&limit=2", Next::Page("y".into()), "limit=2&page=y");
        check("before_id=z&beta=true", Next::BeforeId("y".into()), "beta=true&before_id=y");
        assert_eq!(with("limit=2&page=y", "limit", "1000"), "page=y&limit=1000");
        assert_eq!((limit_of("a=1&limit=7"), limit_of("limit=x"), limit_of("")), (7, USUAL_PAGE, USUAL_PAGE));
        assert_eq!(direction("limit=1&before%5Fid=a"), Direction::Backwards);
        assert_eq!(direction("limit=1&after_id=before_id"), Direction::Forwards);
    }
}
