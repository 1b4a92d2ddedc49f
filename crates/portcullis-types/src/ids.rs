//! The ids of our own rows. All kinds stand here, once; ids of different things are different types.

use std::time::{SystemTime, UNIX_EPOCH};

use uuid::{NoContext, Timestamp, Uuid};

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
    /// One request to the gateway.
    RequestId
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
}
