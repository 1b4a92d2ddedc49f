//! What the sessions of an assumed role are like: the way to the role, and what AWS is told of who is behind a request.
//!
//! Start at [`RoleSettings`]. Texts that depend on the caller are [`SessionTemplate`]s, filled from a [`SessionSubject`].
//! Source of the limits: STS API reference, `AssumeRole`.

#[cfg(test)]
mod tests;

mod rules;
mod settings;
mod subject;
mod template;

pub use rules::BrokenRule;
pub use settings::{
    InvalidSessionDuration, InvalidSessionPolicy, InvalidTagKey, PolicyDocument, RoleHop, RoleSettings,
    SessionDuration, SessionPolicy, SessionTag, TagKey,
};
pub use subject::{Metadata, SessionSubject};
pub use template::{InvalidSessionTemplate, SessionTemplate, Target};
