//! The parameters of `AssumeRole`, within AWS's limits. Source: STS API reference, "AssumeRole".

use super::StsError;
use super::form::Form;
use crate::iam::Policy;

/// The call's parameters, within their limits.
#[derive(Debug)]
pub(super) struct Parameters<'a> {
    pub(super) role_arn: &'a str,
    pub(super) session_name: &'a str,
    pub(super) external_id: Option<&'a str>,
    pub(super) duration_seconds: Option<u32>,
    pub(super) source_identity: Option<&'a str>,
    pub(super) tags: Vec<(&'a str, &'a str)>,
    pub(super) transitive_tag_keys: Vec<&'a str>,
    pub(super) policy: Option<Policy>,
    pub(super) packed_policy_percent: Option<usize>,
}

impl<'a> Parameters<'a> {
    pub(super) fn parse(form: &'a Form) -> Result<Self, StsError> {
        let role_arn = role_arn(form)?;
        let session_name = session_name(form)?;
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
            packed_policy_percent: fitting_percent(policy_text, &tags)?,
            transitive_tag_keys: transitive_tag_keys(form, &tags)?,
            tags,
            policy,
        })
    }
}

pub(super) fn role_arn(form: &Form) -> Result<&str, StsError> {
    let role_arn = required(form, "RoleArn", "roleArn")?;
    check_length("roleArn", role_arn, 20, 2048)?;
    if is_role_arn(role_arn) {
        Ok(role_arn)
    } else {
        Err(StsError::validation(format!("{role_arn} is invalid")))
    }
}

pub(super) fn session_name(form: &Form) -> Result<&str, StsError> {
    let session_name = required(form, "RoleSessionName", "roleSessionName")?;
    check_text("roleSessionName", session_name, 2, 64, "=,.@-", "[\\w+=,.@-]*")?;
    Ok(session_name)
}

/// Each must be among the tags of the same call.
fn transitive_tag_keys<'a>(form: &'a Form, tags: &[(&str, &str)]) -> Result<Vec<&'a str>, StsError> {
    let keys = form.list("TransitiveTagKeys");
    let is_sent = |key: &&str| tags.iter().any(|(sent, _)| sent.eq_ignore_ascii_case(key));
    if keys.iter().all(is_sent) {
        Ok(keys)
    } else {
        Err(StsError::invalid_value(
            "The specified transitive tag key must be included in the requested tags.",
        ))
    }
}

pub(super) fn required<'a>(form: &'a Form, name: &str, member: &str) -> Result<&'a str, StsError> {
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

pub(super) fn parse_duration(text: Option<&str>) -> Result<Option<u32>, StsError> {
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
        check_tag_text(&format!("tags.{index}.member.key"), key)?;
        check_tag_text(&format!("tags.{index}.member.value"), value)?;
        if tags.iter().any(|(other, _)| other.eq_ignore_ascii_case(key)) {
            return Err(StsError::invalid_value(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        tags.push((key, value));
    }
    Ok(tags)
}

/// Letters, digits and spaces of any script, and some marks.
fn check_tag_text(member: &str, text: &str) -> Result<(), StsError> {
    let allowed = |character: char| {
        character.is_alphanumeric()
            || "_.:/=+-@ ".contains(character)
            || (character.is_whitespace() && !character.is_control())
    };
    if text.chars().all(allowed) {
        Ok(())
    } else {
        let pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*";
        Err(constraint(member, text, &format!("Member must satisfy regular expression pattern: {pattern}")))
    }
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
    if !policy.names_services() {
        return Err(malformed(
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.".into(),
        ));
    }
    Ok(policy)
}

/// AWS packs policy and tags in a form of its own; here the packed form is the plain one, against 2048 bytes.
pub(super) fn packed_policy_percent<'a>(
    policy: Option<&str>,
    tags: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Option<usize> {
    let of_tags: usize = tags.into_iter().map(|(key, value)| key.len() + value.len()).sum();
    let bytes = policy.map_or(0, str::len) + of_tags;
    (bytes > 0).then(|| (bytes * 100).div_ceil(2048))
}

fn fitting_percent(policy: Option<&str>, tags: &[(&str, &str)]) -> Result<Option<usize>, StsError> {
    match packed_policy_percent(policy, tags.iter().copied()) {
        Some(percent) if percent > 100 => Err(StsError::new(
            400,
            "PackedPolicyTooLarge",
            format!(
                "Packed size of session tags and policy is {percent}% of the limit. Please use smaller values."
            ),
        )),
        percent => Ok(percent),
    }
}
