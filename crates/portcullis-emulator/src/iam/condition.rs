//! The `Condition` element: operators over the context of a request.

use serde_json::Value;

use super::pattern::{CaseRule, matches};
use super::{PolicyError, strings};

/// One operator on one key. All conditions of a statement must hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    operator: Operator,
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
    Null,
}

impl Condition {
    /// A key that is absent fails positive operators and passes negated ones, as in AWS.
    pub(super) fn holds(&self, context: &[(&str, &str)]) -> bool {
        let found: Vec<&str> = context
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(&self.key))
            .map(|(_, value)| *value)
            .collect();
        let any = |test: &dyn Fn(&str, &str) -> bool| {
            found.iter().any(|value| self.values.iter().any(|wanted| test(wanted, value)))
        };
        match self.operator {
            Operator::Null => self.values.iter().any(|wanted| (wanted == "true") == found.is_empty()),
            _ if found.is_empty() && self.if_exists => true,
            Operator::Equals => any(&|wanted, value| wanted == value),
            Operator::NotEquals => !any(&|wanted, value| wanted == value),
            Operator::EqualsIgnoreCase => any(&|wanted, value| wanted.eq_ignore_ascii_case(value)),
            Operator::Like => any(&|wanted, value| matches(wanted, value, CaseRule::Kept)),
            Operator::NotLike => !any(&|wanted, value| matches(wanted, value, CaseRule::Kept)),
        }
    }
}

pub(super) fn parse(value: &Value) -> Result<Vec<Condition>, PolicyError> {
    let operators = value.as_object().ok_or_else(|| PolicyError("`Condition` is an object".into()))?;
    let mut conditions = Vec::new();
    for (name, keys) in operators {
        let (operator, if_exists) = parse_operator(name)?;
        let keys =
            keys.as_object().ok_or_else(|| PolicyError(format!("`{name}` needs an object of keys")))?;
        for (key, values) in keys {
            conditions.push(Condition { operator, if_exists, key: key.clone(), values: strings(values)? });
        }
    }
    Ok(conditions)
}

fn parse_operator(name: &str) -> Result<(Operator, bool), PolicyError> {
    let bare = name.strip_prefix("ForAnyValue:").unwrap_or(name);
    let (bare, if_exists) = bare.strip_suffix("IfExists").map_or((bare, false), |bare| (bare, true));
    let operator = match bare {
        "StringEquals" | "Bool" => Operator::Equals,
        "StringNotEquals" => Operator::NotEquals,
        "StringEqualsIgnoreCase" => Operator::EqualsIgnoreCase,
        "StringLike" | "ArnLike" | "ArnEquals" => Operator::Like,
        "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => Operator::NotLike,
        "Null" => Operator::Null,
        _ => return Err(PolicyError(format!("condition operator `{name}` is not known here"))),
    };
    Ok((operator, if_exists))
}
