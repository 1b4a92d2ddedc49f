//! A list with what its tenant made alone, where several tenants share one workspace of the upstream.
//!
//! The only answers whose bytes change: what is another tenant's is taken out, and `first_id` and `last_id` name what is
//! left. Pages may be shorter than asked for. One that would be empty is skipped as long as another one follows, so that
//! a client that stops at an empty page has seen everything.

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
const MOST_PAGES: usize = 100;

/// Asks for pages until there is one with something of the tenant's on it.
pub(super) async fn ask_for_own(
    gateway: &Parts,
    arrival: &Arrival,
    admitted: &Admitted,
    payload: &Payload,
    kind: UpstreamObjectKind,
) -> Result<Answered, GatewayError> {
    let mut query = payload.query.clone().unwrap_or_default();
    for _ in 0..MOST_PAGES {
        let answered = ask(gateway, arrival, admitted, &payload.asking(query.clone())).await?;
        let Answered::Whole(head, answer) = answered else { return Ok(answered) };
        // What cannot be read cannot be narrowed, and must not be shown.
        let page = Page::read(&answer).ok_or(GatewayError::NotAsAsked)?;
        let own = tenancy::own(gateway, admitted, kind, &page.ids()).await?;
        let is_own = |item: &str| {
            id_of(item.as_bytes()).is_some_and(|id| own.contains(&id) || !tenancy::has_maker(kind, &id))
        };
        let next = page.next(direction(&query));
        match next {
            Some(next) if !page.items().any(is_own) => query = following(&query, &next),
            _ => return Ok(Answered::Whole(head, page.keeping(is_own))),
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
    let others = query.split('&').zip(names(query)).filter(|(pair, other)| !pair.is_empty() && other != name);
    let mut pairs: Vec<String> = others.map(|(pair, _)| pair.to_owned()).collect();
    pairs.push(format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    pairs.join("&")
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
        assert_eq!(direction("limit=1&before%5Fid=a"), Direction::Backwards);
        assert_eq!(direction("limit=1&after_id=before_id"), Direction::Forwards);
    }
}
