//! Responses that are kept: shown, deleted, their input listed.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use portcullis_catalog::CatalogError;
use portcullis_provider::error::Dialect;
use portcullis_provider::responses::input_items::InputItemsQuery;
use portcullis_provider::responses::stored::StoredResponse;
use portcullis_provider::{InvalidCode, InvalidRequest};
use portcullis_types::{Feature, ResponseId, TenantWorkspaceId};

use super::recall::find;
use crate::arrival::Arrival;
use crate::error::GatewayError;
use crate::gateway::Gateway;
use crate::inbound::check_query;
use crate::way;

/// `GET /v1/responses/{id}`
pub(crate) async fn retrieve(gateway: State<Gateway>, id: Path<String>, request: Request) -> Response {
    let call = Call::of(gateway, id, request);
    let made = call.retrieve().await;
    call.answer(made)
}

/// `GET /v1/responses/{id}/input_items`
pub(crate) async fn input_items(gateway: State<Gateway>, id: Path<String>, request: Request) -> Response {
    let call = Call::of(gateway, id, request);
    let made = call.input_items().await;
    call.answer(made)
}

/// `DELETE /v1/responses/{id}`
pub(crate) async fn delete(gateway: State<Gateway>, id: Path<String>, request: Request) -> Response {
    let call = Call::of(gateway, id, request);
    let made = call.delete().await;
    call.answer(made)
}

/// `POST /v1/responses/{id}/cancel`: only responses in the background can be cancelled, and there are none.
pub(crate) async fn cancel(gateway: State<Gateway>, id: Path<String>, request: Request) -> Response {
    let call = Call::of(gateway, id, request);
    let made = call.cancel().await;
    call.answer(made)
}

/// A request about one response.
struct Call {
    gateway: Gateway,
    arrival: Arrival,
    headers: HeaderMap,
    id: String,
}

impl Call {
    fn of(State(gateway): State<Gateway>, Path(id): Path<String>, request: Request) -> Self {
        let arrival = Arrival::of(&request, Dialect::OpenAi, gateway.parts().clock.as_ref());
        let (client, _) = request.into_parts();
        Self { gateway, arrival, headers: client.headers, id }
    }

    async fn retrieve(&self) -> Result<Vec<u8>, GatewayError> {
        let workspace = self.workspace()?;
        check_retrieval(self.query())?;
        Ok(self.kept(workspace).await?.response().to_owned().into_bytes())
    }

    async fn input_items(&self) -> Result<Vec<u8>, GatewayError> {
        let workspace = self.workspace()?;
        let pairs = decoded_query(self.query());
        let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let query = InputItemsQuery::parse(pairs)?;
        Ok(query.page(self.kept(workspace).await?.input())?)
    }

    async fn delete(&self) -> Result<Vec<u8>, GatewayError> {
        let workspace = self.workspace()?;
        check_query(self.query(), &[])?;
        let id: ResponseId = self.id.parse().map_err(|_| no_such())?;
        self.gateway.parts().catalog.delete_response(workspace, &id).await?;
        let gone = serde_json::json!({"id": id.as_str(), "object": "response", "deleted": true});
        Ok(gone.to_string().into_bytes())
    }

    async fn cancel(&self) -> Result<Vec<u8>, GatewayError> {
        let workspace = self.workspace()?;
        self.kept(workspace).await?;
        let text = "only a response made with `background: true` can be cancelled, which is not served here";
        Err(InvalidRequest::at(InvalidCode::UnsupportedValue, "response_id", text).into())
    }

    fn query(&self) -> Option<&str> {
        self.arrival.uri.query()
    }

    fn workspace(&self) -> Result<TenantWorkspaceId, GatewayError> {
        let gateway = self.gateway.parts();
        let caller = way::authenticate(&self.headers, &gateway.catalog.snapshot(), gateway.clock.now())?;
        way::check_scope(&caller.0, Feature::Inference)?;
        caller.0.workspace_id.ok_or(GatewayError::KeyWithoutWorkspace)
    }

    async fn kept(&self, workspace: TenantWorkspaceId) -> Result<StoredResponse, GatewayError> {
        find(self.gateway.parts(), workspace, &self.id).await?.ok_or_else(no_such)
    }

    fn answer(&self, made: Result<Vec<u8>, GatewayError>) -> Response {
        match made {
            Ok(body) => {
                let mut response = Response::new(Body::from(body));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                self.arrival.stamp(response.headers_mut());
                response
            }
            Err(error) => error.into_response(&self.arrival),
        }
    }
}

fn no_such() -> GatewayError {
    CatalogError::NotFound { what: "response" }.into()
}

fn decoded_query(query: Option<&str>) -> Vec<(String, String)> {
    let mut url = reqwest::Url::parse("http://gateway/").expect("a constant");
    url.set_query(query);
    url.query_pairs().into_owned().collect()
}

/// What may be asked of a retrieval. Its events are not kept, so it cannot be streamed again.
fn check_retrieval(query: Option<&str>) -> Result<(), GatewayError> {
    check_query(query, &["include", "include[]", "include%5B%5D", "stream", "include_obfuscation"])?;
    let pairs = query.unwrap_or_default().split('&');
    if pairs.into_iter().any(|pair| pair == "stream=true") {
        let text = "the events of a response are not kept: retrieve it whole";
        return Err(InvalidRequest::at(InvalidCode::UnsupportedValue, "stream", text).into());
    }
    Ok(())
}
