//! Token counts of one answer.

use serde_json::{Map, Value};

/// The one member of [`Usage::native`] for an answer that took several calls.
const SEGMENTS: &str = "segments";

/// What the upstream counted, as far as it has said so.
///
/// The numbers are those of the usage object's top level. With server-side compaction or fallback they leave out some
/// of the `iterations` that are billed: those stand in [`Usage::native`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// Prompt tokens neither read from nor written to the cache.
    pub input_tokens: u64,
    /// Answer tokens, thinking included.
    pub output_tokens: u64,
    /// Prompt tokens written to the cache, whatever their lifetime.
    pub cache_creation_input_tokens: u64,
    /// Prompt tokens read from the cache.
    pub cache_read_input_tokens: u64,
    /// Of the tokens written, those that live for five minutes; none if the upstream does not tell them apart.
    pub cache_creation_5m: Option<u64>,
    /// Of the tokens written, those that live for an hour.
    pub cache_creation_1h: Option<u64>,
    /// Of the answer tokens, those of the thinking; none if the upstream does not say. Never estimated.
    pub thinking_tokens: Option<u64>,
    /// Searches the upstream ran.
    pub web_search_requests: Option<u64>,
    /// `standard`, `priority` or `batch`.
    pub service_tier: Option<String>,
    /// The upstream's own object, everything merged so far.
    pub native: Map<String, Value>,
}

impl Usage {
    /// The counts of a whole message's `usage`; an absent or odd one counts as nothing.
    pub fn from_value(usage: Option<&Value>) -> Self {
        let mut merged = Self::default();
        merged.merge(usage);
        merged
    }

    /// What the parts of an answer used together: their upstream calls, in order. [`Usage::native`] is then
    /// `{"segments": [the usage of each call]}`, and [`Usage::from_value`] reads that form as well.
    pub(crate) fn of_segments(segments: Vec<Map<String, Value>>) -> Self {
        let segments = segments.into_iter().map(Value::Object).collect();
        let native = Map::from_iter([(SEGMENTS.to_owned(), Value::Array(segments))]);
        Self::from_value(Some(&Value::Object(native)))
    }

    /// Adds the counts of a later call, apart from the upstream's own object.
    fn add(&mut self, later: &Self) {
        let add = |into: &mut u64, more: u64| *into = into.saturating_add(more);
        add(&mut self.input_tokens, later.input_tokens);
        add(&mut self.output_tokens, later.output_tokens);
        add(&mut self.cache_creation_input_tokens, later.cache_creation_input_tokens);
        add(&mut self.cache_read_input_tokens, later.cache_read_input_tokens);
        let maybe = |into: &mut Option<u64>, more: Option<u64>| {
            *into = into.map_or(more, |sum| Some(sum.saturating_add(more.unwrap_or(0))));
        };
        maybe(&mut self.cache_creation_5m, later.cache_creation_5m);
        maybe(&mut self.cache_creation_1h, later.cache_creation_1h);
        maybe(&mut self.thinking_tokens, later.thinking_tokens);
        maybe(&mut self.web_search_requests, later.web_search_requests);
        if later.service_tier.is_some() {
            self.service_tier.clone_from(&later.service_tier);
        }
    }

    /// Takes over what a later event says. Counts are cumulative: a field that is there and not null replaces the
    /// earlier one, zero included; a field that is absent or null leaves it.
    pub fn merge(&mut self, later: Option<&Value>) {
        let Some(Value::Object(later)) = later else { return };
        for (key, value) in later {
            if !value.is_null() || !self.native.contains_key(key) {
                self.native.insert(key.clone(), value.clone());
            }
        }
        self.read_native();
    }

    fn read_native(&mut self) {
        if let Some(Value::Array(segments)) = self.native.get(SEGMENTS) {
            let mut sum = Self::default();
            segments.iter().for_each(|segment| sum.add(&Self::from_value(Some(segment))));
            *self = Self { native: std::mem::take(&mut self.native), ..sum };
            return;
        }
        let count = |value: Option<&Value>| value.and_then(Value::as_u64);
        let top = |key: &str| count(self.native.get(key));
        let inner = |outer: &str, key: &str| count(self.native.get(outer).and_then(|o| o.get(key)));
        let tier = self.native.get("service_tier").and_then(Value::as_str).map(str::to_owned);
        *self = Self {
            input_tokens: top("input_tokens").unwrap_or(0),
            output_tokens: top("output_tokens").unwrap_or(0),
            cache_creation_input_tokens: top("cache_creation_input_tokens").unwrap_or(0),
            cache_read_input_tokens: top("cache_read_input_tokens").unwrap_or(0),
            cache_creation_5m: inner("cache_creation", "ephemeral_5m_input_tokens"),
            cache_creation_1h: inner("cache_creation", "ephemeral_1h_input_tokens"),
            thinking_tokens: inner("output_tokens_details", "thinking_tokens"),
            web_search_requests: inner("server_tool_use", "web_search_requests"),
            service_tier: tier,
            native: std::mem::take(&mut self.native),
        };
    }

    /// All prompt tokens: fresh, written to the cache and read from it.
    pub fn prompt_tokens(&self) -> u64 {
        self.input_tokens
            .saturating_add(self.cache_creation_input_tokens)
            .saturating_add(self.cache_read_input_tokens)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_later_count_replaces_an_earlier_one_unless_it_is_null() {
        let mut usage = Usage::from_value(Some(&json!({
            "input_tokens": 10, "output_tokens": 1, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 3,
            "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 2},
            "service_tier": "standard",
        })));
        usage.merge(Some(&json!({
            "input_tokens": 12, "output_tokens": 40, "cache_read_input_tokens": 0, "cache_creation_input_tokens": null,
            "output_tokens_details": {"thinking_tokens": 5}, "server_tool_use": {"web_search_requests": 2},
        })));
        assert_eq!((usage.input_tokens, usage.output_tokens, usage.cache_read_input_tokens), (12, 40, 0));
        assert_eq!((usage.cache_creation_input_tokens, usage.prompt_tokens()), (3, 15));
        assert_eq!((usage.cache_creation_5m, usage.cache_creation_1h), (Some(1), Some(2)));
        assert_eq!((usage.thinking_tokens, usage.web_search_requests), (Some(5), Some(2)));
        assert_eq!(usage.service_tier.as_deref(), Some("standard"));
        assert_eq!(usage.native["cache_creation_input_tokens"], json!(3));
    }

    #[test]
    fn absent_null_and_odd_usage_counts_as_nothing() {
        for odd in [None, Some(json!(null)), Some(json!("x")), Some(json!({"input_tokens": "many"}))] {
            assert_eq!(Usage::from_value(odd.as_ref()).prompt_tokens(), 0);
        }
    }

    #[test]
    fn the_calls_of_one_answer_add_up() {
        let call = |input: u64, tier: &str| {
            let call = json!({"input_tokens": input, "output_tokens": 2, "service_tier": tier, "server_tool_use": {"web_search_requests": 1}});
            call.as_object().unwrap().clone()
        };
        let usage = Usage::of_segments(vec![call(5, "priority"), call(7, "standard")]);
        assert_eq!((usage.input_tokens, usage.output_tokens, usage.web_search_requests), (12, 4, Some(2)));
        assert_eq!((usage.thinking_tokens, usage.service_tier.as_deref()), (None, Some("standard")));
        assert_eq!(usage.native["segments"][1]["input_tokens"], json!(7));
        assert_eq!(Usage::from_value(Some(&json!(usage.native))), usage);
    }

    #[test]
    fn sums_do_not_overflow() {
        let usage =
            Usage::from_value(Some(&json!({"input_tokens": u64::MAX, "cache_read_input_tokens": u64::MAX})));
        assert_eq!(usage.prompt_tokens(), u64::MAX);
    }
}
