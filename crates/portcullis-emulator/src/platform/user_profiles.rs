//! User profiles: whom a platform serves. Source: Claude API reference, "User profiles" (the shape without a beta).

use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::call::{Call, json_answer, no_handler};
use super::error::PlatformError;
use super::query::{Listed, Query};
use crate::answer::Answer;
use crate::clock::rfc3339;
use crate::state::{BASE62, random_text};

const MOST_PAIRS: usize = 16;
const LONGEST_NAME: usize = 255;
const STATUSES: [&str; 4] = ["unrestricted", "restricted", "pending", "banned"];

#[derive(Clone, Debug)]
struct UserProfile {
    id: String,
    sequence: u64,
    created_at: SystemTime,
    updated_at: SystemTime,
    /// What the caller has said: `access_type`, `external_user_details`, `metadata`, `name`.
    stated: Map<String, Value>,
}

/// The profiles of a workspace, oldest first.
#[derive(Debug, Default)]
pub(super) struct UserProfiles(Vec<UserProfile>);

impl Listed for UserProfile {
    fn id(&self) -> &str {
        &self.id
    }

    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn to_json(&self) -> Value {
        let stated = |name: &str| self.stated.get(name).cloned();
        let mut details = json!({"reference_id": null, "onboarded_at": null});
        for (name, value) in
            self.stated.get("external_user_details").and_then(Value::as_object).into_iter().flatten()
        {
            details[name] = value.clone();
        }
        json!({
            "id": self.id, "type": "user_profile", "created_at": rfc3339(self.created_at),
            "updated_at": rfc3339(self.updated_at), "name": stated("name"),
            "access_type": stated("access_type").unwrap_or_else(|| json!("application")),
            "metadata": stated("metadata").unwrap_or_else(|| json!({})), "external_user_details": details,
            "enforcement_status": "unrestricted", "enforcement_actions": [],
            "programs": {"cyber": {"status": "inactive", "tiers": {}, "requirements": null}},
        })
    }
}

impl UserProfiles {
    fn get(&mut self, id: &str) -> Result<&mut UserProfile, PlatformError> {
        let found = self.0.iter_mut().find(|profile| profile.id == id);
        found.ok_or_else(|| PlatformError::not_found(format!("User profile `{id}` not found.")))
    }

    /// Refuses a request in the name of a profile that is not here.
    pub(super) fn check(&mut self, id: &str) -> Result<(), PlatformError> {
        let unknown = |_| {
            PlatformError::invalid(format!("User profile `{id}` not found."))
                .with_code("user_profile_not_found")
        };
        self.get(id).map(|_| ()).map_err(unknown)
    }
}

/// Answers `/v1/user_profiles…`.
pub(super) fn serve(
    call: Call<'_>,
    body: impl FnOnce() -> Result<Value, PlatformError>,
) -> Result<Answer, PlatformError> {
    let now = call.now();
    let (method, path) = call.below("/v1/user_profiles");
    match (method, path.as_slice()) {
        ("POST", []) => {
            let profile = UserProfile {
                id: format!("uprof_011{}", random_text(BASE62, 21)),
                sequence: call.next_sequence(),
                created_at: now,
                updated_at: now,
                stated: read(&body()?)?,
            };
            let shown = json_answer(&profile.to_json());
            call.shelf(|shelf| shelf.user_profiles.0.push(profile));
            Ok(shown)
        }
        ("GET", []) => list(call),
        ("GET", [id]) => call.shelf(|shelf| Ok(json_answer(&shelf.user_profiles.get(id)?.to_json()))),
        ("POST", [id]) => {
            let stated = read(&body()?)?;
            call.shelf(|shelf| {
                let profile = shelf.user_profiles.get(id)?;
                profile.stated.extend(stated);
                profile.updated_at = now;
                Ok(json_answer(&profile.to_json()))
            })
        }
        _ => Err(no_handler()),
    }
}

fn list(call: Call<'_>) -> Result<Answer, PlatformError> {
    let query = Query::of(call.arrival, &["page", "limit", "order", "order_by", "enforcement_status"])?;
    let one_of = |name: &str, known: &[&str]| {
        let value = query.one(name)?;
        match value.filter(|value| !known.contains(value)) {
            Some(_) => {
                Err(PlatformError::invalid(format!("{name}: Input should be '{}'", known.join("' or '"))))
            }
            None => Ok(value),
        }
    };
    let ascends = one_of("order", &["asc", "desc"])? == Some("asc");
    one_of("order_by", &["created_at", "updated_at"])?;
    // Nobody is restricted here.
    let is_shown = one_of("enforcement_status", &STATUSES)?.is_none_or(|status| status == "unrestricted");
    let page = call.shelf(|shelf| {
        let mut profiles: Vec<&UserProfile> = shelf.user_profiles.0.iter().filter(|_| is_shown).collect();
        if !ascends {
            profiles.reverse();
        }
        query.token_page(&profiles)
    });
    Ok(json_answer(&page?))
}

fn read(body: &Value) -> Result<Map<String, Value>, PlatformError> {
    let fields = body.as_object().cloned().unwrap_or_default();
    let wrong = |text: String| Err(PlatformError::invalid(text));
    for (name, value) in &fields {
        let expected = match name.as_str() {
            "access_type" => {
                (value == "application" || value == "passthrough", "'application' or 'passthrough'")
            }
            "name" => {
                let fits = value.as_str().is_none_or(|name| name.chars().count() <= LONGEST_NAME);
                (fits && (value.is_string() || value.is_null()), "a string of at most 255 characters")
            }
            "metadata" => (value.as_object().is_some_and(is_metadata), "at most 16 pairs of strings"),
            "external_user_details" => (value.is_object(), "an object"),
            _ => return wrong(format!("{name}: Extra inputs are not permitted")),
        };
        if !expected.0 {
            return wrong(format!("{name}: Input should be {}", expected.1));
        }
    }
    Ok(fields)
}

fn is_metadata(pairs: &Map<String, Value>) -> bool {
    let fits = |(name, value): (&String, &Value)| {
        (1..=64).contains(&name.chars().count())
            && value.as_str().is_some_and(|value| (1..=512).contains(&value.chars().count()))
    };
    pairs.len() <= MOST_PAIRS && pairs.iter().all(fits)
}
