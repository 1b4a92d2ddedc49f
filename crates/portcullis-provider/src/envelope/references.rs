//! Which of the upstream's stored objects a Messages body refers to: files, skills of one's own, a user profile.
//!
//! Where several tenants share one workspace of the upstream, an id alone would open another tenant's object. The body is
//! walked token by token, so that neither its depth nor its size costs more than the walk.

use std::ops::Range;

use crate::json::lenient;

/// What a body refers to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reference {
    /// A file: `{"type": "file" | "container_upload", "file_id": …}`.
    File(String),
    /// A skill of one's own: `{"type": "custom", "skill_id": …}`.
    Skill(String),
    /// A user profile: `user_profile_id` of the request.
    UserProfile(String),
}

/// The references of a Messages body, or of all items of a batch, sorted, each once.
///
/// - `body`: JSON, as whoever calls has found out; of other bytes the answer means nothing.
#[must_use]
pub fn references(body: &str) -> Vec<Reference> {
    let mut walk = Walk { body, open: Vec::new(), found: Vec::new() };
    walk.run();
    walk.found.sort_unstable();
    walk.found.dedup();
    walk.found
}

/// An object that is not closed yet, or a list (which has none of this). A member may stand there twice, and the upstream
/// may count either: both are kept.
#[derive(Default)]
struct Open {
    /// The member whose value comes next.
    key: Option<Range<usize>>,
    kind: Vec<Range<usize>>,
    file: Vec<Range<usize>>,
    skill: Vec<Range<usize>>,
    profile: Vec<Range<usize>>,
}

struct Walk<'a> {
    body: &'a str,
    open: Vec<Open>,
    found: Vec<Reference>,
}

impl Walk<'_> {
    fn run(&mut self) {
        let bytes = self.body.as_bytes();
        let mut at = 0;
        while let Some(found) = bytes[at..].iter().position(|b| matches!(b, b'"' | b'{' | b'[' | b'}' | b']'))
        {
            at += found;
            match bytes[at] {
                b'"' => {
                    let end = end_of_string(bytes, at);
                    self.string(at..end);
                    at = end;
                    continue;
                }
                b'{' | b'[' => self.open.push(Open::default()),
                _ => self.close(),
            }
            at += 1;
        }
    }

    fn string(&mut self, span: Range<usize>) {
        let is_key = self.body[span.end..].trim_start().starts_with(':');
        let Some(object) = self.open.last_mut() else { return };
        if is_key {
            object.key = Some(span);
            return;
        }
        let Some(key) = object.key.take() else { return };
        let place = match lenient::unescape(&self.body[key]).as_str() {
            "type" => &mut object.kind,
            "file_id" => &mut object.file,
            "skill_id" => &mut object.skill,
            "user_profile_id" => &mut object.profile,
            _ => return,
        };
        place.push(span);
    }

    fn close(&mut self) {
        let depth = self.open.len();
        let Some(object) = self.open.pop() else { return };
        let text = |span: Range<usize>| lenient::unescape(&self.body[span]);
        let kinds: Vec<String> = object.kind.into_iter().map(text).collect();
        let is_any = |names: &[&str]| kinds.iter().any(|kind| names.contains(&kind.as_str()));
        if is_any(&["file", "container_upload"]) {
            self.found.extend(object.file.into_iter().map(text).map(Reference::File));
        }
        if is_any(&["custom"]) {
            self.found.extend(object.skill.into_iter().map(text).map(Reference::Skill));
        }
        // The request itself, or the `params` of a batch's item.
        if matches!(depth, 1 | 4) {
            self.found.extend(object.profile.into_iter().map(text).map(Reference::UserProfile));
        }
    }
}

/// The position behind the closing quote of the string that begins at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = bytes[at.min(bytes.len())..].iter().position(|b| matches!(b, b'"' | b'\\')) {
        at += found;
        if bytes[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_body_refers_to_is_found_at_any_depth_and_in_any_order() {
        let body = r#"{"user_profile_id":"uprof_1","messages":[{"role":"user","content":[
            {"type":"document","source":{"file_id":"file_b","type":"file"}},
            {"type":"container_upload","file\u005fid":"file_a"},
            {"type":"text","text":"\"file_id\":\"file_no\""}]}],
            "container":{"id":"c","skills":[{"type":"anthropic","skill_id":"pptx"},{"type":"custom","skill_id":"skill_1","version":"latest"}]}}"#;
        let expect = [
            Reference::File("file_a".into()),
            Reference::File("file_b".into()),
            Reference::Skill("skill_1".into()),
            Reference::UserProfile("uprof_1".into()),
        ];
        assert_eq!(references(body), expect);
        let batch = format!(r#"{{"requests":[{{"custom_id":"1","params":{body}}},{{"params":{body}}}]}}"#);
        assert_eq!(references(&batch), expect);
    }

    #[test]
    fn what_only_looks_like_a_reference_is_none() {
        let body = r#"{"tools":[{"input_schema":{"properties":{"file_id":{"type":"string"},"type":"file"}}}],
            "messages":[{"content":[{"type":"code_execution_output","file_id":"file_made"},
            {"type":"tool_use","input":{"user_profile_id":"x","file_id":"file_mine"}}]}]}"#;
        assert_eq!(references(body), []);
    }

    #[test]
    fn a_member_that_stands_twice_counts_twice() {
        let body = r#"{"a":{"type":"text","file_id":"file_a","type":"file","file_id":"file_b"}}"#;
        assert_eq!(references(body), [Reference::File("file_a".into()), Reference::File("file_b".into())]);
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "[\\[\\]{}\":,a\\\\é ]{0,80}") {
            drop(references(&text));
        }
    }
}
