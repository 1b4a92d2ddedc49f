//! The `Condition` element: operators over the context of a request.

use serde_json::Value;

use super::pattern::{CaseRule, matches};
use super::variable::with_variables;
use super::{PolicyError, strings};

/// One operator on one key. All conditions of a statement must hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    operator: Operator,
    quantifier: Quantifier,
    if_exists: bool,
    key: String,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equals,
    NotEquals,
    EqualsIgnoreCase,
    Like,
    NotLike,
    ArnLike,
    NotArnLike,
    Null,
}

/// How the values of a key with several values are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    /// One match is enough. Also for keys with one value.
    Any,
    /// Each value must match; none at all will do.
    All,
}

impl Operator {
    /// Whether one value of the request matches one of the policy. Negated operators are the negation of this.
    fn matches(self, wanted: &str, value: &str) -> bool {
        match self {
            Self::Equals | Self::NotEquals => wanted == value,
            Self::EqualsIgnoreCase => wanted.eq_ignore_ascii_case(value),
            Self::Like | Self::NotLike => matches(wanted, value, CaseRule::Kept),
            Self::ArnLike | Self::NotArnLike => arn_matches(wanted, value),
            Self::Null => false,
        }
    }

    fn is_negated(self) -> bool {
        matches!(self, Self::NotEquals | Self::NotLike | Self::NotArnLike)
    }
}

/// The six parts of an ARN match each on its own, so that no `*` reaches over a colon.
fn arn_matches(pattern: &str, arn: &str) -> bool {
    let (mut wanted, mut parts) = (pattern.splitn(6, ':'), arn.splitn(6, ':'));
    loop {
        match (wanted.next(), parts.next()) {
            (None, None) => return true,
            (Some(wanted), Some(part)) if matches(wanted, part, CaseRule::Kept) => {}
            _ => return false,
        }
    }
}

impl Condition {
    /// A key that is absent fails positive operators and passes negated ones, as in AWS.
    pub(super) fn holds(&self, context: &[(&str, &str)]) -> bool {
        let found: Vec<&str> = context
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(&self.key))
            .map(|(_, value)| *value)
            .collect();
        if self.operator == Operator::Null {
            return self.values.iter().any(|wanted| (wanted == "true") == found.is_empty());
        }
        if found.is_empty() && self.if_exists {
            return true;
        }
        let wanted: Vec<String> =
            self.values.iter().filter_map(|value| with_variables(value, context)).collect();
        let matches = |value: &&str| wanted.iter().any(|wanted| self.operator.matches(wanted, value));
        match (self.quantifier, self.operator.is_negated()) {
            (Quantifier::Any, false) => found.iter().any(matches),
            (Quantifier::Any, true) => !found.iter().any(matches),
            (Quantifier::All, false) => found.iter().all(matches),
            (Quantifier::All, true) => !found.iter().any(matches),
        }
    }
}

pub(super) fn parse(value: &Value) -> Result<Vec<Condition>, PolicyError> {
    let operators = value.as_object().ok_or_else(|| PolicyError("`Condition` is an object".into()))?;
    let mut conditions = Vec::new();
    for (name, keys) in operators {
        let (operator, quantifier, if_exists) = parse_operator(name)?;
        let keys =
            keys.as_object().ok_or_else(|| PolicyError(format!("`{name}` needs an object of keys")))?;
        for (key, values) in keys {
            conditions.push(Condition {
                operator,
                quantifier,
                if_exists,
                key: key.clone(),
                values: strings(values)?,
            });
        }
    }
    Ok(conditions)
}

fn parse_operator(name: &str) -> Result<(Operator, Quantifier, bool), PolicyError> {
    let (bare, quantifier) = match name.split_once(':') {
        Some(("ForAnyValue", bare)) => (bare, Quantifier::Any),
        Some(("ForAllValues", bare)) => (bare, Quantifier::All),
        _ => (name, Quantifier::Any),
    };
    let (bare, if_exists) = bare.strip_suffix("IfExists").map_or((bare, false), |bare| (bare, true));
    let operator = match bare {
        "StringEquals" | "Bool" => Operator::Equals,
        "StringNotEquals" => Operator::NotEquals,
        "StringEqualsIgnoreCase" => Operator::EqualsIgnoreCase,
        "StringLike" => Operator::Like,
        "StringNotLike" => Operator::NotLike,
        "ArnLike" | "ArnEquals" => Operator::ArnLike,
        "ArnNotLike" | "ArnNotEquals" => Operator::NotArnLike,
        "Null" => Operator::Null,
        _ => return Err(PolicyError(format!("condition operator `{name}` is not known here"))),
    };
    Ok((operator, quantifier, if_exists))
}
