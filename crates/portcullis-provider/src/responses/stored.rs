//! What is kept of a response, and what a later request recalls of it. Where it is kept is not decided here.
//!
//! Everything a continuation needs stands in the one record, the conversation before it included: deleting an earlier
//! response, or its end of life, does not break a later one. What the assistant said is kept as the upstream wrote it,
//! because thinking is bound to the text around it.
//!
//! | the request names | what is recalled |
//! |---|---|
//! | `previous_response_id` | the conversation and the assistant's turn behind it |
//! | a `reasoning`, `web_search_call`, `code_interpreter_call`, `mcp_call` or `compaction` item, by `id` | the blocks of that item |
//! | an `item_reference` | the same, for any item of an output; or an input message |
//! | an assistant's `message`, by `id` | its blocks with their citations, if its text is unchanged |

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::request::{ResponsesRequest, TranslatedResponses};
use super::response::Answer;

/// A response as it is kept, in a form of JSON that is ours.
#[derive(Clone, Serialize, Deserialize)]
pub struct StoredResponse {
    /// `resp_…`
    pub id: String,
    /// Unix time in seconds.
    pub created_at: u64,
    /// The model that answered.
    pub model: String,
    /// The response this one continued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_response_id: Option<String>,
    /// System blocks that came with the input of this conversation. `instructions` are not among them: they hold for one
    /// request.
    pub(crate) system: Box<RawValue>,
    /// The messages that were sent upstream.
    pub(crate) messages: Box<RawValue>,
    /// The upstream's content array.
    pub(crate) content: Box<RawValue>,
    /// The request's input items, each with an id.
    pub(crate) input: Vec<Value>,
    /// The output items.
    pub(crate) output: Vec<StoredItem>,
    /// The Response object.
    pub(crate) response: Box<RawValue>,
}

/// An output item, and which blocks of the upstream's content it shows.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredItem {
    pub(crate) item: Value,
    pub(crate) blocks: Vec<usize>,
}

impl StoredResponse {
    /// What is to be kept of an answer.
    pub fn new(request: &ResponsesRequest<'_>, translated: &TranslatedResponses, answer: &Answer) -> Self {
        let (system, messages) = translated.conversation();
        Self {
            id: answer.id.clone(),
            created_at: answer.created_at,
            model: answer.model.clone(),
            previous_response_id: request.previous_response_id().map(str::to_owned),
            system: raw_text(system.to_owned()),
            messages: raw_text(messages.to_owned()),
            content: answer.content.clone(),
            input: request.input_items(&answer.id),
            output: answer.output.clone(),
            response: raw_text(String::from_utf8_lossy(&answer.body).into_owned()),
        }
    }

    /// The Response object, for `GET /v1/responses/{id}`.
    pub fn response(&self) -> &str {
        self.response.get()
    }

    /// The input items, for `GET /v1/responses/{id}/input_items`.
    pub fn input(&self) -> &[Value] {
        &self.input
    }

    /// Ids of all items, by which later requests may name them.
    pub fn item_ids(&self) -> impl Iterator<Item = &str> {
        let items = self.output.iter().map(|stored| &stored.item).chain(&self.input);
        items.filter_map(|item| item.get("id")?.as_str())
    }

    /// The items, and the blocks they show.
    fn without_conversation(self) -> Self {
        let empty = || raw_text("[]".to_owned());
        Self { system: empty(), messages: empty(), response: empty(), ..self }
    }
}

impl fmt::Debug for StoredItem {
    /// Without the item, which belongs in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredItem").field("blocks", &self.blocks).finish_non_exhaustive()
    }
}

impl fmt::Debug for StoredResponse {
    /// Without the conversation, which belongs in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredResponse")
            .field("id", &self.id)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

/// What a request recalls: the response it continues, and others whose items it names.
#[derive(Clone, Debug, Default)]
pub struct StoredTurn {
    previous: Option<StoredResponse>,
    others: Vec<StoredResponse>,
    /// Where the output items stand, by their ids: a request may name thousands.
    outputs: HashMap<String, Position>,
    /// The same of the input items.
    inputs: HashMap<String, Position>,
    is_partial: bool,
}

/// Where an item stands.
#[derive(Clone, Copy, Debug)]
struct Position {
    /// In [`StoredTurn::all`].
    response: usize,
    /// In that response's output or input.
    item: usize,
}

impl StoredTurn {
    /// The response that `previous_response_id` names.
    #[must_use]
    pub fn following(previous: StoredResponse) -> Self {
        let mut turn = Self::default();
        turn.enter(&previous, 0);
        Self { previous: Some(previous), ..turn }
    }

    /// The same with a response that one of [`ResponsesRequest::item_ids`] belongs to. Its items are all that can be named,
    /// so no more than they and their blocks stays in memory.
    #[must_use]
    pub fn with_items_of(mut self, other: StoredResponse) -> Self {
        self.enter(&other, self.all().count());
        self.others.push(other.without_conversation());
        self
    }

    /// The same, when items were named that nobody looked for, because they were too many or too long. One that cannot be
    /// done without is refused in other words then.
    #[must_use]
    pub fn partial(self) -> Self {
        Self { is_partial: true, ..self }
    }

    pub(crate) fn is_partial(&self) -> bool {
        self.is_partial
    }

    pub(crate) fn previous(&self) -> Option<&StoredResponse> {
        self.previous.as_ref()
    }

    /// The contents of all answers that are recalled.
    pub(crate) fn contents(&self) -> impl Iterator<Item = &RawValue> {
        self.all().map(|stored| &*stored.content)
    }

    /// An output item, and which of [`StoredTurn::contents`] its blocks stand in.
    pub(crate) fn output_item(&self, id: &str) -> Option<(usize, &StoredItem)> {
        let Position { response, item } = *self.outputs.get(id)?;
        Some((response, self.all().nth(response)?.output.get(item)?))
    }

    /// An item of an earlier input.
    pub(crate) fn input_item(&self, id: &str) -> Option<&Value> {
        let Position { response, item } = *self.inputs.get(id)?;
        self.all().nth(response)?.input.get(item)
    }

    fn all(&self) -> impl Iterator<Item = &StoredResponse> {
        self.previous.iter().chain(&self.others)
    }

    /// Notes where the items of a response stand. An id that is there already keeps its place.
    fn enter(&mut self, stored: &StoredResponse, response: usize) {
        let id_of = |item: &Value| item.get("id").and_then(Value::as_str).map(str::to_owned);
        for (item, id) in stored.output.iter().map(|stored| id_of(&stored.item)).enumerate() {
            let Some(id) = id else { continue };
            self.outputs.entry(id).or_insert(Position { response, item });
        }
        for (item, id) in stored.input.iter().map(id_of).enumerate() {
            let Some(id) = id else { continue };
            self.inputs.entry(id).or_insert(Position { response, item });
        }
    }
}

/// Blocks in JSON, for keeping.
pub(crate) fn raw(blocks: &[Value]) -> Box<RawValue> {
    raw_text(serde_json::to_string(blocks).expect("a JSON value is always JSON"))
}

fn raw_text(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("it was written as JSON")
}
