//! What is kept of a response, and what it gives back.

use portcullis_provider::responses::input_items::InputItemsQuery;
use portcullis_provider::responses::request::ResponsesRequest;
use portcullis_provider::responses::response::to_response;
use portcullis_provider::responses::stored::{StoredResponse, StoredTurn};
use serde_json::{Value, json};

use super::{COMPLETED, CREATED, through_the_store, translate, translate_with};

fn message(id: &str, content: &Value) -> Value {
    json!({
        "id": id, "type": "message", "role": "assistant", "model": "claude-opus-5-5", "content": content,
        "stop_reason": "end_turn", "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1},
    })
}

fn kept(request: &Value, message: &Value) -> StoredResponse {
    let body = request.to_string();
    let parsed = ResponsesRequest::parse(body.as_bytes()).unwrap();
    let translated = translate(&json!({"request": request})).unwrap();
    let answer =
        to_response(message.to_string().as_bytes(), &translated.context, CREATED, COMPLETED).unwrap();
    StoredResponse::new(&parsed, &translated, &answer)
}

#[test]
fn a_response_is_retrieved_as_it_was_sent() {
    let request =
        json!({"model": "claude-opus-5-5", "input": "hi", "metadata": {"a": "b"}, "temperature": 1});
    let stored = kept(&request, &message("msg_1", &json!([{"type": "text", "text": "hello"}])));
    let back = through_the_store(&stored);
    assert_eq!(back.response(), stored.response());
    let response: Value = serde_json::from_str(back.response()).unwrap();
    assert_eq!((&response["id"], &response["metadata"]["a"]), (&json!("resp_1"), &json!("b")));
    assert_eq!((back.created_at, back.model.as_str()), (CREATED, "claude-opus-5-5"));
}

#[test]
fn input_items_all_have_an_id_and_can_be_listed() {
    let request = json!({"model": "claude-opus-5-5", "input": [
        {"role": "user", "content": "hi"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "id": "mine", "call_id": "c", "output": "r"},
    ]});
    let stored = kept(&request, &message("msg_1", &json!([])));
    let query = InputItemsQuery::parse([("order", "asc")]).unwrap();
    let page: Value = serde_json::from_slice(&query.page(stored.input()).unwrap()).unwrap();
    let expected = json!([
        {"id": "msg_1_in0", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"id": "fc_1_in1", "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"id": "mine", "type": "function_call_output", "call_id": "c", "output": "r"},
    ]);
    assert_eq!(page["data"], expected);
    let ids: Vec<&str> = stored.item_ids().collect();
    assert_eq!(ids, ["msg_1_in0", "fc_1_in1", "mine"]);
}

#[test]
fn the_caller_is_told_what_to_look_up() {
    let request = json!({"model": "claude-opus-5-5", "previous_response_id": "resp_0", "input": [
        {"type": "item_reference", "id": "msg_a"},
        {"id": "bare"},
        {"type": "reasoning", "id": "rs_b", "summary": []},
        {"type": "reasoning", "id": "rs_c", "summary": [], "encrypted_content": "x"},
        {"type": "web_search_call", "id": "ws_d"},
        {"type": "message", "role": "assistant", "id": "msg_e", "content": []},
        {"role": "user", "id": "msg_f", "content": [
            {"type": "input_file", "file_id": "file-2"}, {"type": "input_image", "file_id": "file-1"},
        ]},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_file", "file_id": "file-2"}]},
    ]});
    let body = request.to_string();
    let request = ResponsesRequest::parse(body.as_bytes()).unwrap();
    assert_eq!(request.item_ids(), ["msg_a", "bare", "rs_b", "ws_d", "msg_e"]);
    assert_eq!(request.file_ids().into_iter().collect::<Vec<_>>(), ["file-1", "file-2"]);
    assert_eq!(
        (request.previous_response_id(), request.store(), request.stream()),
        (Some("resp_0"), None, false)
    );
}

/// A reference takes forty bytes, what it stands for any number.
#[test]
fn items_named_over_and_over_are_refused_before_they_are_made() {
    let long = "long ".repeat(400_000);
    let earlier = json!({
        "request": {"model": "claude-opus-5-5", "input": long},
        "response": message("msg_1", &json!([{"type": "text", "text": long}])),
    });
    let assistants =
        json!({"role": "assistant", "id": "msg_1_0", "content": [{"type": "output_text", "text": long}]});
    let user = json!({"type": "item_reference", "id": "msg_1_in0"});
    for named in [user.clone(), json!({"type": "item_reference", "id": "msg_1_0"}), assistants] {
        let refused = |times: usize| {
            let user = json!({"role": "user", "content": "hi"});
            let input: Vec<Value> =
                [vec![user.clone()], vec![named.clone(); times], vec![user]].into_iter().flatten().collect();
            let request = json!({"model": "claude-opus-5-5", "input": input});
            translate(&json!({"request": request, "earlier": [earlier]})).err()
        };
        assert_eq!(refused(3), None, "{}", named["id"]);
        let error = refused(20).unwrap();
        assert_eq!((error.code.as_str(), error.param.as_deref()), ("invalid_value", Some("input[17].id")));
    }
    let tiny = json!({"type": "item_reference", "id": "msg_2_in0"});
    let earlier = json!({
        "request": {"model": "claude-opus-5-5", "input": "hi"},
        "response": message("msg_2", &json!([{"type": "text", "text": "hello"}])),
    });
    let request = json!({"model": "claude-opus-5-5", "input": vec![tiny; 20_000]});
    assert!(translate(&json!({"request": request, "earlier": [earlier]})).is_ok());
}

/// What was too much to look for is not said to be unknown.
#[test]
fn an_item_that_was_not_looked_for_is_said_to_be_one_too_many() {
    let refused = |item: Value, stored: &StoredTurn| {
        let body = json!({"model": "claude-opus-5-5", "input": [item]}).to_string();
        translate_with(ResponsesRequest::parse(body.as_bytes()).unwrap(), &Value::Null, Some(stored))
            .unwrap_err()
            .message
    };
    let (whole, partial) = (StoredTurn::default(), StoredTurn::default().partial());
    let reference = json!({"type": "item_reference", "id": "msg_1_0"});
    assert!(refused(reference.clone(), &whole).contains("names no item that is kept here"));
    assert!(refused(reference, &partial).contains("was not looked for"));
    let compaction = json!({"type": "compaction", "id": "cmp_1_0"});
    assert!(refused(compaction, &partial).contains("was not looked for"));
}

/// Numbers and the order of keys are the upstream's, through the store and back.
#[test]
fn the_answer_comes_back_byte_for_byte() {
    let content = r#"[{"type":"thinking","thinking":"hm \"é\"","signature":"sig=="},{"type":"text","text":"cited","citations":[{"type":"char_location","start_char_index":0}]},{"type":"tool_use","id":"toolu_1","name":"f","input":{"z":1.50,"a":[12345678901234567890]}}]"#;
    let first = json!({"request": {"model": "claude-opus-5-5", "input": "hi"}, "response": message("msg_1", &serde_json::from_str(content).unwrap())});
    let second = json!({"model": "claude-opus-5-5", "previous_response_id": "resp_1", "input": [
        {"type": "function_call_output", "call_id": "toolu_1", "output": "r"},
    ]});
    let translated = translate(&json!({"request": second, "earlier": [first]})).unwrap();
    let body = String::from_utf8(translated.body).unwrap();
    assert!(body.contains(&format!(r#"{{"role":"assistant","content":{content}}}"#)), "{body}");
}

#[test]
fn what_is_kept_shows_itself_in_no_log() {
    let secret = "correct horse";
    let request = json!({"model": "claude-opus-5-5", "input": secret, "instructions": secret});
    let stored = kept(&request, &message("msg_1", &json!([{"type": "text", "text": secret}])));
    let body = request.to_string();
    let parsed = ResponsesRequest::parse(body.as_bytes()).unwrap();
    let translated = translate(&json!({"request": request})).unwrap();
    let shown = format!("{stored:?} {parsed:?} {translated:?} {:?}", translated.context);
    assert!(!shown.contains(secret), "{shown}");
}
