//! What an integration may be used for: the switches behind which the upstream's routes stand.

use std::collections::BTreeSet;
use std::str::FromStr;

/// A family of the upstream's routes that is enabled or not as one. Which IAM actions each needs stands in the route table
/// of `portcullis-provider`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Messages.
    Inference,
    /// Counting the tokens of a request without running it.
    TokenCounting,
    /// Listing models and reading what they can do.
    Models,
    /// Message batches.
    Batches,
    /// Files: upload, list, read, delete.
    Files,
    /// Skills and their versions.
    Skills,
    /// User profiles.
    UserProfiles,
}

impl Feature {
    /// Every feature, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Inference,
        Self::TokenCounting,
        Self::Models,
        Self::Batches,
        Self::Files,
        Self::Skills,
        Self::UserProfiles,
    ];

    /// The name in the admin API, in configuration and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inference => "inference",
            Self::TokenCounting => "token_counting",
            Self::Models => "models",
            Self::Batches => "batches",
            Self::Files => "files",
            Self::Skills => "skills",
            Self::UserProfiles => "user_profiles",
        }
    }
}

impl std::fmt::Display for Feature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a string is no [`Feature`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a feature is `inference`, `token_counting`, `models`, `batches`, `files`, `skills` or `user_profiles`"
)]
pub struct InvalidFeature;

impl FromStr for Feature {
    type Err = InvalidFeature;

    fn from_str(raw: &str) -> Result<Self, InvalidFeature> {
        Self::ALL.into_iter().find(|feature| feature.as_str() == raw).ok_or(InvalidFeature)
    }
}

/// The features of an integration. Never empty, and always with inference: without it there is nothing to integrate.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "BTreeSet<Feature>", into = "BTreeSet<Feature>")]
pub struct FeatureSet(BTreeSet<Feature>);

/// Why features make no [`FeatureSet`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("features must include `inference`")]
pub struct WithoutInference;

impl FeatureSet {
    /// Whether `feature` is enabled.
    #[must_use]
    pub fn contains(&self, feature: Feature) -> bool {
        self.0.contains(&feature)
    }

    /// The enabled features, in the order of [`Feature::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = Feature> + '_ {
        self.0.iter().copied()
    }

    /// Every feature there is.
    #[must_use]
    pub fn all() -> Self {
        Self(Feature::ALL.into())
    }
}

impl Default for FeatureSet {
    /// What a gateway for chat needs: inference, and what clients use to discover models and to measure prompts.
    fn default() -> Self {
        Self([Feature::Inference, Feature::TokenCounting, Feature::Models].into())
    }
}

impl TryFrom<BTreeSet<Feature>> for FeatureSet {
    type Error = WithoutInference;

    fn try_from(features: BTreeSet<Feature>) -> Result<Self, WithoutInference> {
        if features.contains(&Feature::Inference) { Ok(Self(features)) } else { Err(WithoutInference) }
    }
}

impl From<FeatureSet> for BTreeSet<Feature> {
    fn from(set: FeatureSet) -> Self {
        set.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_is_read_by_its_own_name_and_named_when_another_is_asked_for() {
        for feature in Feature::ALL {
            assert_eq!(feature.as_str().parse(), Ok(feature));
            assert_eq!(serde_json::to_value(feature).unwrap(), feature.as_str());
            assert!(InvalidFeature.to_string().contains(&format!("`{feature}`")));
        }
        assert_eq!("chat".parse::<Feature>(), Err(InvalidFeature));
    }

    #[test]
    fn a_set_without_inference_is_none() {
        assert_eq!(FeatureSet::try_from(BTreeSet::from([Feature::Models])), Err(WithoutInference));
        assert!(serde_json::from_str::<FeatureSet>("[]").is_err());
        assert_eq!(
            serde_json::from_str::<FeatureSet>(r#"["inference","token_counting","models"]"#).unwrap(),
            FeatureSet::default()
        );
    }
}
