//! Anthropic's own API apart from `POST /v1/messages`: token counting, batches, files, models, skills, user profiles.
//!
//! The platform's own table of routes decides ([`portcullis_provider::routes`]): what stands there and belongs to a
//! feature goes through with its bytes as they came, both ways; anything else is refused by name and never forwarded.
//! Start at [`serve`]. What changes on the way is the model's value in a body ([`batches`] for many of them), and
//! `results_url` in answers about batches, which points back here.

pub(crate) mod answer;
mod batches;
mod download;
pub(crate) mod made;
pub(crate) mod models;
mod own_page;
mod results;
mod route;
mod send;
pub(crate) mod tenancy;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::HeaderValue;
use http::header::ALLOW;
use http::request::Parts as Client;
use portcullis_catalog::Snapshot;
use portcullis_provider::Envelope;
use portcullis_provider::error::Dialect;
use portcullis_provider::invalid::InvalidRequest;
use portcullis_types::ProviderId;

use crate::arrival::Arrival;
use crate::body_account::BodyAccount;
use crate::content::Content;
use crate::dialect;
use crate::error::GatewayError;
use crate::gateway::{Gateway, Parts};
use crate::inbound::{UploadLimits, check_query, read_json_body, spool_form};
use crate::retirement;
use crate::spool::SpoolPlace;
use crate::way::{self, Admitted, Authenticated, Hint, Payload};
use route::{Native, Takes};

pub(crate) use batches::public_base;

/// Answers on any of the platform's routes, or says why not.
pub(crate) async fn serve(State(gateway): State<Gateway>, request: Request) -> Response {
    let shared = &gateway;
    let gateway = shared.parts();
    let mut arrival = Arrival::of(&request, Dialect::Anthropic, gateway.clock.as_ref());
    let (client, body) = request.into_parts();
    let native = match Native::of(&client.method, client.uri.path()) {
        Ok(native) => native,
        Err(error) => {
            // A path that is nobody's may have been meant for either API.
            if !matches!(error, GatewayError::RouteNotServed(_)) {
                arrival.dialect = dialect::of(&client);
            }
            return refuse(error, &arrival);
        }
    };
    match gateway.until_deadline(relay(shared, &arrival, &client, body, &native)).await {
        Ok(response) => response,
        Err(error) => error.into_response(&arrival),
    }
}

fn refuse(error: GatewayError, arrival: &Arrival) -> Response {
    let allowed = match &error {
        GatewayError::MethodNotAllowed { allowed, .. } => HeaderValue::from_str(allowed).ok(),
        _ => None,
    };
    let mut response = error.into_response(arrival);
    if let Some(allowed) = allowed {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

async fn relay(
    shared: &Gateway,
    arrival: &Arrival,
    client: &Client,
    body: Body,
    native: &Native,
) -> Result<Response, GatewayError> {
    let gateway = shared.parts();
    check_query(client.uri.query(), native.parameters())?;
    let (admitted, content) = match native.takes() {
        Takes::Nothing => nothing(gateway, client, native).await?,
        Takes::Json => json(gateway, client, body, native).await?,
        Takes::Message => message(gateway, client, body, native).await?,
        Takes::Batch => batches::receive(gateway, client, body, native).await?,
        Takes::Upload => upload(gateway, client, body, native).await?,
    };
    let payload = Payload::native(client, content)?;
    let mut response = send::send(shared, arrival, client, native, admitted, payload).await?;
    arrival.stamp(response.headers_mut());
    Ok(response)
}

async fn nothing(
    gateway: &Parts,
    client: &Client,
    native: &Native,
) -> Result<(Admitted, Content), GatewayError> {
    let has_body = client.headers.get("content-length").is_some_and(|length| length != "0");
    if has_body || client.headers.contains_key("transfer-encoding") {
        return Err(InvalidRequest::body("a request of this kind has no body").into());
    }
    let (caller, (), snapshot) =
        way::receive_as(gateway, &client.headers, std::future::ready(Ok(()))).await?;
    Ok((admit(gateway, client, native, caller, &snapshot).await?, Content::None))
}

/// JSON that names no model goes on as it is.
async fn json(
    gateway: &Parts,
    client: &Client,
    body: Body,
    native: &Native,
) -> Result<(Admitted, Content), GatewayError> {
    let (caller, body, snapshot) = way::receive(gateway, &client.headers, body).await?;
    let admitted = admit(gateway, client, native, caller, &snapshot).await?;
    Ok((admitted, if body.is_empty() { Content::None } else { Content::json(body) }))
}

/// A Messages body: its model says where it goes, and is all that changes.
async fn message(
    gateway: &Parts,
    client: &Client,
    body: Body,
    native: &Native,
) -> Result<(Admitted, Content), GatewayError> {
    let (caller, body, snapshot) = way::receive(gateway, &client.headers, body).await?;
    let envelope = Envelope::scan(&body)?;
    let (resolved, model) = way::resolve(caller, &client.headers, &snapshot, &envelope.model)?;
    let admitted = way::admit(resolved, native.route)?;
    retirement::check(gateway, &model)?;
    tenancy::check_references(gateway, &admitted, &client.headers, &body).await?;
    Ok((admitted, Content::json(envelope.splice_model(&body, &model))))
}

/// A form with files. Nobody whose upload would be refused afterwards gets us to read it.
async fn upload(
    gateway: &Parts,
    client: &Client,
    body: Body,
    native: &Native,
) -> Result<(Admitted, Content), GatewayError> {
    let known = async || {
        let (caller, (), snapshot) =
            way::receive_as(gateway, &client.headers, std::future::ready(Ok(()))).await?;
        admit(gateway, client, native, caller, &snapshot).await
    };
    known().await?;
    let settings = &gateway.settings;
    let place =
        SpoolPlace { memory_bytes: settings.spool_memory_bytes, folder: settings.spool_folder.clone() };
    let account = client.extensions.get::<BodyAccount>().cloned();
    let (bytes, patience) = (settings.max_upload_bytes, settings.upload_timeout);
    let limits = UploadLimits { bytes, patience, place, account };
    let content = spool_form(&client.headers, body, limits).await?;
    // It may have taken half an hour, and a key may have been revoked meanwhile.
    Ok((known().await?, content))
}

/// A JSON body of up to so many bytes.
async fn receive_json(
    gateway: &Parts,
    client: &Client,
    body: Body,
    limit: usize,
) -> Result<(Authenticated, Bytes, std::sync::Arc<Snapshot>), GatewayError> {
    let patience = gateway.settings.request_body_timeout;
    way::receive_as(gateway, &client.headers, read_json_body(&client.headers, body, limit, patience)).await
}

/// Admits a request that names no model.
async fn admit(
    gateway: &Parts,
    client: &Client,
    native: &Native,
    caller: Authenticated,
    snapshot: &Snapshot,
) -> Result<Admitted, GatewayError> {
    let resolve =
        |hint| way::resolve_without_model(caller.clone(), &client.headers, snapshot, hint, native.feature);
    let resolved = match resolve(Hint::None) {
        // Whoever made the object says where it is. Only asked where there is a choice: it costs a query.
        Err(ambiguous @ GatewayError::AmbiguousProvider { .. }) => {
            match maker(gateway, native, &caller).await? {
                Some(maker) => resolve(Hint::Maker(maker)),
                None => Err(ambiguous),
            }
        }
        resolved => resolved,
    }?;
    way::admit(resolved, native.route)
}

/// The provider that made the object a request is about, if it is known.
async fn maker(
    gateway: &Parts,
    native: &Native,
    caller: &Authenticated,
) -> Result<Option<ProviderId>, GatewayError> {
    let (Some(kind), Some(id)) = (tenancy::kind_of(native.feature), native.object.as_deref()) else {
        return Ok(None);
    };
    let workspace = way::workspace_of(caller)?;
    let object = gateway.catalog.upstream_object(workspace, kind, id).await?;
    Ok(object.map(|object| object.provider_id))
}
