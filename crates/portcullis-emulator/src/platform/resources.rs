//! What workspaces hold: batches, files, skills, user profiles, cached prompts.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::batches::{Batches, Pace};
use super::cache::PromptCache;
use super::files::Files;
use super::skills::Skills;
use super::user_profiles::UserProfiles;
use crate::state::locked;

/// What one workspace holds. Nothing of it is seen from another.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub(super) batches: Batches,
    pub(super) files: Files,
    pub(super) skills: Skills,
    pub(super) user_profiles: UserProfiles,
    pub(super) cache: PromptCache,
}

/// What all workspaces hold.
#[derive(Debug)]
pub(crate) struct Resources {
    shelves: Mutex<BTreeMap<String, Shelf>>,
    /// How many things have been made.
    made: AtomicU64,
    pace: Mutex<Pace>,
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            shelves: Mutex::default(),
            made: AtomicU64::new(0),
            pace: Mutex::new(Pace::EndsAfter(Duration::from_secs(1))),
        }
    }
}

impl Resources {
    /// Looks at, or changes, what a workspace holds.
    pub(super) fn with<T>(&self, workspace: &str, work: impl FnOnce(&mut Shelf) -> T) -> T {
        work(locked(&self.shelves).entry(workspace.to_owned()).or_default())
    }

    /// The number of the next thing.
    pub(super) fn next_sequence(&self) -> u64 {
        self.made.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// How fast batches run that are made from now on.
    pub(super) fn pace(&self) -> Pace {
        *locked(&self.pace)
    }

    pub(crate) fn set_pace(&self, pace: Pace) {
        *locked(&self.pace) = pace;
    }

    /// The first workspace's answer to a question about a thing of which only the id is known.
    pub(super) fn find<T>(&self, look: impl Fn(&mut Shelf) -> Option<T>) -> Option<T> {
        locked(&self.shelves).values_mut().find_map(look)
    }
}
