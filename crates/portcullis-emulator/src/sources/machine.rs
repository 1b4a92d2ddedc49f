//! The metadata service of an EC2 instance, version 2 only. Source: EC2 User Guide, "Use the Instance Metadata Service".

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::{Refusal, credentials_json, json_answer, rfc3339, session, text_answer};
use crate::answer::Answer;
use crate::server::Arrival;
use crate::state::{BASE62, State, locked, random_text, whole_seconds};
use crate::world::REGION;

const SERVICE: &str = "ec2.amazonaws.com";
const TTL_HEADER: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const INSTANCE_ID: &str = "i-0123456789abcdef0";
const LONGEST_TTL_SECONDS: u64 = 21_600;

/// Answers a request below `/latest/`.
pub(super) fn answer(state: &State, arrival: &Arrival, path: &str) -> Answer {
    match (arrival.method.as_str(), path) {
        ("PUT", "api/token") => token(state, arrival),
        ("GET", _) if !has_token(state, arrival) => text_answer(401, "Unauthorized"),
        ("GET", "meta-data/iam/security-credentials" | "meta-data/iam/security-credentials/") => {
            match state.world().sources.role.as_deref() {
                Some(role) => text_answer(200, role),
                None => text_answer(404, "Not Found"),
            }
        }
        ("GET", "meta-data/placement/region") => text_answer(200, REGION),
        ("GET", _) => match path.strip_prefix("meta-data/iam/security-credentials/") {
            Some(role) => credentials(state, role),
            None => text_answer(404, "Not Found"),
        },
        _ => text_answer(405, "Method Not Allowed"),
    }
}

/// A token for the calls that follow. One that a proxy passes on is refused, so that an open proxy cannot get one.
fn token(state: &State, arrival: &Arrival) -> Answer {
    if arrival.header("x-forwarded-for").is_some() {
        return text_answer(403, "Forbidden");
    }
    let ttl = arrival.header(TTL_HEADER).and_then(|seconds| seconds.parse::<u64>().ok());
    match ttl.filter(|seconds| (1..=LONGEST_TTL_SECONDS).contains(seconds)) {
        None => text_answer(400, "Bad Request"),
        Some(seconds) => {
            let token = format!("AQAEA{}==", random_text(BASE62, 49));
            let end = state.now() + Duration::from_secs(seconds);
            locked(&state.sources.machine_tokens).insert(token.clone(), end);
            text_answer(200, &token).with_header(TTL_HEADER, &seconds.to_string())
        }
    }
}

fn has_token(state: &State, arrival: &Arrival) -> bool {
    let tokens = locked(&state.sources.machine_tokens);
    let end = arrival.header("x-aws-ec2-metadata-token").and_then(|token| tokens.get(token));
    end.is_some_and(|end| *end > state.now())
}

fn credentials(state: &State, role: &str) -> Answer {
    if state.world().sources.role.as_deref() != Some(role) {
        return text_answer(404, "Not Found");
    }
    let body = match session(state, SERVICE, INSTANCE_ID, BTreeMap::new()) {
        Err(Refusal::NoRole) => return text_answer(404, "Not Found"),
        Err(Refusal::NotTrusted) => json!({
            "Code": "AssumeRoleUnauthorizedAccess",
            "Message": format!("EC2 cannot assume the role {role}. Please see documentation at https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc."),
        }),
        Ok(session) => {
            let mut body = credentials_json(&session);
            body["Code"] = json!("Success");
            body["Type"] = json!("AWS-HMAC");
            body["LastUpdated"] = json!(rfc3339(whole_seconds(state.now())));
            body
        }
    };
    json_answer(200, &body)
}
