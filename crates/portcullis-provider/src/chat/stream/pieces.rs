//! Content blocks piece by piece, for clients that ask for everything (`x-portkey-strict-open-ai-compliance: false`).
//!
//! Portkey's clients read them from `delta.content_blocks`, a list of one `{index, delta}`; OpenAI's Python SDK merges such
//! entries by their `index` and concatenates texts; its Node SDK keeps the last list it saw. So every block, calls of tools
//! included, gets an entry when it begins, in order; texts, thinking and signatures follow in pieces; and the last chunk
//! brings all blocks whole, each with its `index`. Python then holds whole blocks beside a `delta` that repeats them, Node
//! the whole blocks, and either form can be sent back in the next request.

use portcullis_types::Compliance;
use serde_json::{Map, Value};

use super::{ChatStream, write};
use crate::anthropic::accumulator::BlockKind;

impl ChatStream {
    fn sends_pieces(&self) -> bool {
        self.context.compliance == Compliance::Everything
    }

    /// What goes into a delta beside a piece of a block: nothing, or a comma and the piece.
    ///
    /// - `text`: a JSON string, quotes included.
    pub(super) fn piece(&self, block: usize, key: &str, text: &str) -> Vec<u8> {
        if !self.sends_pieces() {
            return Vec::new();
        }
        format!(r#","content_blocks":[{{"index":{block},"delta":{{"{key}":{text}}}}}]"#).into_bytes()
    }

    /// A block begins: what it has from the start, apart from what comes in pieces.
    pub(super) fn start_piece(&self, block: usize, out: &mut Vec<u8>) {
        if !self.sends_pieces() {
            return;
        }
        let block_so_far = &self.assembly.blocks[block];
        let later = |key: &str| matches!(key, "type" | "text" | "thinking" | "signature" | "citations");
        let fields = block_so_far.start.iter().filter(|(key, _)| !later(key));
        let delta: Map<String, Value> = match block_so_far.kind {
            BlockKind::ToolUse => Map::new(),
            _ => fields.map(|(key, value)| (key.clone(), value.clone())).collect(),
        };
        let delta = write::json(&delta);
        let index = block.to_string();
        self.frame.chunk(
            out,
            &[b"{\"content_blocks\":[{\"index\":", index.as_bytes(), b",\"delta\":", &delta, b"}]}"],
        );
    }

    /// A block has ended: its signature, if it has one.
    pub(super) fn signature_piece(&self, block: usize, out: &mut Vec<u8>) {
        if !self.sends_pieces() || self.assembly.blocks[block].kind != BlockKind::Thinking {
            return;
        }
        let whole = self.assembly.blocks[block].to_value();
        let Some(signature) = whole.get("signature").filter(|signature| signature.as_str() != Some(""))
        else {
            return;
        };
        let piece = self.piece(block, "signature", &signature.to_string());
        self.frame.chunk(out, &[b"{", &piece[1..], b"}"]);
    }
}
