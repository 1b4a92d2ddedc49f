//! The end of items, and what a refusal adds.

use serde_json::{Value, json};

use super::ResponsesStream;
use super::events::At;
use crate::responses::items::{Completeness, Kind, Place};

impl ResponsesStream {
    /// Nothing joins the last item any more.
    pub(super) fn close_current(&mut self, out: &mut Vec<u8>) {
        if let Some(slot) = self.current.take() {
            self.close(slot, Completeness::Completed, out);
        }
    }

    /// Closes what is open at the end.
    ///
    /// - `cut`: the answer ended before the model was done.
    pub(super) fn close_all(&mut self, cut: bool, out: &mut Vec<u8>) {
        self.current = None;
        for slot in 0..self.items.len() {
            if self.items[slot].done.is_none() {
                self.close(slot, Completeness::of(cut && self.plan.is_last(slot)), out);
            }
        }
    }

    /// The model refused, and says why.
    pub(super) fn refuse(&mut self, explanation: &str, out: &mut Vec<u8>) {
        if let Place::Opens(slot) = self.plan.refuse(explanation) {
            self.close_current(out);
            self.open(slot, None, out);
        }
    }

    pub(super) fn close(&mut self, slot: usize, how: Completeness, out: &mut Vec<u8>) {
        let blocks = &self.plan.slots[slot].blocks;
        let blocks: Vec<Value> = blocks.iter().map(|block| self.assembly.blocks[*block].to_value()).collect();
        let blocks: Vec<&Value> = blocks.iter().collect();
        let item = self.shape().item(&self.plan.slots[slot], &blocks, how);
        if self.plan.slots[slot].kind == Kind::Message {
            for (index, part) in item["content"].as_array().into_iter().flatten().enumerate() {
                self.close_part(slot, index as u64, part, out);
            }
        }
        self.events.item("response.output_item.done", slot, &item.to_string(), out);
        self.items[slot].done = Some(item);
    }

    /// A message's text ends; a refusal begins and ends.
    fn close_part(&mut self, slot: usize, index: u64, part: &Value, out: &mut Vec<u8>) {
        let at = At { item_id: &self.plan.slots[slot].id, output_index: slot };
        if part["type"] == "refusal" {
            let begun = json!({"type": "refusal", "refusal": ""});
            self.events.about("response.content_part.added", at, out, |w| {
                w.key("content_index").integer(index);
                w.key("part").raw(&begun.to_string());
            });
            for (event, name) in [("response.refusal.delta", "delta"), ("response.refusal.done", "refusal")] {
                self.events.about(event, at, out, |w| {
                    w.key("content_index").integer(index);
                    w.key(name).raw(&part["refusal"].to_string());
                });
            }
        } else {
            self.events.about("response.output_text.done", at, out, |w| {
                w.key("content_index").integer(index);
                w.key("text").raw(&part["text"].to_string());
                w.key("logprobs").raw("[]");
            });
        }
        self.events.about("response.content_part.done", at, out, |w| {
            w.key("content_index").integer(index);
            w.key("part").raw(&part.to_string());
        });
    }
}
