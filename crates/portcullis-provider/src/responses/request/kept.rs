//! What of a request the caller must look up beforehand, and what of it is kept afterwards.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::ResponsesRequest;
use crate::json::{Json, Object, Text, lenient};
use crate::responses::ids::Ids;

impl ResponsesRequest<'_> {
    /// Ids of earlier items that the input names: references, and items that only the upstream's own blocks can stand
    /// for. Whoever keeps responses looks them up by [`StoredResponse::item_ids`](crate::responses::stored::StoredResponse::item_ids).
    /// What is not found is refused or reported by the translation.
    pub fn item_ids(&self) -> Vec<String> {
        let items = self.items().filter(|item| {
            let kind = item.text("type").map(Text::decode);
            match kind.as_deref() {
                Some("reasoning" | "compaction") => item.given("encrypted_content").is_none(),
                Some("item_reference" | "web_search_call" | "code_interpreter_call" | "mcp_call") => true,
                Some("message") => item.text("role").is_some_and(|role| &role == "assistant"),
                None => item.get("role").is_none(),
                Some(_) => false,
            }
        });
        items.filter_map(|item| Some(item.text("id")?.decode().into_owned())).collect()
    }

    /// Ids of files that the input names, for [`Target::files`](crate::target::Target::files).
    pub fn file_ids(&self) -> BTreeSet<String> {
        let parts = self.items().flat_map(|item| ["content", "output"].map(|name| item.get(name)));
        let parts = parts.flatten().filter_map(Json::as_array).flat_map(|parts| &parts.items);
        let files = parts.filter_map(|part| part.as_object()?.text("file_id"));
        files.map(|id| id.decode().into_owned()).collect()
    }

    /// The input as items that all have an id and a type, for listing.
    ///
    /// - `response_id`: of the response that came of it.
    pub(crate) fn input_items(&self, response_id: &str) -> Vec<Value> {
        let ids = Ids::of_response(response_id);
        let items: Vec<Value> = match self.object.given("input") {
            Some(Json::String(text)) => vec![user_message(&text.decode())],
            _ => self.items().filter_map(|item| lenient::read(item.raw)).collect(),
        };
        let numbered = items.into_iter().enumerate();
        numbered.filter_map(|(index, item)| Some(complete(item.as_object()?, index, &ids))).collect()
    }

    fn items(&self) -> impl Iterator<Item = &Object<'_>> {
        let items = self.object.given("input").and_then(Json::as_array);
        items.into_iter().flat_map(|items| &items.items).filter_map(Json::as_object)
    }
}

fn user_message(text: &str) -> Value {
    json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})
}

/// The item with what the client may leave out.
fn complete(item: &Map<String, Value>, index: usize, ids: &Ids) -> Value {
    let given = |name: &str| item.get(name).and_then(Value::as_str);
    let kind = given("type").unwrap_or(if item.contains_key("role") { "message" } else { "item_reference" });
    let prefix = match kind {
        "message" => "msg",
        "reasoning" => "rs",
        "function_call" => "fc",
        "function_call_output" => "fco",
        "custom_tool_call" => "ctc",
        "custom_tool_call_output" => "ctco",
        "compaction" => "cmp",
        _ => "item",
    };
    let id = given("id").map_or_else(|| ids.input_item(prefix, index), str::to_owned);
    let mut complete = Map::new();
    complete.insert("id".to_owned(), json!(id));
    complete.insert("type".to_owned(), json!(kind));
    complete.extend(
        item.iter().filter(|(key, _)| *key != "id" && *key != "type").map(|(k, v)| (k.clone(), v.clone())),
    );
    if let Some(Value::String(text)) = complete.get("content") {
        let part = if given("role") == Some("assistant") {
            json!([{"type": "output_text", "text": text, "annotations": []}])
        } else {
            json!([{"type": "input_text", "text": text}])
        };
        complete.insert("content".to_owned(), part);
    }
    Value::Object(complete)
}
