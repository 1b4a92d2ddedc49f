//! `AssumeRoleWithWebIdentity`: unsigned, for a token of an identity provider. Source: STS API reference.

use std::time::Duration;

use quick_xml::escape::escape;

use super::StsError;
use super::assume_role::within;
use super::form::Form;
use super::parameters::{parse_duration, required, role_arn, session_name};
use super::result::session_result;
use crate::iam::{AccessRequest, Decision};
use crate::session::{Grant, Session};
use crate::state::{State, whole_seconds};
use crate::world::{Role, WebIdentity, World};

const ACTION: &str = "sts:AssumeRoleWithWebIdentity";

/// Opens a session. The answer is the inside of `AssumeRoleWithWebIdentityResult`.
pub(super) fn assume_role_with_web_identity(state: &State, form: &Form) -> Result<String, StsError> {
    let role_arn = role_arn(form)?;
    let session_name = session_name(form)?;
    let token = required(form, "WebIdentityToken", "webIdentityToken")?;
    let seconds = parse_duration(form.get("DurationSeconds"))?;
    let world = state.world();
    let identity = world.sources.web_identity.as_ref().filter(|identity| identity.token == token);
    let identity = identity.ok_or_else(|| {
        StsError::new(
            400,
            "InvalidIdentityToken",
            "The web identity token that was passed could not be validated by AWS. Get a new identity token from the identity provider and then retry the request.",
        )
    })?;
    let (role_name, role) = authorise(&world, role_arn, session_name, identity)?;
    let seconds = seconds.map_or(Ok(3600), |seconds| within(seconds, role.max_session_duration))?;
    let session = Session::open(Grant {
        account: role.account.clone(),
        role_arn: role_arn.to_owned(),
        role_name: role_name.to_owned(),
        session_name: session_name.to_owned(),
        expires_at: whole_seconds(state.now()) + Duration::from_secs(u64::from(seconds)),
        policy: None,
        tags: [].into(),
        transitive_tag_keys: [].into(),
        source_identity: None,
        external_id: None,
        opened_by: provider_arn(role, identity),
        is_source: true,
    });
    let claims = format!(
        "<SubjectFromWebIdentityToken>{}</SubjectFromWebIdentityToken><Audience>{}</Audience><Provider>{}</Provider>",
        escape(&identity.subject),
        escape(&identity.audience),
        escape(provider_arn(role, identity)),
    );
    let answer = session_result(&session, session.grant.expires_at, None) + &claims;
    drop(world);
    state.keep_session(session);
    Ok(answer)
}

fn provider_arn(role: &Role, identity: &WebIdentity) -> String {
    format!("arn:aws:iam::{}:oidc-provider/{}", role.account, identity.provider)
}

fn authorise<'a>(
    world: &'a World,
    role_arn: &str,
    session_name: &str,
    identity: &WebIdentity,
) -> Result<(&'a str, &'a Role), StsError> {
    let may = |role: &Role| {
        let (audience, subject) =
            (format!("{}:aud", identity.provider), format!("{}:sub", identity.provider));
        let request = AccessRequest {
            identities: &[provider_arn(role, identity)],
            account: "",
            action: ACTION,
            resource: role_arn,
            context: &[
                (&audience, &identity.audience),
                (&subject, &identity.subject),
                ("sts:RoleSessionName", session_name),
                ("aws:SecureTransport", "true"),
            ],
        };
        role.trust_policy.decide(&request) == Decision::Allowed
    };
    let denied = || StsError::new(403, "AccessDenied", format!("Not authorized to perform {ACTION}"));
    world.role_by_arn(role_arn).filter(|(_, role)| may(role)).ok_or_else(denied)
}
