//! One try to get an answer: what goes out, and on whose behalf.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use portcullis_credentials::CredentialRequest;
use portcullis_types::{AwsAuth, SessionSubject};

use super::Admitted;
use crate::authorise::{Authorised, Credential, Outgoing, Pen};
use crate::content::Content;
use crate::endpoint::Endpoint;
use crate::error::GatewayError;

const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
const ANTHROPIC_BETA: HeaderName = HeaderName::from_static("anthropic-beta");
/// Understood by every model, and the only version under which sampling parameters may be sent at all.
const DEFAULT_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");
/// Headers of Anthropic's that the gateway sets itself or that concern only browsers.
const NOT_FORWARDED: [&str; 2] = ["anthropic-workspace-id", "anthropic-dangerous-direct-browser-access"];

/// What is to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Payload {
    pub(crate) method: Method,
    /// The path below the host, starting with `/v1/`.
    pub(crate) path: Cow<'static, str>,
    /// The query as the client sent it. It is signed as it goes out.
    pub(crate) query: Option<String>,
    /// What is hashed and sent.
    pub(crate) content: Content,
    /// Headers of Anthropic's own from the client, and betas a translation needs.
    pub(crate) headers: HeaderMap,
    /// What may come back.
    pub(crate) accept: &'static str,
    /// Whether the upstream will stream events.
    pub(crate) streams: bool,
}

impl Payload {
    /// A translated request.
    pub(crate) fn translated(
        client: &HeaderMap,
        body: Vec<u8>,
        streams: bool,
        betas: &[String],
    ) -> Result<Self, GatewayError> {
        let mut headers = forwarded(client)?;
        // The version decides which fields are legal; the body is ours, so its version is too.
        headers.insert(ANTHROPIC_VERSION, DEFAULT_VERSION);
        add_betas(&mut headers, betas)?;
        Ok(Self::message(None, body.into(), headers, streams))
    }

    /// A request in the upstream's own dialect.
    pub(crate) fn passed_through(
        client: &HeaderMap,
        query: Option<&str>,
        body: Bytes,
        streams: bool,
    ) -> Result<Self, GatewayError> {
        let mut headers = forwarded(client)?;
        headers.entry(ANTHROPIC_VERSION).or_insert(DEFAULT_VERSION);
        Ok(Self::message(query, body, headers, streams))
    }

    fn message(query: Option<&str>, body: Bytes, headers: HeaderMap, streams: bool) -> Self {
        Self {
            method: Method::POST,
            path: Cow::Borrowed("/v1/messages"),
            query: query.map(str::to_owned),
            content: Content::json(body),
            headers,
            accept: if streams { "text/event-stream" } else { "application/json" },
            streams,
        }
    }

    /// A request on any other route of the upstream's own, as the client sent it.
    ///
    /// Path and query are signed and sent as they came: whoever calls has checked them.
    pub(crate) fn native(client: &http::request::Parts, content: Content) -> Result<Self, GatewayError> {
        let mut headers = forwarded(&client.headers)?;
        headers.entry(ANTHROPIC_VERSION).or_insert(DEFAULT_VERSION);
        Ok(Self {
            method: client.method.clone(),
            path: Cow::Owned(client.uri.path().to_owned()),
            query: client.uri.query().map(str::to_owned),
            content,
            headers,
            // Some answers are files of any type.
            accept: "*/*",
            streams: false,
        })
    }
}

impl Payload {
    /// A request of the gateway's own for something of the upstream's.
    pub(crate) fn get(path: &'static str, query: String) -> Self {
        Self {
            method: Method::GET,
            path: Cow::Borrowed(path),
            query: Some(query),
            content: Content::None,
            headers: HeaderMap::from_iter([(ANTHROPIC_VERSION, DEFAULT_VERSION)]),
            accept: "application/json",
            streams: false,
        }
    }

    /// The same with another query.
    pub(crate) fn asking(&self, query: String) -> Self {
        Self { query: Some(query), ..self.clone() }
    }

    /// The same at another path.
    pub(crate) fn at(self, path: String) -> Self {
        Self { path: Cow::Owned(path), ..self }
    }
}

/// The allowlist: headers of Anthropic's own, an open list by their documentation, but those the gateway sets. Nothing
/// else of a caller's goes upstream.
fn forwarded(client: &HeaderMap) -> Result<HeaderMap, GatewayError> {
    let mut headers = HeaderMap::with_capacity(8);
    for (name, value) in client {
        if name.as_str().starts_with("anthropic-") && !NOT_FORWARDED.contains(&name.as_str()) {
            if value.to_str().is_err() {
                return Err(GatewayError::InvalidHeader(name.clone()));
            }
            headers.append(name.clone(), value.clone());
        }
    }
    Ok(headers)
}

/// The values of the client's `anthropic-beta` headers, one by one.
pub(crate) fn client_betas(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let values = headers.get_all(ANTHROPIC_BETA).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|beta| !beta.is_empty())
        .map(str::to_owned)
}

/// Appends what is not there yet, comma-joined without spaces, after the client's own.
fn add_betas(headers: &mut HeaderMap, betas: &[String]) -> Result<(), GatewayError> {
    if betas.is_empty() {
        return Ok(());
    }
    let client: Vec<String> = client_betas(headers).collect();
    let mut joined: Vec<&str> = Vec::new();
    for beta in client.iter().chain(betas) {
        if !joined.contains(&beta.as_str()) {
            joined.push(beta);
        }
    }
    let value =
        HeaderValue::try_from(joined.join(",")).map_err(|_| GatewayError::InvalidHeader(ANTHROPIC_BETA))?;
    headers.insert(ANTHROPIC_BETA, value);
    Ok(())
}

/// An admitted request on its way to one endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Attempt<'a> {
    admitted: &'a Admitted,
    payload: &'a Payload,
    endpoint: &'a Arc<Endpoint>,
    /// The key's id as a session's name or tags may say it; nothing when they do not.
    key: Option<String>,
}

impl<'a> Attempt<'a> {
    pub(crate) fn new(admitted: &'a Admitted, payload: &'a Payload, endpoint: &'a Arc<Endpoint>) -> Self {
        let says_who = match &admitted.provider.platform.auth {
            AwsAuth::AssumedRole { settings, .. } => settings.depends_on_caller(),
            AwsAuth::AccessKey { .. } | AwsAuth::ServiceRole | AwsAuth::ApiKey { .. } => false,
        };
        let key = says_who.then(|| admitted.caller.0.key_id.to_string());
        Self { admitted, payload, endpoint, key }
    }

    pub(crate) fn admitted(&self) -> &'a Admitted {
        self.admitted
    }

    pub(crate) fn payload(&self) -> &'a Payload {
        self.payload
    }

    /// What the credential engine needs to know.
    pub(crate) fn credential_request(&self) -> CredentialRequest<'_> {
        let provider = &self.admitted.provider;
        CredentialRequest {
            integration: provider.integration_id,
            revision: provider.revision,
            platform: &provider.platform,
            subject: SessionSubject {
                organisation: provider.organisation_slug.as_str(),
                workspace: provider.workspace_slug.as_str(),
                integration: provider.integration_slug.as_str(),
                key: self.key.as_deref(),
                user: self.admitted.caller.0.user_id.as_deref(),
                metadata: Some(&self.admitted.metadata),
            },
        }
    }

    /// The request as it will go out.
    pub(crate) fn authorise(
        &self,
        credential: &Credential,
        pen: Pen<'_>,
    ) -> Result<Authorised, GatewayError> {
        let outgoing = Outgoing {
            method: self.payload.method.clone(),
            endpoint: self.endpoint,
            path: &self.payload.path,
            query: self.payload.query.as_deref(),
            headers: self.payload.headers.clone(),
            accept: self.payload.accept,
            content: self.payload.content.clone(),
        };
        outgoing.authorise(&self.admitted.provider.platform, credential, pen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn only_listed_headers_go_upstream() {
        let client = map(&[
            ("authorization", "Bearer pcs_key"),
            ("x-api-key", "pcs_key"),
            ("x-portkey-api-key", "pcs_key"),
            ("cookie", "session=1"),
            ("x-amz-security-token", "forged"),
            ("x-amz-date", "20200101T000000Z"),
            ("host", "evil.example"),
            ("x-forwarded-for", "10.0.0.1"),
            ("connection", "keep-alive"),
            ("anthropic-workspace-id", "wrkspc_other"),
            ("anthropic-dangerous-direct-browser-access", "true"),
            ("anthropic-version", "2026-10-21"),
            ("anthropic-beta", "context-1m-2025-08-07"),
            ("anthropic-user-profile-id", "up_1"),
        ]);
        let payload = Payload::passed_through(&client, None, Bytes::new(), false).unwrap();
        let mut names: Vec<_> = payload.headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["anthropic-beta", "anthropic-user-profile-id", "anthropic-version"]);
        assert_eq!(payload.headers["anthropic-version"], "2026-10-21");
    }

    #[test]
    fn a_version_is_added_when_the_client_sent_none_and_fixed_for_translations() {
        let none = Payload::passed_through(&HeaderMap::new(), None, Bytes::new(), false).unwrap();
        assert_eq!(none.headers["anthropic-version"], "2023-06-01");
        let client = map(&[("anthropic-version", "2026-10-21")]);
        let translated = Payload::translated(&client, Vec::new(), false, &[]).unwrap();
        assert_eq!(translated.headers["anthropic-version"], "2023-06-01");
    }

    #[test]
    fn betas_follow_the_clients_own_without_repetition() {
        let client = map(&[("anthropic-beta", "a, b")]);
        let betas = ["b".to_owned(), "c".to_owned()];
        let payload = Payload::translated(&client, Vec::new(), false, &betas).unwrap();
        assert_eq!(payload.headers["anthropic-beta"], "a,b,c");
    }
}
