//! What AWS names: accounts, roles, external IDs, regions, workspaces, credentials.

use std::fmt;
use std::time::SystemTime;

use secrecy::{ExposeSecret, SecretString};

use crate::parsed::{fits, parsed_string};

/// Why a string is no [`Region`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an AWS region looks like `us-west-2`")]
pub struct InvalidRegion;

parsed_string! {
    /// An AWS region, such as `us-west-2`.
    ///
    /// Shape: `^[a-z]{2}(-[a-z]+)+-\d$`, at most 32 characters. No closed list: regions are added, and the value is only
    /// ever one label of a host's name.
    Region, InvalidRegion, parse_region
}

fn parse_region(raw: &str) -> Result<(), InvalidRegion> {
    let mut labels = raw.split('-');
    let geography = labels.next().is_some_and(|l| l.len() == 2 && is_lower(l));
    let number = labels.next_back().is_some_and(|l| l.len() == 1 && l.as_bytes()[0].is_ascii_digit());
    let mut middle = labels.peekable();
    let has_middle = middle.peek().is_some() && middle.all(|l| !l.is_empty() && is_lower(l));
    if geography && number && has_middle && raw.len() <= 32 { Ok(()) } else { Err(InvalidRegion) }
}

fn is_lower(label: &str) -> bool {
    label.bytes().all(|b| b.is_ascii_lowercase())
}

/// Why a string is no [`WorkspaceId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an Anthropic workspace id is `wrkspc_` followed by 1 to 64 letters and digits")]
pub struct InvalidWorkspaceId;

parsed_string! {
    /// An Anthropic workspace, such as `wrkspc_01AbCdEf23GhIj`: the last segment of the workspace's ARN.
    WorkspaceId, InvalidWorkspaceId, parse_workspace_id
}

fn parse_workspace_id(raw: &str) -> Result<(), InvalidWorkspaceId> {
    let rest = raw.strip_prefix("wrkspc_").ok_or(InvalidWorkspaceId)?;
    if fits(rest, 1..=64, |b| b.is_ascii_alphanumeric()) { Ok(()) } else { Err(InvalidWorkspaceId) }
}

/// Why a string is no [`ExternalId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an external ID is 2 to 1224 characters of a-z, A-Z, 0-9 and `_+=,.@:/-`")]
pub struct InvalidExternalId;

parsed_string! {
    /// What a role's trust policy demands of whoever assumes it.
    ///
    /// Shape: `[\w+=,.@:/-]{2,1224}`. Not a secret: whoever may look at the role sees it. Its strength is that only the
    /// gateway chooses which one it sends.
    ///
    /// Source: STS API reference, `AssumeRole`.
    ExternalId, InvalidExternalId, parse_external_id
}

fn parse_external_id(raw: &str) -> Result<(), InvalidExternalId> {
    let allowed = |b: u8| is_iam_word(b) || b == b':' || b == b'/';
    if fits(raw, 2..=1224, allowed) { Ok(()) } else { Err(InvalidExternalId) }
}

impl ExternalId {
    /// A new external ID: `pcs-` and 32 hexadecimal digits, 128 random bits.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        let id = format!("pcs-{:032x}", u128::from_be_bytes(bytes));
        Ok(id.parse().expect("hexadecimal digits are within AWS's set"))
    }
}

/// Why a string is no [`SessionName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role session name is 2 to 64 characters of a-z, A-Z, 0-9 and `_+=,.@-`")]
pub struct InvalidSessionName;

parsed_string! {
    /// The name of an assumed-role session, visible in CloudTrail and in denials.
    ///
    /// Shape: `[\w+=,.@-]{2,64}`.
    SessionName, InvalidSessionName, parse_session_name
}

fn parse_session_name(raw: &str) -> Result<(), InvalidSessionName> {
    if fits(raw, 2..=64, is_iam_word) { Ok(()) } else { Err(InvalidSessionName) }
}

/// The characters AWS writes as `[\w+=,.@-]`.
pub(crate) fn is_iam_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b)
}

/// Why a string is no [`AccessKeyId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an access key id is 11 to 128 letters, digits and underscores, such as `AKIA…`")]
pub struct InvalidAccessKeyId;

parsed_string! {
    /// The public half of an AWS key pair. (AWS's own examples are 11 characters, real ones 20.)
    AccessKeyId, InvalidAccessKeyId, parse_access_key_id
}

fn parse_access_key_id(raw: &str) -> Result<(), InvalidAccessKeyId> {
    if fits(raw, 11..=128, |b| b.is_ascii_alphanumeric() || b == b'_') {
        Ok(())
    } else {
        Err(InvalidAccessKeyId)
    }
}

/// Why a string is no [`RoleArn`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRoleArn {
    /// It does not have the six parts of an ARN.
    #[error("a role ARN looks like `arn:aws:iam::123456789012:role/name`")]
    Shape,
    /// The partition is not one of AWS's.
    #[error("the partition of a role ARN is `aws`, `aws-cn`, `aws-us-gov` or another that starts with `aws`")]
    Partition,
    /// The service is not IAM, or a region is given.
    #[error("a role ARN names the service `iam` and no region")]
    Service,
    /// The account is not twelve digits.
    #[error("the account of a role ARN is twelve digits")]
    Account,
    /// It names something that is not a role.
    #[error("the resource of a role ARN starts with `role/`")]
    NotARole,
    /// The role's path or name has a character or a length that IAM does not know.
    #[error(
        "a role's path is up to 512 characters between slashes, its name 1 to 64 characters of a-z, A-Z, 0-9 and `_+=,.@-`"
    )]
    Name,
}

/// Why a string is no [`AccountId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an AWS account is twelve digits")]
pub struct InvalidAccountId;

parsed_string! {
    /// An AWS account: twelve digits.
    AccountId, InvalidAccountId, parse_account_id
}

fn parse_account_id(raw: &str) -> Result<(), InvalidAccountId> {
    if fits(raw, 12..=12, |b| b.is_ascii_digit()) { Ok(()) } else { Err(InvalidAccountId) }
}

parsed_string! {
    /// The ARN of an IAM role: `arn:{partition}:iam::{account}:role/{path}{name}`.
    ///
    /// Source: IAM User Guide, "IAM identifiers"; STS API reference, `AssumeRole` (20 to 2048 characters).
    RoleArn, InvalidRoleArn, parse_role_arn
}

fn parse_role_arn(raw: &str) -> Result<(), InvalidRoleArn> {
    let mut parts = raw.splitn(6, ':');
    let mut next = || parts.next().ok_or(InvalidRoleArn::Shape);
    let (arn, partition, service, region, account, resource) =
        (next()?, next()?, next()?, next()?, next()?, next()?);
    if arn != "arn" || raw.len() > 2048 {
        return Err(InvalidRoleArn::Shape);
    }
    if !is_partition(partition) {
        return Err(InvalidRoleArn::Partition);
    }
    if service != "iam" || !region.is_empty() {
        return Err(InvalidRoleArn::Service);
    }
    parse_account_id(account).map_err(|InvalidAccountId| InvalidRoleArn::Account)?;
    let path_and_name = resource.strip_prefix("role/").ok_or(InvalidRoleArn::NotARole)?;
    let (path, name) = path_and_name.rsplit_once('/').unwrap_or(("", path_and_name));
    // A path is any printable ASCII in IAM; a colon or a space in one is a typing error far more often than a name.
    let path_fits = fits(path, 0..=510, |b| is_iam_word(b) || b == b'/');
    if path_fits && fits(name, 1..=64, is_iam_word) { Ok(()) } else { Err(InvalidRoleArn::Name) }
}

fn is_partition(raw: &str) -> bool {
    raw == "aws"
        || raw
            .strip_prefix("aws-")
            .is_some_and(|rest| fits(rest, 1..=32, |b| b.is_ascii_lowercase() || b == b'-'))
}

impl RoleArn {
    /// The partition: `aws`, `aws-cn`, `aws-us-gov`, …
    #[must_use]
    pub fn partition(&self) -> &str {
        self.part(1)
    }

    /// The account that owns the role.
    #[must_use]
    pub fn account_id(&self) -> AccountId {
        AccountId(self.part(4).into())
    }

    /// The path, from `/` to `/`: `/` for a role without one.
    #[must_use]
    pub fn path(&self) -> &str {
        let resource = self.part(5);
        &resource["role".len()..=resource.rfind('/').expect("a role ARN has a slash")]
    }

    /// The role's name, without its path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.as_str().rsplit('/').next().expect("a split has a last part")
    }

    fn part(&self, n: usize) -> &str {
        self.as_str().splitn(6, ':').nth(n).expect("an ARN has six parts")
    }
}

/// What a request to AWS is signed with. Never printed.
#[derive(Clone)]
pub struct AwsCredentials {
    /// The public half.
    pub access_key_id: AccessKeyId,
    /// The secret half.
    pub secret_access_key: SecretString,
    /// Present with temporary credentials; sent and signed.
    pub session_token: Option<SecretString>,
    /// When AWS stops accepting them. `None` for long-term keys.
    pub expires_at: Option<SystemTime>,
}

impl AwsCredentials {
    /// Whether AWS still accepts these at `now`.
    #[must_use]
    pub fn is_live(&self, now: SystemTime) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// The secret half in the clear, for the signature alone.
    #[must_use]
    pub fn expose_secret_access_key(&self) -> &str {
        self.secret_access_key.expose_secret()
    }

    /// The session token in the clear, for the header alone.
    #[must_use]
    pub fn expose_session_token(&self) -> Option<&str> {
        self.session_token.as_ref().map(ExposeSecret::expose_secret)
    }
}

impl fmt::Debug for AwsCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsCredentials")
            .field("access_key_id", &self.access_key_id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_recognised_by_their_shape() {
        for good in
            ["us-west-2", "eu-central-1", "us-gov-west-1", "cn-north-1", "ap-southeast-7", "us-iso-east-1"]
        {
            assert!(good.parse::<Region>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "us",
            "us-2",
            "us-west",
            "US-west-2",
            "us-west-22",
            "us--2",
            "us-west-2.evil.com",
            "us-west-2/",
            "u-west-2",
            "us-west-x",
            &format!("us-{}-2", "a".repeat(40)),
        ] {
            assert_eq!(bad.parse::<Region>(), Err(InvalidRegion), "{bad}");
        }
    }

    #[test]
    fn workspaces_carry_their_prefix() {
        assert!("wrkspc_01AbCdEf23GhIj".parse::<WorkspaceId>().is_ok());
        for bad in ["", "wrkspc_", "wrkspc-1", "wrkspc_a-b", "wrkspc_a\r\nb", "ws_1"] {
            assert_eq!(bad.parse::<WorkspaceId>(), Err(InvalidWorkspaceId), "{bad:?}");
        }
    }

    #[test]
    fn access_key_ids_are_of_the_length_that_is_said() {
        for good in ["AKIDEXAMPLE", "AKIAIOSFODNN7EXAMPLE", "ASIA_0123456789", &"A".repeat(128)] {
            assert!(good.parse::<AccessKeyId>().is_ok(), "{good}");
        }
        for bad in ["", "AKIDEXAMPL", "AKIDEXAMPLE/", "AKIDEXAMPLE\n", &"A".repeat(129)] {
            assert_eq!(bad.parse::<AccessKeyId>(), Err(InvalidAccessKeyId), "{bad:?}");
        }
        assert!(InvalidAccessKeyId.to_string().contains("11 to 128"));
    }

    #[test]
    fn external_ids_are_of_aws_set_and_length() {
        for good in ["ab", "a:b/c+d=e,f.g@h-_", &"x".repeat(1224)] {
            assert!(good.parse::<ExternalId>().is_ok(), "{good}");
        }
        for bad in ["", "a", "a b", "a\n", "a*b", "ä", &"x".repeat(1225)] {
            assert_eq!(bad.parse::<ExternalId>(), Err(InvalidExternalId), "{bad:?}");
        }
        assert_ne!(ExternalId::generate().unwrap(), ExternalId::generate().unwrap());
    }

    fn role(raw: &str) -> RoleArn {
        raw.parse().unwrap()
    }

    #[test]
    fn role_arns_come_apart() {
        let plain = role("arn:aws:iam::123456789012:role/portcullis");
        assert_eq!((plain.partition(), plain.path(), plain.name()), ("aws", "/", "portcullis"));
        assert_eq!(plain.account_id().as_str(), "123456789012");
        let nested = role("arn:aws-us-gov:iam::000000000001:role/team/ai/claude+x@y");
        assert_eq!(
            (nested.partition(), nested.path(), nested.name()),
            ("aws-us-gov", "/team/ai/", "claude+x@y")
        );
    }

    #[test]
    fn what_is_wrong_with_a_role_arn_is_said() {
        let check = |raw: &str, why: InvalidRoleArn| assert_eq!(raw.parse::<RoleArn>(), Err(why), "{raw}");
        check("", InvalidRoleArn::Shape);
        check("arn:aws:iam::123456789012", InvalidRoleArn::Shape);
        check("urn:aws:iam::123456789012:role/x", InvalidRoleArn::Shape);
        check("arn:azure:iam::123456789012:role/x", InvalidRoleArn::Partition);
        check("arn:aws:sts::123456789012:role/x", InvalidRoleArn::Service);
        check("arn:aws:iam:us-east-1:123456789012:role/x", InvalidRoleArn::Service);
        check("arn:aws:iam::12345678901:role/x", InvalidRoleArn::Account);
        check("arn:aws:iam::123456789012:user/x", InvalidRoleArn::NotARole);
        check("arn:aws:iam::123456789012:role/", InvalidRoleArn::Name);
        check("arn:aws:iam::123456789012:role/a b", InvalidRoleArn::Name);
        check("arn:aws:iam::123456789012:role/x:y", InvalidRoleArn::Name);
        check(&format!("arn:aws:iam::123456789012:role/{}", "x".repeat(65)), InvalidRoleArn::Name);
    }

    #[test]
    fn debug_hides_every_secret() {
        let credentials = AwsCredentials {
            access_key_id: "AKIDEXAMPLE".parse().unwrap(),
            secret_access_key: "hunter2".into(),
            session_token: Some("hunter3".into()),
            expires_at: None,
        };
        let shown = format!("{credentials:?}");
        assert!(shown.contains("AKIDEXAMPLE") && !shown.contains("hunter"), "{shown}");
    }
}
