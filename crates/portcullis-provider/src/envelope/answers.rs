//! Answers of the upstream about its objects: read for what the gateway must know, and changed in single values.

use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::splice::{self, Splice};
use crate::json;

/// The `id` of the object that an answer is, if it has one.
#[must_use]
pub fn id_of(answer: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct WithId {
        id: String,
    }
    serde_json::from_slice::<WithId>(answer).ok().map(|with| with.id)
}

/// The object with another `id`; as it is when it has none.
///
/// - `id`: needs no escapes in JSON, as the ids of models do not.
#[must_use]
pub fn with_id(object: &Bytes, id: &str) -> Bytes {
    #[derive(Deserialize)]
    struct WithId<'a> {
        #[serde(borrow)]
        id: &'a RawValue,
    }
    match serde_json::from_slice::<WithId<'_>>(object) {
        Ok(found) => {
            splice::whole(object, [Splice { span: span_of(object, found.id), by: splice::quoted(id) }])
        }
        Err(_) => object.clone(),
    }
}

/// A batch object, or a page of them, with each `results_url` pointing at a gateway's own route.
///
/// The upstream's host is not the client's to call: the results are signed for, as everything is. An answer of another
/// shape comes back as it is.
///
/// - `base`: the gateway's own address, such as `https://gateway.example.com`, without a slash at its end and without
///   characters that JSON would escape.
#[must_use]
pub fn point_results_at(answer: &Bytes, base: &str) -> Bytes {
    #[derive(Deserialize)]
    struct Batch<'a> {
        id: Option<String>,
        #[serde(borrow)]
        results_url: Option<&'a RawValue>,
        #[serde(borrow, default)]
        data: Vec<Batch<'a>>,
    }
    let Ok(top) = serde_json::from_slice::<Batch<'_>>(answer) else { return answer.clone() };
    let batches = top.data.iter().chain(std::iter::once(&top));
    let mut splices: Vec<Splice> = batches
        .filter_map(|batch| {
            let (id, url) = (batch.id.as_deref()?, batch.results_url?);
            let is_plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
            (is_plain && url.get().starts_with('"')).then(|| Splice {
                span: span_of(answer, url),
                by: splice::quoted(&format!("{base}/v1/messages/batches/{id}/results")),
            })
        })
        .collect();
    splices.sort_unstable_by_key(|splice| splice.span.start);
    splice::whole(answer, splices)
}

/// A page of the upstream's objects.
#[derive(Debug)]
pub struct Page<'a> {
    answer: &'a Bytes,
    items: Vec<&'a RawValue>,
    data: Range<usize>,
    first_id: Option<&'a RawValue>,
    last_id: Option<&'a RawValue>,
    has_more: Option<&'a RawValue>,
    next_page: Option<String>,
}

/// How the page behind one is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// By `after_id`.
    AfterId(String),
    /// By `before_id`.
    BeforeId(String),
    /// By `page`.
    Page(String),
}

/// Which way a list is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From its beginning: the usual one.
    Forwards,
    /// Towards its beginning, by `before_id`.
    Backwards,
}

impl<'a> Page<'a> {
    /// Reads a page; `None` for an answer that is none.
    #[must_use]
    pub fn read(answer: &'a Bytes) -> Option<Self> {
        #[derive(Deserialize)]
        struct Raw<'a> {
            #[serde(borrow)]
            data: &'a RawValue,
            #[serde(borrow)]
            first_id: Option<&'a RawValue>,
            #[serde(borrow)]
            last_id: Option<&'a RawValue>,
            #[serde(borrow)]
            has_more: Option<&'a RawValue>,
            #[serde(default)]
            next_page: Option<String>,
        }
        let raw: Raw<'a> = serde_json::from_slice(answer).ok()?;
        let items: Vec<&'a RawValue> = serde_json::from_str(raw.data.get()).ok()?;
        Some(Self {
            answer,
            items,
            data: span_of(answer, raw.data),
            first_id: raw.first_id,
            last_id: raw.last_id,
            has_more: raw.has_more,
            next_page: raw.next_page,
        })
    }

    /// What is on the page, each as it was written.
    pub fn items(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.items.iter().map(|item| item.get())
    }

    /// The ids of what is on the page, in its order.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.items.iter().filter_map(|item| id_of(item.get().as_bytes())).collect()
    }

    /// How the next page in this direction is asked for, if there is one.
    #[must_use]
    pub fn next(&self, direction: Direction) -> Option<Next> {
        if let Some(token) = &self.next_page {
            return Some(Next::Page(token.clone()));
        }
        let text = |id: Option<&RawValue>| id.and_then(|id| serde_json::from_str(id.get()).ok());
        match direction {
            _ if self.has_more.is_none_or(|more| more.get() != "true") => None,
            Direction::Forwards => text(self.last_id).map(Next::AfterId),
            Direction::Backwards => text(self.first_id).map(Next::BeforeId),
        }
    }

    /// The page with those items alone that `is_kept` by their text; each of them as it was.
    ///
    /// - `most`: of more than so many, those nearest to where the page was asked from are left, and `has_more` says so;
    ///   but a page whose successor has a token keeps them all, for the token names the end it has.
    #[must_use]
    pub fn keeping(&self, is_kept: impl Fn(&str) -> bool, most: usize, direction: Direction) -> Bytes {
        let mut kept: Vec<&str> =
            self.items.iter().map(|item| item.get()).filter(|item| is_kept(item)).collect();
        let is_cut = self.next_page.is_none() && self.has_more.is_some() && kept.len() > most;
        if is_cut && direction == Direction::Backwards {
            kept.drain(..kept.len() - most);
        } else if is_cut {
            kept.truncate(most);
        }
        let id = |item: Option<&&str>| match item.and_then(|item| id_of(item.as_bytes())) {
            Some(id) => Bytes::from(serde_json::Value::from(id).to_string()),
            None => Bytes::from_static(b"null"),
        };
        let replaced = [
            Some((self.data.clone(), Bytes::from(format!("[{}]", kept.join(","))))),
            self.first_id.map(|old| (span_of(self.answer, old), id(kept.first()))),
            self.last_id.map(|old| (span_of(self.answer, old), id(kept.last()))),
            self.has_more
                .filter(|_| is_cut)
                .map(|old| (span_of(self.answer, old), Bytes::from_static(b"true"))),
        ];
        let mut splices: Vec<Splice> =
            replaced.into_iter().flatten().map(|(span, by)| Splice { span, by }).collect();
        splices.sort_unstable_by_key(|splice| splice.span.start);
        splice::whole(self.answer, splices)
    }
}

fn span_of(answer: &[u8], value: &RawValue) -> Range<usize> {
    let start = json::offset_in(answer, value.get().as_bytes());
    start..start + value.get().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointed(answer: &'static str) -> String {
        let pointed = point_results_at(&Bytes::from_static(answer.as_bytes()), "https://gw.example.com");
        String::from_utf8(pointed.to_vec()).unwrap()
    }

    #[test]
    fn results_are_fetched_from_the_gateway() {
        let ours = "https://gw.example.com/v1/messages/batches/msgbatch_1/results";
        let theirs = "https:\\/\\/api.anthropic.com/v1/messages/batches/msgbatch_1/results";
        let one = format!(r#"{{ "results_url" : "{theirs}", "id":"msgbatch_1","x":[1e5]}}"#);
        assert_eq!(pointed(one.clone().leak()), one.replace(theirs, ours));
        let page = format!(r#"{{"data":[{one},{{"id":"b","results_url":null}}],"has_more":false}}"#);
        assert_eq!(pointed(page.clone().leak()), page.replace(theirs, ours));
    }

    #[test]
    fn an_answer_of_another_shape_stays() {
        for answer in
            ["", "[]", "{", r#"{"results_url":"x"}"#, r#"{"id":"a\"b","results_url":"x"}"#, r#"{"data":5}"#]
        {
            assert_eq!(pointed(answer), answer);
        }
    }

    #[test]
    fn a_page_keeps_what_is_kept_and_its_other_bytes() {
        let answer = Bytes::from_static(
            br#"{"last_id":"c", "data": [ {"id":"a"}, {"id":"b","n":1.0},{"id":"c"}],"has_more":true,"first_id":"a","x":1}"#,
        );
        let page = Page::read(&answer).unwrap();
        assert_eq!(page.ids(), ["a", "b", "c"]);
        assert_eq!(page.next(Direction::Forwards), Some(Next::AfterId("c".into())));
        assert_eq!(page.next(Direction::Backwards), Some(Next::BeforeId("a".into())));
        let kept = page.keeping(|item| item.contains("\"b\""), 5, Direction::Forwards);
        assert_eq!(
            kept,
            r#"{"last_id":"b", "data": [{"id":"b","n":1.0}],"has_more":true,"first_id":"b","x":1}"#
        );
        let none = page.keeping(|_| false, 5, Direction::Forwards);
        assert!(none.starts_with(br#"{"last_id":null, "data": [],"#), "{none:?}");
    }

    #[test]
    fn a_page_that_is_longer_than_asked_for_is_cut_on_its_far_side() {
        let text =
            r#"{"data":[{"id":"a"},{"id":"b"},{"id":"c"}],"has_more":false,"first_id":"a","last_id":"c"}"#;
        let answer = Bytes::from(text);
        let cut = |most, direction| Page::read(&answer).unwrap().keeping(|_| true, most, direction);
        assert_eq!(
            cut(2, Direction::Forwards),
            r#"{"data":[{"id":"a"},{"id":"b"}],"has_more":true,"first_id":"a","last_id":"b"}"#
        );
        assert_eq!(
            cut(2, Direction::Backwards),
            r#"{"data":[{"id":"b"},{"id":"c"}],"has_more":true,"first_id":"b","last_id":"c"}"#
        );
        let whole = cut(3, Direction::Forwards);
        assert!(whole.ends_with(br#""has_more":false,"first_id":"a","last_id":"c"}"#), "{whole:?}");
        let by_token = Bytes::from(r#"{"data":[{"id":"a"},{"id":"b"}],"next_page":"t"}"#);
        let page = Page::read(&by_token).unwrap();
        assert!(
            page.keeping(|_| true, 1, Direction::Forwards).starts_with(br#"{"data":[{"id":"a"},{"id":"b"}]"#)
        );
    }

    #[test]
    fn a_page_may_know_its_successor_by_a_token() {
        let answer = Bytes::from_static(br#"{"data":[],"next_page":"tok"}"#);
        assert_eq!(Page::read(&answer).unwrap().next(Direction::Backwards), Some(Next::Page("tok".into())));
        let last = Bytes::from_static(br#"{"data":[],"next_page":null}"#);
        assert_eq!(Page::read(&last).unwrap().next(Direction::Forwards), None);
        assert!(Page::read(&Bytes::from_static(b"{}")).is_none());
    }

    #[test]
    fn an_id_is_read() {
        assert_eq!(id_of(br#"{"x":{"id":"no"},"id":"file_1"}"#).as_deref(), Some("file_1"));
        assert_eq!(id_of(b"{}"), None);
    }
}
