//! Short-term API keys: a presigned request, computed from AWS credentials and sent as a bearer token.
//!
//! Source: `aws-external-anthropic` token generators, and AWS IAM User Guide, "Authenticating requests: query parameters".

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use time::PrimitiveDateTime;
use time::macros::format_description;

use super::canonical::canonical_query;
use super::{KnownKey, MAX_SKEW, equal_in_constant_time, hmac, signing_key};

/// What every short-term key starts with.
pub(crate) const PREFIX: &str = "aws-external-anthropic-api-key-";
const HOST: &str = "aws-external-anthropic.amazonaws.com";
const SERVICE: &str = "aws-external-anthropic";
const LONGEST_LIFE_SECONDS: u64 = 43_200;

/// What a short-term key says, once its signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShortTermKey {
    pub(crate) access_key_id: String,
    pub(crate) region: String,
    /// The earlier of its own end and that of the credentials it was computed from.
    pub(crate) expires_at: SystemTime,
}

/// Verifies a short-term key; whether it has ended is for the caller to see. `None` for anything that is not one.
pub(crate) fn verify_short_term_key(
    text: &str,
    secret_for: impl Fn(&str) -> Option<KnownKey>,
    now: SystemTime,
) -> Option<ShortTermKey> {
    let decoded = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
    let url = String::from_utf8(decoded).ok()?;
    let query = url.strip_prefix(HOST)?.strip_prefix("/?")?.strip_suffix("&Version=1")?;
    let presigned = Presigned::parse(query)?;
    let [access_key_id, date, region, SERVICE, "aws4_request"] = presigned.scope() else { return None };
    let known = secret_for(access_key_id)?;
    let holds = presigned.token == known.session_token
        && presigned.date_time.starts_with(date)
        && presigned.signed_at <= now + MAX_SKEW
        && presigned.is_signed_with(&signing_key(&known.secret, date, region, SERVICE));
    let own_end = presigned.signed_at + Duration::from_secs(presigned.life_seconds);
    holds.then(|| ShortTermKey {
        access_key_id: access_key_id.to_owned(),
        region: region.to_owned(),
        expires_at: known.expires_at.map_or(own_end, |end| end.min(own_end)),
    })
}

/// The parts of a presigned query, each there once.
struct Presigned {
    /// What was signed, canonical.
    query: String,
    credential: String,
    date_time: String,
    signed_at: SystemTime,
    life_seconds: u64,
    token: Option<String>,
    signature: Vec<u8>,
}

impl Presigned {
    fn parse(query: &str) -> Option<Self> {
        let pairs: Vec<(&str, String)> = query
            .split('&')
            .map(|pair| pair.split_once('='))
            .map(|pair| pair.and_then(|(name, value)| Some((name, decoded(value)?))))
            .collect::<Option<_>>()?;
        let value = |name: &str| {
            let mut values = pairs.iter().filter(|(candidate, _)| *candidate == name);
            let first = values.next()?;
            values.next().is_none().then(|| first.1.clone())
        };
        let is_fixed = value("Action")? == "CallWithBearerToken"
            && value("X-Amz-Algorithm")? == "AWS4-HMAC-SHA256"
            && value("X-Amz-SignedHeaders")? == "host";
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        let date_time = value("X-Amz-Date")?;
        let signed_at = PrimitiveDateTime::parse(&date_time, format).ok()?.assume_utc().into();
        let life_seconds = value("X-Amz-Expires")?.parse().ok()?;
        let is_short = (1..=LONGEST_LIFE_SECONDS).contains(&life_seconds);
        let unsigned: Vec<&str> =
            query.split('&').filter(|pair| !pair.starts_with("X-Amz-Signature=")).collect();
        (is_fixed && is_short).then_some(())?;
        Some(Self {
            query: canonical_query(&unsigned.join("&")),
            credential: value("X-Amz-Credential")?,
            date_time,
            signed_at,
            life_seconds,
            token: value("X-Amz-Security-Token"),
            signature: hex::decode(value("X-Amz-Signature")?).ok()?,
        })
    }

    /// Access key id, day, region, service and terminator; empty if they are not five.
    fn scope(&self) -> [&str; 5] {
        let parts: Vec<&str> = self.credential.split('/').collect();
        parts.try_into().unwrap_or([""; 5])
    }

    fn is_signed_with(&self, key: &[u8; 32]) -> bool {
        let nothing = hex::encode(Sha256::digest(b""));
        let request = format!("POST\n/\n{}\nhost:{HOST}\n\nhost\n{nothing}", self.query);
        let scope = self.credential.split_once('/').map_or("", |(_, scope)| scope);
        let hash = hex::encode(Sha256::digest(request.as_bytes()));
        let to_sign = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{hash}", self.date_time);
        equal_in_constant_time(&hmac(key, to_sign.as_bytes()), &self.signature)
    }
}

fn decoded(text: &str) -> Option<String> {
    percent_encoding::percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    /// The published vector of the token generators, noon of 22 November 2026, for an hour.
    const QUERY: &str = "Action=CallWithBearerToken&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261122%2Fus-west-2%2Faws-external-anthropic%2Faws4_request&X-Amz-Date=20261122T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Security-Token=IQoJb3JpZ2luEXAMPLESESSIONTOKEN%2F%2F%2F%2F%2F%2F%2F%2F%2F%2F%2Bexample%3D&X-Amz-Signature=99ce47498fb5dd5dec316ca2a8c498b7418947c9f2cae5eddb831b4766bcc974";

    fn noon() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_795_348_800)
    }

    fn token(query: &str) -> String {
        format!("{PREFIX}{}", STANDARD.encode(format!("{HOST}/?{query}&Version=1")))
    }

    fn verify(text: &str, expires_at: Option<SystemTime>) -> Option<ShortTermKey> {
        let key = KnownKey {
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: Some("IQoJb3JpZ2luEXAMPLESESSIONTOKEN//////////+example=".into()),
            expires_at,
        };
        verify_short_term_key(text, |id| (id == "AKIDEXAMPLE").then(|| key.clone()), noon())
    }

    #[test]
    fn the_golden_vector_holds_and_ends_with_its_credentials_at_the_latest() {
        let found = verify(&token(QUERY), None).unwrap();
        assert_eq!((found.access_key_id.as_str(), found.region.as_str()), ("AKIDEXAMPLE", "us-west-2"));
        assert_eq!(found.expires_at, noon() + Duration::from_secs(3600));
        let soon = noon() + Duration::from_secs(60);
        assert_eq!(verify(&token(QUERY), Some(soon)).unwrap().expires_at, soon);
    }

    #[test]
    fn any_other_text_is_no_key() {
        for (from, to) in [
            ("Expires=3600", "Expires=7200"),
            ("Expires=3600", "Expires=43201"),
            ("us-west-2", "us-east-1"),
            ("AKIDEXAMPLE", "AKIDSOMEBODY"),
            ("CallWithBearerToken", "GetCallerIdentity"),
            ("SignedHeaders=host", "SignedHeaders=date"),
            ("20261122T120000Z", "20261122T121000Z"),
            ("Signature=99", "Signature=98"),
            ("X-Amz-Security-Token=IQoJb3", "X-Amz-Security-Token=other"),
            ("&X-Amz-Expires=3600", "&X-Amz-Expires=3600&X-Amz-Expires=3600"),
            ("&X-Amz-Date=20261122T120000Z", ""),
        ] {
            assert!(QUERY.contains(from));
            assert_eq!(verify(&token(&QUERY.replacen(from, to, 1)), None), None, "{from} -> {to}");
        }
        for text in ["", PREFIX, "AEAAsomething", &token(QUERY)[1..], &format!("{PREFIX}!")] {
            assert_eq!(verify(text, None), None, "{text}");
        }
    }
}
