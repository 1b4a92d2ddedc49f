//! Files: uploads, and what tools made.
//!
//! Source: Claude API reference, "Files". Uploads can be used in messages, not downloaded; what tools made, both.

mod name;

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde_json::{Value, json};

use super::call::{Call, json_answer, no_handler};
use super::error::PlatformError;
use super::multipart::{self, Part};
use super::query::{Listed, Query};
use crate::answer::Answer;
use crate::clock::rfc3339;
use crate::script::MadeFile;
use crate::state::{BASE62, random_text};

/// The largest file, in bytes.
pub(crate) const MAX_FILE_BYTES: usize = 500 * 1024 * 1024;
const OLDER_SHAPE: &str = "files-api-2025-04-14";
const SHORTEST_LIFE_SECONDS: u64 = 3600;
const LONGEST_LIFE_SECONDS: u64 = 7_776_000;
/// How long an expired file still has its description.
const AFTERLIFE: Duration = Duration::from_secs(30 * 86_400);
const MOST_IDS: usize = 100;

/// One file.
#[derive(Clone, Debug)]
struct File {
    id: String,
    sequence: u64,
    filename: String,
    mime_type: String,
    content: Bytes,
    created_at: SystemTime,
    expires_at: Option<SystemTime>,
    downloadable: bool,
}

/// The files of a workspace, oldest first.
#[derive(Debug, Default)]
pub(super) struct Files(Vec<File>);

/// What a block of a message wants a file for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Image,
    Document,
    Container,
}

impl Listed for File {
    fn id(&self) -> &str {
        &self.id
    }

    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn to_json(&self) -> Value {
        json!({
            "id": self.id, "type": "file", "filename": self.filename, "mime_type": self.mime_type,
            "size_bytes": self.content.len(), "created_at": rfc3339(self.created_at),
            "expires_at": self.expires_at.map(rfc3339), "downloadable": self.downloadable,
        })
    }
}

/// The same in the shape of the beta.
struct Older<'a>(&'a File);

impl Listed for Older<'_> {
    fn id(&self) -> &str {
        &self.0.id
    }

    fn sequence(&self) -> u64 {
        self.0.sequence
    }

    fn to_json(&self) -> Value {
        let mut file = self.0.to_json();
        file.as_object_mut().and_then(|fields| fields.shift_remove("expires_at"));
        file
    }
}

impl File {
    fn is_expired(&self, now: SystemTime) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

impl Files {
    fn forget_the_long_expired(&mut self, now: SystemTime) {
        self.0.retain(|file| file.expires_at.is_none_or(|end| now < end + AFTERLIFE));
    }

    fn get(&self, id: &str) -> Result<&File, PlatformError> {
        let found = self.0.iter().find(|file| file.id == id);
        found.ok_or_else(|| PlatformError::not_found(format!("File not found: {id}")))
    }

    /// Keeps what a tool of a script made.
    pub(super) fn keep_made(&mut self, made: MadeFile, sequence: u64, now: SystemTime) {
        self.0.push(File {
            id: made.id,
            sequence,
            filename: made.filename.to_owned(),
            mime_type: made.mime_type.to_owned(),
            content: Bytes::from(made.content),
            created_at: now,
            expires_at: None,
            downloadable: true,
        });
    }

    /// Refuses a file that is not here, has expired, or does not fit its block; `at` is the block's place.
    pub(super) fn check_use(
        &self,
        id: &str,
        wanted: Use,
        at: &str,
        now: SystemTime,
    ) -> Result<(), PlatformError> {
        let file = self.get(id)?;
        if file.is_expired(now) {
            return Err(expired(id));
        }
        let fits = match wanted {
            Use::Image => {
                ["image/jpeg", "image/png", "image/gif", "image/webp"].contains(&file.mime_type.as_str())
            }
            Use::Document => ["application/pdf", "text/plain"].contains(&file.mime_type.as_str()),
            Use::Container => true,
        };
        if fits {
            Ok(())
        } else {
            Err(PlatformError::invalid(format!(
                "{at}: a file of type `{}` cannot be used here",
                file.mime_type
            )))
        }
    }
}

fn expired(id: &str) -> PlatformError {
    PlatformError::not_found(format!("File has expired: {id}")).with_code("file_expired")
}

/// Answers `/v1/files…`.
pub(super) fn serve(call: Call<'_>) -> Result<Answer, PlatformError> {
    let older = call.protocol.has(OLDER_SHAPE);
    let shown = |file: &File| json_answer(&if older { Older(file).to_json() } else { file.to_json() });
    let now = call.now();
    call.shelf(|shelf| shelf.files.forget_the_long_expired(now));
    let (method, path) = call.below("/v1/files");
    match (method, path.as_slice()) {
        ("POST", []) => {
            let file = create(call)?;
            let answer = shown(&file);
            call.shelf(|shelf| shelf.files.0.push(file));
            Ok(answer)
        }
        ("GET", []) => list(call, older),
        ("GET", [id]) => call.shelf(|shelf| shelf.files.get(id).map(shown)),
        ("GET", [id, "content"]) => call.shelf(|shelf| content(shelf.files.get(id)?, now)),
        ("DELETE", [id]) => call.shelf(|shelf| {
            shelf.files.get(id)?;
            shelf.files.0.retain(|file| file.id != *id);
            Ok(json_answer(&json!({"id": id, "type": "file_deleted"})))
        }),
        _ => Err(no_handler()),
    }
}

fn list(call: Call<'_>, older: bool) -> Result<Answer, PlatformError> {
    let known: &[&str] = if older {
        &["after_id", "before_id", "limit"]
    } else {
        &["page", "limit", "ids[]", "ids", "scope_id"]
    };
    let query = Query::of(call.arrival, known)?;
    let page = call.shelf(|shelf| {
        let files: Vec<&File> = shelf.files.0.iter().rev().collect();
        if older {
            let files: Vec<Older<'_>> = files.into_iter().map(Older).collect();
            return query.cursor_page(&files.iter().collect::<Vec<_>>());
        }
        let ids: Vec<&str> = query.many("ids[]").chain(query.many("ids")).collect();
        if ids.is_empty() {
            return query.token_page(&files);
        }
        if query.one("page")?.is_some() || query.one("limit")?.is_some() {
            return Err(PlatformError::invalid(
                "ids: Input should not be given together with `page` or `limit`",
            ));
        }
        if ids.len() > MOST_IDS {
            return Err(PlatformError::invalid(format!("ids: List should have at most {MOST_IDS} items")));
        }
        let data: Vec<Value> =
            files.iter().filter(|file| ids.contains(&file.id.as_str())).map(|file| file.to_json()).collect();
        Ok(json!({"data": data, "next_page": null}))
    })?;
    Ok(json_answer(&page))
}

fn content(file: &File, now: SystemTime) -> Result<Answer, PlatformError> {
    if file.is_expired(now) {
        return Err(expired(&file.id));
    }
    if !file.downloadable {
        return Err(PlatformError::invalid(format!("File `{}` is not downloadable.", file.id))
            .with_code("file_not_downloadable"));
    }
    let disposition = format!("attachment; filename=\"{}\"", file.filename);
    Ok(Answer::whole(200, &file.mime_type, file.content.clone())
        .with_header("content-disposition", &disposition))
}

fn create(call: Call<'_>) -> Result<File, PlatformError> {
    Query::of(call.arrival, &[])?;
    let mut file: Option<Part> = None;
    let mut life: Option<Duration> = None;
    for part in multipart::parts(call.arrival)? {
        match part.name.as_str() {
            "file" if file.is_some() => {
                return Err(PlatformError::invalid("file: Input should be given once"));
            }
            "file" => file = Some(part),
            "expires_in_seconds" => life = Some(read_life(part.text()?)?),
            other => return Err(PlatformError::invalid(format!("{other}: Extra inputs are not permitted"))),
        }
    }
    let part = file.ok_or_else(|| PlatformError::invalid("file: Field required"))?;
    if part.content.len() > MAX_FILE_BYTES {
        return Err(PlatformError::new(413, "request_too_large", "File exceeds the maximum size of 500 MB"));
    }
    let filename = part.filename.ok_or_else(|| PlatformError::invalid("file: Input should be a file"))?;
    name::check(&filename)?;
    let created_at = call.now();
    Ok(File {
        id: format!("file_011{}", random_text(BASE62, 21)),
        sequence: call.next_sequence(),
        mime_type: part.media_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
        filename,
        content: part.content,
        created_at,
        expires_at: life.map(|life| created_at + life),
        downloadable: false,
    })
}

fn read_life(text: &str) -> Result<Duration, PlatformError> {
    let wrong = |what: &str| PlatformError::invalid(format!("expires_in_seconds: Input should be {what}"));
    match text.parse::<u64>() {
        Ok(seconds) if seconds < SHORTEST_LIFE_SECONDS => {
            Err(wrong(&format!("greater than or equal to {SHORTEST_LIFE_SECONDS}")))
        }
        Ok(seconds) if seconds > LONGEST_LIFE_SECONDS => {
            Err(wrong(&format!("less than or equal to {LONGEST_LIFE_SECONDS}")))
        }
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => Err(wrong("a valid integer")),
    }
}
