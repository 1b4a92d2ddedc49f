//! The endpoint that `AWS_CONTAINER_CREDENTIALS_FULL_URI` names: an ECS task's, or with a token that of EKS Pod Identity.
//! Source: AWS SDKs and Tools Reference Guide, "Container credential provider".

use std::collections::BTreeMap;

use serde_json::json;

use super::{Refusal, credentials_json, json_answer, session};
use crate::answer::Answer;
use crate::server::Arrival;
use crate::state::State;

const TASK_SERVICE: &str = "ecs-tasks.amazonaws.com";
const POD_SERVICE: &str = "pods.eks.amazonaws.com";

pub(super) fn answer(state: &State, arrival: &Arrival) -> Answer {
    let refusal =
        |status, code: &str, message: &str| json_answer(status, &json!({"code": code, "message": message}));
    if arrival.method != "GET" {
        return refusal(405, "MethodNotAllowed", "the method must be GET");
    }
    let (wanted, tags) = {
        let world = state.world();
        (world.sources.container_token.clone(), world.sources.pod_tags.clone())
    };
    let session = match wanted {
        Some(wanted) if arrival.header("authorization") != Some(wanted.as_str()) => {
            return refusal(401, "Unauthorized", "the authorization token is missing or unknown");
        }
        Some(_) => session(state, POD_SERVICE, "eks-emulator-portcullis-pod", tags),
        None => session(state, TASK_SERVICE, "0123456789abcdef0123456789abcdef", BTreeMap::new()),
    };
    match session {
        Ok(session) => {
            let mut body = credentials_json(&session);
            body["RoleArn"] = json!(session.grant.role_arn);
            body["AccountId"] = json!(session.grant.account);
            json_answer(200, &body)
        }
        Err(Refusal::NoRole) => refusal(404, "NoIdInRequest", "there is no role for this container"),
        Err(Refusal::NotTrusted) => refusal(
            400,
            "AccessDeniedException",
            "the role's trust policy does not let this service assume it",
        ),
    }
}
