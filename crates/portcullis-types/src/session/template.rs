//! Text with placeholders: `team-{workspace}-{metadata.project}`.

use std::str::FromStr;
use std::sync::Arc;

use super::SessionSubject;

/// Text with placeholders, from which the values of a session are made.
///
/// A placeholder is `{organisation}`, `{workspace}`, `{integration}`, `{key}` (its id), `{user}` or `{metadata.NAME}`; any
/// other brace is refused. Shape: 1 to 256 characters; none of AWS's values may hold a brace, so none needs to be written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionTemplate {
    source: Arc<str>,
    parts: Arc<[Part]>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    Text(Box<str>),
    Value(Placeholder),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Placeholder {
    Organisation,
    Workspace,
    Integration,
    Key,
    User,
    Metadata(Box<str>),
}

/// Why a string is no [`SessionTemplate`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSessionTemplate {
    /// Nothing, or too much.
    #[error("must be 1 to 256 characters")]
    Length,
    /// An opening brace without a closing one, or the other way round.
    #[error("has a brace without its partner; placeholders look like `{{workspace}}`")]
    Brace,
    /// A placeholder of another name.
    #[error(
        "does not know the placeholder `{{{0}}}`; known are `{{organisation}}`, `{{workspace}}`, `{{integration}}`, `{{key}}`, `{{user}}` and `{{metadata.NAME}}`"
    )]
    Placeholder(String),
}

/// What a rendered text is for, which decides the characters and the length that AWS accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// `RoleSessionName`: `[\w+=,.@-]{2,64}`.
    SessionName,
    /// `SourceIdentity`: `[\w+=,.@-]{2,64}`, not starting with `aws:`.
    SourceIdentity,
    /// The value of a session tag: letters, digits, spaces and `_.:/=+-@` of any script, up to 256 characters.
    TagValue,
}

impl Target {
    const fn longest(self) -> usize {
        match self {
            Self::SessionName | Self::SourceIdentity => 64,
            Self::TagValue => 256,
        }
    }

    fn allows(self, c: char) -> bool {
        match self {
            Self::SessionName | Self::SourceIdentity => c.is_ascii_alphanumeric() || "_+=,.@-".contains(c),
            Self::TagValue => c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c),
        }
    }
}

/// Stands in a session's name for what is not known.
const UNKNOWN: &str = "-";

impl SessionTemplate {
    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether the text differs between callers of one workspace.
    #[must_use]
    pub fn depends_on_caller(&self) -> bool {
        let of_caller = |part: &Part| {
            matches!(part, Part::Value(Placeholder::Key | Placeholder::User | Placeholder::Metadata(_)))
        };
        self.parts.iter().any(of_caller)
    }

    /// The names that `{metadata.NAME}` asks for.
    pub fn metadata_names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Value(Placeholder::Metadata(name)) => Some(name.as_ref()),
            Part::Value(_) | Part::Text(_) => None,
        })
    }

    /// The text for `subject`, made to fit AWS's rules: characters that AWS does not accept become `-`, and what is too
    /// long is cut.
    ///
    /// `None` when a value that the text needs is not known (or too short is what comes out): then there is no such tag or
    /// source identity. A session's name is never `None`: unknown values are `-` there.
    #[must_use]
    pub fn render(&self, subject: &SessionSubject<'_>, target: Target) -> Option<String> {
        let mut text = String::new();
        for part in self.parts.iter() {
            match (part, target) {
                (Part::Text(own), _) => text.push_str(own),
                (Part::Value(of), Target::SessionName) => text.push_str(of.value(subject).unwrap_or(UNKNOWN)),
                (Part::Value(of), _) => text.push_str(of.value(subject)?),
            }
        }
        fit(&text, target)
    }
}

fn fit(text: &str, target: Target) -> Option<String> {
    let accepted = text.chars().map(|c| if target.allows(c) { c } else { '-' });
    let mut fitted: String = accepted.take(target.longest()).collect();
    match target {
        Target::SessionName => {
            while fitted.len() < 2 {
                fitted.push('-');
            }
            Some(fitted)
        }
        // A colon is not among its characters, so that it cannot start with `aws:`.
        Target::SourceIdentity => (fitted.len() >= 2).then_some(fitted),
        Target::TagValue => Some(fitted),
    }
}

impl Placeholder {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "organisation" => Self::Organisation,
            "workspace" => Self::Workspace,
            "integration" => Self::Integration,
            "key" => Self::Key,
            "user" => Self::User,
            _ => Self::Metadata(name.strip_prefix("metadata.").filter(|name| !name.is_empty())?.into()),
        })
    }

    fn value<'a>(&self, subject: &SessionSubject<'a>) -> Option<&'a str> {
        let value = match self {
            Self::Organisation => Some(subject.organisation),
            Self::Workspace => Some(subject.workspace),
            Self::Integration => Some(subject.integration),
            Self::Key => subject.key,
            Self::User => subject.user,
            Self::Metadata(name) => subject.metadata.and_then(|metadata| metadata.get(name)),
        };
        value.filter(|value| !value.is_empty())
    }
}

impl FromStr for SessionTemplate {
    type Err = InvalidSessionTemplate;

    fn from_str(raw: &str) -> Result<Self, InvalidSessionTemplate> {
        if !(1..=256).contains(&raw.chars().count()) {
            return Err(InvalidSessionTemplate::Length);
        }
        let mut parts = Vec::new();
        let mut rest = raw;
        while !rest.is_empty() {
            let (text, after) =
                rest.split_once('{').map_or((rest, None), |(text, after)| (text, Some(after)));
            if text.contains('}') {
                return Err(InvalidSessionTemplate::Brace);
            }
            if !text.is_empty() {
                parts.push(Part::Text(text.into()));
            }
            let Some(after) = after else { break };
            let (name, after) = after.split_once('}').ok_or(InvalidSessionTemplate::Brace)?;
            let unknown = || InvalidSessionTemplate::Placeholder(name.to_owned());
            parts.push(Part::Value(Placeholder::parse(name).ok_or_else(unknown)?));
            rest = after;
        }
        Ok(Self { source: raw.into(), parts: parts.into() })
    }
}

impl TryFrom<String> for SessionTemplate {
    type Error = InvalidSessionTemplate;

    fn try_from(raw: String) -> Result<Self, InvalidSessionTemplate> {
        raw.parse()
    }
}

impl From<SessionTemplate> for String {
    fn from(template: SessionTemplate) -> Self {
        template.source.as_ref().into()
    }
}
