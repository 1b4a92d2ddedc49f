//! Batches of Messages requests: each item's model says where it goes, and all must go to one provider.

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
    tenancy::check_references(gateway, &admitted, &client.headers, &body).await?;
    let spool = on_a_thread(move || Ok(Spool::of_parts(envelope.splice_models(&body, &models)))).await?;
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
pub(crate) fn public_base(setting: Option<&str>, client: &Client) -> String {
    if let Some(url) = setting {
        return url.trim_end_matches('/').to_owned();
    }
    let authority = client.uri.authority().map(http::uri::Authority::as_str);
    let header = |name| client.headers.get(name).and_then(|value| value.to_str().ok());
    let is_plain = |host: &&str| {
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b))
    };
    let Some(host) = authority.or_else(|| header(HOST.as_str())).filter(is_plain) else {
        return String::new();
    };
    let proto = header("x-forwarded-proto").and_then(|value| value.split(',').next()).map(str::trim);
    let is_tls = proto.is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
    format!("{}://{host}", if is_tls { "https" } else { "http" })
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
}
