//! `AssumeRole`: constraints first, then who may, then for how long. AWS does not say which part of "who may" failed.

use std::time::Duration;

use quick_xml::escape::escape;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::StsError;
use super::form::Form;
use crate::caller::Caller;
use crate::iam::{AccessRequest, Decision, Policy};
use crate::state::{BASE62, Session, State, random_text};

const CHAINING_LIMIT_SECONDS: u32 = 3600;

/// The call's parameters, within their limits.
struct Parameters<'a> {
    role_arn: &'a str,
    session_name: &'a str,
    external_id: Option<&'a str>,
    duration_seconds: Option<u32>,
    source_identity: Option<&'a str>,
    tags: Vec<(&'a str, &'a str)>,
    policy: Option<Policy>,
    packed_policy_percent: Option<usize>,
}

/// Opens a session. The answer is the inside of `AssumeRoleResult`.
pub(super) fn assume_role(state: &State, caller: &Caller, form: &Form) -> Result<String, StsError> {
    let parameters = Parameters::parse(form)?;
    let (role_name, account, max_seconds) = authorise(state, caller, &parameters)?;
    let seconds = duration(caller, &parameters, max_seconds)?;
    // AWS writes whole seconds; the expiry kept must be the one announced.
    let now = OffsetDateTime::from(state.now()).replace_nanosecond(0).expect("zero nanoseconds are in range");
    let expires_at = now + Duration::from_secs(u64::from(seconds));
    let upper = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let access_key_id = format!("ASIA{}", random_text(upper, 16));
    let assumed_role_id = format!("AROA{}:{}", random_text(upper, 17), parameters.session_name);
    let session = Session {
        secret_access_key: random_text(BASE62, 40),
        session_token: format!("IQoJb3JpZ2luEMULATOR{}", random_text(BASE62, 340)),
        expires_at: expires_at.into(),
        arn: format!("arn:aws:sts::{account}:assumed-role/{role_name}/{}", parameters.session_name),
        account,
        assumed_role_id,
        role_name,
        session_policy: parameters.policy.clone(),
    };
    let announced = now + Duration::from_secs(u64::from(state.announced_seconds(seconds)));
    let answer = result(&parameters, &access_key_id, &session, announced);
    state.keep_session(access_key_id, session);
    Ok(answer)
}

fn result(
    parameters: &Parameters<'_>,
    access_key_id: &str,
    session: &Session,
    expires_at: OffsetDateTime,
) -> String {
    let expiration = expires_at.format(&Rfc3339).expect("a time of this century has an RFC 3339 form");
    let packed = parameters
        .packed_policy_percent
        .map_or_else(String::new, |percent| format!("<PackedPolicySize>{percent}</PackedPolicySize>"));
    let source_identity = parameters.source_identity.map_or_else(String::new, |identity| {
        format!("<SourceIdentity>{}</SourceIdentity>", escape(identity))
    });
    format!(
        "<AssumedRoleUser><AssumedRoleId>{}</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser><Credentials><AccessKeyId>{access_key_id}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken><Expiration>{expiration}</Expiration></Credentials>{packed}{source_identity}",
        escape(&session.assumed_role_id),
        escape(&session.arn),
        session.secret_access_key,
        session.session_token,
    )
}

/// The role's name, account and longest session, if the caller may assume it.
fn authorise(
    state: &State,
    caller: &Caller,
    parameters: &Parameters<'_>,
) -> Result<(String, String, u32), StsError> {
    let mut actions = vec!["sts:AssumeRole"];
    actions.extend((!parameters.tags.is_empty()).then_some("sts:TagSession"));
    actions.extend(parameters.source_identity.map(|_| "sts:SetSourceIdentity"));
    let world = state.world();
    let role = world.role_by_arn(parameters.role_arn);
    for action in actions {
        let allowed = role.is_some_and(|(_, role)| {
            let context = context(caller, parameters);
            let context: Vec<(&str, &str)> =
                context.iter().map(|(key, value)| (key.as_str(), *value)).collect();
            let request = AccessRequest {
                identities: &caller.identities,
                account: &caller.account,
                action,
                resource: parameters.role_arn,
                context: &context,
            };
            let trusted = role.trust_policy.decide(&request) == Decision::Allowed;
            let in_same_account =
                role.account == caller.account && role.trust_policy.names_directly(&caller.identities);
            trusted && (in_same_account || caller.authorise(action, parameters.role_arn, &context).is_ok())
        });
        if !allowed {
            let message = format!(
                "User: {} is not authorized to perform: {action} on resource: {}",
                caller.arn, parameters.role_arn
            );
            return Err(StsError::new(403, "AccessDenied", message));
        }
    }
    let (name, role) =
        role.expect("the first action is always asked, and a role that is not there allows nothing");
    Ok((name.to_owned(), role.account.clone(), role.max_session_duration))
}

fn context<'a>(caller: &'a Caller, parameters: &'a Parameters<'_>) -> Vec<(String, &'a str)> {
    let mut context = vec![
        ("aws:PrincipalArn".to_owned(), caller.arn.as_str()),
        ("aws:PrincipalAccount".to_owned(), caller.account.as_str()),
        ("sts:RoleSessionName".to_owned(), parameters.session_name),
        ("aws:SecureTransport".to_owned(), "true"),
    ];
    context.extend(parameters.external_id.map(|id| ("sts:ExternalId".to_owned(), id)));
    context.extend(parameters.source_identity.map(|id| ("sts:SourceIdentity".to_owned(), id)));
    context.extend(parameters.tags.iter().map(|(key, value)| (format!("aws:RequestTag/{key}"), *value)));
    context
}

fn duration(caller: &Caller, parameters: &Parameters<'_>, max_seconds: u32) -> Result<u32, StsError> {
    let is_chained = caller.session_ends_at.is_some();
    match parameters.duration_seconds {
        None => Ok(3600.min(max_seconds)),
        Some(seconds) if is_chained && seconds > CHAINING_LIMIT_SECONDS => Err(StsError::validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        )),
        Some(seconds) if seconds > max_seconds => Err(StsError::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )),
        Some(seconds) => Ok(seconds),
    }
}

impl<'a> Parameters<'a> {
    fn parse(form: &'a Form) -> Result<Self, StsError> {
        let role_arn = required(form, "RoleArn", "roleArn")?;
        check_length("roleArn", role_arn, 20, 2048)?;
        if !is_role_arn(role_arn) {
            return Err(StsError::validation(format!("{role_arn} is invalid")));
        }
        let session_name = required(form, "RoleSessionName", "roleSessionName")?;
        check_text("roleSessionName", session_name, 2, 64, "=,.@-", "[\\w+=,.@-]*")?;
        let external_id = form.get("ExternalId");
        if let Some(external_id) = external_id {
            check_text("externalId", external_id, 2, 1224, "=,.@:/-", "[\\w+=,.@:\\/-]*")?;
        }
        let source_identity = form.get("SourceIdentity");
        if let Some(identity) = source_identity {
            check_text("sourceIdentity", identity, 2, 64, "=,.@-", "[\\w+=,.@-]*")?;
            if identity.starts_with("aws:") {
                return Err(StsError::validation("sourceIdentity must not begin with aws:"));
            }
        }
        let tags = parse_tags(form)?;
        let policy_text = form.get("Policy");
        let policy = policy_text.map(parse_session_policy).transpose()?;
        if form.members("PolicyArns") > 0 {
            return Err(StsError::validation(
                "PolicyArns: this emulator knows no managed policies; pass Policy.",
            ));
        }
        Ok(Self {
            role_arn,
            session_name,
            external_id,
            duration_seconds: parse_duration(form.get("DurationSeconds"))?,
            source_identity,
            packed_policy_percent: packed_percent(policy_text, &tags)?,
            tags,
            policy,
        })
    }
}

fn required<'a>(form: &'a Form, name: &str, member: &str) -> Result<&'a str, StsError> {
    form.get(name).ok_or_else(|| {
        StsError::validation(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

fn constraint(member: &str, value: &str, constraint: &str) -> StsError {
    StsError::validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
    ))
}

fn check_length(member: &str, value: &str, shortest: usize, longest: usize) -> Result<(), StsError> {
    let length = value.chars().count();
    if length < shortest {
        Err(constraint(
            member,
            value,
            &format!("Member must have length greater than or equal to {shortest}"),
        ))
    } else if length > longest {
        Err(constraint(member, value, &format!("Member must have length less than or equal to {longest}")))
    } else {
        Ok(())
    }
}

fn check_text(
    member: &str,
    value: &str,
    shortest: usize,
    longest: usize,
    marks: &str,
    pattern: &str,
) -> Result<(), StsError> {
    check_length(member, value, shortest, longest)?;
    let allowed = |character: char| {
        character.is_ascii_alphanumeric() || "_+".contains(character) || marks.contains(character)
    };
    if value.chars().all(allowed) {
        Ok(())
    } else {
        Err(constraint(member, value, &format!("Member must satisfy regular expression pattern: {pattern}")))
    }
}

fn is_role_arn(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let is_partition = |text: &str| text.starts_with("aws");
    next() == "arn"
        && is_partition(next())
        && next() == "iam"
        && next().is_empty()
        && matches!(next(), account if account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()))
        && next().strip_prefix("role/").is_some_and(|name| !name.is_empty())
}

fn parse_duration(text: Option<&str>) -> Result<Option<u32>, StsError> {
    let Some(text) = text else { return Ok(None) };
    let seconds: u32 =
        text.parse().map_err(|_| StsError::new(400, "MalformedInput", "DurationSeconds is not a number"))?;
    if seconds < 900 {
        Err(constraint("durationSeconds", text, "Member must have value greater than or equal to 900"))
    } else if seconds > 43_200 {
        Err(constraint("durationSeconds", text, "Member must have value less than or equal to 43200"))
    } else {
        Ok(Some(seconds))
    }
}

fn parse_tags(form: &Form) -> Result<Vec<(&str, &str)>, StsError> {
    let count = form.members("Tags");
    if count > 50 || form.members("TransitiveTagKeys") > 50 {
        return Err(StsError::validation(
            "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50",
        ));
    }
    let mut tags: Vec<(&str, &str)> = Vec::with_capacity(count);
    for index in 1..=count {
        let key = form.get(&format!("Tags.member.{index}.Key")).unwrap_or_default();
        let value = form.get(&format!("Tags.member.{index}.Value")).unwrap_or_default();
        check_length(&format!("tags.{index}.member.key"), key, 1, 128)?;
        check_length(&format!("tags.{index}.member.value"), value, 0, 256)?;
        if tags.iter().any(|(other, _)| other.eq_ignore_ascii_case(key)) {
            return Err(StsError::new(
                400,
                "InvalidParameterValue",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        tags.push((key, value));
    }
    Ok(tags)
}

fn parse_session_policy(text: &str) -> Result<Policy, StsError> {
    let malformed = |reason: String| StsError::new(400, "MalformedPolicyDocument", reason);
    check_length("policy", text, 1, 2048)?;
    if !text.chars().all(|character| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{ff}')) {
        return Err(malformed("The policy contains characters that are not allowed.".into()));
    }
    let policy = Policy::from_json(text)
        .map_err(|error| malformed(format!("This policy contains invalid Json: {error}")))?;
    if policy.is_resource_policy() {
        return Err(malformed("A session policy must not specify a Principal.".into()));
    }
    Ok(policy)
}

/// AWS packs policy and tags in a form of its own; here the packed form is the plain one, against 2048 bytes.
fn packed_percent(policy: Option<&str>, tags: &[(&str, &str)]) -> Result<Option<usize>, StsError> {
    let bytes =
        policy.map_or(0, str::len) + tags.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
    let percent = (bytes * 100).div_ceil(2048);
    match percent {
        0 => Ok(None),
        1..=100 => Ok(Some(percent)),
        _ => Err(StsError::new(
            400,
            "PackedPolicyTooLarge",
            format!(
                "Packed size of session tags and policy is {percent}% of the limit. Please use smaller values."
            ),
        )),
    }
}
