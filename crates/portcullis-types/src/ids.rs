//! The ids of our own rows. All kinds stand here, once; ids of different things are different types.

use std::time::{SystemTime, UNIX_EPOCH};

use uuid::{NoContext, Timestamp, Uuid};

use crate::parsed::{fits, parsed_string};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        ///
        /// A UUID of version 7: ids sort by the time they were made.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, made at `now`.
            #[must_use]
            pub fn generate(now: SystemTime) -> Self {
                Self(uuid_v7(now))
            }

            /// The id behind a stored or received UUID.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(raw: &str) -> Result<Self, uuid::Error> {
                raw.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// A tenant: owns integrations, workspaces and admin keys.
    OrganisationId
    /// A sub-tenant, Portkey's "workspace": every data-plane request runs in exactly one.
    /// (Anthropic's workspace is [`crate::WorkspaceId`].)
    TenantWorkspaceId
    /// Stored provider credentials: for us, how to reach one Anthropic workspace through AWS.
    IntegrationId
    /// A workspace's handle on an integration, what `@slug` addresses.
    ProviderId
    /// A key that a developer or an operator holds.
    ApiKeyId
    /// What the gateway keeps of one response: [`ResponseId`] is what its owner calls it.
    StoredResponseId
    /// One request to the gateway.
    RequestId
}

macro_rules! object_ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal)*) => {$(
        $(#[$doc])*
        ///
        #[doc = concat!("Shape: `", $prefix, "` and the 32 hexadecimal digits of a UUID of version 7: ids sort by the time")]
        /// they were made.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// What every id of this kind begins with.
            pub const PREFIX: &str = $prefix;

            /// A new id, made at `now`.
            #[must_use]
            pub fn generate(now: SystemTime) -> Self {
                Self(uuid_v7(now))
            }

            /// The id behind a stored UUID.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}{}", Self::PREFIX, self.0.simple())
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidObjectId;
            fn from_str(raw: &str) -> Result<Self, InvalidObjectId> {
                object_id(raw, Self::PREFIX).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidObjectId;
            fn try_from(raw: String) -> Result<Self, InvalidObjectId> {
                raw.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    )*};
}

object_ids! {
    /// A file of OpenAI's API, which the gateway keeps or knows at the upstream. (Anthropic's begin with `file_`.)
    FileId "file-"
    /// A batch of OpenAI's API. (Anthropic's begin with `msgbatch_`.)
    BatchId "batch_"
}

/// Why a string is no id of a file or a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be `{prefix}` and 32 hexadecimal digits")]
pub struct InvalidObjectId {
    /// What such an id begins with.
    pub prefix: &'static str,
}

fn object_id(raw: &str, prefix: &'static str) -> Result<Uuid, InvalidObjectId> {
    let digits = raw.strip_prefix(prefix).filter(|digits| {
        // One spelling for each id: the parser of UUIDs takes several.
        fits(digits, 32..=32, |b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    });
    digits.and_then(|digits| digits.parse().ok()).ok_or(InvalidObjectId { prefix })
}

parsed_string! {
    /// A response of OpenAI's Responses API. It is made from the id of the upstream's message, so that a stream and its
    /// repetition agree on it; it is one tenant workspace's, and another may have the same.
    ///
    /// Shape: `resp_` and 1 to 128 bytes of `[a-zA-Z0-9_-]`.
    ResponseId, InvalidResponseId, response_id
}

/// Why a string is no [`ResponseId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be `resp_` and 1 to 128 characters of a-z, A-Z, 0-9, `_` and `-`")]
pub struct InvalidResponseId;

fn response_id(raw: &str) -> Result<(), InvalidResponseId> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
    let is_one = raw.strip_prefix("resp_").is_some_and(|rest| fits(rest, 1..=128, allowed));
    if is_one { Ok(()) } else { Err(InvalidResponseId) }
}

fn uuid_v7(now: SystemTime) -> Uuid {
    let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(NoContext, since_epoch.as_secs(), since_epoch.subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn ids_sort_by_time_and_round_trip() {
        let early = IntegrationId::generate(UNIX_EPOCH + Duration::from_secs(1_795_348_800));
        let late = IntegrationId::generate(UNIX_EPOCH + Duration::from_secs(1_795_348_801));
        assert!(early < late);
        assert_eq!(early.as_uuid().get_version_num(), 7);
        assert_eq!(early.to_string().parse(), Ok(early));
    }
    #[test]
    fn ids_of_objects_have_one_spelling() {
        let made = FileId::generate(UNIX_EPOCH + Duration::from_secs(1_795_348_800));
        let text = made.to_string();
        assert_eq!((text.len(), text.parse()), (37, Ok(made)));
        assert_eq!(serde_json::from_str::<FileId>(&serde_json::to_string(&made).unwrap()).unwrap(), made);
        let refused = InvalidObjectId { prefix: "file-" };
        let foreign = BatchId::from_uuid(*made.as_uuid()).to_string();
        let hyphenated = format!("file-{}", made.as_uuid());
        for raw in ["", "file-", "file_011CNha8iCJcU1wXNR6q4V8w", &text.to_uppercase(), &foreign, &hyphenated]
        {
            assert_eq!(raw.parse::<FileId>(), Err(refused), "{raw}");
        }
        assert_eq!(refused.to_string(), "must be `file-` and 32 hexadecimal digits");
    }

    #[test]
    fn a_response_is_named_after_its_message() {
        let check = |raw: &str, is_one| assert_eq!(raw.parse::<ResponseId>().is_ok(), is_one, "{raw}");
        check("resp_01XFDUDYJgAACzvnptvVoYEL", true);
        check(&format!("resp_{}", "x".repeat(128)), true);
        check(&format!("resp_{}", "x".repeat(129)), false);
        check("resp_", false);
        check("resp_a/b", false);
        check("msg_01", false);
    }
}
