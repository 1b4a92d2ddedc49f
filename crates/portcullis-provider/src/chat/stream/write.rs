//! Chunks, written by hand: what all of them have in common is made once.

use serde::Serialize;

/// What all chunks of a stream have in common.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// From `data:` to the model.
    head: Vec<u8>,
    /// From `data:` to the delta.
    before_delta: Vec<u8>,
    /// From the delta to the blank line.
    after_delta: Vec<u8>,
    include_usage: bool,
}

impl Frame {
    pub(super) fn new(id: &str, created: u64, model: &str, include_usage: bool) -> Self {
        let (id, model) = (quoted(id), quoted(model));
        let head = format!(
            "data: {{\"id\":{id},\"object\":\"chat.completion.chunk\",\"created\":{created},\"model\":{model}"
        )
        .into_bytes();
        let mut before_delta = head.clone();
        before_delta.extend_from_slice(b",\"choices\":[{\"index\":0,\"delta\":");
        let mut after_delta = b",\"logprobs\":null,\"finish_reason\":null}]".to_vec();
        after_delta.extend_from_slice(if include_usage { b",\"usage\":null}\n\n" } else { b"}\n\n" });
        Self { head, before_delta, after_delta, include_usage }
    }

    /// A chunk whose delta is the concatenation of `delta`.
    pub(super) fn chunk(&self, out: &mut Vec<u8>, delta: &[&[u8]]) {
        let length = delta.iter().map(|part| part.len()).sum::<usize>();
        out.reserve(self.before_delta.len() + length + self.after_delta.len());
        out.extend_from_slice(&self.before_delta);
        for part in delta {
            out.extend_from_slice(part);
        }
        out.extend_from_slice(&self.after_delta);
    }

    /// The chunk with the finish reason.
    ///
    /// - `top_level`: an object whose fields stand beside the choices.
    /// - `usage`: for clients that want it here.
    pub(super) fn last_chunk(
        &self,
        out: &mut Vec<u8>,
        choice: &impl Serialize,
        top_level: &impl Serialize,
        usage: Option<&impl Serialize>,
    ) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b",\"choices\":[");
        out.extend_from_slice(&json(choice));
        out.push(b']');
        let fields = json(top_level);
        if fields != b"{}" {
            out.push(b',');
            out.extend_from_slice(&fields[1..fields.len() - 1]);
        }
        if let Some(usage) = usage {
            out.extend_from_slice(b",\"usage\":");
            out.extend_from_slice(&json(usage));
        }
        out.extend_from_slice(if self.include_usage { b",\"usage\":null}\n\n" } else { b"}\n\n" });
    }

    /// The chunk after the last, with the counts. It has no choice: both SDKs overwrite the usage with every chunk.
    pub(super) fn usage_chunk(&self, out: &mut Vec<u8>, usage: &impl Serialize) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b",\"choices\":[],\"usage\":");
        out.extend_from_slice(&json(usage));
        out.extend_from_slice(b"}\n\n");
    }
}

/// A JSON string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("any text is a JSON string")
}

pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("strings, numbers and JSON values under string keys are always JSON")
}
