//! What an answer says was made on its way: files that code wrote, and the container it ran in.
//!
//! Nobody asked for these by a route of their own, so no answer *is* the object: it only names it. Where several tenants
//! share one workspace of the upstream, whoever got the answer is the one they belong to. Read are only the places that
//! the upstream fills itself, the results of its own tools: what a model wrote into a call of a client's tool may name
//! anything.

use serde::Deserialize;
use serde_json::value::RawValue;

/// One thing that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// A file's id, from the result of a code execution tool.
    File(String),
    /// The container of an answer.
    Container {
        /// Its id, to be named in later requests.
        id: String,
        /// When it ends, in RFC 3339.
        expires_at: Option<String>,
    },
}

/// What a whole message says was made; nothing when it cannot be read.
///
/// Answers without any of it, nearly all, are searched once and not parsed.
#[must_use]
pub fn in_message(message: &[u8]) -> Vec<Made> {
    if !may_tell(message) {
        return Vec::new();
    }
    serde_json::from_slice::<Message<'_>>(message).map(|message| message.made()).unwrap_or_default()
}

/// What the data of one event of a Messages stream says was made.
#[must_use]
pub fn in_event(data: &str) -> Vec<Made> {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow)]
        message: Option<Message<'a>>,
        #[serde(borrow)]
        delta: Option<Message<'a>>,
        #[serde(borrow)]
        content_block: Option<&'a RawValue>,
    }
    if !may_tell(data.as_bytes()) {
        return Vec::new();
    }
    let Ok(event) = serde_json::from_str::<Event<'_>>(data) else { return Vec::new() };
    let told = event.message.iter().chain(&event.delta).flat_map(Message::made);
    told.chain(event.content_block.into_iter().flat_map(files)).collect()
}

/// What one line of a batch's results says was made.
#[must_use]
pub fn in_result(line: &[u8]) -> Vec<Made> {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(borrow)]
        result: Outcome<'a>,
    }
    #[derive(Deserialize)]
    struct Outcome<'a> {
        #[serde(borrow)]
        message: Option<Message<'a>>,
    }
    if !may_tell(line) {
        return Vec::new();
    }
    let line = serde_json::from_slice::<Line<'_>>(line).ok();
    line.and_then(|line| line.result.message).map(|message| message.made()).unwrap_or_default()
}

/// Whether it is worth reading. Messages without a container say `"container": null`.
fn may_tell(text: &[u8]) -> bool {
    let opens = |at: usize| {
        let rest = text[at + CONTAINER.len()..].iter().find(|b| !b.is_ascii_whitespace() && **b != b':');
        rest == Some(&b'{')
    };
    memchr::memmem::find(text, FILE_ID).is_some() || memchr::memmem::find_iter(text, CONTAINER).any(opens)
}

const FILE_ID: &[u8] = b"\"file_id\"";
const CONTAINER: &[u8] = b"\"container\"";

/// A message, or what an event adds to one.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    container: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

impl Message<'_> {
    fn made(&self) -> Vec<Made> {
        let blocks =
            self.content.and_then(|content| serde_json::from_str::<Vec<&RawValue>>(content.get()).ok());
        let files = blocks.unwrap_or_default().into_iter().flat_map(files);
        self.container.and_then(container).into_iter().chain(files).collect()
    }
}

fn container(raw: &RawValue) -> Option<Made> {
    #[derive(Deserialize)]
    struct Container {
        id: String,
        #[serde(default)]
        expires_at: Option<String>,
    }
    let Container { id, expires_at } = serde_json::from_str(raw.get()).ok()?;
    Some(Made::Container { id, expires_at })
}

/// The files of one block, if it is what a code execution tool left.
///
/// Shape: `{"type": "…code_execution_tool_result", "content": {"content": [{"type": "…code_execution_output", "file_id"}]}}`.
fn files(block: &RawValue) -> Vec<Made> {
    #[derive(Deserialize)]
    struct Block {
        #[serde(rename = "type")]
        kind: String,
        content: Ran,
    }
    #[derive(Deserialize)]
    struct Ran {
        content: Vec<Output>,
    }
    #[derive(Deserialize)]
    struct Output {
        #[serde(rename = "type")]
        kind: String,
        file_id: Option<String>,
    }
    if memchr::memmem::find(block.get().as_bytes(), FILE_ID).is_none() {
        return Vec::new();
    }
    let Ok(block) = serde_json::from_str::<Block>(block.get()) else { return Vec::new() };
    if !block.kind.ends_with("code_execution_tool_result") {
        return Vec::new();
    }
    let outputs = block.content.content.into_iter();
    let written = outputs.filter(|output| output.kind.ends_with("code_execution_output"));
    written.filter_map(|output| output.file_id).map(Made::File).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str = r#"{"type":"bash_code_execution_tool_result","tool_use_id":"srvtoolu_1","content":{"type":"bash_code_execution_result","stdout":"","content":[{"type":"bash_code_execution_output","file_id":"file_1"}]}}"#;
    const CONTAINER: &str = r#"{"id":"container_1","expires_at":"2026-12-31T00:00:00Z"}"#;

    fn both() -> [Made; 2] {
        let expires_at = Some("2026-12-31T00:00:00Z".to_owned());
        [Made::Container { id: "container_1".into(), expires_at }, Made::File("file_1".into())]
    }

    #[test]
    fn a_message_tells_what_code_made() {
        let message =
            format!(r#"{{"content":[{{"type":"text","text":"x"}},{BLOCK}],"container" : {CONTAINER}}}"#);
        assert_eq!(in_message(message.as_bytes()), both());
        let line = format!(r#"{{"custom_id":"a","result":{{"type":"succeeded","message":{message}}}}}"#);
        assert_eq!(in_result(line.as_bytes()), both());
        let errored = br#"{"custom_id":"a","result":{"type":"errored","error":{"container":{"id":"c"}}}}"#;
        assert_eq!(in_result(errored), []);
    }

    #[test]
    fn events_tell_it_piece_by_piece() {
        let [container, file] = both();
        let check = |event: String, expect: &Made| {
            assert_eq!(in_event(&event), std::slice::from_ref(expect), "{event}")
        };
        check(format!(r#"{{"type":"content_block_start","index":1,"content_block":{BLOCK}}}"#), &file);
        check(format!(r#"{{"type":"message_delta","delta":{{"container":{CONTAINER}}}}}"#), &container);
        check(
            format!(r#"{{"type":"message_start","message":{{"content":[],"container":{CONTAINER}}}}}"#),
            &container,
        );
    }

    #[test]
    fn what_a_model_wrote_makes_nothing() {
        for block in [
            r#"{"type":"tool_use","input":{"content":{"content":[{"type":"code_execution_output","file_id":"file_x"}]}}}"#,
            r#"{"type":"tool_use","content":{"content":[{"type":"code_execution_output","file_id":"file_x"}]}}"#,
            r#"{"type":"text","text":"\"file_id\":\"file_x\"","citations":[{"file_id":"file_x"}]}"#,
        ] {
            let message = format!(r#"{{"content":[{block}],"container":null}}"#);
            assert_eq!(in_message(message.as_bytes()), [], "{block}");
        }
        assert_eq!(in_message(br#"{"container":{"id":"c"#), []);
    }
}
