//! What a client is told of a model that is gone, unknown, or going.

use portcullis_types::ModelId;
use time::{Date, OffsetDateTime, Time};

use super::lifecycle::Stage;
use super::row::Model;
use super::table::ModelTable;
use crate::error::{ApiError, ErrorKind};

/// The header that names the living model nearest to one that was refused. For answers whose body passes untouched.
pub const NEAREST_MODEL: &str = "x-portcullis-nearest-model";
/// The header that says when a model retires and what takes its place.
pub const MODEL_DEPRECATION: &str = "x-portcullis-model-deprecation";

impl ModelTable {
    /// Why a request to this model is not even sent: it is known to be gone.
    ///
    /// 404, `model_not_found`, `param: model`; `not_found_error` in Anthropic's dialect. A model that the table does not
    /// know is not refused: the upstream may know newer ones.
    #[must_use]
    pub fn refusal(&self, model: &ModelId, today: Date) -> Option<ApiError> {
        let day = match (self.find(model), self.find_retired(model)) {
            (Some(row), _) if row.lifecycle_on(today) == Stage::Retired => row.lifecycle.retires_at,
            (None, Some(retired)) => Some(retired.retired_on),
            _ => return None,
        };
        let when = day.map(|day| format!(" on {day}")).unwrap_or_default();
        let message = format!("The model `{model}` was retired{when}.{}", self.hint(model, today));
        Some(not_found(message))
    }

    /// The upstream's own refusal of a model, with the nearest living one named behind its words. Any other error is
    /// left as it is.
    #[must_use]
    pub fn with_nearest(&self, mut error: ApiError, model: &ModelId, today: Date) -> ApiError {
        if error.code.as_deref() == Some("model_not_found") {
            if !error.message.ends_with(['.', '!', '?']) {
                error.message.push('.');
            }
            error.message.push_str(&self.hint(model, today));
        }
        error
    }

    /// ` The nearest living model is …`, to stand behind a sentence.
    fn hint(&self, model: &ModelId, today: Date) -> String {
        match self.nearest_living(model, today) {
            Some(row) => format!(" The nearest living model is `{}`.", row.id),
            None => " `GET /v1/models` lists those there are.".to_owned(),
        }
    }
}

fn not_found(message: String) -> ApiError {
    let param = Some("model".to_owned());
    ApiError { param, ..ApiError::new(404, ErrorKind::NotFound, "model_not_found", message) }
}

/// Headers for an answer of a model whose end is announced, or within 60 days: none for any other.
///
/// - `deprecation`: `@` and Unix seconds, when the day of the announcement is known (RFC 9745);
/// - `sunset`: the day of retirement as an HTTP date, when it is known (RFC 8594);
/// - [`MODEL_DEPRECATION`]: `model=…;retires_at=…;replacement=…`, what is known of it.
#[must_use]
pub fn deprecation_headers(model: &Model, today: Date) -> Vec<(&'static str, String)> {
    if model.lifecycle_on(today) != Stage::Deprecated {
        return Vec::new();
    }
    let life = &model.lifecycle;
    let mut headers = Vec::new();
    let mut said = format!("model={}", model.id);
    if let Some(day) = life.deprecated_at {
        headers.push(("deprecation", format!("@{}", midnight(day.0).unix_timestamp())));
    }
    if let Some(day) = life.retires_at {
        headers.push(("sunset", http_date(midnight(day.0))));
        said.push_str(&format!(";retires_at={day}"));
    }
    if let Some(replacement) = &life.recommended_replacement {
        said.push_str(&format!(";replacement={replacement}"));
    }
    headers.push((MODEL_DEPRECATION, said));
    headers
}

fn midnight(day: Date) -> OffsetDateTime {
    OffsetDateTime::new_utc(day, Time::MIDNIGHT)
}

/// `Mon, 30 Nov 2026 00:00:00 GMT` (RFC 9110, "IMF-fixdate").
fn http_date(at: OffsetDateTime) -> String {
    let (weekday, month) = (at.weekday().to_string(), at.month().to_string());
    format!("{}, {:02} {} {:04} 00:00:00 GMT", &weekday[..3], at.day(), &month[..3], at.year())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Dialect;
    use time::macros::date;

    const TODAY: Date = date!(2026 - 11 - 25);

    fn refusal(id: &str, today: Date) -> Option<ApiError> {
        ModelTable::embedded().refusal(&id.parse().unwrap(), today)
    }

    #[test]
    fn a_retired_model_is_refused_in_both_dialects_and_the_nearest_is_named() {
        let error = refusal("claude-opus-4-1", TODAY).unwrap();
        let openai = String::from_utf8(error.openai_body()).unwrap();
        assert_eq!((error.status_in(Dialect::OpenAi), error.status_in(Dialect::Anthropic)), (404, 404));
        assert_eq!(
            openai,
            r#"{"error":{"message":"The model `claude-opus-4-1` was retired on 2026-08-05. The nearest living model is `claude-opus-5-5`.","type":"invalid_request_error","param":"model","code":"model_not_found"}}"#
        );
        let anthropic = String::from_utf8(error.anthropic_body("req_1")).unwrap();
        assert!(anthropic.contains(r#""type":"not_found_error""#) && anthropic.contains("claude-opus-5-5"));
    }

    #[test]
    fn a_row_retires_the_day_after_its_date() {
        assert!(refusal("claude-sonnet-4-5-20250929", date!(2026 - 11 - 30)).is_none());
        let error = refusal("claude-sonnet-4-5-20250929", date!(2026 - 12 - 01)).unwrap();
        assert!(error.message.contains("on 2026-11-30") && error.message.contains("`claude-sonnet-5-5`"));
    }

    #[test]
    fn a_model_that_nobody_knows_goes_upstream_and_its_refusal_names_the_nearest() {
        assert!(refusal("claude-opus-9", TODAY).is_none());
        let upstream = not_found("model: claude-opus-9".into());
        let error = ModelTable::embedded().with_nearest(upstream, &"claude-opus-9".parse().unwrap(), TODAY);
        assert_eq!(error.message, "model: claude-opus-9. The nearest living model is `claude-opus-5-5`.");
        let other = ApiError::new(404, ErrorKind::NotFound, "not_found", "file: x");
        assert_eq!(ModelTable::embedded().with_nearest(other.clone(), &"x".parse().unwrap(), TODAY), other);
    }

    #[test]
    fn a_model_on_its_way_out_says_so_in_headers() {
        let table = ModelTable::with_overlay(
            br#"{"models": [{"id": "claude-sonnet-4-5", "deprecated_at": "2026-09-01"}]}"#,
        )
        .unwrap();
        let headers = deprecation_headers(table.find(&"claude-sonnet-4-5".parse().unwrap()).unwrap(), TODAY);
        assert_eq!(
            headers,
            [
                ("deprecation", "@1788220800".to_owned()),
                ("sunset", "Mon, 30 Nov 2026 00:00:00 GMT".to_owned()),
                (
                    MODEL_DEPRECATION,
                    "model=claude-sonnet-4-5;retires_at=2026-11-30;replacement=claude-sonnet-5-5".to_owned()
                ),
            ]
        );
        let current = table.find(&"claude-opus-5-5".parse().unwrap()).unwrap();
        assert!(deprecation_headers(current, TODAY).is_empty());
    }
}
