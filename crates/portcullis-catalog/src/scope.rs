//! What a key may do.

use std::fmt;

/// One permission of a key, written `resource.action`, such as `completions.write`. No action implies another.
///
/// Only known scopes exist as values; a key with a misspelt one would be a key that surprises its holder.
///
/// Source: Portkey's documentation, "API keys: authentication and authorisation".
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope(u8);

/// A string is no known scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a known scope")]
pub struct UnknownScope(pub String);

macro_rules! scopes {
    ($($resource:literal: $($action:literal)+;)+) => {
        const KNOWN: &[&str] = &[$($(concat!($resource, ".", $action),)+)+];
    };
}

scopes! {
    "completions": "write";
    "models": "list";
    "prompts": "create" "read" "update" "delete" "list" "publish" "render";
    "configs": "create" "read" "update" "delete" "list";
    "guardrails": "create" "read" "update" "delete" "list" "invoke";
    "providers": "create" "read" "update" "delete" "list";
    "policies": "create" "read" "update" "delete" "list";
    "mcp_servers": "create" "read" "update" "delete" "list";
    "agent_servers": "create" "read" "update" "delete" "list";
    "virtual_keys": "create" "read" "update" "delete" "list" "duplicate" "copy";
    "organisation_integrations": "create" "read" "update" "delete" "list";
    "workspace_integrations": "create" "read" "update" "delete" "list";
    "organisation_mcp_integrations": "create" "read" "update" "delete" "list";
    "workspace_mcp_integrations": "create" "read" "update" "delete" "list";
    "organisation_agent_integrations": "create" "read" "update" "delete" "list";
    "workspace_agent_integrations": "create" "read" "update" "delete" "list";
    "workspaces": "create" "read" "update" "delete" "list";
    "workspace_users": "create" "read" "update" "delete" "list";
    "organisation_users": "create" "read" "update" "delete" "list";
    "organisation_service_api_keys": "create" "read" "update" "delete" "list" "rotate";
    "workspace_service_api_keys": "create" "read" "update" "delete" "list" "rotate";
    "workspace_user_api_keys": "create" "read" "update" "delete" "list" "rotate";
    "analytics": "view";
    "logs": "export" "list" "view" "write";
    "audit_logs": "list";
    "organisation_settings": "read" "update";
    "organisation_guardrails": "create" "read" "update" "delete" "list";
    "organisation_exclusions": "update" "list";
    "secret_references": "create" "read" "update" "delete" "list";
    "deployments": "create" "read" "update" "delete" "list";
    "plugins": "create" "update" "list";
    "mcp": "invoke";
    "agents": "invoke";
}

impl Scope {
    /// May send requests to models.
    pub const COMPLETIONS_WRITE: Self = Self::known("completions.write");
    /// May list models.
    pub const MODELS_LIST: Self = Self::known("models.list");

    /// The scope of this name, for constants: an unknown name does not compile.
    ///
    /// # Panics
    /// When the name is unknown. Strings from outside go through [`str::parse`].
    #[must_use]
    pub const fn known(name: &str) -> Self {
        let mut at = 0;
        while at < KNOWN.len() {
            if is_same(KNOWN[at].as_bytes(), name.as_bytes()) {
                return Self(at as u8);
            }
            at += 1;
        }
        panic!("not a known scope");
    }

    /// Every known scope.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..KNOWN.len()).map(|at| Self(u8::try_from(at).expect("there are fewer than 256 scopes")))
    }

    /// `resource.action`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        KNOWN[usize::from(self.0)]
    }
}

const _: () = assert!(KNOWN.len() <= 256, "a scope is one byte");

const fn is_same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

impl std::str::FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(raw: &str) -> Result<Self, UnknownScope> {
        Self::all().find(|scope| scope.as_str() == raw).ok_or_else(|| UnknownScope(raw.into()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_parses_back_to_itself_and_none_is_there_twice() {
        let all: std::collections::BTreeSet<Scope> = Scope::all().collect();
        assert_eq!(all.len(), KNOWN.len());
        for scope in all {
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        assert_eq!("completions.write".parse(), Ok(Scope::COMPLETIONS_WRITE));
    }

    #[test]
    fn an_unknown_scope_is_refused_by_name() {
        for raw in ["", "completions", "completions.read", "Completions.write", "completions.write ", "*"] {
            let error = raw.parse::<Scope>().unwrap_err();
            assert_eq!(error.to_string(), format!("`{raw}` is not a known scope"));
        }
    }
}
