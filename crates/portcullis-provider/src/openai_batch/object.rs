//! The batch object.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::input::LineError;
use crate::usage::Usage;

/// A batch as clients read it. Times are Unix seconds.
#[derive(Clone, Debug, Serialize)]
pub struct BatchObject {
    /// `batch_…`
    pub id: String,
    /// `batch`
    pub object: &'static str,
    /// What its lines ask for.
    pub endpoint: String,
    /// The model, when all lines name the same one.
    pub model: Option<String>,
    /// Why it failed before anything was sent.
    pub errors: Option<BatchErrors>,
    /// Its input. The inline form's requests are kept as a file as well.
    pub input_file_id: Option<String>,
    /// `24h`
    pub completion_window: &'static str,
    /// One of OpenAI's eight words.
    pub status: &'static str,
    /// The answers; none when there is none.
    pub output_file_id: Option<String>,
    /// The refusals; none when there is none.
    pub error_file_id: Option<String>,
    /// When it was made.
    pub created_at: i64,
    /// When the upstream took it on.
    pub in_progress_at: Option<i64>,
    /// When the upstream gives it up.
    pub expires_at: Option<i64>,
    /// When the upstream had ended.
    pub finalizing_at: Option<i64>,
    /// When its files were there.
    pub completed_at: Option<i64>,
    /// When it failed.
    pub failed_at: Option<i64>,
    /// When it expired.
    pub expired_at: Option<i64>,
    /// When its cancellation was asked for.
    pub cancelling_at: Option<i64>,
    /// When it was cancelled.
    pub cancelled_at: Option<i64>,
    /// How many lines there are, and what became of them.
    pub request_counts: RequestCounts,
    /// Tokens of all lines that succeeded, once it has ended.
    pub usage: Option<BatchUsage>,
    /// The client's own.
    pub metadata: Option<Map<String, Value>>,
    /// Where its results can be read in one piece. Portkey's, and nothing OpenAI's clients mind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub results_url: Option<String>,
}

/// Why a batch failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BatchErrors {
    /// `list`
    pub object: &'static str,
    /// One by one, by line.
    pub data: Vec<LineError>,
}

impl BatchErrors {
    /// The list, or none if there is nothing to list.
    #[must_use]
    pub fn of(errors: &[LineError]) -> Option<Self> {
        (!errors.is_empty()).then(|| Self { object: "list", data: errors.to_vec() })
    }
}

/// How many lines there are, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestCounts {
    /// All lines.
    pub total: u64,
    /// Those that succeeded.
    pub completed: u64,
    /// Those that were refused, failed, expired or were cancelled.
    pub failed: u64,
}

/// Tokens of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchUsage {
    /// Prompt tokens, what the cache held included.
    pub input_tokens: u64,
    /// Of those, what the cache held, and what was written to it.
    pub input_tokens_details: InputDetails,
    /// Answer tokens, thinking included.
    pub output_tokens: u64,
    /// Of those, thinking.
    pub output_tokens_details: OutputDetails,
    /// Both together.
    pub total_tokens: u64,
}

/// Details of prompt tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputDetails {
    /// Read from the cache.
    pub cached_tokens: u64,
    /// Written to the cache.
    #[serde(default)]
    pub cache_write_tokens: u64,
}

/// Details of answer tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputDetails {
    /// Thinking.
    pub reasoning_tokens: u64,
}

impl BatchUsage {
    /// Adds the counts of one answer.
    pub fn add(&mut self, usage: &Usage) {
        let plus = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        plus(&mut self.input_tokens, usage.prompt_tokens());
        plus(&mut self.input_tokens_details.cached_tokens, usage.cache_read_input_tokens);
        plus(&mut self.input_tokens_details.cache_write_tokens, usage.cache_creation_input_tokens);
        plus(&mut self.output_tokens, usage.output_tokens);
        plus(&mut self.output_tokens_details.reasoning_tokens, usage.thinking_tokens.unwrap_or(0));
        self.total_tokens = self.input_tokens.saturating_add(self.output_tokens);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn usage_adds_up() {
        let mut sum = BatchUsage::default();
        let one = json!({"input_tokens": 5, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 4,
                         "output_tokens": 7,
                         "output_tokens_details": {"thinking_tokens": 2}});
        sum.add(&Usage::from_value(Some(&one)));
        sum.add(&Usage::from_value(Some(&json!({"input_tokens": 1, "output_tokens": 1}))));
        let expected = json!({"input_tokens": 13, "output_tokens": 8, "total_tokens": 21,
                              "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 4},
                              "output_tokens_details": {"reasoning_tokens": 2}});
        assert_eq!(serde_json::to_value(sum).unwrap(), expected);
    }

    #[test]
    fn no_errors_are_no_list() {
        assert_eq!(BatchErrors::of(&[]), None);
        let list = BatchErrors::of(&[LineError::file("empty_file", "the file has no lines")]).unwrap();
        let expected = json!({"object": "list", "data": [
            {"code": "empty_file", "line": null, "message": "the file has no lines", "param": null}]});
        assert_eq!(serde_json::to_value(list).unwrap(), expected);
    }
}
