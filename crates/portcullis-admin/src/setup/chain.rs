//! What each role on the way to an integration's own needs, so that the gateway gets there.

use portcullis_types::RoleHop;
use serde_json::{Value, json};

/// Turns an answer in which the last hop stands for the gateway into one that covers the whole way: the gateway's own
/// policy is for the first hop, and each hop has the policy for the next one beside it.
///
/// - `chain`: at least one hop.
pub(super) fn add(answer: &mut Value, chain: &[RoleHop]) {
    // The last hop alone passes tags and a source identity on, so only its policy is more than `sts:AssumeRole`.
    let of_last_hop = answer["gateway_policy"].take();
    answer["gateway_policy"] = to_assume(&chain[0]);
    let hops = chain.iter().enumerate().map(|(at, hop)| {
        let policy = chain.get(at + 1).map_or_else(|| of_last_hop.clone(), to_assume);
        let trusted = at.checked_sub(1).map(|before| chain[before].role_arn.as_str());
        json!({
            "role_arn": hop.role_arn,
            "external_id": hop.external_id,
            "trusted_principal": trusted,
            "policy": policy,
        })
    });
    answer["role_chain"] = hops.collect();
    let steps = answer["next_steps"].as_array_mut().expect("an answer has steps");
    steps.splice(..1, steps_of(chain).into_iter().map(Value::String));
}

/// What whoever assumes a hop must be allowed.
fn to_assume(hop: &RoleHop) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "AssumeTheNextRole",
            "Effect": "Allow",
            "Action": ["sts:AssumeRole"],
            "Resource": [hop.role_arn],
        }],
    })
}

/// One step for the gateway and one for each hop, in place of the one for the gateway alone.
fn steps_of(chain: &[RoleHop]) -> Vec<String> {
    let first = &chain[0].role_arn;
    let gateway = format!(
        "Attach `gateway_policy` to the gateway's own identity (`portcullis whoami` shows it), so that it may assume \
         `{first}`, the first role of `role_chain`."
    );
    let hops = chain.iter().enumerate().map(|(at, hop)| {
        let whom = match at.checked_sub(1) {
            Some(before) => format!("`{}`", chain[before].role_arn),
            None => "the gateway's own identity".to_owned(),
        };
        let with = match &hop.external_id {
            Some(external_id) => format!(", with the external ID `{external_id}`"),
            None => String::new(),
        };
        format!(
            "In account {}, let the trust policy of `{}` admit {whom}{with}, and attach `role_chain[{at}].policy` to it, \
             so that it may assume the next role.",
            hop.role_arn.account_id(),
            hop.role_arn
        )
    });
    std::iter::once(gateway).chain(hops).collect()
}
