//! What IAM names when a role is made: its name, its path, how long its sessions may last, and who is trusted to assume it.
//!
//! Source: IAM User Guide, "IAM identifiers"; IAM API reference, `CreateRole`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::aws::{AccountId, RoleArn, SessionName, is_iam_word};
use crate::parsed::{fits, parsed_string};

/// Why a string is no [`RoleName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role's name is 1 to 64 characters of a-z, A-Z, 0-9 and `_+=,.@-`")]
pub struct InvalidRoleName;

parsed_string! {
    /// The name of a role, without its path: `[\w+=,.@-]{1,64}`. IAM does not tell two names apart that differ in case.
    RoleName, InvalidRoleName, parse_role_name
}

fn parse_role_name(raw: &str) -> Result<(), InvalidRoleName> {
    if fits(raw, 1..=64, is_iam_word) { Ok(()) } else { Err(InvalidRoleName) }
}

/// Why a string is no [`RolePath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role's path is `/`, or up to 512 characters of a-z, A-Z, 0-9 and `_+=,.@/-` from slash to slash")]
pub struct InvalidRolePath;

parsed_string! {
    /// Where a role stands: `/` for most, else from slash to slash, such as `/team/ai/`.
    ///
    /// The same that a [`RoleArn`] has, so that path and name always make one, and one always comes apart.
    RolePath, InvalidRolePath, parse_role_path
}

fn parse_role_path(raw: &str) -> Result<(), InvalidRolePath> {
    let is_framed = raw.starts_with('/') && raw.ends_with('/');
    if is_framed && fits(raw, 1..=512, |b| is_iam_word(b) || b == b'/') {
        Ok(())
    } else {
        Err(InvalidRolePath)
    }
}

impl Default for RolePath {
    fn default() -> Self {
        "/".parse().expect("a slash is a path")
    }
}

/// Why a number is no [`MaxSessionDuration`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role's maximum session duration is 3600 to 43200 seconds")]
pub struct InvalidMaxSessionDuration;

/// The longest that a role lets its sessions last, in seconds: 3,600 (IAM's default) to 43,200.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct MaxSessionDuration(u32);

impl MaxSessionDuration {
    /// The seconds.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

impl Default for MaxSessionDuration {
    fn default() -> Self {
        Self(3600)
    }
}

impl TryFrom<u32> for MaxSessionDuration {
    type Error = InvalidMaxSessionDuration;

    fn try_from(seconds: u32) -> Result<Self, InvalidMaxSessionDuration> {
        if (3600..=43_200).contains(&seconds) { Ok(Self(seconds)) } else { Err(InvalidMaxSessionDuration) }
    }
}

impl From<MaxSessionDuration> for u32 {
    fn from(duration: MaxSessionDuration) -> Self {
        duration.0
    }
}

/// Why a string is no [`PrincipalArn`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPrincipalArn {
    /// Neither a role, nor a session of one, nor a user.
    #[error(
        "a principal is `arn:aws:iam::111122223333:role/name`, `arn:aws:iam::111122223333:user/name` or a session, `arn:aws:sts::111122223333:assumed-role/name/session`"
    )]
    Shape,
    /// A whole account, or its root user.
    #[error("the root user cannot assume a role: name the role or the user that the gateway runs as")]
    Root,
    /// A federated user.
    #[error("a federated user cannot assume a role: name the role or the user that the gateway runs as")]
    FederatedUser,
}

/// Who a role's trust policy names: a role or a user.
///
/// A session of a role becomes its role, because sessions come and go. A session's ARN does not show its role's path, which
/// [`PrincipalArn::path_is_known`] then says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct PrincipalArn {
    /// With `role/` in place of `user/`, which obeys the same rules.
    as_role: RoleArn,
    arn: Arc<str>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Role,
    RoleOfASession,
    User,
}

impl PrincipalArn {
    /// The ARN that a trust policy names: a role's or a user's, never a session's.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.arn
    }

    /// The partition: `aws`, `aws-cn`, `aws-us-gov`, …
    #[must_use]
    pub fn partition(&self) -> &str {
        self.as_role.partition()
    }

    /// The account it belongs to.
    #[must_use]
    pub fn account_id(&self) -> AccountId {
        self.as_role.account_id()
    }

    /// The role's or the user's name, without its path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.as_role.name()
    }

    /// Whether it is a role. Its sessions are then made by role chaining, and last an hour at most.
    #[must_use]
    pub fn is_role(&self) -> bool {
        self.kind != Kind::User
    }

    /// Whether the path was given. Not so when only a session of the role is known: then none is assumed, which may be wrong.
    #[must_use]
    pub fn path_is_known(&self) -> bool {
        self.kind != Kind::RoleOfASession
    }
}

impl FromStr for PrincipalArn {
    type Err = InvalidPrincipalArn;

    fn from_str(raw: &str) -> Result<Self, InvalidPrincipalArn> {
        let parts: Vec<&str> = raw.splitn(6, ':').collect();
        let ["arn", partition, service, "", account, resource] = parts[..] else {
            return Err(InvalidPrincipalArn::Shape);
        };
        let (kind, path_and_name) = match (service, resource.split_once('/')) {
            ("iam", None) if resource == "root" => return Err(InvalidPrincipalArn::Root),
            ("sts", Some(("federated-user", _))) => return Err(InvalidPrincipalArn::FederatedUser),
            ("iam", Some(("role", path_and_name))) => (Kind::Role, path_and_name),
            ("iam", Some(("user", path_and_name))) => (Kind::User, path_and_name),
            ("sts", Some(("assumed-role", session))) => (Kind::RoleOfASession, role_of(session)?),
            _ => return Err(InvalidPrincipalArn::Shape),
        };
        let of_kind = |kind: &str| format!("arn:{partition}:iam::{account}:{kind}/{path_and_name}");
        let as_role = of_kind("role").parse().map_err(|_| InvalidPrincipalArn::Shape)?;
        let arn = of_kind(if kind == Kind::User { "user" } else { "role" });
        Ok(Self { as_role, arn: arn.into(), kind })
    }
}

/// `name/session` → `name`.
fn role_of(session: &str) -> Result<&str, InvalidPrincipalArn> {
    let (name, session) = session.split_once('/').ok_or(InvalidPrincipalArn::Shape)?;
    if session.parse::<SessionName>().is_ok() { Ok(name) } else { Err(InvalidPrincipalArn::Shape) }
}

impl TryFrom<String> for PrincipalArn {
    type Error = InvalidPrincipalArn;

    fn try_from(raw: String) -> Result<Self, InvalidPrincipalArn> {
        raw.parse()
    }
}

impl fmt::Display for PrincipalArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_are_what_iam_takes() {
        for good in ["portcullis-claude", "a", "A_+=,.@-9", &"x".repeat(64)] {
            assert!(good.parse::<RoleName>().is_ok(), "{good}");
        }
        for bad in ["", "a b", "a/b", "a'b", "a$b", "ä", &"x".repeat(65)] {
            assert_eq!(bad.parse::<RoleName>(), Err(InvalidRoleName), "{bad}");
        }
        for good in ["/", "/team/", "/team/ai/", &format!("/{}/", "x".repeat(510))] {
            assert!(good.parse::<RolePath>().is_ok(), "{good}");
        }
        for bad in ["", "team", "/team", "team/", "/a b/", "/a'/", &"/".repeat(513)] {
            assert_eq!(bad.parse::<RolePath>(), Err(InvalidRolePath), "{bad}");
        }
    }

    #[test]
    fn the_longest_path_and_name_make_a_role_arn() {
        let path: RolePath = format!("/{}/", "p".repeat(510)).parse().unwrap();
        let arn = format!("arn:aws:iam::123456789012:role{path}{}", "n".repeat(64));
        let role: RoleArn = arn.parse().unwrap();
        assert_eq!(role.path(), path.as_str());
    }

    #[test]
    fn every_role_arn_comes_apart_into_a_path_and_a_name() {
        for resource in ["x", "team/x", "/x", "//x", "a//b/x_+=,.@-9"] {
            let role: RoleArn = format!("arn:aws:iam::123456789012:role/{resource}").parse().unwrap();
            assert!(
                role.path().parse::<RolePath>().is_ok() && role.name().parse::<RoleName>().is_ok(),
                "{resource}"
            );
        }
    }

    #[test]
    fn a_maximum_is_an_hour_to_twelve() {
        assert!(MaxSessionDuration::try_from(3599).is_err() && MaxSessionDuration::try_from(43_201).is_err());
        assert_eq!(MaxSessionDuration::try_from(43_200).map(MaxSessionDuration::seconds), Ok(43_200));
        assert_eq!(MaxSessionDuration::default().seconds(), 3600);
    }

    fn principal(raw: &str) -> PrincipalArn {
        raw.parse().unwrap()
    }

    #[test]
    fn a_session_becomes_its_role_whose_path_is_not_known() {
        let session = principal("arn:aws:sts::111122223333:assumed-role/portcullis/i-0abc");
        assert_eq!(session.as_str(), "arn:aws:iam::111122223333:role/portcullis");
        assert!(session.is_role() && !session.path_is_known());
        assert_eq!((session.name(), session.account_id().as_str()), ("portcullis", "111122223333"));
    }

    #[test]
    fn roles_and_users_stay_what_they_are() {
        for (raw, name, is_role) in [
            ("arn:aws-us-gov:iam::111122223333:role/apps/portcullis", "portcullis", true),
            ("arn:aws:iam::111122223333:user/ci/gateway", "gateway", false),
        ] {
            let principal = principal(raw);
            assert_eq!((principal.as_str(), principal.name()), (raw, name));
            assert_eq!((principal.is_role(), principal.path_is_known()), (is_role, true));
        }
        assert_eq!(principal("arn:aws-us-gov:iam::111122223333:role/x").partition(), "aws-us-gov");
    }

    #[test]
    fn who_cannot_assume_a_role_is_refused() {
        use InvalidPrincipalArn as E;
        let check = |raw: &str, why: E| assert_eq!(raw.parse::<PrincipalArn>(), Err(why), "{raw}");
        check("arn:aws:iam::111122223333:root", E::Root);
        check("arn:aws:sts::111122223333:federated-user/ann", E::FederatedUser);
        for raw in [
            "",
            "*",
            "111122223333",
            "arn:aws:iam::111122223333:group/admins",
            "arn:aws:iam::1111:role/x",
            "arn:aws:iam::111122223333:role/x y",
            "arn:aws:iam:us-east-1:111122223333:role/x",
            "arn:aws:sts::111122223333:assumed-role/portcullis",
            "arn:aws:sts::111122223333:assumed-role/portcullis/a/b",
            "arn:azure:iam::111122223333:user/x",
        ] {
            check(raw, E::Shape);
        }
    }
}
