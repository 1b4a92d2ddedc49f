//! The tables of compatibility: every example goes through the real translator, and the page is theirs.

mod answers;
mod batches;
mod errors;
mod requests;
mod responses_api;

use portcullis_provider::compatibility::page;
use serde_json::{Map, Value};

const COMMITTED: &str = include_str!("../../../../docs/compatibility.md");

/// What the upstream answers.
const MESSAGE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-4-8","content":[{"type":"text","text":"a"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":5}}"#;

/// A JSON object with these members over its own. The text of numbers is kept.
fn with(base: &str, members: &str) -> Map<String, Value> {
    let mut object: Map<String, Value> = serde_json::from_str(base).unwrap();
    let members: Map<String, Value> =
        serde_json::from_str(&format!("{{{members}}}")).unwrap_or_else(|e| panic!("{e}: {members}"));
    object.extend(members);
    object
}

fn text(object: Map<String, Value>) -> String {
    Value::Object(object).to_string()
}

#[test]
fn the_page_is_rendered_from_the_tables() {
    assert!(
        COMMITTED == page(),
        "docs/compatibility.md is stale: run `cargo run -p portcullis-provider --example compatibility`"
    );
}
