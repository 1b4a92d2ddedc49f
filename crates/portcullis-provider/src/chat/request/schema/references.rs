//! `$ref`: local ones that end somewhere pass, all others are refused.

use std::collections::{HashMap, HashSet};

use super::Strict;
use crate::invalid::InvalidRequest;
use crate::json::{Json, Object, Text};

/// How deep schemas may nest, references followed.
const DEPTH_LIMIT: usize = 512;

/// How many places references may lead to; looking one up can take as long as the schema is wide.
const TARGET_LIMIT: usize = 1000;

/// Follows every reference of a schema once.
pub(crate) fn check(root: &Object<'_>, strict: &Strict<'_>) -> Result<(), InvalidRequest> {
    // Most schemas have none, and their text says so quickly.
    if memchr::memmem::find(root.raw.as_bytes(), b"ref\"").is_none() && !root.raw.contains("\\u") {
        return Ok(());
    }
    let mut walk =
        Walk { root, strict, named: named(root), seen: HashMap::new(), walked: HashSet::new(), depth: 0 };
    walk.seen.insert("#".to_owned(), Visit::Open);
    root.members.iter().try_for_each(|(key, value)| walk.member(key, value))
}

/// The definitions by name: there may be as many of them as there are references.
fn named<'j>(root: &'j Object<'_>) -> HashMap<(&'static str, &'j str), &'j Json<'j>> {
    let mut named = HashMap::new();
    for container in ["$defs", "definitions"] {
        let definitions = root.get(container).and_then(Json::as_object);
        for (name, value) in definitions.iter().flat_map(|definitions| &definitions.members) {
            named.insert((container, name.as_ref()), value);
        }
    }
    named
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    /// On the way down to here: another reference to it closes a circle.
    Open,
    Done,
}

struct Walk<'j> {
    root: &'j Object<'j>,
    strict: &'j Strict<'j>,
    named: HashMap<(&'static str, &'j str), &'j Json<'j>>,
    seen: HashMap<String, Visit>,
    /// Objects that are known to lead nowhere wrong, by address: targets may overlap.
    walked: HashSet<*const Object<'j>>,
    depth: usize,
}

impl<'j> Walk<'j> {
    fn member(&mut self, key: &str, value: &'j Json<'j>) -> Result<(), InvalidRequest> {
        match (key, value) {
            // Data that only looks like schemas.
            ("enum" | "const" | "default" | "examples", _) => Ok(()),
            ("$ref", Json::String(target)) => self.follow(*target),
            _ => self.values(value),
        }
    }

    fn values(&mut self, value: &'j Json<'j>) -> Result<(), InvalidRequest> {
        if self.depth == DEPTH_LIMIT {
            return Err(self.strict.refuse(&"", "nests too deeply"));
        }
        self.depth += 1;
        match value {
            Json::Object(object) if self.walked.contains(&std::ptr::from_ref(object)) => {}
            Json::Object(object) => {
                object.members.iter().try_for_each(|(key, value)| self.member(key, value))?;
                self.walked.insert(std::ptr::from_ref(object));
            }
            Json::Array(array) => array.items.iter().try_for_each(|value| self.values(value))?,
            _ => {}
        }
        self.depth -= 1;
        Ok(())
    }

    fn follow(&mut self, target: Text<'j>) -> Result<(), InvalidRequest> {
        let target = target.decode();
        let Some(pointer) = target.strip_prefix('#') else {
            return Err(self.strict.refuse(&"", "must not refer to another document in a `$ref`"));
        };
        match self.seen.get(target.as_ref()) {
            Some(Visit::Done) => return Ok(()),
            Some(Visit::Open) => {
                return Err(self
                    .strict
                    .refuse(&pointer, "refers to itself; recursive schemas are not supported"));
            }
            None => {}
        }
        let schema = self
            .resolve(pointer)
            .ok_or_else(|| self.strict.refuse(&"", "holds a `$ref` to a place that does not exist"))?;
        if self.seen.len() > TARGET_LIMIT {
            return Err(self.strict.refuse(&"", "holds references to too many places"));
        }
        self.seen.insert(target.clone().into_owned(), Visit::Open);
        self.values(schema)?;
        self.seen.insert(target.into_owned(), Visit::Done);
        Ok(())
    }

    fn resolve(&self, pointer: &str) -> Option<&'j Json<'j>> {
        let mut steps =
            pointer.strip_prefix('/')?.split('/').map(|step| step.replace("~1", "/").replace("~0", "~"));
        let first = steps.next()?;
        let mut value = match (first.as_str(), &mut steps) {
            ("$defs", steps) => *self.named.get(&("$defs", steps.next()?.as_str()))?,
            ("definitions", steps) => *self.named.get(&("definitions", steps.next()?.as_str()))?,
            (other, _) => self.root.get(other)?,
        };
        for step in steps {
            value = match value {
                Json::Object(object) => object.get(&step)?,
                Json::Array(array) => array.items.get(step.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(value)
    }
}
