//! Which of the upstream's stored objects a Messages body refers to: files, skills of one's own, a user profile, a
//! container, a thread.
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
    /// A container that was used before: `container` of the request, or its `id`.
    Container(String),
    /// A thread to go on with: `thread` of the request, unless it begins one. Its id, or nothing where none can be read.
    Thread(String),
}

/// The references of a Messages body, or of all items of a batch, sorted, each once.
///
/// What belongs to the client alone (the input of a tool's call, a schema) is not looked into.
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

/// Where in a body an object or a list stands.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    /// The body itself, or the `params` of a batch's item.
    Request,
    /// `requests` of a batch.
    Items,
    /// One of them.
    Item,
    /// `container` of a request.
    Container,
    /// `thread` of a request.
    Thread,
    /// The client's own: the upstream reads no reference there.
    Opaque,
    #[default]
    Other,
}

impl Place {
    /// What stands in here behind `key`, or as an element of a list.
    fn inside(self, key: Option<&str>) -> Self {
        match (self, key) {
            (Self::Opaque, _)
            | (Self::Other, Some("input" | "input_schema" | "input_examples" | "schema")) => Self::Opaque,
            (Self::Request, Some("requests")) => Self::Items,
            (Self::Items, None) => Self::Item,
            (Self::Item, Some("params")) => Self::Request,
            (Self::Request, Some("container")) => Self::Container,
            (Self::Request, Some("thread")) => Self::Thread,
            _ => Self::Other,
        }
    }
}

/// An object that is not closed yet, or a list (which has none of this). A member may stand there twice, and the upstream
/// may count either: both are kept.
#[derive(Default)]
struct Open {
    place: Place,
    /// The member whose value comes next.
    key: Option<Range<usize>>,
    kind: Vec<Range<usize>>,
    file: Vec<Range<usize>>,
    skill: Vec<Range<usize>>,
    profile: Vec<Range<usize>>,
    id: Vec<Range<usize>>,
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
                b'{' | b'[' => self.enter(),
                _ => self.close(),
            }
            at += 1;
        }
    }

    fn enter(&mut self) {
        let place = match self.open.last_mut() {
            None => Place::Request,
            Some(parent) if parent.place == Place::Opaque => Place::Opaque,
            Some(parent) => {
                let key = parent.key.take().map(|key| lenient::unescape(&self.body[key]));
                parent.place.inside(key.as_deref())
            }
        };
        self.open.push(Open { place, ..Open::default() });
    }

    fn string(&mut self, span: Range<usize>) {
        let Some(object) = self.open.last_mut() else { return };
        if object.place == Place::Opaque {
            return;
        }
        if self.body[span.end..].trim_start().starts_with(':') {
            object.key = Some(span);
            return;
        }
        let Some(key) = object.key.take() else { return };
        let is_request = object.place == Place::Request;
        let members = match lenient::unescape(&self.body[key]).as_str() {
            "type" => &mut object.kind,
            "file_id" => &mut object.file,
            "skill_id" => &mut object.skill,
            "user_profile_id" => &mut object.profile,
            "id" | "thread_id" => &mut object.id,
            "container" if is_request => {
                return self.found.push(Reference::Container(lenient::unescape(&self.body[span])));
            }
            "thread" if is_request => {
                return self.found.push(Reference::Thread(lenient::unescape(&self.body[span])));
            }
            _ => return,
        };
        members.push(span);
    }

    fn close(&mut self) {
        let Some(object) = self.open.pop() else { return };
        if object.place == Place::Opaque {
            return;
        }
        let text = |span: Range<usize>| lenient::unescape(&self.body[span]);
        let kinds: Vec<String> = object.kind.into_iter().map(text).collect();
        let is_any = |names: &[&str]| kinds.iter().any(|kind| names.contains(&kind.as_str()));
        if is_any(&["file", "container_upload"]) {
            self.found.extend(object.file.into_iter().map(text).map(Reference::File));
        }
        if is_any(&["custom"]) {
            self.found.extend(object.skill.into_iter().map(text).map(Reference::Skill));
        }
        match object.place {
            Place::Request => {
                self.found.extend(object.profile.into_iter().map(text).map(Reference::UserProfile));
            }
            Place::Container => self.found.extend(object.id.into_iter().map(text).map(Reference::Container)),
            Place::Thread => {
                let ids: Vec<String> = object.id.into_iter().map(text).collect();
                let begins = !kinds.is_empty() && kinds.iter().all(|kind| kind == "create");
                if ids.is_empty() && !begins {
                    self.found.push(Reference::Thread(String::new()));
                }
                self.found.extend(ids.into_iter().map(Reference::Thread));
            }
            _ => {}
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
            Reference::Container("c".into()),
        ];
        assert_eq!(references(body), expect);
        let batch = format!(r#"{{"requests":[{{"custom_id":"1","params":{body}}},{{"params":{body}}}]}}"#);
        assert_eq!(references(&batch), expect);
    }

    #[test]
    fn what_only_looks_like_a_reference_is_none() {
        let body = r#"{"tools":[{"input_schema":{"properties":{"file_id":{"type":"string"},"type":"file"}}}],
            "messages":[{"content":[{"type":"code_execution_output","file_id":"file_made"},
            {"type":"tool_use","input":{"user_profile_id":"x","file_id":"file_mine","type":"file"}}]}]}"#;
        assert_eq!(references(body), []);
        let own = r#"{"tools":[{"input_schema":{"user_profile_id":"x","a":[{"type":"file","file_id":"file_mine"}]}}],
            "output_config":{"format":{"schema":{"type":"custom","skill_id":"skill_mine"}}},
            "messages":[{"content":[{"type":"tool_use","input":{"container":{"id":"c"},"thread":"t"}}]}]}"#;
        assert_eq!(references(own), []);
    }

    #[test]
    fn containers_and_threads_that_were_there_before_are_references() {
        let check = |body: &str, expect: &[Reference]| {
            assert_eq!(references(body), expect, "{body}");
            let batch = format!(r#"{{"requests":[{{"custom_id":"1","params":{body}}}]}}"#);
            assert_eq!(references(&batch), expect, "{batch}");
        };
        check(r#"{"c\u006fntainer":"container_1"}"#, &[Reference::Container("container_1".into())]);
        check(
            r#"{"container":{"skills":[],"id":"container_1"}}"#,
            &[Reference::Container("container_1".into())],
        );
        check(r#"{"container":{"skills":[{"type":"anthropic","skill_id":"pptx","id":"x"}]}}"#, &[]);
        check(r#"{"container":null,"thread":{"type":"create"}}"#, &[]);
        check(r#"{"thread":{"type":"continue","id":"t_1"}}"#, &[Reference::Thread("t_1".into())]);
        check(r#"{"thread":{"type":"continue","of":7}}"#, &[Reference::Thread(String::new())]);
        check(r#"{"thread":"t_1"}"#, &[Reference::Thread("t_1".into())]);
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
