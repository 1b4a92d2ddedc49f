//! The routes of Claude Platform on AWS: which IAM action each needs, and which of our features it belongs to.
//!
//! Start at [`route`], or at [`actions_of`] for what a policy must allow. The service refuses a route that is not in
//! [`ROUTES`], whatever the policies say; beta variants of a route need the same action.
//!
//! Source: Claude docs, "IAM actions for Claude Platform on AWS"; AWS Service Authorization Reference.

mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use portcullis_types::{Feature, FeatureSet};

pub use table::ROUTES;

/// The prefix of the service's actions, its name in ARNs and in signatures.
pub const SERVICE: &str = "aws-external-anthropic";

/// The service as a principal: who calls STS in the caller's name (`aws:CalledViaLast`).
pub const SERVICE_PRINCIPAL: &str = "aws-external-anthropic.amazonaws.com";

/// An action of the service. Displayed as policies write it: `aws-external-anthropic:CreateInference`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Action(&'static str);

impl Action {
    /// What a workspace key needs beside the action itself; no route has it.
    pub const CALL_WITH_BEARER_TOKEN: Self = Self("CallWithBearerToken");
    /// Reading one workspace: its name and settings, nothing of what is in it.
    pub const GET_WORKSPACE: Self = Self("GetWorkspace");

    /// The name without the service: `CreateInference`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }

    /// What policies must grant it on: a workspace's ARN never matches an action of the account.
    #[must_use]
    pub fn scope(self) -> Scope {
        let routed = ROUTES.iter().find(|route| route.action == self).map(|route| route.scope);
        routed.unwrap_or(Scope::Account)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SERVICE}:{}", self.0)
    }
}

/// What an action is authorised on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The workspace's ARN, `arn:{partition}:aws-external-anthropic:{region}:{account}:workspace/{id}`.
    Workspace,
    /// `*`: a workspace's ARN in a policy silently matches nothing.
    Account,
}

/// One route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// `GET`, `POST` or `DELETE`.
    pub method: &'static str,
    /// The path. A name in braces stands for one segment that is not empty: `/v1/files/{id}/content`.
    pub path: &'static str,
    /// What the caller must be allowed to do.
    pub action: Action,
    /// The switch of an integration that it belongs to. `None` for what no feature serves: workspaces, keys, agents.
    pub feature: Option<Feature>,
    /// What the action is authorised on.
    pub scope: Scope,
}

/// `POST /v1/messages`.
pub const CREATE_MESSAGE: &Route = &ROUTES[0];
/// `POST /v1/messages/count_tokens`.
pub const COUNT_TOKENS: &Route = &ROUTES[1];

impl Route {
    fn fits(&self, path: &str) -> bool {
        let mut segments = path.split('/');
        let fits = |wanted: &str, segment: &str| {
            if wanted.starts_with('{') { !segment.is_empty() } else { wanted == segment }
        };
        let all_fit =
            self.path.split('/').all(|wanted| segments.next().is_some_and(|segment| fits(wanted, segment)));
        all_fit && segments.next().is_none()
    }
}

/// The route of a request, by its method and its path without the query. `None`: the service has no such route.
#[must_use]
pub fn route(method: &str, path: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.method == method && route.fits(path))
}

/// The methods that the service knows on a path.
pub fn methods_of(path: &str) -> impl Iterator<Item = &'static str> {
    ROUTES.iter().filter(move |route| route.fits(path)).map(|route| route.method)
}

/// Every action that the routes of these features need, sorted by name, each once.
pub fn actions_of(features: &FeatureSet) -> impl Iterator<Item = Action> + use<> {
    let enabled = |route: &&Route| route.feature.is_some_and(|feature| features.contains(feature));
    ROUTES.iter().filter(enabled).map(|route| route.action).collect::<BTreeSet<_>>().into_iter()
}
