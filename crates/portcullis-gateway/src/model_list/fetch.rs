//! Asking an upstream for its models.

use bytes::Bytes;
use portcullis_provider::ResponseContext;
use portcullis_provider::envelope::answers::{Direction, Next, Page};
use portcullis_types::ModelId;
use serde::Deserialize;

use super::ListedModel;
use crate::arrival::Arrival;
use crate::error::GatewayError;
use crate::gateway::Parts;
use crate::way::send::read_answer;
use crate::way::{self, Admitted, Answer, Attempt, Outcome, Payload};

/// Pages that are asked for. A thousand models fit on one.
const MOST_PAGES: usize = 5;

/// All models of the upstream, as it lists them.
///
/// # Errors
/// When it refuses or fails, or answers with anything but a list.
pub(super) async fn models(
    gateway: &Parts,
    arrival: &Arrival,
    admitted: &Admitted,
) -> Result<Vec<ListedModel>, GatewayError> {
    let (mut models, mut query) = (Vec::new(), "limit=1000".to_owned());
    for _ in 0..MOST_PAGES {
        let answer = page(gateway, arrival, admitted, query).await?;
        let page = Page::read(&answer).ok_or(GatewayError::NotAsAsked)?;
        models.extend(page.items().filter_map(listed));
        match page.next(Direction::Forwards) {
            Some(Next::AfterId(id)) if id.parse::<ModelId>().is_ok() => {
                query = format!("limit=1000&after_id={id}");
            }
            _ => break,
        }
    }
    Ok(models)
}

async fn page(
    gateway: &Parts,
    arrival: &Arrival,
    admitted: &Admitted,
    query: String,
) -> Result<Bytes, GatewayError> {
    let payload = Payload::get("/v1/models", query);
    let endpoint = gateway.upstream.endpoint(&admitted.provider.platform.region);
    let attempt = Attempt::new(admitted, &payload, &endpoint);
    let (answer, mut settlement) = way::dispatch(gateway, arrival, &attempt, false).await?;
    match answer {
        Answer::Success(_, body) => match read_answer(gateway, body).await {
            Ok(page) => {
                settlement.settle(Outcome::Complete);
                Ok(page)
            }
            Err(error) => Err(settlement.refused(error)),
        },
        Answer::Failure(_, error, _) => {
            Err(settlement.refused(error.to_openai(&ResponseContext::default()).into()))
        }
    }
}

/// A model by its object; none for one whose id nobody could write.
pub(super) fn listed(object: &str) -> Option<ListedModel> {
    #[derive(Deserialize)]
    struct Fields {
        id: String,
        created_at: Option<String>,
        retires_at: Option<String>,
        lifecycle: Option<String>,
    }
    let Fields { id, created_at, retires_at, lifecycle } = serde_json::from_str(object).ok()?;
    let object = Bytes::copy_from_slice(object.as_bytes());
    Some(ListedModel { id: id.parse().ok()?, object, created_at, retires_at, lifecycle })
}
