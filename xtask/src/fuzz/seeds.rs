//! What the fuzzer begins with: the golden files' inputs, and the words that stand in them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::workspace;

const GOLDEN: &str = "crates/portcullis-provider/tests/it/golden";
/// Longer texts are prompts and the like, no words of a dialect.
const LONGEST_WORD: usize = 40;

/// Seeds on disk.
pub(super) struct Seeds {
    folder: PathBuf,
    /// In libFuzzer's own notation.
    pub(super) dictionary: PathBuf,
}

impl Seeds {
    /// A target's seeds. Some are good for more than one target.
    pub(super) fn of(&self, target: &str) -> PathBuf {
        self.folder.join(kind_for(target))
    }
}

fn kind_for(target: &str) -> &'static str {
    match target {
        "chat_request" | "envelope" => "chat_requests",
        "batch_envelope" => "batches",
        "responses_request" => "responses_requests",
        "chat_response" | "responses_response" => "messages",
        _ => "streams",
    }
}

/// Writes the seeds anew.
pub(super) fn write(folder: &Path) -> Result<Seeds> {
    let seeds = Seeds { folder: folder.join("seeds"), dictionary: folder.join("words.dict") };
    if seeds.folder.exists() {
        std::fs::remove_dir_all(&seeds.folder)?;
    }
    for kind in ["chat_requests", "batches", "responses_requests", "messages", "streams"] {
        std::fs::create_dir_all(seeds.folder.join(kind))?;
    }
    let mut words = BTreeSet::new();
    for path in golden_files(&workspace::root().join(GOLDEN))? {
        let text = std::fs::read_to_string(&path)?;
        let Ok(case) = serde_json::from_str::<Value>(&text) else { continue };
        collect_words(&case["input"], &mut words);
        if let Some((kind, bytes)) = seed(&case) {
            let name = path.file_stem().context("a file has a name")?;
            if kind == "chat_requests" {
                std::fs::write(seeds.folder.join("batches").join(name), batch_of(&bytes))?;
            }
            std::fs::write(seeds.folder.join(kind).join(name), bytes)?;
        }
    }
    let lines: Vec<String> = words.iter().map(|word| entry(word)).collect();
    std::fs::write(&seeds.dictionary, lines.join("\n"))?;
    Ok(seeds)
}

fn golden_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(golden_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    Ok(files)
}

/// A case's input as the target reads it, and of which kind it is.
fn seed(case: &Value) -> Option<(&'static str, Vec<u8>)> {
    let input = &case["input"];
    if let Some(events) = input["events"].as_array() {
        return Some(("streams", stream(events)));
    }
    if input["response"].is_object() {
        return Some(("messages", input["response"].to_string().into_bytes()));
    }
    let request = input["request_raw"].as_str().map(str::to_owned);
    let request = request.or_else(|| input["request"].is_object().then(|| input["request"].to_string()))?;
    let responses = case["direction"].as_str().is_some_and(|direction| direction.starts_with("responses"));
    Some((if responses { "responses_requests" } else { "chat_requests" }, request.into_bytes()))
}

/// To the splice one dialect is as good as another: it reads models.
fn batch_of(request: &[u8]) -> Vec<u8> {
    let item = [br#"{"custom_id":"a","params":"#, request, b"}"].concat();
    [br#"{"requests":["#, &*item, b",", &*item, b"]}"].concat()
}

/// The first byte decides how the target cuts the rest.
fn stream(events: &[Value]) -> Vec<u8> {
    let mut bytes = vec![b'0'];
    for event in events {
        let name = event["event"].as_str().unwrap_or_default();
        bytes.extend(format!("event: {name}\ndata: {}\n\n", event["data"]).into_bytes());
    }
    bytes
}

fn collect_words<'a>(value: &'a Value, words: &mut BTreeSet<String>) {
    let mut keep = |word: &'a str| {
        if (1..=LONGEST_WORD).contains(&word.len()) && word.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        {
            words.insert(word.to_owned());
        }
    };
    match value {
        Value::String(text) => keep(text),
        Value::Array(items) => items.iter().for_each(|item| collect_words(item, words)),
        Value::Object(members) => {
            members.keys().for_each(|key| keep(key));
            members.values().for_each(|member| collect_words(member, words));
        }
        _ => {}
    }
}

/// A word as JSON has it, quoted once more for libFuzzer.
fn entry(word: &str) -> String {
    let json = Value::from(word).to_string();
    format!("\"{}\"", json.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_case_becomes_what_its_target_reads() {
        let request = json!({"direction": "chat_request", "input": {"request": {"model": "m"}}});
        assert_eq!(seed(&request), Some(("chat_requests", br#"{"model":"m"}"#.to_vec())));
        let request = json!({"direction": "responses_request", "input": {"request": {"model": "m"}}});
        assert_eq!(seed(&request).unwrap().0, "responses_requests");
        let stream =
            json!({"direction": "chat_stream", "input": {"events": [{"event": "ping", "data": {"a": 1}}]}});
        assert_eq!(seed(&stream), Some(("streams", b"0event: ping\ndata: {\"a\":1}\n\n".to_vec())));
        assert_eq!(seed(&json!({"direction": "chat_error", "input": {"status": 500}})), None);
    }

    #[test]
    fn a_word_is_quoted_for_json_and_for_the_fuzzer() {
        assert_eq!(entry("role"), r#""\"role\"""#);
        assert_eq!(entry(r"a\b"), r#""\"a\\\\b\"""#);
    }
}
