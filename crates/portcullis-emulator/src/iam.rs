//! A small, honest evaluator of IAM policies: what it does not understand it refuses to load, instead of ignoring it.
//!
//! Start at [`Policy`]; [`Policy::decide`] judges one action. An explicit deny wins, and nothing is allowed that is not named.
//! Source: AWS IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements".

mod condition;
mod pattern;
mod principal;
#[cfg(test)]
mod tests;
mod variable;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use condition::Condition;
use pattern::{CaseRule, matches};
use principal::Principal;
use variable::with_variables;

/// One attempt to do something, as policies see it.
#[derive(Clone, Debug)]
pub struct AccessRequest<'a> {
    /// Every name the caller goes by: its ARN, and for a role session the role's ARN too; the name of a service of AWS,
    /// or the ARN of an identity provider.
    pub identities: &'a [String],
    /// The caller's account, 12 digits; empty for a service or a user of an identity provider.
    pub account: &'a str,
    /// For example `aws-external-anthropic:CreateInference`.
    pub action: &'a str,
    /// An ARN, or `*` for actions of the whole account.
    pub resource: &'a str,
    /// Condition keys (any case) and their values.
    pub context: &'a [(&'a str, &'a str)],
}

/// What one policy says about an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allowed,
    /// A statement denies it.
    ExplicitlyDenied,
    /// No statement speaks of it.
    NotMentioned,
}

/// A policy document: trust, permission or session policy. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct Policy {
    source: Arc<Value>,
    statements: Arc<[Statement]>,
}

#[derive(Clone, Debug, PartialEq)]
struct Statement {
    name: Option<String>,
    allows: bool,
    principals: Option<Vec<Principal>>,
    actions: Selection,
    resources: Option<Selection>,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq)]
enum Selection {
    Only(Vec<String>),
    AllBut(Vec<String>),
}

/// Why a document is not a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed policy: {0}")]
pub struct PolicyError(pub(crate) String);

impl Policy {
    /// Reads a policy from its JSON text.
    ///
    /// # Errors
    /// [`PolicyError`] for anything that is not a policy, or that this evaluator does not know.
    pub fn from_json(text: &str) -> Result<Self, PolicyError> {
        serde_json::from_str::<Value>(text).map_err(|error| PolicyError(error.to_string()))?.try_into()
    }

    /// Judges one attempt. Statements with a `Principal` apply only to those they name.
    #[must_use]
    pub fn decide(&self, request: &AccessRequest<'_>) -> Decision {
        let mut decision = Decision::NotMentioned;
        for statement in self.statements.iter().filter(|statement| statement.applies_to(request)) {
            if !statement.allows {
                return Decision::ExplicitlyDenied;
            }
            decision = Decision::Allowed;
        }
        decision
    }

    /// Whether this resource policy names the caller itself, not merely its account or everybody.
    #[must_use]
    pub fn names_directly(&self, identities: &[String]) -> bool {
        self.statements
            .iter()
            .filter(|statement| statement.allows)
            .filter_map(|statement| statement.principals.as_ref())
            .any(|principals| principals.iter().any(|principal| principal.is_one_of(identities)))
    }

    /// Whether every action has the prefix of a service, as IAM demands of what it stores; `*` alone needs none.
    #[must_use]
    pub fn names_services(&self) -> bool {
        let is_service = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let is_whole = |action: &String| {
            action == "*"
                || action
                    .split_once(':')
                    .is_some_and(|(service, _)| !service.is_empty() && is_service(service))
        };
        self.statements.iter().all(|statement| match &statement.actions {
            Selection::Only(actions) | Selection::AllBut(actions) => actions.iter().all(is_whole),
        })
    }

    /// Whether any statement has a `Principal`, which makes it a resource policy.
    #[must_use]
    pub fn is_resource_policy(&self) -> bool {
        self.statements.iter().any(|statement| statement.principals.is_some())
    }
}

impl Statement {
    fn applies_to(&self, request: &AccessRequest<'_>) -> bool {
        self.principals
            .as_ref()
            .is_none_or(|principals| principals.iter().any(|principal| principal.names(request)))
            && self.actions.contains(request.action, CaseRule::Ignored)
            && self.resources.as_ref().is_none_or(|resources| resources.contains_resource(request))
            && self.conditions.iter().all(|condition| condition.holds(request.context))
    }
}

impl Selection {
    fn contains_resource(&self, request: &AccessRequest<'_>) -> bool {
        let filled = |patterns: &[String]| {
            let filled = patterns.iter().filter_map(|pattern| with_variables(pattern, request.context));
            filled.collect::<Vec<_>>()
        };
        let filled = match self {
            Self::Only(patterns) => Self::Only(filled(patterns)),
            Self::AllBut(patterns) => Self::AllBut(filled(patterns)),
        };
        filled.contains(request.resource, CaseRule::Kept)
    }

    fn contains(&self, text: &str, case: CaseRule) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, text, case));
        match self {
            Self::Only(patterns) => any(patterns),
            Self::AllBut(patterns) => !any(patterns),
        }
    }
}

impl From<Policy> for Value {
    fn from(policy: Policy) -> Self {
        Arc::unwrap_or_clone(policy.source)
    }
}

impl TryFrom<Value> for Policy {
    type Error = PolicyError;

    fn try_from(source: Value) -> Result<Self, PolicyError> {
        let document = source.as_object().ok_or_else(|| PolicyError("a policy is an object".into()))?;
        refuse_unknown(document, &["Version", "Id", "Statement"])?;
        if document.get("Version").is_some_and(|version| version != "2012-10-17" && version != "2008-10-17") {
            return Err(PolicyError("`Version` must be 2012-10-17".into()));
        }
        let statements = match document.get("Statement") {
            Some(Value::Array(statements)) => {
                statements.iter().map(parse_statement).collect::<Result<_, _>>()?
            }
            Some(statement @ Value::Object(_)) => vec![parse_statement(statement)?],
            _ => return Err(PolicyError("`Statement` is required".into())),
        };
        check_names(&statements)?;
        Ok(Self { source: Arc::new(source), statements: statements.into() })
    }
}

/// A statement's name is of letters and digits, and its own.
fn check_names(statements: &[Statement]) -> Result<(), PolicyError> {
    let names: Vec<&str> = statements.iter().filter_map(|statement| statement.name.as_deref()).collect();
    let is_plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if let Some(name) = names.iter().find(|name| !is_plain(name)) {
        return Err(PolicyError(format!("statement ids are letters and digits, `{name}` is not")));
    }
    let distinct: std::collections::BTreeSet<&&str> = names.iter().collect();
    if distinct.len() < names.len() {
        return Err(PolicyError("statement ids in a single policy must be unique".into()));
    }
    Ok(())
}

fn parse_statement(value: &Value) -> Result<Statement, PolicyError> {
    let object = value.as_object().ok_or_else(|| PolicyError("a statement is an object".into()))?;
    refuse_unknown(
        object,
        &["Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"],
    )?;
    let allows = match object.get("Effect").and_then(Value::as_str) {
        Some("Allow") => true,
        Some("Deny") => false,
        _ => return Err(PolicyError("`Effect` must be Allow or Deny".into())),
    };
    let actions = selection(object, "Action", "NotAction")?
        .ok_or_else(|| PolicyError("a statement needs `Action`".into()))?;
    let principals = object.get("Principal").map(principal::parse).transpose()?;
    let resources = selection(object, "Resource", "NotResource")?;
    if principals.is_none() && resources.is_none() {
        return Err(PolicyError("a statement needs `Resource`".into()));
    }
    let conditions = object.get("Condition").map(condition::parse).transpose()?.unwrap_or_default();
    let name = object.get("Sid").and_then(Value::as_str).map(str::to_owned);
    Ok(Statement { name, allows, principals, actions, resources, conditions })
}

fn selection(
    object: &serde_json::Map<String, Value>,
    only: &str,
    all_but: &str,
) -> Result<Option<Selection>, PolicyError> {
    match (object.get(only), object.get(all_but)) {
        (Some(value), None) => Ok(Some(Selection::Only(strings(value)?))),
        (None, Some(value)) => Ok(Some(Selection::AllBut(strings(value)?))),
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(PolicyError(format!("`{only}` and `{all_but}` exclude each other"))),
    }
}

pub(crate) fn strings(value: &Value) -> Result<Vec<String>, PolicyError> {
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(PolicyError("expected text or a list of texts".into())),
    };
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        single => Ok(vec![text(single)?]),
    }
}

fn refuse_unknown(object: &serde_json::Map<String, Value>, known: &[&str]) -> Result<(), PolicyError> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(PolicyError(format!("`{key}` is not known here"))),
        None => Ok(()),
    }
}
