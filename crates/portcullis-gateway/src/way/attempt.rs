//! One try to get an answer: the outgoing request, and its signature.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_credentials::CredentialRequest;
use portcullis_signer::{ClockOffset, SERVICE, Scope, SignableRequest, Signer};
use portcullis_types::{AwsCredentials, SessionSubject};

use super::Admitted;
use crate::endpoint::Endpoint;
use crate::error::GatewayError;

const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
const ANTHROPIC_BETA: HeaderName = HeaderName::from_static("anthropic-beta");
const WORKSPACE: HeaderName = HeaderName::from_static("anthropic-workspace-id");
/// Understood by every model, and the only version under which sampling parameters may be sent at all.
const DEFAULT_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");
const PRODUCT: HeaderValue = HeaderValue::from_static(concat!("portcullis/", env!("CARGO_PKG_VERSION")));
/// Headers of Anthropic's that the gateway sets itself or that concern only browsers.
const NOT_FORWARDED: [&str; 2] = ["anthropic-workspace-id", "anthropic-dangerous-direct-browser-access"];

/// What is to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Payload {
    /// The path below the host, starting with `/v1/`.
    pub(crate) path: &'static str,
    /// The query as the client sent it. It is signed as it goes out.
    pub(crate) query: Option<String>,
    /// The bytes that are hashed and sent.
    pub(crate) body: Bytes,
    /// Headers of Anthropic's own from the client, and betas a translation needs.
    pub(crate) headers: HeaderMap,
    /// Whether the upstream will stream.
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
        Ok(Self { path: "/v1/messages", query: None, body: body.into(), headers, streams })
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
        Ok(Self { path: "/v1/messages", query: query.map(str::to_owned), body, headers, streams })
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
    pub(crate) admitted: &'a Admitted,
    pub(crate) payload: &'a Payload,
    pub(crate) endpoint: &'a Arc<Endpoint>,
}

/// A request that AWS will recognise. Only this can be sent.
pub(crate) struct Signed(pub(crate) reqwest::Request);

impl Attempt<'_> {
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
                key: None,
                user: None,
                metadata: None,
            },
        }
    }

    /// Signs the request as it will go out: all headers first, the signature last, nothing changed afterwards.
    pub(crate) fn sign(
        &self,
        signer: &Signer,
        credentials: &AwsCredentials,
        at: SystemTime,
        offset: ClockOffset,
    ) -> Result<Signed, GatewayError> {
        let mut headers = self.payload.headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let workspace = self.admitted.provider.platform.workspace_id.as_str();
        headers.insert(WORKSPACE, HeaderValue::try_from(workspace).expect("letters, digits and underscores"));
        // The URL may escape what the client left bare; what is signed is what will stand on the wire.
        let url = self.endpoint.url(self.payload.path, self.payload.query.as_deref());
        let signed = signer.sign(
            &SignableRequest {
                method: "POST",
                host: &self.endpoint.host,
                path: url.path(),
                query: url.query(),
                headers: &pairs(&headers),
                body: &self.payload.body,
            },
            credentials,
            &Scope { region: &self.admitted.provider.platform.region, service: SERVICE },
            at,
            offset,
        )?;
        for (name, value) in signed {
            let mut value = HeaderValue::try_from(value).expect("a signature is printable");
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(Signed(self.request(url, headers)))
    }

    fn request(&self, url: reqwest::Url, mut headers: HeaderMap) -> reqwest::Request {
        debug_assert!(headers.contains_key(AUTHORIZATION) && !headers.contains_key(HOST));
        let accept = if self.payload.streams { "text/event-stream" } else { "application/json" };
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        headers.insert(USER_AGENT, PRODUCT);
        let mut request = reqwest::Request::new(http::Method::POST, url);
        *request.headers_mut() = headers;
        *request.body_mut() = Some(self.payload.body.clone().into());
        request
    }
}

fn pairs(headers: &HeaderMap) -> Vec<(&str, &str)> {
    let text = |value| HeaderValue::to_str(value).expect("`forwarded` refused what is not text");
    headers.iter().map(|(name, value)| (name.as_str(), text(value))).collect()
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
