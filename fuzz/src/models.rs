//! Where requests go: a model of each generation that the rules tell apart, and one that no table knows.

use portcullis_provider::Target;
use portcullis_types::{ModelId, TranslationOptions};

const MODELS: [&str; 6] = [
    "claude-sonnet-4-5",
    "claude-opus-4-5",
    "claude-opus-4-8",
    "claude-sonnet-5-5",
    "claude-opus-5-5",
    "claude-of-tomorrow",
];

/// Calls `check` with each target in turn.
pub fn for_each_target(check: impl Fn(&Target<'_>)) {
    for name in MODELS {
        let model: ModelId = name.parse().expect("the names above are names of models");
        check(&Target::embedded(&model, TranslationOptions::default()));
    }
}
