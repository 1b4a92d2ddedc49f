//! How faithful a translation must be: what the gateway, the provider, the key and the request say of it, and how what
//! was lost is told.

use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_provider::Warnings;
use portcullis_types::{Compliance, OnUnsupported, TranslationOptions};

use crate::error::GatewayError;
use crate::gateway::Parts;
use crate::way::Admitted;

const WARNINGS: HeaderName = HeaderName::from_static("x-portcullis-warnings");
const ON_UNSUPPORTED: HeaderName = HeaderName::from_static("x-portcullis-on-unsupported");
const STRICT: HeaderName = HeaderName::from_static("x-portkey-strict-open-ai-compliance");

/// What holds for one request: the gateway's options as the provider's settings change them. Whether anything lossy is
/// refused is decided by whoever is strictest: the gateway, the provider, the key, or the request's own
/// `x-portcullis-on-unsupported`.
pub(crate) fn options(
    gateway: &Parts,
    admitted: &Admitted,
    headers: &HeaderMap,
) -> Result<TranslationOptions, GatewayError> {
    let mut options = gateway.settings.translation.with(&admitted.provider.translation);
    options = options.at_least(admitted.caller.0.on_unsupported.unwrap_or_default());
    options = options.at_least(asked_strictness(headers)?);
    if let Some(compliance) = asked_compliance(headers) {
        options.compliance = compliance;
    }
    Ok(options)
}

fn asked_strictness(headers: &HeaderMap) -> Result<OnUnsupported, GatewayError> {
    let Some(value) = headers.get(ON_UNSUPPORTED) else { return Ok(OnUnsupported::Report) };
    let asked = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    asked.ok_or(GatewayError::InvalidOnUnsupported)
}

/// `x-portkey-strict-open-ai-compliance: true` leaves out every field that OpenAI does not know, `false` brings all.
fn asked_compliance(headers: &HeaderMap) -> Option<Compliance> {
    let value = headers.get(STRICT)?.as_bytes();
    let is = |text: &[u8]| value.eq_ignore_ascii_case(text);
    match (is(b"true"), is(b"false")) {
        (true, _) => Some(Compliance::Strict),
        (_, true) => Some(Compliance::Everything),
        _ => None,
    }
}

/// Says in the head of an answer what was lost on the way.
pub(crate) fn tell(headers: &mut HeaderMap, warnings: &Warnings) {
    if let Some(value) = warnings.header_value().and_then(|text| HeaderValue::try_from(text).ok()) {
        headers.insert(WARNINGS, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        [(name, HeaderValue::from_static(value))].into_iter().collect()
    }

    #[test]
    fn a_request_may_ask_for_errors_and_not_for_nonsense() {
        assert_eq!(asked_strictness(&HeaderMap::new()).unwrap(), OnUnsupported::Report);
        assert_eq!(asked_strictness(&with(ON_UNSUPPORTED, "error")).unwrap(), OnUnsupported::Error);
        assert_eq!(asked_strictness(&with(ON_UNSUPPORTED, " report ")).unwrap(), OnUnsupported::Report);
        assert!(asked_strictness(&with(ON_UNSUPPORTED, "Error")).is_err());
        assert!(asked_strictness(&with(ON_UNSUPPORTED, "")).is_err());
    }

    #[test]
    fn compliance_is_asked_for_in_portkeys_words() {
        assert_eq!(asked_compliance(&with(STRICT, "True")), Some(Compliance::Strict));
        assert_eq!(asked_compliance(&with(STRICT, "false")), Some(Compliance::Everything));
        assert_eq!(asked_compliance(&with(STRICT, "maybe")), None);
    }
}
