//! From a request to one that AWS will recognise: signed, or bearing a workspace key.

use std::sync::Arc;
use std::time::SystemTime;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use portcullis_signer::{ClockOffset, SERVICE, Scope, SignableRequest, Signer};
use portcullis_types::{ApiKeyHeader, AwsCredentials, ClaudePlatformAws, ExposeSecret, SecretString};

use crate::content::Content;
use crate::endpoint::Endpoint;
use crate::error::GatewayError;

const WORKSPACE: HeaderName = HeaderName::from_static(portcullis_signer::WORKSPACE_HEADER);
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const PRODUCT: HeaderValue = HeaderValue::from_static(concat!("portcullis/", env!("CARGO_PKG_VERSION")));

/// A request to the platform that bears no credential yet.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) method: Method,
    pub(crate) endpoint: &'a Endpoint,
    /// Below the host, starting with `/v1/`.
    pub(crate) path: &'a str,
    /// It is signed as it goes out.
    pub(crate) query: Option<&'a str>,
    /// Without `host` and `content-type`, and without anything that says who is asking.
    pub(crate) headers: HeaderMap,
    /// Sent, but not signed: proxies rewrite it.
    pub(crate) accept: &'static str,
    /// What is hashed and sent.
    pub(crate) content: Content,
}

/// What makes AWS recognise a request.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    /// The request is signed.
    Aws(Arc<AwsCredentials>),
    /// The request bears the key.
    ApiKey(SecretString, ApiKeyHeader),
}

impl Credential {
    /// The access key id that AWS sees; a workspace key has none.
    pub(crate) fn access_key_id(&self) -> Option<&str> {
        match self {
            Self::Aws(credentials) => Some(credentials.access_key_id.as_str()),
            Self::ApiKey(..) => None,
        }
    }
}

/// A request that AWS will recognise. Only this can be sent.
pub(crate) struct Authorised(pub(crate) reqwest::Request);

/// What a signature depends on besides the request.
#[derive(Clone, Copy)]
pub(crate) struct Pen<'a> {
    pub(crate) signer: &'a Signer,
    pub(crate) at: SystemTime,
    pub(crate) offset: ClockOffset,
}

impl Outgoing<'_> {
    /// Authorises the request as it will go out: all headers first, the signature last, nothing changed afterwards.
    ///
    /// # Errors
    /// [`GatewayError::Sign`] when it cannot be signed, [`GatewayError::UnusableApiKey`] when the key is no header value.
    pub(crate) fn authorise(
        mut self,
        platform: &ClaudePlatformAws,
        credential: &Credential,
        pen: Pen<'_>,
    ) -> Result<Authorised, GatewayError> {
        let workspace = platform.workspace_id.as_str();
        self.headers
            .insert(WORKSPACE, HeaderValue::try_from(workspace).expect("letters, digits and underscores"));
        if let Some(kind) = self.content.kind() {
            self.headers.insert(CONTENT_TYPE, kind.clone());
        }
        match credential {
            Credential::Aws(credentials) => self.sign(platform, credentials, pen),
            Credential::ApiKey(key, header) => self.bear(key, *header),
        }
    }

    fn sign(
        mut self,
        platform: &ClaudePlatformAws,
        credentials: &AwsCredentials,
        pen: Pen<'_>,
    ) -> Result<Authorised, GatewayError> {
        // The URL may escape what the client left bare; what is signed is what will stand on the wire.
        let url = self.endpoint.url(self.path, self.query);
        let signed = pen.signer.sign(
            &SignableRequest {
                method: self.method.as_str(),
                host: &self.endpoint.host,
                path: url.path(),
                query: url.query(),
                headers: &pairs(&self.headers),
                body: self.content.signable(),
            },
            credentials,
            &Scope { region: &platform.region, service: SERVICE },
            pen.at,
            pen.offset,
        )?;
        for (name, value) in signed {
            let mut value = HeaderValue::try_from(value).expect("a signature is printable");
            value.set_sensitive(true);
            self.headers.insert(name, value);
        }
        Ok(Authorised(self.into_request(url)))
    }

    fn bear(mut self, key: &SecretString, header: ApiKeyHeader) -> Result<Authorised, GatewayError> {
        let (name, text) = match header {
            ApiKeyHeader::Authorization => (AUTHORIZATION, format!("Bearer {}", key.expose_secret())),
            ApiKeyHeader::XApiKey => (X_API_KEY, key.expose_secret().to_owned()),
        };
        let mut value = HeaderValue::try_from(text).map_err(|_| GatewayError::UnusableApiKey)?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        let url = self.endpoint.url(self.path, self.query);
        Ok(Authorised(self.into_request(url)))
    }

    fn into_request(mut self, url: reqwest::Url) -> reqwest::Request {
        debug_assert!(!self.headers.contains_key(HOST));
        self.headers.insert(ACCEPT, HeaderValue::from_static(self.accept));
        self.headers.insert(USER_AGENT, PRODUCT);
        let mut request = reqwest::Request::new(self.method, url);
        *request.headers_mut() = self.headers;
        *request.body_mut() = self.content.into_body();
        request
    }
}

fn pairs(headers: &HeaderMap) -> Vec<(&str, &str)> {
    let text = |value| HeaderValue::to_str(value).expect("headers that are not text were refused on arrival");
    headers.iter().map(|(name, value)| (name.as_str(), text(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_types::{AwsAuth, FeatureSet};

    fn authorise(credential: &Credential) -> HeaderMap {
        let platform = ClaudePlatformAws {
            region: "us-west-2".parse().unwrap(),
            workspace_id: "wrkspc_01AbCdEf23GhIj".parse().unwrap(),
            auth: AwsAuth::ServiceRole,
            features: FeatureSet::default(),
        };
        let endpoint = Endpoint::of_region(&platform.region);
        let outgoing = Outgoing {
            method: Method::GET,
            endpoint: &endpoint,
            path: "/v1/models",
            query: None,
            headers: HeaderMap::new(),
            accept: "application/json",
            content: Content::None,
        };
        let signer = Signer::new();
        let pen = Pen { signer: &signer, at: SystemTime::UNIX_EPOCH, offset: ClockOffset::from_seconds(0) };
        let Authorised(request) = outgoing.authorise(&platform, credential, pen).unwrap();
        request.headers().clone()
    }

    #[test]
    fn a_workspace_key_is_borne_in_one_header_and_nothing_is_signed() {
        let bearer = authorise(&Credential::ApiKey("AEAAkey".into(), ApiKeyHeader::Authorization));
        assert_eq!(bearer["authorization"], "Bearer AEAAkey");
        assert!(!bearer.contains_key("x-api-key") && !bearer.contains_key("x-amz-date"));
        let older = authorise(&Credential::ApiKey("AEAAkey".into(), ApiKeyHeader::XApiKey));
        assert_eq!(older["x-api-key"], "AEAAkey");
        assert!(!older.contains_key("authorization"));
        assert_eq!(older["anthropic-workspace-id"], "wrkspc_01AbCdEf23GhIj");
    }

    #[test]
    fn keys_and_signatures_are_marked_as_sensitive() {
        let credentials = AwsCredentials {
            access_key_id: "AKIDEXAMPLE".parse().unwrap(),
            secret_access_key: "secret".into(),
            session_token: Some("token".into()),
            expires_at: None,
        };
        let signed = authorise(&Credential::Aws(Arc::new(credentials)));
        assert!(signed["authorization"].is_sensitive() && signed["x-amz-security-token"].is_sensitive());
        let bearer = authorise(&Credential::ApiKey("AEAAkey".into(), ApiKeyHeader::Authorization));
        assert!(bearer["authorization"].is_sensitive());
    }
}
