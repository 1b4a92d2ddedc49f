//! Whether a resolved request may go ahead.
//!
//! Limits and budgets are asked here too once there are any: after it is known who asks for what, before anything is
//! dispatched.

use portcullis_catalog::{Caller, Scope};
use portcullis_provider::routes::Route;
use portcullis_types::Feature;

use super::Resolved;
use crate::error::GatewayError;

/// A request that may be attempted, and the upstream's route it will take. Only [`admit`] makes one.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    resolved: Resolved,
    route: &'static Route,
}

/// Admits a request whose key has the scope and whose integration has the feature that `route` belongs to. (A provider
/// that is not in force was not found to begin with.)
///
/// # Errors
/// [`GatewayError::MissingScope`], [`GatewayError::FeatureNotEnabled`], and [`GatewayError::RouteNotServed`] for a route
/// that belongs to no feature.
pub(crate) fn admit(resolved: Resolved, route: &'static Route) -> Result<Admitted, GatewayError> {
    let Some(feature) = route.feature else { return Err(GatewayError::RouteNotServed(route)) };
    check_scope(&resolved.caller.0, feature)?;
    if !resolved.provider.platform.features.contains(feature) {
        let integration = resolved.provider.integration_slug.clone();
        return Err(GatewayError::FeatureNotEnabled { feature, integration });
    }
    Ok(Admitted { resolved, route })
}

/// Whoever may complete may use everything that completions are made of; listing models has a scope of its own besides.
pub(crate) fn check_scope(caller: &Caller, feature: Feature) -> Result<(), GatewayError> {
    let may_list = feature == Feature::Models && caller.may(Scope::MODELS_LIST);
    if may_list || caller.may(Scope::COMPLETIONS_WRITE) {
        Ok(())
    } else {
        Err(GatewayError::MissingScope(Scope::COMPLETIONS_WRITE))
    }
}

impl Admitted {
    /// The upstream's route.
    pub(crate) const fn route(&self) -> &'static Route {
        self.route
    }
}

impl std::ops::Deref for Admitted {
    type Target = Resolved;
    fn deref(&self) -> &Resolved {
        &self.resolved
    }
}
