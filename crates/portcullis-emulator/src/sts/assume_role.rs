//! `AssumeRole`: constraints first, then who may, then for how long. AWS does not say which part of "who may" failed, unless
//! it was a control policy.

use std::collections::BTreeMap;
use std::time::Duration;

use super::StsError;
use super::form::Form;
use super::parameters::{Parameters, packed_policy_percent};
use super::result::session_result;
use crate::caller::{Caller, Context, PolicyKind};
use crate::iam::{AccessRequest, Decision};
use crate::journal::AssumeRoleParameters;
use crate::session::{Grant, Session};
use crate::state::{State, whole_seconds};
use crate::world::{Role, World};

const CHAINING_LIMIT_SECONDS: u32 = 3600;

/// What a call asks for, as sent.
pub(super) fn as_sent(form: &Form) -> AssumeRoleParameters {
    let text = |name: &str| form.get(name).map(str::to_owned);
    let tags: BTreeMap<String, String> = (1..=form.members("Tags"))
        .filter_map(|index| {
            let key = text(&format!("Tags.member.{index}.Key"))?;
            Some((key, text(&format!("Tags.member.{index}.Value")).unwrap_or_default()))
        })
        .collect();
    let policy = form.get("Policy");
    let pairs = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    AssumeRoleParameters {
        role_arn: text("RoleArn").unwrap_or_default(),
        role_session_name: text("RoleSessionName").unwrap_or_default(),
        external_id: text("ExternalId"),
        duration_seconds: form.get("DurationSeconds").and_then(|seconds| seconds.parse().ok()),
        packed_policy_percent: packed_policy_percent(policy, pairs),
        transitive_tag_keys: form.list("TransitiveTagKeys").into_iter().map(str::to_owned).collect(),
        source_identity: text("SourceIdentity"),
        policy: policy.map(|text| serde_json::from_str(text).unwrap_or_else(|_| text.into())),
        tags,
    }
}

/// Opens a session. The answer is the inside of `AssumeRoleResult`.
pub(super) fn assume_role(
    state: &State,
    caller: &Caller,
    form: &Form,
    region: &str,
) -> Result<String, StsError> {
    let parameters = Parameters::parse(form)?;
    let (role_name, role) = {
        let world = state.world();
        let (name, role) = authorise(&world, caller, &parameters)?;
        check_region(&world, region, [&caller.account, &role.account])?;
        (name.to_owned(), role.clone())
    };
    check_inherited(caller, &parameters)?;
    let seconds = duration(caller, &parameters, role.max_session_duration)?;
    let now = whole_seconds(state.now());
    let session = Session::open(Grant {
        account: role.account.clone(),
        role_arn: role.arn(&role_name),
        role_name,
        session_name: parameters.session_name.to_owned(),
        expires_at: now + Duration::from_secs(u64::from(seconds)),
        policy: parameters.policy.clone(),
        tags: effective_tags(caller, &parameters),
        transitive_tag_keys: caller
            .transitive_tags
            .keys()
            .map(String::as_str)
            .chain(parameters.transitive_tag_keys.iter().copied())
            .map(str::to_ascii_lowercase)
            .collect(),
        source_identity: effective_source_identity(caller, &parameters).map(str::to_owned),
        external_id: parameters.external_id.map(str::to_owned),
        opened_by: caller.arn.clone(),
        is_source: false,
    });
    let announced = now + Duration::from_secs(u64::from(state.announced_seconds(seconds)));
    let answer = session_result(&session, announced, parameters.packed_policy_percent);
    state.keep_session(session);
    Ok(answer)
}

/// The role and its name, if the caller may assume it.
fn authorise<'a>(
    world: &'a World,
    caller: &Caller,
    parameters: &Parameters<'_>,
) -> Result<(&'a str, &'a Role), StsError> {
    let context = context(caller, parameters);
    let mut actions = vec!["sts:AssumeRole"];
    // Inherited tags and an inherited identity are passed on, which takes the same permissions as to set them.
    actions.extend((!effective_tags(caller, parameters).is_empty()).then_some("sts:TagSession"));
    actions.extend(effective_source_identity(caller, parameters).map(|_| "sts:SetSourceIdentity"));
    let unknown = || StsError::not_authorised(&caller.arn, "sts:AssumeRole", parameters.role_arn);
    let (name, role) = world.role_by_arn(parameters.role_arn).ok_or_else(unknown)?;
    actions.into_iter().try_for_each(|action| may(caller, role, action, parameters, &context))?;
    Ok((name, role))
}

/// Whether the caller's own policies and the role's trust policy allow it. A control policy of the caller's organisation
/// is the only one that a refusal names.
fn may(
    caller: &Caller,
    role: &Role,
    action: &str,
    parameters: &Parameters<'_>,
    context: &Context,
) -> Result<(), StsError> {
    let resource = parameters.role_arn;
    let pairs: Vec<(&str, &str)> =
        context.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let request = AccessRequest {
        identities: &caller.identities,
        account: &caller.account,
        action,
        resource,
        context: &pairs,
    };
    let is_granted = role.account == caller.account && role.trust_policy.names_directly(&caller.identities);
    let of_caller = if is_granted {
        caller.authorise_granted(action, resource, context)
    } else {
        caller.authorise(action, resource, context)
    };
    match of_caller {
        Err(denial) if denial.by == PolicyKind::ServiceControl => {
            Err(StsError::new(403, "AccessDenied", denial.message(&caller.arn, action, resource)))
        }
        Ok(()) if role.trust_policy.decide(&request) == Decision::Allowed => Ok(()),
        _ => Err(StsError::not_authorised(&caller.arn, action, resource)),
    }
}

fn context(caller: &Caller, parameters: &Parameters<'_>) -> Context {
    let key = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut context = caller.context();
    context.push(key("sts:RoleSessionName", parameters.session_name));
    context.extend(parameters.external_id.map(|id| key("sts:ExternalId", id)));
    context.extend(parameters.source_identity.map(|identity| key("sts:SourceIdentity", identity)));
    context.extend(parameters.tags.iter().map(|(name, value)| key(&format!("aws:RequestTag/{name}"), value)));
    context.extend(parameters.tags.iter().map(|(name, _)| key("aws:TagKeys", name)));
    context.extend(parameters.transitive_tag_keys.iter().map(|name| key("sts:TransitiveTagKeys", name)));
    context
}

/// Sent tags, and those that the caller's session passes on.
fn effective_tags(caller: &Caller, parameters: &Parameters<'_>) -> BTreeMap<String, String> {
    let sent = parameters.tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    caller.transitive_tags.clone().into_iter().chain(sent).collect()
}

fn effective_source_identity<'a>(caller: &'a Caller, parameters: &Parameters<'a>) -> Option<&'a str> {
    caller.source_identity.as_deref().or(parameters.source_identity)
}

/// What a chain passes on cannot be changed further down.
fn check_inherited(caller: &Caller, parameters: &Parameters<'_>) -> Result<(), StsError> {
    let is_inherited = |key: &str| caller.transitive_tags.keys().any(|name| name.eq_ignore_ascii_case(key));
    if parameters.tags.iter().any(|(key, _)| is_inherited(key)) {
        return Err(StsError::invalid_value(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
        ));
    }
    match (caller.source_identity.as_deref(), parameters.source_identity) {
        (Some(inherited), Some(sent)) if inherited != sent => {
            Err(StsError::not_authorised(&caller.arn, "sts:SetSourceIdentity", parameters.role_arn))
        }
        _ => Ok(()),
    }
}

/// STS must be activated in the region for whoever asks and for whoever is asked.
fn check_region<'a>(
    world: &World,
    region: &str,
    accounts: impl IntoIterator<Item = &'a String>,
) -> Result<(), StsError> {
    let is_inactive = |account: &&String| {
        let account = world.accounts.get(*account);
        account.is_some_and(|account| account.sts_inactive_regions.iter().any(|inactive| inactive == region))
    };
    accounts.into_iter().find(is_inactive).map_or(Ok(()), |account| Err(StsError::region_disabled(account)))
}

fn duration(caller: &Caller, parameters: &Parameters<'_>, max_seconds: u32) -> Result<u32, StsError> {
    let is_chained = caller.session_ends_at.is_some();
    match parameters.duration_seconds {
        None => Ok(3600.min(max_seconds)),
        Some(seconds) if is_chained && seconds > CHAINING_LIMIT_SECONDS => Err(StsError::validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        )),
        Some(seconds) => within(seconds, max_seconds),
    }
}

/// `seconds`, if the role lets a session last so long.
pub(super) fn within(seconds: u32, max_seconds: u32) -> Result<u32, StsError> {
    if seconds > max_seconds {
        Err(StsError::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ))
    } else {
        Ok(seconds)
    }
}
