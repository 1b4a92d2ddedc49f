//! What is known of whether an integration works, and is safe.

use std::str::FromStr;

/// What the last verification of an integration came to.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum VerificationStatus {
    /// Every step passed. From here on, each is worse than the one before.
    Verified,
    /// Nobody has tried yet, or it was changed since.
    #[default]
    Unverified,
    /// A step failed.
    Failing,
    /// Its role can be assumed without its external ID: any other tenant could have the gateway act as this one.
    Unsafe,
}

impl VerificationStatus {
    /// Every status, from the best to the worst.
    pub const ALL: [Self; 4] = [Self::Verified, Self::Unverified, Self::Failing, Self::Unsafe];

    /// The name in the admin API, in metrics and at rest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unverified => "unverified",
            Self::Failing => "failing",
            Self::Unsafe => "unsafe",
        }
    }

    /// Whether somebody should hear of it when a status becomes this one.
    #[must_use]
    pub fn is_worse_than(self, earlier: Self) -> bool {
        self > earlier
    }
}

impl std::fmt::Display for VerificationStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A string is no [`VerificationStatus`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a verification's status is `verified`, `unverified`, `failing` or `unsafe`")]
pub struct InvalidVerificationStatus;

impl FromStr for VerificationStatus {
    type Err = InvalidVerificationStatus;

    fn from_str(raw: &str) -> Result<Self, InvalidVerificationStatus> {
        Self::ALL.into_iter().find(|status| status.as_str() == raw).ok_or(InvalidVerificationStatus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_read_by_its_own_name() {
        for status in VerificationStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert!(InvalidVerificationStatus.to_string().contains(&format!("`{status}`")));
        }
        assert_eq!("Verified".parse::<VerificationStatus>(), Err(InvalidVerificationStatus));
    }

    #[test]
    fn each_is_worse_than_the_one_before() {
        assert!(VerificationStatus::ALL.windows(2).all(|pair| pair[1].is_worse_than(pair[0])));
        assert!(!VerificationStatus::Unsafe.is_worse_than(VerificationStatus::Unsafe));
    }
}
