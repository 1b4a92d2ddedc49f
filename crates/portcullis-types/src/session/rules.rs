//! What must hold between the settings of a role, beyond what each of them says alone.

use std::collections::HashSet;

use super::{RoleSettings, SessionDuration};
use crate::aws::RoleArn;

/// A rule between settings that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct BrokenRule {
    /// The path to the setting at fault, such as `role_chain[1].role_arn`.
    pub field: String,
    /// A fragment that reads after the field's name.
    pub reason: String,
}

fn broken(field: impl Into<String>, reason: impl Into<String>) -> BrokenRule {
    BrokenRule { field: field.into(), reason: reason.into() }
}

impl RoleSettings {
    /// Every rule that does not hold, for an integration that assumes `role`.
    ///
    /// Sources: STS API reference, `AssumeRole`; IAM User Guide, "Methods to assume a role" (role chaining: one hour).
    #[must_use]
    pub fn broken_rules(&self, role: &RoleArn) -> Vec<BrokenRule> {
        let mut rules = self.broken_rules_of_the_chain(role);
        rules.extend(self.broken_rules_of_the_tags());
        if !self.role_chain.is_empty() && self.duration_seconds.is_some_and(|d| d > SessionDuration::HOUR) {
            let reason = "must be at most 3600 with a `role_chain`: a session assumed from another role lasts \
                          at most one hour";
            rules.push(broken("duration_seconds", reason));
        }
        rules
    }

    fn broken_rules_of_the_chain(&self, role: &RoleArn) -> Vec<BrokenRule> {
        let mut rules = Vec::new();
        if self.role_chain.len() > Self::LONGEST_CHAIN {
            let reason =
                format!("has {} roles; at most {} are possible", self.role_chain.len(), Self::LONGEST_CHAIN);
            rules.push(broken("role_chain", reason));
        }
        let same = self.role_chain.iter().enumerate().filter(|(_, hop)| hop.role_arn == *role);
        rules.extend(same.map(|(at, _)| {
            broken(
                format!("role_chain[{at}].role_arn"),
                "is the integration's own role, which the chain leads to",
            )
        }));
        rules
    }

    fn broken_rules_of_the_tags(&self) -> Vec<BrokenRule> {
        let mut rules = Vec::new();
        if self.session_tags.len() > Self::MOST_TAGS {
            let reason =
                format!("has {} tags; at most {} are possible", self.session_tags.len(), Self::MOST_TAGS);
            rules.push(broken("session_tags", reason));
        }
        let mut keys = HashSet::new();
        for tag in &self.session_tags {
            if !keys.insert(tag.key.as_str().to_lowercase()) {
                let reason = "differs from another key in case only, which AWS takes for the same key";
                rules.push(broken(format!("session_tags.{}", tag.key), reason));
            }
        }
        let mut transitive = HashSet::new();
        for (at, key) in self.transitive_tag_keys.iter().enumerate() {
            let folded = key.as_str().to_lowercase();
            let reason = match (keys.contains(&folded), transitive.insert(folded)) {
                (true, true) => continue,
                (false, _) => "is not among the keys of `session_tags`",
                (true, false) => "stands in the list twice",
            };
            rules.push(broken(format!("transitive_tag_keys[{at}]"), reason));
        }
        rules
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(settings: Value, expected: &[&str]) {
        let settings: RoleSettings = serde_json::from_value(settings).unwrap();
        let role = "arn:aws:iam::123456789012:role/own".parse().unwrap();
        let broken: Vec<_> = settings.broken_rules(&role).iter().map(BrokenRule::to_string).collect();
        assert_eq!(broken, expected);
    }

    fn hop(n: usize) -> Value {
        json!({"role_arn": format!("arn:aws:iam::123456789012:role/hop-{n}")})
    }

    #[test]
    fn a_chain_is_short_and_ends_at_the_role() {
        check(json!({"role_chain": (0..4).map(hop).collect::<Vec<_>>()}), &[]);
        let five: Vec<_> = (0..5).map(hop).collect();
        check(json!({"role_chain": five}), &["role_chain has 5 roles; at most 4 are possible"]);
        let own = json!({"role_arn": "arn:aws:iam::123456789012:role/own"});
        let expected = "role_chain[1].role_arn is the integration's own role, which the chain leads to";
        check(json!({"role_chain": [hop(1), own]}), &[expected]);
    }

    #[test]
    fn a_chained_session_lasts_an_hour_at_most() {
        check(json!({"duration_seconds": 43_200}), &[]);
        check(json!({"duration_seconds": 3600, "role_chain": [hop(1)]}), &[]);
        let expected = "duration_seconds must be at most 3600 with a `role_chain`: a session assumed from another \
                        role lasts at most one hour";
        check(json!({"duration_seconds": 3601, "role_chain": [hop(1)]}), &[expected]);
    }

    #[test]
    fn keys_of_tags_are_compared_as_aws_does() {
        let tag = |key: &str| json!({"key": key, "value": "x"});
        let tags: Vec<_> = (0..51).map(|n| tag(&format!("k{n}"))).collect();
        check(json!({"session_tags": tags[..50]}), &[]);
        check(json!({"session_tags": tags}), &["session_tags has 51 tags; at most 50 are possible"]);
        check(
            json!({"session_tags": [tag("Team"), tag("team")]}),
            &["session_tags.team differs from another key in case only, which AWS takes for the same key"],
        );
        check(
            json!({"session_tags": [tag("Team")], "transitive_tag_keys": ["team", "TEAM", "user"]}),
            &[
                "transitive_tag_keys[1] stands in the list twice",
                "transitive_tag_keys[2] is not among the keys of `session_tags`",
            ],
        );
    }
}
