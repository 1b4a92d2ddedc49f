//! What begins, continues and ends with each block.

use serde_json::{Value, json};

use super::events::At;
use super::{Progress, ResponsesStream};
use crate::chat::response::parts::{arguments, custom_input};
use crate::responses::items::{Completeness, Kind, Place, annotations_of, code, has_failed, text};

impl ResponsesStream {
    pub(super) fn start_block(&mut self, index: usize, out: &mut Vec<u8>) {
        let place = self.plan.place(&self.assembly.blocks[index].start, &self.context);
        self.places.push(place);
        match place {
            Place::Continues(slot) => self.begin_block(slot, index, out),
            Place::Opens(slot) => {
                self.close_current(out);
                self.open(slot, Some(index), out);
                self.begin_block(slot, index, out);
            }
            Place::Answers(_) | Place::Hidden => self.close_current(out),
        }
    }

    /// Announces an item.
    ///
    /// - `block`: the one it begins with; none for a message that only refuses.
    pub(super) fn open(&mut self, slot: usize, block: Option<usize>, out: &mut Vec<u8>) {
        self.items.push(Progress::default());
        let start = block.map(|block| Value::Object(self.assembly.blocks[block].start.clone()));
        let blocks: Vec<&Value> = start.iter().collect();
        let kind = self.plan.slots[slot].kind;
        let item = self.shape().item(&self.plan.slots[slot], &blocks, Completeness::InProgress);
        self.events.item("response.output_item.added", slot, &item.to_string(), out);
        if !kind.awaits_result() {
            self.current = Some(slot);
        }
        let at = At { item_id: &self.plan.slots[slot].id, output_index: slot };
        match kind {
            Kind::Message if block.is_some() => {
                self.events.about("response.content_part.added", at, out, |w| {
                    w.key("content_index").integer(0);
                    w.key("part").raw(r#"{"type":"output_text","text":"","annotations":[],"logprobs":[]}"#);
                });
            }
            Kind::WebSearch => self.events.plain("response.web_search_call.in_progress", at, out),
            Kind::CodeInterpreter => {
                self.events.plain("response.code_interpreter_call.in_progress", at, out);
            }
            Kind::Mcp => self.events.plain("response.mcp_call.in_progress", at, out),
            Kind::Compaction => self.events.plain("response.compaction.compacting", at, out),
            Kind::Message | Kind::Reasoning | Kind::FunctionCall | Kind::CustomToolCall => {}
        }
    }

    /// A block may begin with text; most begin empty.
    fn begin_block(&mut self, slot: usize, index: usize, out: &mut Vec<u8>) {
        self.items[slot].begun = false;
        let start = json!(self.assembly.blocks[index].start_text()).to_string();
        match self.plan.slots[slot].kind {
            Kind::Message => self.text(index, &start, out),
            Kind::Reasoning => self.thinking(index, &start, out),
            _ => {}
        }
    }

    /// - `text`: a JSON string, quotes included.
    pub(super) fn text(&mut self, index: usize, text: &str, out: &mut Vec<u8>) {
        let Some(slot) = self.slot(index, Kind::Message).filter(|_| text != "\"\"") else { return };
        let at = At { item_id: &self.plan.slots[slot].id, output_index: slot };
        self.events.about("response.output_text.delta", at, out, |w| {
            w.key("content_index").integer(0);
            w.key("delta").raw(text);
            w.key("logprobs").raw("[]");
        });
    }

    pub(super) fn thinking(&mut self, index: usize, text: &str, out: &mut Vec<u8>) {
        let Some(slot) = self.slot(index, Kind::Reasoning).filter(|_| text != "\"\"") else { return };
        let at = At { item_id: &self.plan.slots[slot].id, output_index: slot };
        let progress = &mut self.items[slot];
        let summary_index = progress.summaries as u64;
        if !std::mem::replace(&mut progress.begun, true) {
            self.events.about("response.reasoning_summary_part.added", at, out, |w| {
                w.key("summary_index").integer(summary_index);
                w.key("part").raw(r#"{"type":"summary_text","text":""}"#);
            });
        }
        self.events.about("response.reasoning_summary_text.delta", at, out, |w| {
            w.key("summary_index").integer(summary_index);
            w.key("delta").raw(text);
        });
    }

    pub(super) fn input_json(&mut self, index: usize, json: &str, out: &mut Vec<u8>) {
        let kinds = [
            (Kind::FunctionCall, "response.function_call_arguments.delta"),
            (Kind::Mcp, "response.mcp_call_arguments.delta"),
        ];
        let found = kinds.into_iter().find_map(|(kind, event)| Some((self.slot(index, kind)?, event)));
        let Some((slot, event)) = found.filter(|_| json != "\"\"") else { return };
        self.items[slot].begun = true;
        let at = At { item_id: &self.plan.slots[slot].id, output_index: slot };
        self.events.delta(event, at, json, out);
    }

    /// The item of a block, if it is of this kind and the block is no result.
    fn slot(&self, index: usize, kind: Kind) -> Option<usize> {
        match self.places.get(index)? {
            Place::Opens(slot) | Place::Continues(slot) => {
                Some(*slot).filter(|slot| self.plan.slots[*slot].kind == kind)
            }
            Place::Answers(_) | Place::Hidden => None,
        }
    }

    pub(super) fn stop_block(&mut self, index: usize, out: &mut Vec<u8>) {
        let block = self.assembly.blocks[index].to_value();
        match self.places[index] {
            Place::Hidden => {}
            Place::Answers(slot) => self.answered(slot, &block, out),
            Place::Opens(slot) | Place::Continues(slot) => match self.plan.slots[slot].kind {
                Kind::Message => self.annotate(slot, &block, out),
                Kind::Reasoning => self.end_summary(slot, text(&block, "thinking"), out),
                Kind::FunctionCall => {
                    self.end_arguments(slot, &block, "response.function_call_arguments", out)
                }
                Kind::Mcp => self.end_arguments(slot, &block, "response.mcp_call_arguments", out),
                Kind::CustomToolCall => {
                    let at = At { item_id: &self.plan.slots[slot].id, output_index: slot };
                    let input = custom_input(block.get("input"));
                    let delta = json!(input).to_string();
                    self.events.delta("response.custom_tool_call_input.delta", at, &delta, out);
                    self.events.whole("response.custom_tool_call_input.done", at, "input", &input, out);
                }
                Kind::WebSearch => {
                    let at = At { item_id: &self.plan.slots[slot].id, output_index: slot };
                    self.events.plain("response.web_search_call.searching", at, out);
                }
                Kind::CodeInterpreter => self.end_code(slot, code(&block), out),
                Kind::Compaction => {}
            },
        }
    }

    /// Where the citing text ends is known now.
    fn annotate(&mut self, slot: usize, block: &Value, out: &mut Vec<u8>) {
        let at = At { item_id: &self.plan.slots[slot].id, output_index: slot };
        let progress = &mut self.items[slot];
        let start = progress.text;
        progress.text += text(block, "text").chars().count();
        for annotation in annotations_of(block, start, progress.text) {
            let annotation_index = progress.annotations as u64;
            progress.annotations += 1;
            self.events.about("response.output_text.annotation.added", at, out, |w| {
                w.key("content_index").integer(0);
                w.key("annotation_index").integer(annotation_index);
                w.key("annotation").raw(&annotation.to_string());
            });
        }
    }

    fn end_summary(&mut self, slot: usize, thinking: &str, out: &mut Vec<u8>) {
        let at = At { item_id: &self.plan.slots[slot].id, output_index: slot };
        let progress = &mut self.items[slot];
        if !progress.begun {
            return;
        }
        let summary_index = progress.summaries as u64;
        progress.summaries += 1;
        self.events.about("response.reasoning_summary_text.done", at, out, |w| {
            w.key("summary_index").integer(summary_index);
            w.key("text").plain(thinking);
        });
        self.events.about("response.reasoning_summary_part.done", at, out, |w| {
            w.key("summary_index").integer(summary_index);
            w.key("part").object(|w| {
                w.key("type").plain("summary_text");
                w.key("text").plain(thinking);
            });
        });
    }

    /// - `event`: the events' common name.
    fn end_arguments(&mut self, slot: usize, block: &Value, event: &str, out: &mut Vec<u8>) {
        let at = At { item_id: &self.plan.slots[slot].id, output_index: slot };
        let whole = arguments(block.get("input"));
        if !self.items[slot].begun {
            // A tool without arguments, or an upstream that sends them whole at the start.
            self.events.delta(&format!("{event}.delta"), at, &json!(whole).to_string(), out);
        }
        self.events.whole(&format!("{event}.done"), at, "arguments", &whole, out);
    }

    fn end_code(&mut self, slot: usize, code: &str, out: &mut Vec<u8>) {
        let at = At { item_id: &self.plan.slots[slot].id, output_index: slot };
        let delta = json!(code).to_string();
        self.events.delta("response.code_interpreter_call_code.delta", at, &delta, out);
        self.events.whole("response.code_interpreter_call_code.done", at, "code", code, out);
        self.events.plain("response.code_interpreter_call.interpreting", at, out);
    }

    /// A result came.
    fn answered(&mut self, slot: usize, result: &Value, out: &mut Vec<u8>) {
        let at = At { item_id: &self.plan.slots[slot].id, output_index: slot };
        let event = match (self.plan.slots[slot].kind, has_failed(result)) {
            (Kind::WebSearch, false) => Some("response.web_search_call.completed"),
            (Kind::CodeInterpreter, false) => Some("response.code_interpreter_call.completed"),
            (Kind::Mcp, false) => Some("response.mcp_call.completed"),
            (Kind::Mcp, true) => Some("response.mcp_call.failed"),
            // There is no such event: the item that is done says so.
            _ => None,
        };
        if let Some(event) = event {
            self.events.plain(event, at, out);
        }
        self.close(slot, Completeness::Completed, out);
    }
}
