//! Batches of Messages requests: each item's model says where it goes, and all must go to one provider.

use std::collections::HashSet;

use axum::body::Body;
use http::HeaderMap;
use http::header::HOST;
use http::request::Parts as Client;
use portcullis_provider::envelope::batch::{BatchEnvelope, BatchModel, model_path};
use portcullis_provider::invalid::{InvalidCode, InvalidRequest};
use portcullis_types::{ModelId, ModelRef, Slug};

use super::receive_json;
use super::route::Native;
use super::tenancy;
use crate::content::Content;
use crate::error::GatewayError;
use crate::gateway::Parts;
use crate::retirement;
use crate::spool::Spool;
use crate::way::{self, Admitted, Hint};

/// Reads a batch, resolves its items and takes the providers off their models; nothing else of its bytes changes.
pub(super) async fn receive(
    gateway: &Parts,
    client: &Client,
    body: Body,
    native: &Native,
) -> Result<(Admitted, Content), GatewayError> {
    let limit = gateway.settings.max_batch_bytes;
    let (caller, body, snapshot) = receive_json(gateway, client, body, limit).await?;
    way::check_scope(&caller.0, native.feature)?;
    let (body, envelope) = on_a_thread(move || BatchEnvelope::scan(&body).map(|found| (body, found))).await?;
    let (provider, models) = items(&envelope.models, &client.headers)?;
    let hint = provider.map_or(Hint::None, Hint::Slug);
    let resolved = way::resolve_without_model(caller, &client.headers, &snapshot, hint, native.feature)?;
    let admitted = way::admit(resolved, native.route)?;
    check_models(gateway, &models)?;
    let is_shared = admitted.is_shared;
    let (found, spool) = on_a_thread(move || {
        let found = if is_shared { tenancy::found_in(&body) } else { Vec::new() };
        Ok((found, Spool::of_parts(envelope.splice_models(&body, &models))))
    })
    .await?;
    tenancy::check_found(gateway, &admitted, &client.headers, &found).await?;
    let kind = http::HeaderValue::from_static("application/json");
    Ok((admitted, Content::Spooled { kind, spool }))
}

/// A quarter of a gigabyte is read and hashed in a second, in which other requests must not wait.
async fn on_a_thread<T: Send + 'static>(
    think: impl FnOnce() -> Result<T, InvalidRequest> + Send + 'static,
) -> Result<T, GatewayError> {
    let thought = tokio::task::spawn_blocking(think).await;
    // It does not panic, and is not aborted but with everything else.
    Ok(thought.map_err(|_| GatewayError::ShuttingDown)??)
}

/// The provider that the items name, if they name one, and the id of each item's model there.
///
/// A provider that a header names counts for all of them, as it does for a single request.
fn items(models: &[BatchModel], headers: &HeaderMap) -> Result<(Option<Slug>, Vec<ModelId>), GatewayError> {
    let is_named = way::slug_of_headers(headers)?.is_some();
    let mut first: Option<Option<Slug>> = None;
    let mut ids = Vec::with_capacity(models.len());
    for (n, item) in models.iter().enumerate() {
        let ModelRef { provider, model } = item.model.parse().map_err(|source| {
            InvalidRequest::at(
                InvalidCode::InvalidValue,
                model_path(n),
                format!("`{}` is no model: {source}", model_path(n)),
            )
        })?;
        let first = first.get_or_insert_with(|| provider.clone());
        if !is_named && *first != provider {
            return Err(elsewhere(n, first.as_ref(), provider.as_ref()).into());
        }
        ids.push(model);
    }
    Ok((first.flatten(), ids))
}

/// Refuses a batch with an item whose model is known to be gone, and names the item.
fn check_models(gateway: &Parts, models: &[ModelId]) -> Result<(), GatewayError> {
    let mut seen = HashSet::new();
    for (n, model) in models.iter().enumerate().filter(|(_, model)| seen.insert(*model)) {
        if let Err(error) = retirement::check(gateway, model) {
            let mut refusal = error.to_client();
            refusal.message = format!("`{}`: {}", model_path(n), refusal.message);
            refusal.param = Some(model_path(n));
            return Err(refusal.into());
        }
    }
    Ok(())
}

fn elsewhere(n: usize, first: Option<&Slug>, provider: Option<&Slug>) -> InvalidRequest {
    let named = |slug: Option<&Slug>| slug.map_or("no provider".to_owned(), |slug| format!("`@{slug}`"));
    let path = model_path(n);
    let message = format!(
        "`{path}` names {}, the items before it {}: a batch goes to one provider",
        named(provider),
        named(first)
    );
    InvalidRequest::at(InvalidCode::ConflictingParameters, path, message)
}

/// The gateway's own address as the client knows it: the setting, else the request's host, by `http` unless a proxy says
/// `x-forwarded-proto: https`. Empty when neither is to be had: the path alone then leads to where the client is already.
///
/// Host and scheme are whatever the client, or a proxy before us, says: the answer goes back to that client alone, and
/// where that is not good enough, the setting decides.
pub(crate) fn public_base(setting: Option<&str>, client: &Client) -> String {
    if let Some(url) = setting {
        return url.trim_end_matches('/').to_owned();
    }
    let authority = client.uri.authority().map(http::uri::Authority::as_str);
    let header = |name| client.headers.get(name).and_then(|value| value.to_str().ok());
    let Some(host) = authority.or_else(|| header(HOST.as_str())).filter(|host| is_host(host)) else {
        return String::new();
    };
    let proto = header("x-forwarded-proto").and_then(|value| value.split(',').next()).map(str::trim);
    let is_tls = proto.is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
    format!("{}://{host}", if is_tls { "https" } else { "http" })
}

/// Whether it is `host` or `host:port`, the host a name or an address, IPv6 in brackets.
fn is_host(text: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok() && port.bytes().all(|b| b.is_ascii_digit());
    match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            address.parse::<std::net::Ipv6Addr>().is_ok()
                && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
        }
        None => match text.split_once(':') {
            Some((name, port)) => is_name(name) && is_port(port),
            None => is_name(text),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(models: &[&str], header: Option<&str>) -> Result<(Option<String>, Vec<String>), String> {
        let quoted: Vec<String> =
            models.iter().map(|model| format!(r#"{{"params":{{"model":"{model}"}}}}"#)).collect();
        let body = format!(r#"{{"requests":[{}]}}"#, quoted.join(","));
        let mut headers = HeaderMap::new();
        if let Some(slug) = header {
            headers.insert("x-portkey-provider", slug.parse().unwrap());
        }
        let envelope = BatchEnvelope::scan(body.as_bytes()).unwrap();
        let (slug, ids) =
            items(&envelope.models, &headers).map_err(|error| error.to_client().param.unwrap_or_default())?;
        Ok((slug.map(|slug| slug.to_string()), ids.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn all_items_lead_to_one_provider() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(resolved(&["@s/a", "@s/b"], None), Ok((Some("s".into()), ids(&["a", "b"]))));
        assert_eq!(resolved(&["a", "b"], None), Ok((None, ids(&["a", "b"]))));
        assert_eq!(resolved(&[], None), Ok((None, ids(&[]))));
        assert_eq!(resolved(&["@s/a", "@t/b", "c"], Some("@u")).unwrap().1, ids(&["a", "b", "c"]));
    }

    #[test]
    fn the_item_that_leads_elsewhere_is_named() {
        let at = |n: usize| Err(format!("requests[{n}].params.model"));
        assert_eq!(resolved(&["@s/a", "@s/b", "@t/c"], None), at(2));
        assert_eq!(resolved(&["@s/a", "b"], None), at(1));
        assert_eq!(resolved(&["a", "@s/b"], None), at(1));
        assert_eq!(resolved(&["@s/a", "@s"], None), at(1));
    }

    #[test]
    fn the_address_is_the_settings_or_the_requests() {
        let check = |setting: Option<&str>, headers: &[(&str, &str)], target: &str, expect: &str| {
            let mut request = http::Request::get(target);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let (client, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(public_base(setting, &client), expect);
        };
        let host = ("host", "gw.example.com:8787");
        check(Some("https://gw.example.com/"), &[host], "/v1", "https://gw.example.com");
        check(None, &[host], "/v1", "http://gw.example.com:8787");
        check(None, &[host, ("x-forwarded-proto", "HTTPS, http")], "/v1", "https://gw.example.com:8787");
        check(None, &[], "http://[::1]:1/v1", "http://[::1]:1");
        check(None, &[("host", "a\"b")], "/v1", "");
        check(None, &[], "/v1", "");
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for host in ["gw", "gw.example.com:8443", "10.0.0.1", "[::1]", "[2001:db8::1]:443", "my_gw-1:80"] {
            assert!(is_host(host), "{host}");
        }
        for odd in [
            "", ":80", "a:b", "a:1:2", "a:+80", "a:99999", "[x]", "[::1", "::1", "u@h", "a/b", "a\"b",
            "[::1]80",
        ] {
            assert!(!is_host(odd), "{odd}");
        }
    }
}
