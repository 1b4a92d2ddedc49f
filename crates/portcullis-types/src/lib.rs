//! The vocabulary of the gateway: what a string from outside becomes, once, before anything else looks at it.
//!
//! Start with the module that bears the name of the thing: [`aws`] for what AWS names, [`iam`]
//! for what a new role consists of, [`slug`] and [`model`] for
//! what callers write, [`ids`] for our own rows, [`api_key`] for the keys that developers hold, [`integration`] for
//! what one connection to Claude Platform on AWS consists of, [`feature`] for what it may be used for, [`session`] for
//! what the sessions of its role are like, [`verification`] for
//! whether it works, [`translation`] for how requests are said in another dialect, [`presented_key`](mod@presented_key) and [`trace_id`] for
//! what both doors read from a request's headers, [`clock`] for the only clock.
//!
//! # Invariants
//! - No I/O, and no clock but [`clock::SystemClock`]. (`cargo xtask layers`)
//! - A value of these types is valid: nobody below checks again. `Deserialize` goes through the same parser.
//! - Nothing here shows a secret in `Debug`. (test `debug_hides_every_secret`)

pub mod api_key;
pub mod aws;
pub mod clock;
pub mod feature;
pub mod iam;
pub mod ids;
pub mod integration;
pub mod model;
pub mod presented_key;
pub mod session;
pub mod slug;
pub mod trace_id;
pub mod translation;
pub mod verification;

mod parsed;

pub use api_key::{ApiKeySecret, InvalidApiKey};
pub use aws::{
    AccessKeyId, AccountId, AwsCredentials, ExternalId, InvalidAccessKeyId, InvalidAccountId,
    InvalidExternalId, InvalidRegion, InvalidRoleArn, InvalidSessionName, InvalidWorkspaceId, Region,
    RoleArn, SessionName, WorkspaceId,
};
pub use clock::{Clock, ClockSkew, CorrectedClock, Exchange, ManualClock, SharedClock, SystemClock};
pub use feature::{Feature, FeatureSet, InvalidFeature, WithoutInference};
pub use iam::{MaxSessionDuration, PrincipalArn, RoleName, RolePath};
pub use ids::{
    ApiKeyId, BatchId, FileId, IntegrationId, InvalidObjectId, InvalidResponseId, OrganisationId, ProviderId,
    RequestId, ResponseId, StoredResponseId, TenantWorkspaceId,
};
pub use integration::{ApiKeyHeader, AwsAuth, ClaudePlatformAws, Revision};
pub use model::{InvalidModelId, InvalidModelRef, ModelId, ModelRef};
pub use presented_key::{NoPresentedKey, presented_key};
pub use secrecy::{ExposeSecret, SecretString};
pub use session::{Metadata, RoleHop, RoleSettings, SessionPolicy, SessionSubject, SessionTemplate};
pub use slug::{InvalidSlug, Slug};
pub use trace_id::given_trace_id;
pub use translation::{
    Compliance, InvalidOnUnsupported, MidSystem, OnUnsupported, ReasoningDisplay, SamplingPolicy,
    TranslationOptions, TranslationSettings,
};
pub use verification::{InvalidVerificationStatus, VerificationStatus};
