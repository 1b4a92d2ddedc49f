//! `/v1/models` in OpenAI's dialect, from the lists that are kept, with the fields that Portkey's clients read.
//!
//! Ids are `@slug/model`, as a chat request names them; the models of a provider that a header names go by their own ids.

use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, Method};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use portcullis_provider::routes::{Route, route};
use portcullis_provider::{InvalidCode, InvalidRequest, ResponseContext};
use portcullis_types::{ModelId, ModelRef};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::answer::json_answer;
use super::errand::{Errand, Reply, bare};
use super::query::ListQuery;
use super::{answered, wrong_method};
use crate::arrival::Arrival;
use crate::error::GatewayError;
use crate::gateway::{Gateway, Parts};
use crate::inbound::check_query;
use crate::model_list::{self, ListedModel, Offers};
use crate::way::{self, Authenticated, Hint};

/// Parameters of Portkey's list; OpenAI's has none.
const PARAMETERS: &[&str] = &["ai_service", "provider", "limit", "offset", "sort", "order"];
/// More than any list has.
const MOST: u32 = 100_000;

/// OpenAI's model object, with Portkey's fields.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct ModelObject {
    id: String,
    object: &'static str,
    /// Unix seconds; 0 when nobody knows.
    created: i64,
    owned_by: &'static str,
    /// The model's id at the upstream.
    slug: String,
    /// The same without the date of a snapshot, where the table of model facts knows it.
    canonical_slug: String,
    /// The day from which on it answers no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    shutdown_date: Option<String>,
}

/// What the list says.
#[derive(Serialize)]
struct ModelPage {
    object: &'static str,
    total: usize,
    data: Vec<ModelObject>,
}

/// Lists models, or shows one.
pub(crate) async fn serve(State(gateway): State<Gateway>, request: Request) -> Response {
    answered(gateway.parts(), request, async |gateway: &Parts, arrival: &Arrival, request| {
        let (client, _) = Request::into_parts(request);
        if client.method != Method::GET {
            return Err(wrong_method(&client, "GET"));
        }
        match client.uri.path().strip_prefix("/v1/models/") {
            None => list(gateway, arrival, &client).await,
            Some(id) => show(gateway, arrival, &client, id).await,
        }
    })
    .await
}

async fn list(
    gateway: &Parts,
    arrival: &Arrival,
    client: &http::request::Parts,
) -> Result<Response, GatewayError> {
    let query = ListQuery::read(client.uri.query(), PARAMETERS)?;
    let order = Order::read(&query)?;
    let snapshot = gateway.catalog.snapshot();
    let caller = way::authenticate(&client.headers, &snapshot, gateway.clock.now())?;
    let offers = model_list::offers(gateway, arrival, &caller, &client.headers, &snapshot).await?;
    let mut models = offered(gateway, &offers, query.given("provider"));
    if query
        .given("ai_service")
        .is_some_and(|service| !["anthropic", "claude-platform-aws"].contains(&service))
    {
        models.clear();
    }
    order.sort(&mut models);
    let total = models.len();
    let offset = query.parsed::<usize>("offset", "a whole number")?.unwrap_or(0);
    let limit = query.limit(MOST, MOST)? as usize;
    let data = models.into_iter().skip(offset).take(limit).collect();
    json_answer(&ModelPage { object: "list", total, data })
}

/// The order of a list: as the upstream gives it, or by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    AsGiven,
    ByName { is_descending: bool },
}

impl Order {
    fn read(query: &ListQuery) -> Result<Self, GatewayError> {
        let one_of = |name: &'static str, words: &[&str]| match query.given(name) {
            Some(given) if !words.contains(&given) => {
                let message = format!("`{name}` must be one of: {}", words.join(", "));
                Err(InvalidRequest::at(InvalidCode::InvalidValue, name, message))
            }
            given => Ok(given.map(str::to_owned)),
        };
        let sort = one_of("sort", &["name", "provider", "ai_service"])?;
        let order = one_of("order", &["asc", "desc"])?;
        // An id begins with the provider's slug, so that one order serves all three.
        Ok(match (sort, order) {
            (None, None) => Self::AsGiven,
            (_, order) => Self::ByName { is_descending: order.as_deref() == Some("desc") },
        })
    }

    fn sort(self, models: &mut [ModelObject]) {
        if let Self::ByName { is_descending } = self {
            models.sort_by(|one, other| one.id.cmp(&other.id));
            if is_descending {
                models.reverse();
            }
        }
    }
}

/// Each model by the id that a request would name it with.
///
/// - `provider`: only those of the provider with this slug, with or without its `@`.
fn offered(gateway: &Parts, offers: &Offers, provider: Option<&str>) -> Vec<ModelObject> {
    let provider = provider.map(|slug| slug.trim_start_matches('@'));
    let wanted =
        offers.offers.iter().filter(|offer| provider.is_none_or(|slug| offer.provider.as_str() == slug));
    let models = wanted.flat_map(|offer| {
        offer.list.models.iter().map(move |model| {
            let id = if offers.is_named {
                model.id.to_string()
            } else {
                format!("@{}/{}", offer.provider, model.id)
            };
            object(gateway, id, model)
        })
    });
    models.collect()
}

fn object(gateway: &Parts, id: String, model: &ListedModel) -> ModelObject {
    of(gateway, id, &model.id, model.created_at.as_deref(), model.retires_at.as_deref())
}

fn of(
    gateway: &Parts,
    id: String,
    model: &ModelId,
    created_at: Option<&str>,
    retires_at: Option<&str>,
) -> ModelObject {
    let unix = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp);
    let canonical = gateway.settings.models.load().find(model).map(|row| row.id.clone());
    ModelObject {
        id,
        object: "model",
        created: created_at.and_then(unix).unwrap_or(0),
        owned_by: "anthropic",
        slug: model.to_string(),
        canonical_slug: canonical.unwrap_or_else(|| model.to_string()),
        shutdown_date: retires_at.and_then(|at| at.split('T').next()).map(str::to_owned),
    }
}

/// The upstream's model object, as far as we read it.
#[derive(Debug, Deserialize)]
struct UpstreamModel {
    id: String,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    retires_at: Option<String>,
}

/// A model by its id, with its provider before it or in a header; the id may have a slash in it, escaped or not.
async fn show(
    gateway: &Parts,
    arrival: &Arrival,
    client: &http::request::Parts,
    id: &str,
) -> Result<Response, GatewayError> {
    check_query(client.uri.query(), &[])?;
    let asked = percent_decode_str(id).decode_utf8().map_err(|_| GatewayError::InvalidPath)?;
    let ModelRef { provider, model } = way::parse_model(&asked)?;
    let snapshot = gateway.catalog.snapshot();
    let caller: Authenticated = way::authenticate(&client.headers, &snapshot, gateway.clock.now())?;
    let hint = provider.map_or(Hint::None, Hint::Slug);
    let headers: &HeaderMap = &client.headers;
    let admitted = model_list::admit(&caller, headers, &snapshot, hint, shown_route())?;
    let list = gateway.model_lists.of(gateway, arrival, &admitted).await;
    if let Some(listed) = list.models.iter().find(|listed| listed.id == model) {
        return json_answer(&object(gateway, asked.into_owned(), listed));
    }
    // An alias, perhaps, or a model that came since: the upstream knows.
    let segment = utf8_percent_encode(model.as_str(), NON_ALPHANUMERIC).to_string().replace("%2D", "-");
    let errand = Errand { gateway, arrival, admitted: &admitted };
    match errand.ask(&bare(Method::GET, format!("/v1/models/{segment}"), None)).await? {
        Reply::Done(body) => {
            let found: UpstreamModel = serde_json::from_slice(&body).map_err(|_| odd())?;
            let model = found.id.parse().map_err(|_| odd())?;
            let (created, retires) = (found.created_at.as_deref(), found.retires_at.as_deref());
            json_answer(&of(gateway, asked.into_owned(), &model, created, retires))
        }
        Reply::Refused(error) => {
            let today = OffsetDateTime::from(gateway.clock.now()).date();
            let told = error.to_openai(&ResponseContext::default());
            let models = gateway.settings.models.load();
            Err(if error.status == 404 { models.with_nearest(told, &model, today) } else { told }.into())
        }
    }
}

fn shown_route() -> &'static Route {
    route("GET", "/v1/models/{id}").expect("the platform shows models")
}

fn odd() -> GatewayError {
    let message = "the upstream's answer is no model object";
    let kind = portcullis_provider::ErrorKind::Server;
    portcullis_provider::ApiError::new(502, kind, "upstream_invalid_response", message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(query: &str) -> Result<Order, GatewayError> {
        Order::read(&ListQuery::read(Some(query), PARAMETERS)?)
    }

    #[test]
    fn a_list_is_sorted_when_asked() {
        assert_eq!(order("").unwrap(), Order::AsGiven);
        assert_eq!(order("sort=name").unwrap(), Order::ByName { is_descending: false });
        assert_eq!(order("order=desc").unwrap(), Order::ByName { is_descending: true });
        assert_eq!(order("sort=price").unwrap_err().to_client().param.as_deref(), Some("sort"));
        assert_eq!(order("order=up").unwrap_err().to_client().param.as_deref(), Some("order"));
    }
}
