//! How a role is reached and what its sessions are like, as clients write and read it.
//!
//! | field | value | when absent or `null` |
//! |---|---|---|
//! | `role_chain` | up to 4 of `{role_arn, external_id?, session_name?}` | the gateway assumes the role itself |
//! | `duration_seconds` | 900 to 43200; at most 3600 with a `role_chain` | AWS's default, an hour |
//! | `session_name` | a template | `pcs-{workspace}-{integration}` |
//! | `session_tags` | an object of up to 50 keys, a template each | none |
//! | `transitive_tag_keys` | some of those keys | none |
//! | `source_identity` | a template | none |
//! | `session_policy` | `"generated"`, `"off"` or a policy | `"generated"` |
//!
//! A change replaces each field that it names, and leaves the others.

use portcullis_types::session::{
    InvalidSessionDuration, PolicyDocument, SessionDuration, SessionTag, TagKey,
};
use portcullis_types::{RoleArn, RoleHop, RoleSettings, SessionPolicy};
use serde_json::{Map, Value, json};

use crate::fields::read::{self, invalid};
use crate::fields::{Change, Fields, Reading};
use crate::problem::ProblemCode;

const ROLE_CHAIN: &[&str] = &["role_chain"];
const DURATION: &[&str] = &["duration_seconds"];
const SESSION_NAME: &[&str] = &["session_name"];
const SESSION_TAGS: &[&str] = &["session_tags"];
const TRANSITIVE_TAG_KEYS: &[&str] = &["transitive_tag_keys"];
const SOURCE_IDENTITY: &[&str] = &["source_identity"];
const SESSION_POLICY: &[&str] = &["session_policy"];

/// Every field that is read here.
pub(super) const ALL: &[&[&str]] =
    &[ROLE_CHAIN, DURATION, SESSION_NAME, SESSION_TAGS, TRANSITIVE_TAG_KEYS, SOURCE_IDENTITY, SESSION_POLICY];

/// Whether the body says anything of a role's settings.
pub(super) fn are_given(fields: &Fields<'_>) -> bool {
    ALL.iter().any(|names| fields.names(names))
}

/// The settings that result from `present` and what the body says of them.
///
/// - `role_arn`: the role that they are for, when it is known; the rules between settings need it.
pub(super) fn read(
    fields: &mut Fields<'_>,
    present: &RoleSettings,
    role_arn: Option<&RoleArn>,
) -> RoleSettings {
    let n_problems = fields.n_problems();
    let defaults = RoleSettings::default();
    let settings = RoleSettings {
        role_chain: chain(fields).applied_to(&present.role_chain, defaults.role_chain),
        duration_seconds: optional(fields.change(DURATION, duration), present.duration_seconds),
        session_name: optional(fields.change(SESSION_NAME, read::parsed), present.session_name.clone()),
        session_tags: tags(fields).applied_to(&present.session_tags, defaults.session_tags),
        transitive_tag_keys: fields
            .change(TRANSITIVE_TAG_KEYS, |value| read::list(value, read::parsed))
            .applied_to(&present.transitive_tag_keys, defaults.transitive_tag_keys),
        source_identity: optional(
            fields.change(SOURCE_IDENTITY, read::parsed),
            present.source_identity.clone(),
        ),
        session_policy: fields
            .change(SESSION_POLICY, policy)
            .applied_to(&present.session_policy, defaults.session_policy),
    };
    // Of settings that could not be read, the rules between them would say what is not so.
    if let Some(role_arn) = role_arn.filter(|_| fields.n_problems() == n_problems) {
        for broken in settings.broken_rules(role_arn) {
            fields.report::<()>(&broken.field, ProblemCode::InvalidValue, &broken.reason);
        }
    }
    settings
}

fn optional<T>(change: Change<T>, present: Option<T>) -> Option<T> {
    change.into_patch().unwrap_or(present)
}

fn chain(fields: &mut Fields<'_>) -> Change<Vec<RoleHop>> {
    if !fields.has(ROLE_CHAIN) {
        return fields.change(ROLE_CHAIN, |_| Ok(Vec::new()));
    }
    fields.each(ROLE_CHAIN, hop).map_or(Change::Keep, Change::Set)
}

fn hop(mut fields: Fields<'_>) -> Option<RoleHop> {
    let role_arn = fields.required(&["role_arn"], read::parsed);
    let external_id = fields.optional(&["external_id"], read::parsed);
    let session_name = fields.optional(&["session_name"], read::parsed);
    fields.finish();
    Some(RoleHop { role_arn: role_arn?, external_id, session_name })
}

fn tags(fields: &mut Fields<'_>) -> Change<Vec<SessionTag>> {
    if !fields.has(SESSION_TAGS) {
        return fields.change(SESSION_TAGS, |_| Ok(Vec::new()));
    }
    fields.nested(SESSION_TAGS[0], |tags| tags.each_named(tag)).map_or(Change::Keep, Change::Set)
}

fn tag(key: &str, value: Value) -> Reading<SessionTag> {
    let key: TagKey = key.parse().map_err(|error| invalid(format!("is not valid: {error}")))?;
    Ok(SessionTag { key, value: read::parsed(value)? })
}

fn duration(value: Value) -> Reading<SessionDuration> {
    let Value::Number(number) = &value else { return Err(read::wrong_type("a number", &value)) };
    let seconds = number.as_u64().and_then(|seconds| u32::try_from(seconds).ok());
    let duration = seconds.ok_or(InvalidSessionDuration).and_then(SessionDuration::try_from);
    duration.map_err(|error| invalid(format!("is not valid: {error}")))
}

fn policy(value: Value) -> Reading<SessionPolicy> {
    match value {
        Value::String(text) if text == "generated" => Ok(SessionPolicy::Generated),
        Value::String(text) if text == "off" => Ok(SessionPolicy::Off),
        Value::Object(_) => match PolicyDocument::try_from(value) {
            Ok(document) => Ok(SessionPolicy::Custom(document)),
            Err(error) => Err(invalid(format!("is not valid: {error}"))),
        },
        _ => Err(invalid("must be `generated`, `off` or a policy as a JSON object")),
    }
}

/// Adds the settings to what clients read of the configurations: each in the form in which it is written.
pub(super) fn render(settings: &RoleSettings, shown: &mut Value) {
    let tags = settings.session_tags.iter().map(|tag| (tag.key.to_string(), json!(tag.value)));
    shown["role_chain"] = json!(settings.role_chain);
    shown["duration_seconds"] = json!(settings.duration_seconds);
    shown["session_name"] = json!(settings.session_name);
    shown["session_tags"] = Value::Object(tags.collect::<Map<_, _>>());
    shown["transitive_tag_keys"] = json!(settings.transitive_tag_keys);
    shown["source_identity"] = json!(settings.source_identity);
    shown["session_policy"] = match &settings.session_policy {
        SessionPolicy::Generated => json!("generated"),
        SessionPolicy::Off => json!("off"),
        SessionPolicy::Custom(document) => Value::from(document.clone()),
    };
}
