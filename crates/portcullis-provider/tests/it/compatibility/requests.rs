//! Rows about requests of OpenAI's dialect.

use std::collections::BTreeSet;

use portcullis_provider::compatibility::{
    ASSISTANT_TURNS, CHAT_EXTENSIONS, CHAT_PARAMETERS, CONTENT_PARTS, Outcome, ROLES, RequestRow, SCHEMAS,
    TOOL_CHOICE, TOOLS,
};
use portcullis_provider::{
    ChatRequest, FileReference, InvalidRequest, KnownFiles, Target, TranslatedRequest, Warnings, models,
    openai,
};
use portcullis_types::TranslationOptions;

use super::{text, with};

const CHAT: [&[RequestRow]; 8] =
    [CHAT_PARAMETERS, ROLES, CONTENT_PARTS, ASSISTANT_TURNS, TOOLS, TOOL_CHOICE, SCHEMAS, CHAT_EXTENSIONS];

const BASE: &str = r#"{"max_tokens":1000,"messages":[{"role":"user","content":"hi"}]}"#;

/// What a translation sends, and what it reports.
pub(super) struct Sent {
    body: String,
    warnings: Vec<String>,
    betas: Vec<String>,
    profile: Option<String>,
}

impl Sent {
    pub(super) fn new(body: Vec<u8>, warnings: &Warnings, betas: Vec<String>) -> Self {
        let warnings = warnings.iter().map(str::to_owned).collect();
        Self { body: String::from_utf8(body).unwrap(), warnings, betas, profile: None }
    }
}

impl From<TranslatedRequest> for Sent {
    fn from(translated: TranslatedRequest) -> Self {
        let profile = translated.user_profile;
        Self { profile, ..Self::new(translated.body, &translated.warnings, translated.betas) }
    }
}

pub(super) fn options(row: &RequestRow) -> TranslationOptions {
    let settings = if row.settings.is_empty() { "{}" } else { row.settings };
    TranslationOptions::default().with(&serde_json::from_str(settings).unwrap())
}

fn request(row: &RequestRow, members: &str) -> String {
    let model = format!(r#"{{"model":"{}"}}"#, row.model);
    let base = with(&model, &BASE[1..BASE.len() - 1]);
    text(with(&text(base), members))
}

pub(super) fn files() -> KnownFiles {
    let file = FileReference {
        upstream_id: "file_011".into(),
        mime_type: "application/pdf".into(),
        filename: "a.pdf".into(),
    };
    [("file-known".to_owned(), file)].into_iter().collect()
}

fn translate(row: &RequestRow, members: &str) -> Result<Sent, InvalidRequest> {
    let (body, files) = (request(row, members), files());
    let model = row.model.parse().unwrap();
    let target = Target { model: &model, facts: models::find(&model), files: &files, options: options(row) };
    ChatRequest::parse(body.as_bytes())?.into_messages(&target).map(Sent::from)
}

/// What is wrong with a row, if anything is.
///
/// - `given`: the example's request.
/// - `plain`: the same without the example's members.
pub(super) fn judge(
    outcome: Outcome,
    given: &str,
    result: Result<Sent, InvalidRequest>,
    plain: impl FnOnce() -> Sent,
) -> Option<String> {
    let sent = match (result, outcome) {
        (Err(error), Outcome::Refused(param, code)) => {
            let seen = (error.param.as_deref(), error.code.as_str());
            return (seen != (Some(param), code)).then(|| format!("{seen:?} {}", error.message));
        }
        (Err(error), _) => return Some(format!("refused: {:?} {}", error.param, error.message)),
        (Ok(sent), _) => sent,
    };
    let quiet = sent.warnings.is_empty();
    let reports = |token: &str| sent.warnings.iter().any(|one| one == token);
    let holds = |piece: &str| sent.body.contains(piece);
    let right = match outcome {
        Outcome::Map(piece) => quiet && holds(piece),
        Outcome::Header(beta) => quiet && sent.betas.iter().any(|one| one == beta),
        Outcome::Profile(id) => quiet && sent.profile.as_deref() == Some(id) && !holds(id),
        Outcome::Pass(piece) => quiet && holds(piece) && given.contains(piece),
        Outcome::Noop => quiet && plain().body == sent.body,
        Outcome::Ignored(token) => reports(token),
        Outcome::Emulated(token, piece) => reports(token) && holds(piece),
        Outcome::Refused(..) => false,
    };
    (!right).then(|| format!("{} {:?}", sent.body, sent.warnings))
}

fn fault(row: &RequestRow) -> Option<String> {
    let given = request(row, row.given);
    judge(row.outcome, &given, translate(row, row.given), || translate(row, "").unwrap())
}

pub(super) fn check<'r>(
    rows: impl IntoIterator<Item = &'r RequestRow>,
    fault: impl Fn(&RequestRow) -> Option<String>,
) {
    let faults = rows.into_iter().filter_map(|row| {
        fault(row).map(|fault| format!("{} ({}) {:?}\n    {fault}", row.field, row.when, row.outcome))
    });
    let faults: Vec<String> = faults.collect();
    assert!(faults.is_empty(), "{} rows are wrong:\n  {}", faults.len(), faults.join("\n  "));
}

#[test]
fn every_row_about_a_chat_request_is_what_the_translator_does() {
    check(CHAT.into_iter().flatten(), fault);
}

#[test]
fn every_parameter_of_a_chat_request_has_a_row() {
    let rows: BTreeSet<&str> =
        CHAT.into_iter().flatten().filter_map(|row| row.field.split(['.', '[']).next()).collect();
    let parameters = openai::CHAT_PARAMETERS.iter().chain(&openai::EXTENSIONS);
    let missing: Vec<&&str> = parameters.filter(|name| !rows.contains(**name)).collect();
    assert!(missing.is_empty(), "{missing:?} have no row in `compatibility`");
}
