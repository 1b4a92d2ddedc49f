//! `/v1/models` in Anthropic's dialect, from the lists that are kept.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts as Client;
use http::{HeaderValue, Method};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use portcullis_provider::envelope::answers::with_id;
use portcullis_provider::error::Dialect;
use portcullis_provider::invalid::{InvalidCode, InvalidRequest};
use portcullis_provider::routes::route;
use portcullis_types::{Feature, ModelRef};

use super::route::Native;
use super::send;
use crate::arrival::Arrival;
use crate::error::GatewayError;
use crate::gateway::{Gateway, Parts};
use crate::inbound::check_query;
use crate::model_list::{self, ListedModel, Offers};
use crate::way::{self, Hint, Payload};

/// The query's parameters of a list.
const PARAMETERS: &[&str] = &["beta", "after_id", "before_id", "limit", "lifecycle[]"];

/// Lists models, or shows one.
pub(crate) async fn serve(state: State<Gateway>, request: Request) -> Response {
    if request.method() != Method::GET {
        return super::serve(state, request).await;
    }
    let gateway = state.0.parts();
    let arrival = Arrival::of(&request, Dialect::Anthropic, gateway.clock.as_ref());
    let (client, _) = request.into_parts();
    let answer = async {
        match client.uri.path().strip_prefix("/v1/models/") {
            Some(id) => show(&state.0, &arrival, &client, id).await,
            None => list(gateway, &arrival, &client).await,
        }
    };
    match gateway.until_deadline(answer).await {
        Ok(mut response) => {
            arrival.stamp(response.headers_mut());
            response
        }
        Err(error) => error.into_response(&arrival),
    }
}

async fn list(gateway: &Parts, arrival: &Arrival, client: &Client) -> Result<Response, GatewayError> {
    let query = client.uri.query().unwrap_or_default();
    check_query(Some(query), PARAMETERS)?;
    let wanted = Wanted::read(query)?;
    let (caller, (), snapshot) =
        way::receive_as(gateway, &client.headers, std::future::ready(Ok(()))).await?;
    let offers = model_list::offers(gateway, arrival, &caller, &client.headers, &snapshot).await?;
    Ok(json(wanted.page(offered(&offers))))
}

/// A model by its id, with its provider before it or in a header; the id may have a slash in it, escaped or not.
async fn show(
    shared: &Gateway,
    arrival: &Arrival,
    client: &Client,
    id: &str,
) -> Result<Response, GatewayError> {
    let gateway = shared.parts();
    check_query(client.uri.query(), &["beta"])?;
    let asked = percent_decode_str(id).decode_utf8().map_err(|_| GatewayError::InvalidPath)?;
    let ModelRef { provider, model } = way::parse_model(&asked)?;
    let (caller, (), snapshot) =
        way::receive_as(gateway, &client.headers, std::future::ready(Ok(()))).await?;
    let hint = provider.map_or(Hint::None, Hint::Slug);
    let shown = route("GET", "/v1/models/{id}").expect("the platform shows models");
    let admitted = model_list::admit(&caller, &client.headers, &snapshot, hint, shown)?;
    let list = gateway.model_lists.of(gateway, arrival, &admitted).await;
    if let Some(listed) = list.models.iter().find(|listed| listed.id == model) {
        return Ok(json(with_id(&listed.object, &asked)));
    }
    // An alias, perhaps, or a model that came since: the upstream knows.
    let segment = utf8_percent_encode(model.as_str(), NON_ALPHANUMERIC).to_string().replace("%2D", "-");
    let payload = Payload::native(client, crate::content::Content::None)?.at(format!("/v1/models/{segment}"));
    let native = Native { route: shown, feature: Feature::Models, object: None };
    send::send(shared, arrival, client, &native, admitted, payload).await
}

/// Each model as its object, by the id that a request would name it with.
fn offered(offers: &Offers) -> Vec<(String, &ListedModel)> {
    let all = offers.offers.iter().flat_map(|offer| {
        offer.list.models.iter().map(move |model| {
            let id = if offers.is_named {
                model.id.to_string()
            } else {
                format!("@{}/{}", offer.provider, model.id)
            };
            (id, model)
        })
    });
    all.collect()
}

/// Which part of the list is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    limit: usize,
    after: Option<String>,
    before: Option<String>,
    lifecycles: Vec<String>,
}

impl Wanted {
    fn read(query: &str) -> Result<Self, InvalidRequest> {
        let mut wanted = Self { limit: 20, after: None, before: None, lifecycles: Vec::new() };
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            match (decoded(name).as_str(), decoded(value)) {
                ("limit", value) => wanted.limit = limit(&value)?,
                ("after_id", value) => wanted.after = Some(value),
                ("before_id", value) => wanted.before = Some(value),
                ("lifecycle[]", value) => wanted.lifecycles.push(value),
                _ => {}
            }
        }
        Ok(wanted)
    }

    /// The page, in the shape of Anthropic's lists.
    fn page(&self, models: Vec<(String, &ListedModel)>) -> Bytes {
        let is_wanted = |model: &ListedModel| {
            let of = model.lifecycle.as_deref().unwrap_or("active");
            self.lifecycles.is_empty() || self.lifecycles.iter().any(|wanted| wanted == of)
        };
        let models: Vec<_> = models.into_iter().filter(|(_, model)| is_wanted(model)).collect();
        let place = |id: &Option<String>| models.iter().position(|(known, _)| Some(known) == id.as_ref());
        let (shown, has_more) = match (place(&self.after), place(&self.before)) {
            (Some(after), _) => first(&models[after + 1..], self.limit),
            (None, Some(before)) => {
                let start = before.saturating_sub(self.limit);
                (&models[start..before], start > 0)
            }
            (None, None) => first(&models, self.limit),
        };
        let objects: Vec<String> = shown
            .iter()
            .map(|(id, model)| String::from_utf8_lossy(&with_id(&model.object, id)).into_owned())
            .collect();
        let id = |model: Option<&(String, &ListedModel)>| serde_json::json!(model.map(|(id, _)| id));
        let (first, last) = (id(shown.first()), id(shown.last()));
        let data = objects.join(",");
        Bytes::from(format!(
            r#"{{"data":[{data}],"has_more":{has_more},"first_id":{first},"last_id":{last}}}"#
        ))
    }
}

fn first<T>(models: &[T], limit: usize) -> (&[T], bool) {
    (&models[..limit.min(models.len())], models.len() > limit)
}

fn limit(value: &str) -> Result<usize, InvalidRequest> {
    value.parse().ok().filter(|limit| (1..=1000).contains(limit)).ok_or_else(|| {
        InvalidRequest::at(
            InvalidCode::InvalidValue,
            "limit",
            "`limit` must be a whole number from 1 to 1000",
        )
    })
}

fn json(body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(id: &str, lifecycle: &str) -> ListedModel {
        let object = format!(r#"{{ "lifecycle":"{lifecycle}", "id" : "{id}","n":1.0}}"#);
        ListedModel {
            id: id.parse().unwrap(),
            object: object.into(),
            created_at: None,
            retires_at: None,
            lifecycle: Some(lifecycle.into()),
        }
    }

    fn page(query: &str) -> String {
        let models =
            [model("a", "active"), model("b", "deprecated"), model("c", "active"), model("d", "active")];
        let models = models.iter().map(|model| (format!("@s/{}", model.id), model)).collect();
        let page = Wanted::read(query).unwrap().page(models);
        let page: serde_json::Value = serde_json::from_slice(&page).unwrap();
        let ids: Vec<&str> =
            page["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
        format!("{} {} {} {}", ids.join(","), page["has_more"], page["first_id"], page["last_id"])
    }

    #[test]
    fn a_list_is_paged_as_the_upstreams_is() {
        assert_eq!(page("limit=1000"), r#"@s/a,@s/b,@s/c,@s/d false "@s/a" "@s/d""#);
        assert_eq!(page("limit=2"), r#"@s/a,@s/b true "@s/a" "@s/b""#);
        assert_eq!(page("limit=2&after_id=%40s%2Fb"), r#"@s/c,@s/d false "@s/c" "@s/d""#);
        assert_eq!(page("limit=2&before_id=@s/d"), r#"@s/b,@s/c true "@s/b" "@s/c""#);
        assert_eq!(page("lifecycle%5B%5D=deprecated"), r#"@s/b false "@s/b" "@s/b""#);
        assert_eq!(page("lifecycle[]=retired"), " false null null");
    }

    #[test]
    fn a_limit_out_of_range_is_refused() {
        for query in ["limit=0", "limit=1001", "limit=x", "limit="] {
            assert_eq!(Wanted::read(query).unwrap_err().param.as_deref(), Some("limit"), "{query}");
        }
    }

    #[test]
    fn an_objects_other_bytes_stay() {
        let models = [model("a", "active")];
        let page = Wanted::read("").unwrap().page(vec![("@s/a".into(), &models[0])]);
        assert_eq!(
            page,
            r#"{"data":[{ "lifecycle":"active", "id" : "@s/a","n":1.0}],"has_more":false,"first_id":"@s/a","last_id":"@s/a"}"#
        );
    }
}
