//! What may go wrong on the way, and what a client reads of it: the one door from errors to HTTP.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};
use portcullis_catalog::{CatalogError, Scope};
use portcullis_credentials::CredentialsError;
use portcullis_provider::InvalidRequest;
use portcullis_provider::error::{ApiError, Denial, ErrorKind, Explained, UpstreamMeta, network};
use portcullis_provider::routes::Route;
use portcullis_provider::sse::SseError;
use portcullis_signer::SignError;
use portcullis_types::{Feature, InvalidModelRef, InvalidSlug, NoPresentedKey, Slug};
use tracing::{error, warn};

use crate::arrival::Arrival;
use crate::log_budget::LogBudget;

/// Who refuses when there is no session.
const STS: Cow<'static, str> = Cow::Borrowed("aws-sts");

/// Refused keys that are told, each in a line: who guesses keys must be seen, and must not fill the disk.
static REFUSED_KEYS: LogBudget = LogBudget::new(5);

/// Why a request did not get its answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GatewayError {
    #[error(transparent)]
    NoKey(#[from] NoPresentedKey),
    #[error("the key is not valid")]
    UnknownKey,
    #[error("this key administers the gateway; completions need a key of a workspace")]
    KeyWithoutWorkspace,
    #[error("the key lacks the scope `{0}`")]
    MissingScope(Scope),
    #[error("the body is not `application/json` but `{0}`")]
    UnsupportedContentType(String),
    #[error(
        "bodies encoded as `{0}` are not accepted here: send it as it is, or JSON as `gzip`, `deflate` or `zstd`"
    )]
    UnsupportedEncoding(String),
    #[error("the body must be a form (`multipart/form-data` with a boundary), not `{0}`")]
    NotAForm(String),
    #[error("the body is larger than {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error("the body did not arrive within {} s", limit.as_secs())]
    BodyTooSlow { limit: Duration },
    #[error("the body broke off")]
    BodyRead(#[source] axum::Error),
    #[error(transparent)]
    Invalid(#[from] Box<InvalidRequest>),
    #[error("`{model}` is no model: {source}")]
    InvalidModel { model: String, source: InvalidModelRef },
    #[error("the header that names the provider is not valid: {source}")]
    InvalidProviderHeader { source: InvalidSlug },
    #[error("the header `x-portkey-metadata` {reason}")]
    InvalidMetadata { reason: &'static str },
    #[error("the header `x-portcullis-on-unsupported` must be `report` or `error`")]
    InvalidOnUnsupported,
    #[error("the query parameter `{0}` is not known here")]
    UnknownQuery(String),
    #[error("{method} is not answered at {path}: send {allowed}")]
    MethodNotAllowed { method: http::Method, path: String, allowed: String },
    #[error("there is no route {method} {path}")]
    UnknownRoute { method: http::Method, path: String },
    #[error("{} {} is a route of Claude Platform on AWS that this gateway does not serve", .0.method, .0.path)]
    RouteNotServed(&'static Route),
    #[error("`{0}` is not enabled for the integration `{integration}`: whoever administers it adds `{0}` to its `features` (`PUT /v1/integrations/{integration}`, `configurations.features`) and allows the role its actions", .feature)]
    FeatureNotEnabled { feature: Feature, integration: Slug },
    #[error(
        "the workspace at the upstream is shared, and {limit} pages have nothing of this key's workspace: ask for the object by its id"
    )]
    TooManyForeignPages { limit: usize },
    #[error("there is no {what} `{id}` that this key's workspace made")]
    NoSuchObject { what: &'static str, id: String },
    #[error("an id in the path has characters that no id has")]
    InvalidPath,
    #[error("the body could not be kept until it was whole")]
    Spool(#[source] std::io::Error),
    #[error("the body is not what `content-encoding` says: {0}")]
    Undecodable(&'static str),
    #[error("the header `{0}` has characters that cannot be sent on")]
    InvalidHeader(HeaderName),
    #[error(
        "no provider is named: write the model as `@provider/model`, or send `x-portkey-provider: @provider`"
    )]
    NoProvider,
    #[error("no provider is named, and {}: send `x-portkey-provider: @provider`", choice(.slugs, *.feature))]
    AmbiguousProvider { feature: Feature, slugs: Vec<Slug> },
    #[error("there is no provider `@{0}` in the key's workspace")]
    UnknownProvider(Slug),
    #[error("{0} is not served by this gateway")]
    NotServed(&'static str),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error("the request could not be signed")]
    Sign(#[from] SignError),
    #[error("the integration's workspace key has characters that no header can carry")]
    UnusableApiKey,
    #[error("the upstream could not be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("the upstream did not answer within {} s", limit.as_secs())]
    UpstreamTimeout { limit: Duration },
    #[error("the upstream's answer broke off")]
    BrokenAnswer(#[source] reqwest::Error),
    #[error("the upstream's answer is larger than {limit} bytes")]
    AnswerTooLarge { limit: usize },
    #[error("the upstream answered with status {0}, which it never should")]
    UnexpectedUpstreamStatus(StatusCode),
    #[error("the upstream answered at once where a stream was asked for, or the other way round")]
    NotAsAsked,
    #[error("the upstream's stream cannot be read")]
    Stream(#[from] SseError),
    #[error("{}", .0.message)]
    Upstream(Box<ApiError>),
    #[error("the gateway is shutting down")]
    ShuttingDown,
}

impl From<InvalidRequest> for GatewayError {
    fn from(invalid: InvalidRequest) -> Self {
        Self::Invalid(Box::new(invalid))
    }
}

impl From<ApiError> for GatewayError {
    fn from(error: ApiError) -> Self {
        Self::Upstream(Box::new(error))
    }
}

impl GatewayError {
    pub(crate) fn unreachable(error: reqwest::Error) -> Self {
        // An address may hold nothing secret, but it is the operator's, not the client's, to know.
        Self::Unreachable(error.without_url())
    }

    pub(crate) fn broken_answer(error: reqwest::Error) -> Self {
        Self::BrokenAnswer(error.without_url())
    }

    /// Status, kind, stable code and text for the client.
    pub(crate) fn to_client(&self) -> ApiError {
        use ErrorKind as Kind;
        let own = |status, kind, code| ApiError::new(status, kind, code, self.to_string());
        let on_the_way = |status, kind, class| ApiError::of_class(status, kind, class, self.to_string());
        let at = |param: &str, code| ApiError {
            param: Some(param.to_owned()),
            ..ApiError::new(400, Kind::InvalidRequest, code, self.to_string())
        };
        match self {
            Self::NoKey(NoPresentedKey::Contradicting) => {
                own(401, Kind::Authentication, "contradicting_api_keys")
            }
            Self::NoKey(NoPresentedKey::Absent | NoPresentedKey::Empty(_)) => {
                own(401, Kind::Authentication, "missing_api_key")
            }
            Self::NoKey(NoPresentedKey::Repeated(_) | NoPresentedKey::NotText(_)) => {
                own(401, Kind::Authentication, "invalid_api_key")
            }
            Self::UnknownKey => own(401, Kind::Authentication, "invalid_api_key"),
            Self::KeyWithoutWorkspace => own(403, Kind::Permission, "workspace_key_required"),
            Self::MissingScope(_) => own(403, Kind::Permission, "missing_scope"),
            Self::UnsupportedContentType(_) | Self::NotAForm(_) => {
                at("content-type", "unsupported_content_type")
            }
            Self::UnsupportedEncoding(_) => own(415, Kind::InvalidRequest, "unsupported_content_encoding"),
            Self::BodyTooLarge { .. } => own(413, Kind::TooLarge, "request_too_large"),
            Self::BodyRead(_) | Self::BodyTooSlow { .. } => own(408, Kind::InvalidRequest, "incomplete_body"),
            Self::Invalid(invalid) => ApiError::from_invalid((**invalid).clone()),
            Self::InvalidModel { .. } => at("model", "invalid_model"),
            Self::InvalidProviderHeader { .. } => at("x-portkey-provider", "invalid_provider"),
            Self::InvalidOnUnsupported => at("x-portcullis-on-unsupported", "invalid_header"),
            Self::InvalidMetadata { .. } => at("x-portkey-metadata", "invalid_metadata"),
            Self::InvalidHeader(name) => at(name.as_str(), "invalid_header"),
            Self::UnknownQuery(name) => at(name, "unknown_query_parameter"),
            Self::UnknownRoute { .. } => own(404, Kind::NotFound, "unknown_route"),
            Self::RouteNotServed(_) => own(403, Kind::Permission, "route_not_served"),
            Self::FeatureNotEnabled { .. } => own(403, Kind::Permission, "feature_not_enabled"),
            Self::TooManyForeignPages { .. } => at("limit", "too_many_pages"),
            Self::NoSuchObject { .. } | Self::InvalidPath => own(404, Kind::NotFound, "not_found"),
            // No client is helped by trying at once again, and no other client is at fault.
            Self::Spool(_) => own(507, Kind::Server, "spool_failed"),
            Self::Undecodable(_) => at("content-encoding", "undecodable_body"),
            Self::AmbiguousProvider { .. } => at("x-portkey-provider", "missing_provider"),
            Self::MethodNotAllowed { .. } => own(405, Kind::InvalidRequest, "method_not_allowed"),
            Self::NoProvider => at("model", "missing_provider"),
            Self::UnknownProvider(_) => at("model", "unknown_provider"),
            Self::NotServed(_) => own(501, Kind::InvalidRequest, "not_served"),
            Self::Catalog(error) => catalog_error(error),
            Self::Credentials(error) => credentials_error(error),
            Self::Sign(_) => own(500, Kind::Server, "signing_failed"),
            Self::UnusableApiKey => on_the_way(502, Kind::Server, &network::UNUSABLE_API_KEY),
            Self::Unreachable(source) if source.is_timeout() => {
                on_the_way(504, Kind::Timeout, &network::UPSTREAM_TIMEOUT)
            }
            Self::Unreachable(_) => on_the_way(502, Kind::Server, &network::UPSTREAM_UNREACHABLE),
            Self::UpstreamTimeout { .. } => on_the_way(504, Kind::Timeout, &network::UPSTREAM_TIMEOUT),
            Self::BrokenAnswer(_)
            | Self::AnswerTooLarge { .. }
            | Self::UnexpectedUpstreamStatus(_)
            | Self::NotAsAsked
            | Self::Stream(_) => on_the_way(502, Kind::Server, &network::BAD_UPSTREAM_RESPONSE),
            Self::Upstream(error) => (**error).clone(),
            Self::ShuttingDown => own(503, Kind::Overloaded, "gateway_shutting_down"),
        }
    }

    /// The answer in the client's dialect. Whose fault it is decides how it is logged.
    pub(crate) fn into_response(self, arrival: &Arrival) -> Response {
        let shown = self.to_client();
        self.log(arrival, &shown);
        respond(&shown, arrival)
    }

    fn log(&self, arrival: &Arrival, shown: &ApiError) {
        let code = shown.code.as_deref().unwrap_or("");
        let request_id = arrival.request_id;
        match self {
            Self::Sign(_) | Self::Spool(_) => {
                error!(request.id = %request_id, error.code = code, error.cause = %chain(self), "{self}")
            }
            Self::Catalog(CatalogError::NotFound { .. }) => {
                tracing::debug!(request.id = %request_id, error.code = code, "refused: {self}");
            }
            Self::Catalog(_)
            | Self::Credentials(_)
            | Self::UnusableApiKey
            | Self::Unreachable(_)
            | Self::UpstreamTimeout { .. }
            | Self::BrokenAnswer(_)
            | Self::AnswerTooLarge { .. }
            | Self::UnexpectedUpstreamStatus(_)
            | Self::NotAsAsked
            | Self::Stream(_) => {
                warn!(request.id = %request_id, error.code = code, error.cause = %chain(self), "{self}");
            }
            Self::NoKey(_) | Self::UnknownKey | Self::KeyWithoutWorkspace | Self::MissingScope(_) => {
                self.log_refused_key(arrival, code);
            }
            _ => tracing::debug!(request.id = %request_id, error.code = code, "refused: {self}"),
        }
    }

    /// Never with the key: a mistyped one is nearly somebody's.
    fn log_refused_key(&self, arrival: &Arrival, code: &str) {
        let Some(left_out) = REFUSED_KEYS.take(Instant::now()) else { return };
        tracing::info!(
            request.id = %arrival.request_id,
            error.code = code,
            url.path = arrival.uri.path(),
            client.address = arrival.peer.map(tracing::field::display),
            lines.left_out = left_out,
            "a key was refused: {self}"
        );
    }
}

/// What is kept could not be read or written. What is wrong with the database is the operator's to know.
fn catalog_error(error: &CatalogError) -> ApiError {
    use ErrorKind as Kind;
    let told = |status, kind, code| ApiError::new(status, kind, code, error.to_string());
    match error {
        CatalogError::NotFound { .. } => told(404, Kind::NotFound, "not_found"),
        CatalogError::Conflict { .. }
        | CatalogError::ChangedMeanwhile { .. }
        | CatalogError::InUse { .. }
        | CatalogError::TooManyReserved { .. } => told(409, Kind::Conflict, "conflict"),
        CatalogError::TooLarge { .. } => told(413, Kind::TooLarge, "request_too_large"),
        CatalogError::Invalid { field, .. } => {
            ApiError { param: Some((*field).to_owned()), ..told(400, Kind::InvalidRequest, "invalid_value") }
        }
        CatalogError::Unavailable(_) => told(503, Kind::Overloaded, "catalog_unavailable"),
        CatalogError::WrongKeyRing
        | CatalogError::Migration(_)
        | CatalogError::File { .. }
        | CatalogError::Randomness(_)
        | CatalogError::Corrupt { .. }
        | CatalogError::Database { .. } => {
            ApiError::new(500, Kind::Server, "catalog_failed", "what the gateway keeps could not be used")
        }
    }
}

/// A failure to get credentials. The role is the operator's: the client learns that it is not its own key's fault, the
/// stable code, and what the operator is to do.
fn credentials_error(error: &CredentialsError) -> ApiError {
    let status = if error.is_retryable() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::BAD_GATEWAY };
    let Explained { code, fault, fix, .. } = error.explain();
    let advice = fix.as_deref().map(|fix| format!(". {fix}")).unwrap_or_default();
    let message = format!("the gateway could not get AWS credentials: {error}{advice}");
    let mut shown = ApiError::new(status.as_u16(), ErrorKind::Server, code, message);
    let said = error.explanation();
    shown.upstream = Some(Box::new(UpstreamMeta {
        provider: STS,
        upstream_code: said.aws_code.as_deref().map(str::to_owned),
        aws_request_id: said.request_id.as_deref().map(str::to_owned),
        cause: Some(code),
        fault: Some(fault),
        denied_action: Denial::parse(&said.message).action,
        fix,
        raw: Some(said.message.to_string()),
        ..UpstreamMeta::default()
    }));
    shown.retry_after = error.retry_after().map(|wait| wait.as_secs().max(1).to_string());
    shown.should_retry = Some(error.is_retryable());
    shown
}

/// Renders an error in the client's dialect.
pub(crate) fn respond(error: &ApiError, arrival: &Arrival) -> Response {
    let body = error.body(arrival.dialect, &arrival.request_id.to_string());
    let mut response = Response::new(Body::from(body));
    *response.status_mut() =
        StatusCode::from_u16(error.status_in(arrival.dialect)).unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(wait) = error.retry_after.as_deref().and_then(|wait| HeaderValue::from_str(wait).ok()) {
        headers.insert(RETRY_AFTER, wait);
    }
    if let Some(retry) = error.should_retry {
        headers.insert("x-should-retry", HeaderValue::from_static(if retry { "true" } else { "false" }));
    }
    arrival.stamp(headers);
    response
}

/// What a caller that named no provider could have named.
fn choice(slugs: &[Slug], feature: Feature) -> String {
    if slugs.is_empty() {
        return format!("the key's workspace has none for `{feature}`");
    }
    let slugs: Vec<String> = slugs.iter().map(|slug| format!("`@{slug}`")).collect();
    format!("there are several for `{feature}` ({})", slugs.join(", "))
}

/// An error and what caused it, one after the other.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = String::new();
    let mut next = error.source();
    while let Some(cause) = next {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
