//! On whose behalf a session is made.

use std::collections::BTreeMap;

/// What a caller says of a request, by name: the values that `{metadata.NAME}` stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(BTreeMap<Box<str>, Box<str>>);

impl Metadata {
    /// The value of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(AsRef::as_ref)
    }

    /// Every name with its value, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}

impl<N: Into<Box<str>>, V: Into<Box<str>>> FromIterator<(N, V)> for Metadata {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Whose request a session serves. What is `None` is not known, or is to be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSubject<'a> {
    /// The organisation's slug.
    pub organisation: &'a str,
    /// The workspace's slug.
    pub workspace: &'a str,
    /// The integration's slug.
    pub integration: &'a str,
    /// The key's id.
    pub key: Option<&'a str>,
    /// The person who holds the key.
    pub user: Option<&'a str>,
    /// What the caller says of the request.
    pub metadata: Option<&'a Metadata>,
}

impl SessionSubject<'_> {
    /// The same without anything of the caller's own: the subject of the workspace's common session.
    #[must_use]
    pub const fn of_workspace(self) -> Self {
        Self { key: None, user: None, metadata: None, ..self }
    }
}
