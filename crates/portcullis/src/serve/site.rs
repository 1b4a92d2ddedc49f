//! What answers on the listeners: at first only that the gateway is starting, then everything.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, Uri};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::health;
use crate::own_error::{GivenTrace, OwnError};

/// The routers of a started gateway.
pub(crate) struct Routers {
    main: Router,
    admin: Option<Router>,
    metrics: Option<Router>,
}

impl Routers {
    /// One origin for both planes, as the clients have one base address; or the admin API on a listener of its own.
    ///
    /// - `metrics`: for a listener of their own.
    pub(crate) fn of(gateway: Router, admin: Router, admin_apart: bool, metrics: Option<Router>) -> Self {
        let with_fallback = |router: Router| router.fallback(unknown_route);
        let metrics = metrics.map(with_fallback);
        if admin_apart {
            Self { main: with_fallback(gateway), admin: Some(with_fallback(admin)), metrics }
        } else {
            Self { main: with_fallback(gateway.merge(admin)), admin: None, metrics }
        }
    }
}

/// Every listener's content.
#[derive(Clone)]
pub(crate) struct Site {
    routers: Arc<OnceLock<Routers>>,
    leaving: CancellationToken,
}

/// Which listener asks.
#[derive(Clone, Copy)]
enum Entrance {
    Main,
    Admin,
    Metrics,
}

impl Site {
    pub(crate) fn new(leaving: CancellationToken) -> Self {
        Self { routers: Arc::default(), leaving }
    }

    /// From now on the routers answer.
    pub(crate) fn open(&self, routers: Routers) {
        let first = self.routers.set(routers).is_ok();
        debug_assert!(first, "a site opens once");
    }

    /// For the main listener.
    pub(crate) fn main(&self) -> Router {
        self.router(Entrance::Main)
    }

    /// For the admin API's own listener.
    pub(crate) fn admin(&self) -> Router {
        self.router(Entrance::Admin)
    }

    /// For the metrics' own listener.
    pub(crate) fn metrics(&self) -> Router {
        self.router(Entrance::Metrics)
    }

    fn router(&self, entrance: Entrance) -> Router {
        let site = self.clone();
        let inner = tower::service_fn(move |request: Request| site.clone().answer(entrance, request));
        let (livez, readyz) = (health::livez, self.clone());
        Router::new()
            .route(health::LIVEZ, axum::routing::get(livez))
            .route(health::READYZ, axum::routing::get(move || std::future::ready(readyz.readiness())))
            .fallback_service(inner)
    }

    fn readiness(&self) -> Response {
        health::readyz(self.routers.get().is_some(), self.leaving.is_cancelled())
    }

    async fn answer(self, entrance: Entrance, request: Request) -> Result<Response, Infallible> {
        let router = self.routers.get().and_then(|routers| match entrance {
            Entrance::Main => Some(&routers.main),
            Entrance::Admin => routers.admin.as_ref(),
            Entrance::Metrics => routers.metrics.as_ref(),
        });
        match router {
            Some(router) => router.clone().oneshot(request).await,
            None => Ok(OwnError::STARTING.answer(GivenTrace::of(request.headers()))),
        }
    }
}

/// The last resort of both planes. The body has what an OpenAI client, an Anthropic client and a Portkey client read.
async fn unknown_route(method: Method, uri: Uri) -> Response {
    let message = format!("there is no route {method} {}", uri.path());
    let body = json!({
        "type": "error",
        "success": false,
        "data": { "message": message, "errorCode": "AB08" },
        "error": { "message": message, "type": "not_found_error", "param": null, "code": "unknown_route" },
    });
    (StatusCode::NOT_FOUND, axum::Json(body)).into_response()
}
