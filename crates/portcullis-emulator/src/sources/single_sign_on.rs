//! The portal of IAM Identity Center: role credentials for an access token. Source: its API reference,
//! "GetRoleCredentials".
//!
//! The provider behind it is not emulated, hence the trust policy of the role is not asked.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use percent_encoding::percent_decode_str;
use serde_json::json;

use super::{json_answer, session};
use crate::answer::Answer;
use crate::server::Arrival;
use crate::state::State;

pub(super) const SERVICE: &str = "sso.amazonaws.com";

pub(super) fn answer(state: &State, arrival: &Arrival) -> Answer {
    let (wanted, role) = {
        let world = state.world();
        let role = world.sources.role.clone();
        let account = role.as_ref().and_then(|name| world.roles.get(name)).map(|role| role.account.clone());
        (world.sources.sso_access_token.clone(), role.zip(account))
    };
    let sent = arrival.header("x-amz-sso_bearer_token");
    if arrival.method != "GET" || wanted.is_none() || sent != wanted.as_deref() {
        return refusal(401, "UnauthorizedException", "Session token not found or invalid");
    }
    let asked = parameter(arrival, "role_name").zip(parameter(arrival, "account_id"));
    if asked.is_none() {
        return refusal(400, "InvalidRequestException", "account_id and role_name are required");
    }
    if asked != role {
        return refusal(403, "ForbiddenException", "No access");
    }
    match session(state, SERVICE, "portcullis-operator", BTreeMap::new()) {
        Err(_) => refusal(403, "ForbiddenException", "No access"),
        Ok(session) => {
            let end = session.grant.expires_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
            let body = json!({"roleCredentials": {
                "accessKeyId": session.access_key_id,
                "secretAccessKey": session.secret_access_key,
                "sessionToken": session.session_token,
                "expiration": u64::try_from(end).unwrap_or(u64::MAX),
            }});
            json_answer(200, &body)
        }
    }
}

fn parameter(arrival: &Arrival, name: &str) -> Option<String> {
    let pairs = arrival.query.as_deref()?.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next()?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

fn refusal(status: u16, code: &'static str, message: &str) -> Answer {
    let kind = format!("com.amazonaws.switchboard.portal#{code}");
    json_answer(status, &json!({"message": message, "__type": kind})).with_header("x-amzn-errortype", code)
}
