//! The prompt cache of a workspace: which prefixes of prompts are known, and until when.
//!
//! Source: Claude docs, "Prompt caching". Order of a prompt: tools, system, messages.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::script::{Tokens, estimate_tokens};

const SHORT: Duration = Duration::from_secs(300);
const LONG: Duration = Duration::from_secs(3600);

/// Hashes of prefixes, with how long they are kept and until when.
#[derive(Debug, Default)]
pub(super) struct PromptCache(BTreeMap<[u8; 32], (Duration, SystemTime)>);

/// The prompt up to the end of one block.
#[derive(Debug)]
struct Prefix {
    hash: [u8; 32],
    tokens: usize,
    /// How long it is to be kept, if it is marked.
    marked: Option<Duration>,
}

impl PromptCache {
    /// Counts the tokens of a prompt, reads what is known of it, and keeps what it marks.
    pub(super) fn count(&mut self, body: &Value, min_tokens: usize, now: SystemTime) -> Tokens {
        self.0.retain(|_, (_, until)| *until > now);
        let total = estimate_tokens(body);
        let prefixes = prefixes(body, total);
        let Some(last) = prefixes.iter().rposition(|prefix| prefix.marked.is_some()) else {
            return Tokens { input: total, ..Tokens::default() };
        };
        let mut tokens = Tokens::default();
        for prefix in &prefixes[..=last] {
            if let Some((life, until)) = self.0.get_mut(&prefix.hash) {
                *until = now + *life;
                tokens.cache_read = prefix.tokens;
            }
        }
        let mut reached = tokens.cache_read;
        for prefix in &prefixes[..=last] {
            let Some(life) = prefix.marked.filter(|_| prefix.tokens >= min_tokens) else { continue };
            if prefix.tokens > reached {
                let written = prefix.tokens - reached;
                if life == LONG {
                    tokens.cache_write_1h += written
                } else {
                    tokens.cache_write_5m += written
                }
                reached = prefix.tokens;
            }
            self.0.entry(prefix.hash).or_insert((life, now + life));
        }
        tokens.input = total - reached;
        tokens
    }
}

fn prefixes(body: &Value, total: usize) -> Vec<Prefix> {
    let mut hasher = Sha256::new();
    hasher.update(body["model"].as_str().unwrap_or_default());
    let mut bytes = 0;
    let mut prefixes = Vec::new();
    let mut push = |role: &str, block: &Value| {
        let marked = life_of(&block["cache_control"]);
        let mut block = block.clone();
        block.as_object_mut().and_then(|fields| fields.shift_remove("cache_control"));
        let text = format!("{role}\n{block}\n");
        hasher.update(&text);
        bytes += text.len();
        let tokens = bytes.div_ceil(4).min(total);
        prefixes.push(Prefix { hash: hasher.clone().finalize().into(), tokens, marked });
    };
    for tool in body["tools"].as_array().into_iter().flatten() {
        push("tool", tool);
    }
    for block in blocks(&body["system"]) {
        push("system", &block);
    }
    for message in body["messages"].as_array().into_iter().flatten() {
        for block in blocks(&message["content"]) {
            push(message["role"].as_str().unwrap_or_default(), &block);
        }
    }
    // The marker of the whole request stands for one on the last block.
    if let Some((life, last)) = life_of(&body["cache_control"]).zip(prefixes.last_mut()) {
        last.marked = last.marked.or(Some(life));
    }
    prefixes
}

/// A text is one block.
fn blocks(content: &Value) -> Vec<Value> {
    match content {
        Value::String(text) => vec![serde_json::json!({"type": "text", "text": text})],
        Value::Array(blocks) => blocks.clone(),
        _ => Vec::new(),
    }
}

fn life_of(marker: &Value) -> Option<Duration> {
    marker.is_object().then(|| if marker["ttl"] == "1h" { LONG } else { SHORT })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body(system: &str, asked: &str, ttl: &str) -> Value {
        let marker = json!({"type": "ephemeral", "ttl": ttl});
        json!({"model": "m", "messages": [{"role": "user", "content": asked}],
            "system": [{"type": "text", "text": system, "cache_control": marker}]})
    }

    #[test]
    fn a_marked_prefix_is_written_once_and_then_read_until_it_ends() {
        let mut cache = PromptCache::default();
        let now = SystemTime::UNIX_EPOCH;
        let long = "x".repeat(4000);
        let first = cache.count(&body(&long, "one", "5m"), 512, now);
        assert!(
            first.cache_read == 0 && first.cache_write_5m > 1000 && first.cache_write_1h == 0,
            "{first:?}"
        );
        let again = cache.count(&body(&long, "two", "5m"), 512, now + Duration::from_secs(299));
        assert_eq!((again.cache_read, again.cache_write_5m), (first.cache_write_5m, 0));
        assert_eq!(again.input + again.cache_read, first.input + first.cache_write_5m);
        // Reading has prolonged it.
        let later = cache.count(&body(&long, "two", "5m"), 512, now + Duration::from_secs(598));
        assert_eq!(later.cache_read, first.cache_write_5m);
        let ended = cache.count(&body(&long, "two", "1h"), 512, now + Duration::from_secs(899));
        assert_eq!((ended.cache_read, ended.cache_write_1h), (0, first.cache_write_5m));
    }

    #[test]
    fn short_prompts_and_unmarked_ones_are_not_cached() {
        let mut cache = PromptCache::default();
        let now = SystemTime::UNIX_EPOCH;
        let short = cache.count(&body("x", "one", "5m"), 512, now);
        assert_eq!(short, Tokens { input: short.input, ..Tokens::default() });
        let mut unmarked = body(&"x".repeat(4000), "one", "5m");
        unmarked["system"][0].as_object_mut().unwrap().remove("cache_control");
        assert_eq!(cache.count(&unmarked, 512, now).cache_write_5m, 0);
        unmarked["cache_control"] = json!({"type": "ephemeral"});
        let marked = cache.count(&unmarked, 512, now);
        assert!(marked.cache_write_5m > 1000 && marked.input == 0, "{marked:?}");
    }
}
