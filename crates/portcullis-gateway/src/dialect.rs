//! In whose words a request speaks that came on a path which OpenAI's API and Anthropic's share.

use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use portcullis_provider::error::Dialect;

/// Anthropic's for a request with its version header, with `?beta=true`, or with a key in `x-api-key` and nothing of
/// OpenAI's or Portkey's about it; OpenAI's else.
///
/// Source: the clients. Anthropic's SDKs and Claude Code always send the version, curl often does not.
pub(crate) fn of(request: &Parts) -> Dialect {
    let headers = &request.headers;
    let is_beta = request.uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "beta=true"));
    let by_key = headers.contains_key("x-api-key") && !is_openai_client(headers);
    if headers.contains_key("anthropic-version") || is_beta || by_key {
        Dialect::Anthropic
    } else {
        Dialect::OpenAi
    }
}

fn is_openai_client(headers: &HeaderMap) -> bool {
    let agent = headers.get("user-agent").map(HeaderValue::as_bytes).unwrap_or_default();
    let marked = ["x-portkey-api-key", "openai-organization", "openai-project", "openai-beta"];
    agent.starts_with(b"OpenAI/") || marked.iter().any(|name| headers.contains_key(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(target: &str, headers: &[(&str, &str)], expect: Dialect) {
        let mut request = http::Request::get(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(of(&parts), expect, "{target} {headers:?}");
    }

    #[test]
    fn marks_of_a_client_decide() {
        use Dialect::{Anthropic, OpenAi};
        check("/v1/models", &[], OpenAi);
        check("/v1/models", &[("authorization", "Bearer k")], OpenAi);
        check("/v1/models?limit=5", &[("x-api-key", "k")], Anthropic);
        check("/v1/models", &[("authorization", "Bearer k"), ("anthropic-version", "2026-10-21")], Anthropic);
        check("/v1/files?limit=5&beta=true", &[("authorization", "Bearer k")], Anthropic);
        check("/v1/files?alphabeta=true", &[("authorization", "Bearer k")], OpenAi);
        check("/v1/models", &[("x-api-key", "k"), ("user-agent", "OpenAI/Python 2.1")], OpenAi);
        check("/v1/models", &[("x-api-key", "k"), ("x-portkey-api-key", "k")], OpenAi);
    }
}
