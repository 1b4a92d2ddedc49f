//! Which of the platform's routes a request takes, what it may ask for there, and what comes back.

use http::Method;
use portcullis_provider::routes::{self, Route};
use portcullis_types::Feature;

use crate::error::GatewayError;

/// A route that one of our features serves, as one request takes it.
#[derive(Clone, Debug)]
pub(super) struct Native {
    pub(super) route: &'static Route,
    pub(super) feature: Feature,
    /// The id of the object that the request is about.
    pub(super) object: Option<String>,
}

/// What a route takes behind its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    /// JSON, or nothing.
    Json,
    /// A Messages body, whose model names the provider.
    Message,
    /// The items of a batch.
    Batch,
    /// A form with files.
    Upload,
}

/// What a success brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gives {
    /// JSON about one thing.
    Object,
    /// JSON with a page of things that somebody made.
    Page,
    /// Bytes of any kind and length.
    Content,
}

impl Native {
    /// The route of this method and path.
    ///
    /// # Errors
    /// [`GatewayError::UnknownRoute`], [`GatewayError::MethodNotAllowed`], [`GatewayError::RouteNotServed`] by name, and
    /// [`GatewayError::InvalidPath`] for an id with characters that none has: dots among them would lead elsewhere.
    pub(super) fn of(method: &Method, path: &str) -> Result<Self, GatewayError> {
        let Some(route) = routes::route(method.as_str(), path) else { return Err(unknown(method, path)) };
        let Some(feature) = route.feature else { return Err(GatewayError::RouteNotServed(route)) };
        let mut ids = ids(route, path);
        // A model's id is longer than a segment may be, and has a reader of its own.
        if feature != Feature::Models && !ids.clone().all(is_id) {
            return Err(GatewayError::InvalidPath);
        }
        let object = ids.next().map(str::to_owned);
        Ok(Self { route, feature, object })
    }

    pub(super) fn takes(&self) -> Takes {
        match (self.route.method, self.route.path) {
            ("POST", "/v1/messages/count_tokens") => Takes::Message,
            ("POST", "/v1/messages/batches") => Takes::Batch,
            ("POST", "/v1/files" | "/v1/skills" | "/v1/skills/{id}/versions") => Takes::Upload,
            ("POST", _) => Takes::Json,
            _ => Takes::Nothing,
        }
    }

    pub(super) fn gives(&self) -> Gives {
        match self.route.path {
            path if path.ends_with("/content") || path.ends_with("/results") => Gives::Content,
            path if self.route.method == "GET" && !path.contains('{') => Gives::Page,
            _ => Gives::Object,
        }
    }

    /// Whether a success is a new object of the caller's.
    pub(super) fn creates(&self) -> bool {
        self.object.is_none() && matches!(self.takes(), Takes::Json | Takes::Batch | Takes::Upload)
    }

    /// The object that is gone after a success.
    pub(super) fn deletes(&self) -> Option<&str> {
        let is_whole = !self.route.path.contains("/versions");
        self.object.as_deref().filter(|_| self.route.method == "DELETE" && is_whole)
    }

    /// The query's parameters that the route knows; they are signed and sent as they came.
    pub(super) fn parameters(&self) -> &'static [&'static str] {
        match (self.route.method, self.route.path) {
            ("GET", "/v1/messages/batches") => &["beta", "after_id", "before_id", "limit"],
            // Two shapes of paging, by the beta header.
            ("GET", "/v1/files") => &["beta", "page", "limit", "ids[]", "after_id", "before_id"],
            ("GET", "/v1/models") => &["beta", "after_id", "before_id", "limit", "lifecycle[]"],
            ("GET", "/v1/skills") => &["beta", "page", "limit", "source"],
            ("GET", "/v1/skills/{id}/versions") => &["beta", "page", "limit"],
            ("GET", "/v1/user_profiles") => {
                &["beta", "page", "limit", "order", "order_by", "enforcement_status"]
            }
            _ => &["beta"],
        }
    }
}

fn unknown(method: &Method, path: &str) -> GatewayError {
    let allowed: Vec<&str> = routes::methods_of(path).collect();
    let (method, path) = (method.clone(), path.to_owned());
    if allowed.is_empty() {
        GatewayError::UnknownRoute { method, path }
    } else {
        GatewayError::MethodNotAllowed { method, path, allowed: allowed.join(", ") }
    }
}

/// The segments that stand where the route has a name in braces.
fn ids<'a>(route: &'static Route, path: &'a str) -> impl Iterator<Item = &'a str> + Clone {
    let pairs = route.path.split('/').zip(path.split('/'));
    pairs.filter(|(wanted, _)| wanted.starts_with('{')).map(|(_, segment)| segment)
}

fn is_id(segment: &str) -> bool {
    segment.len() <= 256 && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(method: &str, path: &str) -> String {
        match Native::of(&method.parse().unwrap(), path) {
            Ok(native) => format!("{} {:?}", native.feature, native.object.as_deref().unwrap_or("")),
            Err(error) => error.to_client().code.unwrap_or_default().into_owned(),
        }
    }

    #[test]
    fn only_routes_that_a_feature_serves_are_taken() {
        let check = |method: &str, path: &str, expect: &str| {
            assert_eq!(code(method, path), expect, "{method} {path}")
        };
        check("GET", "/v1/messages/batches/msgbatch_1/results", "batches \"msgbatch_1\"");
        check("DELETE", "/v1/skills/skill_1/versions/17", "skills \"skill_1\"");
        check("POST", "/v1/files", "files \"\"");
        check("PUT", "/v1/files/file_1", "method_not_allowed");
        check("GET", "/v1/organizations/workspaces", "route_not_served");
        check("POST", "/v1/sessions/s/archive", "route_not_served");
        check("GET", "/v1/dreams", "unknown_route");
        check("GET", "/v1/files/file_1/content/x", "unknown_route");
        for id in ["..", ".", "%2e%2e", "a%2Fb", "a;b", "é"] {
            check("GET", &format!("/v1/files/{id}"), "not_found");
        }
    }

    #[test]
    fn every_served_route_says_what_it_takes_and_gives() {
        let seen: Vec<String> = routes::ROUTES
            .iter()
            .filter(|route| route.feature.is_some())
            .map(|route| {
                let path = route.path.replace(['{', '}'], "");
                let native = Native::of(&route.method.parse().unwrap(), &path).unwrap();
                let creates = if native.creates() { " new" } else { "" };
                format!("{} {}: {:?} {:?}{creates}", route.method, route.path, native.takes(), native.gives())
            })
            .collect();
        let expect = [
            "POST /v1/messages: Json Object new",
            "POST /v1/messages/count_tokens: Message Object",
            "POST /v1/messages/batches: Batch Object new",
            "GET /v1/messages/batches: Nothing Page",
            "GET /v1/messages/batches/{id}: Nothing Object",
            "GET /v1/messages/batches/{id}/results: Nothing Content",
            "POST /v1/messages/batches/{id}/cancel: Json Object",
            "DELETE /v1/messages/batches/{id}: Nothing Object",
            "GET /v1/models: Nothing Page",
            "GET /v1/models/{id}: Nothing Object",
            "POST /v1/files: Upload Object new",
            "GET /v1/files: Nothing Page",
            "GET /v1/files/{id}: Nothing Object",
            "GET /v1/files/{id}/content: Nothing Content",
            "DELETE /v1/files/{id}: Nothing Object",
            "POST /v1/skills: Upload Object new",
            "GET /v1/skills: Nothing Page",
            "GET /v1/skills/{id}: Nothing Object",
            "DELETE /v1/skills/{id}: Nothing Object",
            "POST /v1/skills/{id}/versions: Upload Object",
            "GET /v1/skills/{id}/versions: Nothing Object",
            "GET /v1/skills/{id}/versions/{version}: Nothing Object",
            "GET /v1/skills/{id}/versions/{version}/content: Nothing Content",
            "DELETE /v1/skills/{id}/versions/{version}: Nothing Object",
            "POST /v1/user_profiles: Json Object new",
            "GET /v1/user_profiles: Nothing Page",
            "GET /v1/user_profiles/{id}: Nothing Object",
            "POST /v1/user_profiles/{id}: Json Object",
        ];
        assert_eq!(seen, expect);
    }
}
