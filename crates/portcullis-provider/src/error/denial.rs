//! AWS's sentence about an action that is not allowed, taken apart.
//!
//! ```text
//! User: P is not authorized to perform: A on resource: R because no session policy allows the A action
//! User: P is not authorized to perform: A on resource: R with an explicit deny in a service control policy: ARN
//! ```
//!
//! Neither half after the action must be there. Services vary the sentence, so each part is looked for by itself and a
//! part that is not found is none. Source: IAM User Guide, "Troubleshoot access denied error messages".

mod statement;

use std::borrow::Cow;

use super::class::{Class, access};

/// What AWS says of a refusal. Holds ARNs and account ids, which are no secrets, and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Denial {
    /// Who asked, such as `arn:aws:sts::123456789012:assumed-role/claude/session`.
    pub principal: Option<String>,
    /// The IAM action, such as `aws-external-anthropic:CreateInference`.
    pub action: Option<String>,
    /// What it was to be done to; an ARN or `*` with most services.
    pub resource: Option<String>,
    /// Why not.
    pub because: Because,
}

/// The reason in the sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Because {
    /// AWS does not say.
    #[default]
    Unsaid,
    /// No policy of this kind allows it.
    NotAllowed(PolicyKind),
    /// A policy of this kind forbids it.
    Denied {
        /// The kind.
        kind: PolicyKind,
        /// Its ARN, where AWS names it.
        policy: Option<String>,
    },
}

/// The kinds of policies that IAM asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    /// A permission policy of the role or user.
    Identity,
    /// The policy given to `AssumeRole`.
    Session,
    /// The permissions boundary of the role or user.
    Boundary,
    /// A service control policy of the organisation.
    ServiceControl,
    /// A resource control policy of the organisation.
    ResourceControl,
    /// The policy of the resource.
    Resource,
    /// The trust policy of a role.
    RoleTrust,
    /// The policy of a VPC endpoint.
    Endpoint,
    /// A kind that is not known here.
    Other,
}

/// Each kind as AWS writes it.
const KINDS: &[(&str, PolicyKind)] = &[
    ("identity-based polic", PolicyKind::Identity),
    ("session polic", PolicyKind::Session),
    ("permissions boundar", PolicyKind::Boundary),
    ("service control polic", PolicyKind::ServiceControl),
    ("resource control polic", PolicyKind::ResourceControl),
    ("resource-based polic", PolicyKind::Resource),
    ("role trust polic", PolicyKind::RoleTrust),
    ("vpc endpoint polic", PolicyKind::Endpoint),
];

/// Places for policy statements.
const STATEMENTS: [&str; 4] = ["{allow}", "{allow_token}", "{trust}", "{assume}"];
/// The services whose actions a refusal may be about.
const SERVICES: [&str; 4] = ["aws-external-anthropic", "sts", "aws-marketplace", "iam"];
const REFUSED: &str = "is not authorized to perform";

impl PolicyKind {
    /// In a sentence.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Identity => "the permission policy",
            Self::Session => "the session policy",
            Self::Boundary => "the permissions boundary",
            Self::ServiceControl => "the service control policy",
            Self::ResourceControl => "the resource control policy",
            Self::Resource => "the resource's policy",
            Self::RoleTrust => "the role's trust policy",
            Self::Endpoint => "the VPC endpoint's policy",
            Self::Other => "the policy",
        }
    }

    fn at(text: &str) -> Option<Self> {
        KINDS.iter().find(|(name, _)| text.starts_with(name)).map(|(_, kind)| *kind)
    }
}

impl Denial {
    /// Takes a text apart. What has no such sentence gives at most the action that it names somewhere.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        // ASCII only: the offsets stay those of the text.
        let lower = text.to_ascii_lowercase();
        let Some(refused) = lower.find(REFUSED) else {
            return Self { action: action_in(text), because: because(text, &lower), ..Self::default() };
        };
        let after = refused + REFUSED.len();
        let (said, said_lower) = (&text[after..], &lower[after..]);
        Self {
            principal: principal(&text[..refused], &lower[..refused]),
            action: action_in(said).or_else(|| action_in(text)),
            resource: resource(said, said_lower),
            because: because(said, said_lower),
        }
    }

    /// The row of the table.
    #[must_use]
    pub fn class(&self) -> &'static Class {
        use PolicyKind as K;
        match self.because {
            Because::NotAllowed(K::ServiceControl | K::ResourceControl)
            | Because::Denied { kind: K::ServiceControl | K::ResourceControl, .. } => &access::CONTROL_POLICY,
            Because::Denied { .. } => &access::EXPLICIT_DENY,
            Because::NotAllowed(K::Session) => &access::SESSION_POLICY,
            Because::NotAllowed(K::Boundary) => &access::PERMISSIONS_BOUNDARY,
            Because::NotAllowed(K::Endpoint) => &access::ENDPOINT_POLICY,
            _ if self.is_about_token() => &access::WEB_IDENTITY_TOKEN,
            Because::NotAllowed(K::Identity) => &access::IDENTITY_POLICY,
            Because::NotAllowed(K::Resource | K::RoleTrust | K::Other) | Because::Unsaid => {
                &access::ACCESS_DENIED
            }
        }
    }

    fn is_about_token(&self) -> bool {
        let of_token = ["sts:GetWebIdentityToken", "sts:TagGetWebIdentityToken"];
        let is_named = |action: &str| of_token.iter().any(|name| name.eq_ignore_ascii_case(action));
        self.action.as_deref().is_some_and(is_named)
    }

    /// A text of the table with its places filled, for Markdown: statements are marked as code.
    pub(super) fn fill_marked(&self, template: &'static str) -> String {
        let mut marked = template.to_owned();
        for place in STATEMENTS {
            marked = marked.replace(place, &format!("`{place}`"));
        }
        self.fill(Cow::Owned(marked)).into_owned()
    }

    /// A text of the table with its places filled: by what the sentence names, or else by the general word for it.
    pub(super) fn fill(&self, template: Cow<'static, str>) -> Cow<'static, str> {
        if !template.contains('{') {
            return template;
        }
        let places: [(&str, &dyn Fn() -> String); 9] = [
            ("{said}", &|| self.said()),
            ("{action}", &|| self.action.clone().map_or_else(|| "the action".to_owned(), quoted)),
            ("{resource}", &|| self.resource.clone().map_or_else(|| "the workspace".to_owned(), quoted)),
            ("{role}", &|| self.role_name()),
            ("{policy}", &|| self.policy_name()),
            ("{allow}", &|| statement::allow(self)),
            ("{allow_token}", &statement::allow_token),
            ("{trust}", &|| statement::trust(self)),
            ("{assume}", &|| statement::assume(self)),
        ];
        let mut text = template.into_owned();
        for (place, value) in places {
            if text.contains(place) {
                text = text.replace(place, &value());
            }
        }
        Cow::Owned(text)
    }

    fn role_name(&self) -> String {
        match self.principal.as_deref().map(|arn| (arn, statement::role_of_session(arn))) {
            Some((_, Some(role))) => quoted(role),
            Some((arn, None)) => quoted(arn.to_owned()),
            None => "the integration's role".to_owned(),
        }
    }

    /// On which side of a refused role the policy is, where AWS says so.
    fn said(&self) -> String {
        let whose = match self.because {
            Because::Unsaid => return String::new(),
            Because::NotAllowed(PolicyKind::RoleTrust | PolicyKind::Resource)
            | Because::Denied { kind: PolicyKind::RoleTrust | PolicyKind::Resource, .. } => "",
            _ => " of the gateway's own identity",
        };
        format!("AWS says that it is {}{whose}. ", self.policy_name())
    }

    fn policy_name(&self) -> String {
        match &self.because {
            Because::Denied { kind, policy: Some(arn) } => format!("{} `{arn}`", kind.name()),
            Because::Denied { kind, .. } | Because::NotAllowed(kind) => kind.name().to_owned(),
            Because::Unsaid => "the policy".to_owned(),
        }
    }
}

fn quoted(name: String) -> String {
    format!("`{name}`")
}

fn principal(before: &str, lower: &str) -> Option<String> {
    let start = lower.rfind("user:")? + "user:".len();
    bare(&before[start..])
}

fn resource(said: &str, lower: &str) -> Option<String> {
    let start = lower.find("on resource")? + "on resource".len();
    let rest = &lower[start..];
    let ends = [" because ", " with an explicit deny", ". ", "\n"];
    let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
    bare(&said[start..start + end])
}

fn because(said: &str, lower: &str) -> Because {
    if let Some(at) = find_after(lower, "with an explicit deny") {
        let articles = [" in an ", " in a ", " in the "];
        let named = articles.iter().find_map(|article| lower[at..].strip_prefix(article));
        let start = lower.len() - named.unwrap_or_default().len();
        let kind = PolicyKind::at(&lower[start..]).unwrap_or(PolicyKind::Other);
        return Because::Denied { kind, policy: policy_arn(&said[start..]) };
    }
    let kind = find_after(lower, "because no ").and_then(|at| PolicyKind::at(&lower[at..]));
    kind.map_or(Because::Unsaid, Because::NotAllowed)
}

/// `service control policy: arn:aws:organizations::…` names the policy.
fn policy_arn(named: &str) -> Option<String> {
    let (_, after) = named.split_once(": ")?;
    let arn = after.split_whitespace().next()?.trim_end_matches(['.', ',', ';']);
    arn.starts_with("arn:").then(|| arn.to_owned())
}

fn find_after(text: &str, phrase: &str) -> Option<usize> {
    text.find(phrase).map(|at| at + phrase.len())
}

/// What is left without white space, colons, quotes and the full stop; none if nothing is.
fn bare(text: &str) -> Option<String> {
    let text =
        text.trim_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '"' | '\'' | '`' | '.' | ','));
    (!text.is_empty()).then(|| text.to_owned())
}

/// The first action that a text names, such as `sts:GetWebIdentityToken`.
fn action_in(text: &str) -> Option<String> {
    let is_action = |word: &str| {
        let Some((service, name)) = word.split_once(':') else { return false };
        SERVICES.iter().any(|known| known.eq_ignore_ascii_case(service))
            && !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-')))
        .map(|word| word.trim_end_matches(':'))
        .find(|word| is_action(word))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests;
