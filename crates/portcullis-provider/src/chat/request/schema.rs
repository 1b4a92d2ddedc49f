//! JSON schemas: as they are for a plain tool, adapted to what the upstream can enforce for strict ones.
//!
//! | keyword | what happens |
//! |---|---|
//! | `type`, `enum`, `const`, `anyOf`, `allOf`, local `$ref`, `$defs`, `default`, `required`, `title`, `description` | kept |
//! | simple `pattern`, `minItems` of 0 or 1, well-known `format` | kept |
//! | `oneOf` | becomes `anyOf` |
//! | `additionalProperties` | becomes `false`; an object that has nothing else (a map) is refused |
//! | `$schema`, `$id` | left out: they say nothing about values |
//! | recursive or external `$ref`, `enum` values that are no primitives, `$ref` in `allOf` | refused |
//! | every other keyword | becomes part of the description, where the model reads it and nothing enforces it; reported |
//!
//! Source: Anthropic's "Structured outputs", the limitations of JSON Schema.

mod references;

use std::borrow::Cow;
use std::fmt;

use super::path::Path;
use super::scope::Scope;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::Writer;
use crate::json::{Json, Object, Text};

/// Formats the upstream enforces.
const FORMATS: &[&str] =
    &["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// The schema of a tool that is not strict: the client's text, but for what the upstream refuses at the root.
pub(crate) fn plain<'a>(
    parameters: Option<&Json<'a>>,
    path: &Path<'_>,
) -> Result<Cow<'a, str>, InvalidRequest> {
    let Some(parameters) = parameters else {
        return Ok(Cow::Borrowed(r#"{"type":"object","properties":{}}"#));
    };
    let schema = path.object(parameters)?;
    let has_type = root_type(schema, path)?;
    let unwanted = |key: &str| matches!(key, "$schema" | "$id");
    if has_type && !schema.members.iter().any(|(key, _)| unwanted(key)) {
        return Ok(Cow::Borrowed(schema.raw));
    }
    let mut writer = Writer::with_capacity(schema.raw.len() + 32);
    writer.object(|w| {
        if !has_type {
            w.key("type").plain("object");
        }
        for (key, value) in schema.members.iter().filter(|(key, _)| !unwanted(key)) {
            w.foreign_key(key).raw(value.raw());
        }
    });
    Ok(Cow::Owned(writer.into_string()))
}

/// Whether the root says that it is an object; it must not say anything else.
fn root_type(schema: &Object<'_>, path: &Path<'_>) -> Result<bool, InvalidRequest> {
    match schema.get("type") {
        None => Ok(false),
        Some(Json::String(text)) if text == "object" => Ok(true),
        Some(_) => Err(path.key("type").refuse(InvalidCode::InvalidValue, "must be \"object\"")),
    }
}

/// A schema to be adapted, and how to speak about it.
pub(crate) struct Strict<'s> {
    /// Where it stands in the request, for refusals; a JSON pointer follows.
    pub(crate) path: &'s Path<'s>,
    /// What stands before the JSON pointer in a report.
    pub(crate) report: &'s dyn fmt::Display,
    /// A description for the root, if it has none.
    pub(crate) description: Option<Text<'s>>,
    /// The root must be an object and say so.
    pub(crate) object_root: bool,
}

impl Strict<'_> {
    /// The adapted schema.
    pub(crate) fn adapt(&self, schema: &Json<'_>, scope: &mut Scope) -> Result<String, InvalidRequest> {
        let root = self.path.object(schema)?;
        let add_type = self.object_root && !root_type(root, self.path)?;
        references::check(root, self)?;
        let mut writer = Writer::with_capacity(root.raw.len() + 128);
        self.object(root, &Pointer::ROOT, add_type, &mut writer, scope)?;
        Ok(writer.into_string())
    }

    fn refuse(&self, at: &dyn fmt::Display, what: &str) -> InvalidRequest {
        let param = format!("{}{at}", self.path);
        let message = format!("`{param}` {what}");
        InvalidRequest::at(InvalidCode::UnsupportedValue, param, message)
    }

    fn schema(
        &self,
        schema: &Json<'_>,
        at: &Pointer<'_>,
        w: &mut Writer,
        scope: &mut Scope,
    ) -> Result<(), InvalidRequest> {
        match schema {
            Json::Object(object) => self.object(object, at, false, w, scope),
            // `true` and `false` are schemas; whatever else stands here is the upstream's to refuse.
            other => {
                w.raw(other.raw());
                Ok(())
            }
        }
    }

    fn object(
        &self,
        schema: &Object<'_>,
        at: &Pointer<'_>,
        add_type: bool,
        w: &mut Writer,
        scope: &mut Scope,
    ) -> Result<(), InvalidRequest> {
        let is_object = add_type || says_object(schema);
        let open = schema.get("additionalProperties").is_some_and(|more| *more != Json::Bool(false));
        if is_object && open && schema.get("properties").is_none() {
            return Err(self.refuse(at, "is a map: an object needs named `properties` to be enforced"));
        }
        let level = Level { at, any_of: schema.get("anyOf").is_some() };
        let mut described = Vec::new();
        for (key, value) in &schema.members {
            if self.fate(key, value, level)? == Fate::Describe {
                described.push((key.as_ref(), value));
            }
        }
        if !described.is_empty() {
            scope.unenforced(format_args!("{}{at}", self.path), format_args!("{}{at}", self.report))?;
        }
        let description = self.describe(schema, at, &described);
        w.object(|w| {
            if add_type {
                w.key("type").plain("object");
            }
            for (key, value) in &schema.members {
                self.member(key, value, level, description.as_deref(), w, scope)?;
            }
            if let Some(description) = description.filter(|_| schema.get("description").is_none()) {
                w.key("description").plain(&description);
            }
            if is_object {
                w.key("additionalProperties").boolean(false);
            }
            Ok(())
        })
    }

    /// The description with what cannot be enforced, or nothing if the schema's own may stay as it is.
    fn describe(
        &self,
        schema: &Object<'_>,
        at: &Pointer<'_>,
        described: &[(&str, &Json<'_>)],
    ) -> Option<String> {
        let own = schema.text("description").or(self.description.filter(|_| at.is_root()));
        if described.is_empty() {
            return own
                .filter(|_| schema.get("description").is_none())
                .map(|text| text.decode().into_owned());
        }
        let keywords: Vec<String> = described
            .iter()
            .map(|(key, value)| match value {
                Json::String(text) => format!("{key}: {}", text.decode()),
                other => format!("{key}: {}", other.raw()),
            })
            .collect();
        let keywords = format!("{{{}}}", keywords.join(", "));
        Some(own.map_or_else(|| keywords.clone(), |own| format!("{}\n\n{keywords}", own.decode())))
    }

    fn member(
        &self,
        key: &str,
        value: &Json<'_>,
        level: Level<'_>,
        description: Option<&str>,
        w: &mut Writer,
        scope: &mut Scope,
    ) -> Result<(), InvalidRequest> {
        let here = level.at.step(key);
        match self.fate(key, value, level)? {
            Fate::Drop | Fate::Describe => Ok(()),
            Fate::Keep => {
                match description.filter(|_| key == "description") {
                    Some(description) => w.foreign_key(key).plain(description),
                    None => w.foreign_key(key).raw(value.raw()),
                }
                Ok(())
            }
            Fate::Schema => self.schema(value, &here, w.foreign_key(key), scope),
            Fate::Named => self.named(value, &here, w.foreign_key(key), scope),
            Fate::List(name) => self.list(value, &here, w.key(name), scope),
        }
    }

    fn named(
        &self,
        value: &Json<'_>,
        at: &Pointer<'_>,
        w: &mut Writer,
        scope: &mut Scope,
    ) -> Result<(), InvalidRequest> {
        let Json::Object(named) = value else { return Err(self.refuse(at, "must be an object")) };
        w.object(|w| {
            named.members.iter().try_for_each(|(name, schema)| {
                self.schema(schema, &at.step(name), w.foreign_key(name), scope)
            })
        })
    }

    fn list(
        &self,
        value: &Json<'_>,
        at: &Pointer<'_>,
        w: &mut Writer,
        scope: &mut Scope,
    ) -> Result<(), InvalidRequest> {
        let Json::Array(list) = value else { return Err(self.refuse(at, "must be an array")) };
        w.array(|w| {
            list.items
                .iter()
                .enumerate()
                .try_for_each(|(index, schema)| self.schema(schema, &at.step(&index.to_string()), w, scope))
        })
    }

    /// What to do with a keyword.
    fn fate(&self, key: &str, value: &Json<'_>, level: Level<'_>) -> Result<Fate, InvalidRequest> {
        Ok(match key {
            "$schema" | "$id" | "additionalProperties" => Fate::Drop,
            "type" | "$ref" | "default" | "required" | "description" | "title" => Fate::Keep,
            "properties" | "$defs" | "definitions" => Fate::Named,
            "items" if !matches!(value, Json::Array(_)) => Fate::Schema,
            "anyOf" => Fate::List("anyOf"),
            "oneOf" if !level.any_of => Fate::List("anyOf"),
            "allOf" => self.all_of(value, level.at)?,
            "enum" | "const" => self.primitives(key, value, level.at)?,
            "pattern" if value.as_text().is_some_and(|pattern| is_simple(&pattern.decode())) => Fate::Keep,
            "minItems" if matches!(value, Json::Number("0" | "1")) => Fate::Keep,
            "format" if value.as_text().is_some_and(|format| FORMATS.contains(&format.decode().as_ref())) => {
                Fate::Keep
            }
            _ => Fate::Describe,
        })
    }

    fn all_of(&self, value: &Json<'_>, at: &Pointer<'_>) -> Result<Fate, InvalidRequest> {
        let list = value.as_array().map(|list| list.items.as_slice()).unwrap_or_default();
        if list.iter().any(|schema| schema.as_object().is_some_and(|schema| schema.get("$ref").is_some())) {
            return Err(self.refuse(&at.step("allOf"), "must not hold a `$ref`"));
        }
        Ok(Fate::List("allOf"))
    }

    fn primitives(&self, key: &str, value: &Json<'_>, at: &Pointer<'_>) -> Result<Fate, InvalidRequest> {
        let composite = |value: &Json<'_>| matches!(value, Json::Object(_) | Json::Array(_));
        let bad = match value {
            Json::Array(values) if key == "enum" => values.items.iter().any(composite),
            other => composite(other),
        };
        if bad {
            return Err(self.refuse(&at.step(key), "must hold strings, numbers, booleans and null only"));
        }
        Ok(Fate::Keep)
    }
}

/// The schema whose keywords are being looked at.
#[derive(Clone, Copy)]
struct Level<'p> {
    at: &'p Pointer<'p>,
    /// It has `anyOf` itself. Asked once: a hostile schema may repeat `oneOf` as often as it likes.
    any_of: bool,
}

/// What becomes of a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Keep,
    Drop,
    /// Its value is a schema.
    Schema,
    /// Its value is an object of schemas.
    Named,
    /// Its value is an array of schemas, to be written under this name.
    List(&'static str),
    /// It becomes part of the description.
    Describe,
}

fn says_object(schema: &Object<'_>) -> bool {
    let is_object = |json: &Json<'_>| json.as_text().is_some_and(|text| &text == "object");
    match schema.get("type") {
        Some(Json::Array(types)) => types.items.iter().any(is_object),
        Some(one) => is_object(one),
        None => schema.get("properties").is_some(),
    }
}

/// No look-around, no back-reference, no word boundary.
fn is_simple(pattern: &str) -> bool {
    if ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|look| pattern.contains(look)) {
        return false;
    }
    let mut escaped = false;
    for character in pattern.chars() {
        if escaped && matches!(character, '1'..='9' | 'b' | 'B' | 'k') {
            return false;
        }
        escaped = !escaped && character == '\\';
    }
    true
}

/// A JSON pointer, built on the stack.
///
/// Source: RFC 6901.
#[derive(Clone, Copy, Debug)]
struct Pointer<'p> {
    parent: Option<&'p Pointer<'p>>,
    step: &'p str,
}

impl<'p> Pointer<'p> {
    const ROOT: Pointer<'static> = Pointer { parent: None, step: "" };

    fn step(&'p self, step: &'p str) -> Self {
        Self { parent: Some(self), step }
    }

    fn is_root(&self) -> bool {
        self.parent.is_none()
    }
}

impl fmt::Display for Pointer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(parent) = self.parent else { return Ok(()) };
        write!(f, "{parent}/{}", self.step.replace('~', "~0").replace('/', "~1"))
    }
}
