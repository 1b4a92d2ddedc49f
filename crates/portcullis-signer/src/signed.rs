//! The headers that carry a signature.

use std::fmt;

/// The headers to add to a request so that AWS accepts it. Each replaces what the request may have under that name.
pub struct SignedHeaders {
    pub(crate) authorization: String,
    pub(crate) date: String,
    pub(crate) session_token: Option<String>,
    pub(crate) content_hash: Option<String>,
}

impl SignedHeaders {
    /// Name and value of each header, names in lower case.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let values = [
            Some(self.authorization.as_str()),
            Some(self.date.as_str()),
            self.session_token.as_deref(),
            self.content_hash.as_deref(),
        ];
        NAMES.into_iter().zip(values).filter_map(|(name, value)| Some((name, value?)))
    }
}

const NAMES: [&str; 4] = ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"];

type Named = (&'static str, Option<String>);

/// Name and value of each header, by value. Made by [`SignedHeaders::into_iter`].
pub struct IntoIter(std::array::IntoIter<Named, 4>);

impl Iterator for IntoIter {
    type Item = (&'static str, String);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.by_ref().find_map(|(name, value)| Some((name, value?)))
    }
}

impl IntoIterator for SignedHeaders {
    type Item = (&'static str, String);
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        let [authorization, date, session_token, content_hash] = NAMES;
        IntoIter(
            [
                (authorization, Some(self.authorization)),
                (date, Some(self.date)),
                (session_token, self.session_token),
                (content_hash, self.content_hash),
            ]
            .into_iter(),
        )
    }
}

/// The session token is a credential, and a signature is one for five minutes.
impl fmt::Debug for SignedHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedHeaders")
            .field("date", &self.date)
            .field("has_session_token", &self.session_token.is_some())
            .finish_non_exhaustive()
    }
}
