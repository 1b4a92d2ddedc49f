//! Token counts of one answer.

use serde_json::{Map, Value};

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
    fn sums_do_not_overflow() {
        let usage =
            Usage::from_value(Some(&json!({"input_tokens": u64::MAX, "cache_read_input_tokens": u64::MAX})));
        assert_eq!(usage.prompt_tokens(), u64::MAX);
    }
}
