//! Skills and their versions. Source: Claude API reference, "Skills"; the older shapes come with `skills-2025-10-02`.

mod archive;
mod upload;

use std::time::SystemTime;

use serde_json::{Value, json};

use super::call::{Call, json_answer, no_handler};
use super::error::PlatformError;
use super::query::{Listed, Query};
use crate::answer::Answer;
use crate::clock::rfc3339;
use crate::state::{BASE62, random_text};
use upload::Upload;

const OLDER_SHAPE: &str = "skills-2025-10-02";

#[derive(Clone, Debug)]
struct Version {
    id: String,
    sequence: u64,
    skill_id: String,
    created_at: SystemTime,
    upload: Upload,
}

#[derive(Clone, Debug)]
struct Skill {
    id: String,
    sequence: u64,
    display_name: String,
    created_at: SystemTime,
    updated_at: SystemTime,
    /// The oldest first; never empty.
    versions: Vec<Version>,
}

/// Something in the shape that the request asks for.
#[derive(Clone, Copy, Debug)]
struct Shown<'a, T> {
    it: &'a T,
    older: bool,
}

/// The skills of a workspace, oldest first.
#[derive(Debug, Default)]
pub(super) struct Skills(Vec<Skill>);

impl Skill {
    fn latest(&self) -> &Version {
        self.versions.last().expect("a skill is made with a version, and its last one cannot be deleted")
    }

    fn version(&self, id: &str) -> Result<&Version, PlatformError> {
        let found = self.versions.iter().find(|version| version.id == id);
        found.ok_or_else(|| PlatformError::not_found(format!("Skill version `{id}` not found.")))
    }
}

impl Listed for Shown<'_, Skill> {
    fn id(&self) -> &str {
        &self.it.id
    }

    fn sequence(&self) -> u64 {
        self.it.sequence
    }

    fn to_json(&self) -> Value {
        let Skill { id, display_name, created_at, updated_at, .. } = self.it;
        let (created_at, updated_at, latest) =
            (rfc3339(*created_at), rfc3339(*updated_at), &self.it.latest().id);
        if self.older {
            return json!({
                "id": id, "type": "skill", "created_at": created_at, "updated_at": updated_at,
                "display_title": display_name, "latest_version": latest, "source": "custom",
            });
        }
        json!({
            "id": id, "type": "skill", "created_at": created_at, "updated_at": updated_at,
            "display_name": display_name, "latest_version_id": latest, "source": {"type": "custom"},
        })
    }
}

impl Listed for Shown<'_, Version> {
    fn id(&self) -> &str {
        &self.it.id
    }

    fn sequence(&self) -> u64 {
        self.it.sequence
    }

    fn to_json(&self) -> Value {
        let Version { id, skill_id, upload, created_at, .. } = self.it;
        let mut version = json!({
            "id": id, "type": "skill_version", "skill_id": skill_id, "name": upload.name,
            "description": upload.description, "created_at": rfc3339(*created_at),
        });
        if self.older {
            version["version"] = json!(id);
            version["directory"] = json!(upload.directory);
        }
        version
    }
}

impl Skills {
    fn get(&mut self, id: &str) -> Result<&mut Skill, PlatformError> {
        let found = self.0.iter_mut().find(|skill| skill.id == id);
        found.ok_or_else(|| PlatformError::not_found(format!("Skill `{id}` not found.")))
    }

    fn add(&mut self, skill: Skill) -> Result<&Skill, PlatformError> {
        let name = &skill.latest().upload.name;
        if self.0.iter().any(|other| other.latest().upload.name == *name) {
            let message = format!("A skill with the name `{name}` exists already in this workspace.");
            return Err(PlatformError::new(409, "conflict_error", message).with_code("skill_name_taken"));
        }
        self.0.push(skill);
        Ok(self.0.last().expect("it has just been added"))
    }
}

/// Answers `/v1/skills…`.
pub(super) fn serve(call: Call<'_>) -> Result<Answer, PlatformError> {
    let older = call.protocol.has(OLDER_SHAPE);
    let shown = |skill: &Skill| json_answer(&Shown { it: skill, older }.to_json());
    let (method, path) = call.below("/v1/skills");
    match (method, path.as_slice()) {
        ("POST", []) => {
            let skill = new_skill(call, older)?;
            call.shelf(|shelf| shelf.skills.add(skill).map(shown))
        }
        ("GET", []) => list(call, older),
        ("GET", [id]) => call.shelf(|shelf| shelf.skills.get(id).map(|skill| shown(skill))),
        ("DELETE", [id]) => call.shelf(|shelf| {
            shelf.skills.get(id)?;
            shelf.skills.0.retain(|skill| skill.id != *id);
            Ok(json_answer(&json!({"id": id, "type": "skill_deleted"})))
        }),
        (_, [id, "versions", rest @ ..]) => versions(call, id, rest, older),
        _ => Err(no_handler()),
    }
}

fn versions(call: Call<'_>, id: &str, rest: &[&str], older: bool) -> Result<Answer, PlatformError> {
    match (call.arrival.method.as_str(), rest) {
        ("POST", []) => new_version(call, id, older),
        ("GET", []) => {
            let query = Query::of(call.arrival, &["page", "limit"])?;
            call.shelf(|shelf| page(&query, shelf.skills.get(id)?.versions.iter(), older))
        }
        ("GET", [version]) => call.shelf(|shelf| {
            let it = shelf.skills.get(id)?.version(version)?;
            Ok(json_answer(&Shown { it, older }.to_json()))
        }),
        ("GET", [version, "content"]) => call.shelf(|shelf| {
            let upload = &shelf.skills.get(id)?.version(version)?.upload;
            let disposition = format!("attachment; filename=\"{}.zip\"", upload.name);
            let archive = archive::of(&upload.files);
            Ok(Answer::whole(200, "application/zip", archive)
                .with_header("content-disposition", &disposition))
        }),
        ("DELETE", [version]) => call.shelf(|shelf| {
            let skill = shelf.skills.get(id)?;
            skill.version(version)?;
            if skill.versions.len() == 1 {
                return Err(PlatformError::invalid(
                    "The only version of a skill cannot be deleted; delete the skill.",
                ));
            }
            skill.versions.retain(|candidate| candidate.id != *version);
            Ok(json_answer(&json!({"id": version, "type": "skill_version_deleted"})))
        }),
        _ => Err(no_handler()),
    }
}

/// A page, the newest first; the older shape says twice whether there is more.
fn page<'a, T: 'a>(
    query: &Query,
    items: impl DoubleEndedIterator<Item = &'a T>,
    older: bool,
) -> Result<Answer, PlatformError>
where
    Shown<'a, T>: Listed,
{
    let items: Vec<Shown<'a, T>> = items.rev().map(|it| Shown { it, older }).collect();
    let mut page = query.token_page(&items.iter().collect::<Vec<_>>())?;
    if older {
        page["has_more"] = json!(!page["next_page"].is_null());
    }
    Ok(json_answer(&page))
}

fn list(call: Call<'_>, older: bool) -> Result<Answer, PlatformError> {
    let query = Query::of(call.arrival, &["page", "limit", "source"])?;
    // Those that Anthropic publishes are not emulated.
    let is_shown = match query.one("source")? {
        None | Some("custom") => true,
        Some("anthropic" | "anthropic_example" | "plugin") => false,
        Some(_) => return Err(PlatformError::invalid("source: Input should be 'custom' or 'anthropic'")),
    };
    call.shelf(|shelf| page(&query, shelf.skills.0.iter().filter(|_| is_shown), older))
}

fn new_skill(call: Call<'_>, older: bool) -> Result<Skill, PlatformError> {
    let label = if older { "display_title" } else { "display_name" };
    let (upload, display_name) = upload::read(call.arrival, Some(label))?;
    let id = format!("skill_01{}", random_text(BASE62, 22));
    let (now, sequence) = (call.now(), call.next_sequence());
    Ok(Skill {
        display_name: display_name.unwrap_or_else(|| upload.name.clone()),
        sequence,
        created_at: now,
        updated_at: now,
        versions: vec![version(call, &id, upload)],
        id,
    })
}

fn new_version(call: Call<'_>, id: &str, older: bool) -> Result<Answer, PlatformError> {
    let (upload, _) = upload::read(call.arrival, None)?;
    let version = version(call, id, upload);
    call.shelf(|shelf| {
        let skill = shelf.skills.get(id)?;
        if skill.latest().upload.name != version.upload.name {
            return Err(PlatformError::invalid("files: the name of a skill cannot change"));
        }
        skill.updated_at = version.created_at;
        let shown = Shown { it: &version, older }.to_json();
        skill.versions.push(version);
        Ok(json_answer(&shown))
    })
}

fn version(call: Call<'_>, skill_id: &str, upload: Upload) -> Version {
    let id = format!("skillver_01{}", random_text(BASE62, 22));
    Version {
        id,
        sequence: call.next_sequence(),
        skill_id: skill_id.to_owned(),
        created_at: call.now(),
        upload,
    }
}
