//! Names of tools that the upstream would refuse, rewritten on routes that say so.
//!
//! Every name of the request is looked at before anything is translated, so that one name is one other name everywhere:
//! in definitions, choices and history here, and back again in the answer ([`ToolNames`]). Names that are fine stay, and
//! none is taken twice. The same request gives the same names: a prompt cache is a prefix of bytes.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::path::Path;
use super::scope::Scope;
use crate::json::write::Str;
use crate::json::{Json, Object, Text};
use crate::warnings::WarningKind;

/// The longest name the upstream takes.
const LONGEST: usize = 64;

/// The client's names that were rewritten, with the ones to send. Empty, and free, for most requests.
#[derive(Debug, Default)]
pub(crate) struct Renames {
    sent: HashMap<String, String>,
}

/// The client's names of tools that were sent under other names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolNames(BTreeMap<String, String>);

impl ToolNames {
    /// What the client calls the tool that the upstream knows as `sent`.
    #[must_use]
    pub fn of_client<'s>(&'s self, sent: &'s str) -> &'s str {
        self.0.get(sent).map_or(sent, String::as_str)
    }

    /// Whether every tool has the client's own name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether the upstream takes this name.
pub(crate) fn is_valid(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len()) && name.bytes().all(is_allowed)
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

impl Renames {
    /// Gives every name that the upstream would refuse another one, and reports it where it stands first.
    ///
    /// - `names`: all names of the request, with their places.
    pub(crate) fn enter<'p>(names: impl IntoIterator<Item = (Cow<'p, str>, String)>, scope: &mut Scope) {
        let names: Vec<_> = names.into_iter().collect();
        let valid = names.iter().map(|(name, _)| name.as_ref()).filter(|name| is_valid(name));
        let mut taken = Taken { names: valid.map(str::to_owned).collect(), suffixes: HashMap::new() };
        for (name, path) in names {
            if is_valid(&name) || name.is_empty() || scope.renames.sent.contains_key(name.as_ref()) {
                continue;
            }
            let sent = taken.free_name(&name);
            scope.note(WarningKind::Renamed, path);
            scope.renames.sent.insert(name.into_owned(), sent);
        }
    }

    /// The name to send for one of the client's.
    pub(crate) fn sent<'a>(&self, name: Text<'a>) -> Str<'a> {
        if self.sent.is_empty() {
            return Str::from(name);
        }
        match self.sent.get(name.decode().as_ref()) {
            Some(sent) => Str::from(sent.clone()),
            None => Str::from(name),
        }
    }

    /// Whether this name was given another.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.sent.contains_key(name)
    }

    /// The way back.
    pub(crate) fn back(&self) -> ToolNames {
        ToolNames(self.sent.iter().map(|(name, sent)| (sent.clone(), name.clone())).collect())
    }
}

/// Names that are spoken for.
struct Taken {
    names: HashSet<String>,
    /// The last suffix of each name, so that many equal ones stay cheap.
    suffixes: HashMap<String, usize>,
}

impl Taken {
    fn free_name(&mut self, name: &str) -> String {
        let clean = |c: char| if c.is_ascii() && is_allowed(c as u8) { c } else { '_' };
        let base: String = name.chars().take(LONGEST).map(clean).collect();
        if self.names.insert(base.clone()) {
            return base;
        }
        let suffix = self.suffixes.entry(base.clone()).or_insert(1);
        loop {
            *suffix += 1;
            let tail = format!("_{suffix}");
            let end = base.len().min(LONGEST - tail.len());
            let free = format!("{}{tail}", &base[..end]);
            if self.names.insert(free.clone()) {
                return free;
            }
        }
    }
}

/// Every name of a tool in a chat completion request, definitions first.
pub(crate) fn of_chat<'j>(request: &'j Object<'_>) -> Vec<(Cow<'j, str>, String)> {
    let mut names = Vec::new();
    for (list, members) in [("tools", ["function", "custom"].as_slice()), ("functions", &[""])] {
        let path = Path::root(list);
        for (index, tool) in items(request, list).enumerate() {
            called(tool, members, &path.index(index), &mut names);
        }
    }
    let path = Path::root("messages");
    for (index, message) in items(request, "messages").enumerate() {
        let path = path.index(index);
        let Some(message) = message.as_object() else { continue };
        called(
            message.get("function_call").unwrap_or(&Json::Null),
            &[""],
            &path.key("function_call"),
            &mut names,
        );
        let path = path.key("tool_calls");
        for (index, call) in items(message, "tool_calls").enumerate() {
            called(call, &["function", "custom"], &path.index(index), &mut names);
        }
    }
    names
}

fn items<'j, 'a>(object: &'j Object<'a>, list: &str) -> impl Iterator<Item = &'j Json<'a>> + use<'j, 'a> {
    object.get(list).and_then(Json::as_array).map(|list| list.items.as_slice()).unwrap_or_default().iter()
}

/// The `name` inside one of `members`, or of the value itself where a member has no name.
fn called<'j>(
    json: &'j Json<'_>,
    members: &[&str],
    path: &Path<'_>,
    names: &mut Vec<(Cow<'j, str>, String)>,
) {
    let Some(object) = json.as_object() else { return };
    for member in members {
        let inner =
            if member.is_empty() { Some(object) } else { object.get(member).and_then(Json::as_object) };
        let Some(name) = inner.and_then(|inner| inner.text("name")) else { continue };
        let path = if member.is_empty() {
            path.key("name").to_string()
        } else {
            path.key(member).key("name").to_string()
        };
        names.push((name.decode(), path));
    }
}

#[cfg(test)]
mod tests {
    use portcullis_types::TranslationOptions;

    use super::*;
    use crate::target::Target;

    fn sent(names: &[&str]) -> Vec<String> {
        let model = "claude-opus-4-8".parse().unwrap();
        let mut scope = Scope::new(&Target::embedded(&model, TranslationOptions::default()));
        let with_paths = names.iter().map(|name| (Cow::Borrowed(*name), "x".to_owned()));
        Renames::enter(with_paths, &mut scope);
        let back = scope.renames.back();
        let of = |name: &&str| scope.renames.sent.get(*name).cloned().unwrap_or_else(|| (*name).to_owned());
        let sent: Vec<String> = names.iter().map(of).collect();
        for (name, sent) in names.iter().zip(&sent) {
            assert!(is_valid(sent) || name.is_empty(), "{sent}");
            assert_eq!(back.of_client(sent), *name);
        }
        sent
    }

    #[test]
    fn no_two_names_become_one() {
        assert_eq!(sent(&["a.b", "a_b", "a/b", "a.b", "ä"]), ["a_b_2", "a_b", "a_b_3", "a_b_2", "_"]);
        let long = "x".repeat(70);
        let other = format!("{}y", "x".repeat(66));
        assert_eq!(sent(&[&long, &other]), ["x".repeat(64), format!("{}_2", "x".repeat(62))]);
        assert_eq!(sent(&["fine", ""]), ["fine", ""]);
    }

    /// It would take minutes if the cost were quadratic; the suite would be noticed to hang.
    #[test]
    fn many_names_that_become_one_stay_cheap() {
        let names: Vec<String> =
            (0..50_000).map(|n| char::from_u32(0x4e00 + n).unwrap_or('x').to_string()).collect();
        let names: HashSet<&str> = names.iter().map(String::as_str).filter(|name| *name != "x").collect();
        let sent = sent(&names.into_iter().collect::<Vec<_>>());
        assert_eq!(sent.iter().collect::<HashSet<_>>().len(), sent.len());
    }
}
