//! The signer itself: string to sign, signature, `authorization`.

use std::fmt;
use std::time::SystemTime;

use aws_sigv4::sign::v4::calculate_signature;
use portcullis_types::AwsCredentials;
use sha2::{Digest, Sha256};

use crate::canonical::{AddedHeaders, CanonicalRequest};
use crate::error::SignError;
use crate::moment::Moment;
use crate::request::{
    ClockOffset, ContentHash, Scope, SessionToken, SignableBody, SignableRequest, SigningOptions,
};
use crate::signed::SignedHeaders;
use crate::signing_key::SigningKeys;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Signs requests, and keeps the keys derived for that. One serves the whole process; it is shared by reference.
pub struct Signer {
    options: SigningOptions,
    keys: SigningKeys,
}

impl Default for Signer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Signer {
    /// A signer for Claude Platform on AWS, with no key derived yet.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(SigningOptions::default())
    }

    /// A signer for a service with ways of its own.
    #[must_use]
    pub fn with_options(options: SigningOptions) -> Self {
        Self { options, keys: SigningKeys::new() }
    }

    /// Signs `request` and says which headers to add.
    ///
    /// Cost: three SHA-256 (over the body, unless its own is given, over the canonical request, and over what the signing key is found by), one
    /// HMAC; four more HMACs with the first request of a day, region, service and key pair. Whether the credentials have expired is the caller's question.
    ///
    /// - `at`: the local time; `offset` is added to it.
    ///
    /// # Errors
    /// [`SignError`] says what of the request, the scope or the time AWS could not make sense of.
    pub fn sign(
        &self,
        request: &SignableRequest<'_>,
        credentials: &AwsCredentials,
        scope: &Scope<'_>,
        at: SystemTime,
        offset: ClockOffset,
    ) -> Result<SignedHeaders, SignError> {
        let moment = Moment::new(at, offset)?;
        let steps = self.prepare(request, credentials, scope, &moment)?;
        let key = self.keys.get(&moment, scope, credentials);
        let signature = calculate_signature(**key, steps.string_to_sign.as_bytes());
        let authorization = authorization(credentials, &steps, &signature);
        Ok(SignedHeaders {
            authorization,
            session_token: credentials.expose_session_token().map(String::from),
            content_hash: match self.options.content_hash {
                ContentHash::Send => Some(steps.body_hash.as_str().to_owned()),
                ContentHash::Omit => None,
            },
            date: moment.into_string(),
        })
    }

    /// Everything up to the string to sign: what the signature is a function of, next to the key.
    pub(crate) fn prepare(
        &self,
        request: &SignableRequest<'_>,
        credentials: &AwsCredentials,
        scope: &Scope<'_>,
        moment: &Moment,
    ) -> Result<Steps, SignError> {
        check_service(scope.service)?;
        let body_hash = HexDigest::of_body(request.body);
        let added = AddedHeaders {
            date: moment.as_str(),
            session_token: match self.options.session_token {
                SessionToken::Sign => credentials.expose_session_token(),
                SessionToken::AddAfterwards => None,
            },
            content_hash: match self.options.content_hash {
                ContentHash::Send => Some(body_hash.as_str()),
                ContentHash::Omit => None,
            },
        };
        let canonical =
            CanonicalRequest::build(request, scope.service, &self.options, &added, body_hash.as_str())?;
        let canonical_hash = HexDigest::of(canonical.as_str().as_bytes());
        let region = scope.region.as_str();
        let mut string_to_sign = String::with_capacity(160 + scope.service.len());
        let mut push = |parts: &[&str]| parts.iter().for_each(|part| string_to_sign.push_str(part));
        push(&[ALGORITHM, "\n", moment.as_str(), "\n"]);
        push(&[moment.day(), "/", region, "/", scope.service, "/aws4_request\n"]);
        push(&[canonical_hash.as_str()]);
        Ok(Steps { body_hash, canonical, string_to_sign })
    }
}

/// What lies between a request and its signature.
pub(crate) struct Steps {
    pub(crate) body_hash: HexDigest,
    pub(crate) canonical: CanonicalRequest,
    pub(crate) string_to_sign: String,
}

impl Steps {
    /// `{day}/{region}/{service}/aws4_request`: the third line of the string to sign.
    fn scope(&self) -> &str {
        self.string_to_sign.split('\n').nth(2).expect("a string to sign has four lines")
    }
}

fn authorization(credentials: &AwsCredentials, steps: &Steps, signature: &str) -> String {
    let id = credentials.access_key_id.as_str();
    let names = steps.canonical.signed_headers();
    [ALGORITHM, " Credential=", id, "/", steps.scope(), ", SignedHeaders=", names, ", Signature=", signature]
        .concat()
}

fn check_service(service: &str) -> Result<(), SignError> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !service.is_empty() && service.bytes().all(allowed) { Ok(()) } else { Err(SignError::Service) }
}

/// A SHA-256 in lower-case hexadecimal digits, without an allocation.
pub(crate) struct HexDigest([u8; 64]);

impl HexDigest {
    fn of(bytes: &[u8]) -> Self {
        Self::written(&Sha256::digest(bytes))
    }

    fn of_body(body: SignableBody<'_>) -> Self {
        match body {
            SignableBody::Bytes(bytes) => Self::of(bytes),
            SignableBody::Sha256(hash) => Self::written(&hash),
        }
    }

    fn written(hash: &[u8]) -> Self {
        let mut digits = [0; 64];
        hex::encode_to_slice(hash, &mut digits).expect("32 bytes are 64 digits");
        Self(digits)
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits are ASCII")
    }
}
