//! A client of the admin API, for the commands that ask a running gateway.

pub(crate) mod waiting;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use portcullis_admin::API_KEY;
use portcullis_provider::sse::{Decoder, SseError};
use portcullis_types::{ApiKeySecret, ExposeSecret};
use reqwest::{Method, Response, StatusCode, Url};
use serde_json::Value;

use crate::cli::{GatewayOptions, Usage};
use crate::config::Variables;
use waiting::Waiting;

/// A gateway that does not take a connection for so long is not there.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// Between two bytes of an answer. A verification says every 15 s that it is alive.
const READ_PATIENCE: Duration = Duration::from_secs(90);
/// Bytes of one event: a step of a verification has some kilobytes.
const EVENT_LIMIT: usize = 1024 * 1024;

/// What can be asked of a gateway's admin API.
#[derive(Debug)]
pub(crate) struct AdminClient {
    http: reqwest::Client,
    base: Url,
    key: ApiKeySecret,
}

/// One event of a stream.
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) data: Value,
}

impl AdminClient {
    /// A client of the gateway that options and settings name. Calls nothing yet.
    ///
    /// # Errors
    /// [`Usage`] when there is no key or the address is none.
    pub(crate) fn new(options: &GatewayOptions) -> Result<Self> {
        let variables = Variables::load(options.config.file())?;
        let base = base(options.url.as_deref().unwrap_or_else(|| variables.admin_url()))?;
        let key = variables.admin_api_key()?.ok_or_else(|| Usage(NO_KEY.to_owned()))?;
        let http = reqwest::Client::builder()
            // The key goes where it was meant to go, and nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_PATIENCE)
            .read_timeout(READ_PATIENCE)
            .build()
            .context("failed to set up an HTTP client")?;
        Ok(Self { http, base, key })
    }

    /// `GET`, answered with JSON.
    ///
    /// - `path`: its segments, not encoded.
    pub(crate) async fn get(&self, path: &[&str]) -> Result<Value> {
        let request = self.request(Method::GET, path);
        self.answer(request).await
    }

    /// `POST` with JSON, answered with JSON.
    pub(crate) async fn post(&self, path: &[&str], body: &Value) -> Result<Value> {
        let request = self.with_body(Method::POST, path, body);
        self.answer(request).await
    }

    /// `POST` with JSON, answered with events: `on_event` gets each as it comes.
    ///
    /// # Errors
    /// As for other calls; when the stream breaks off; what `on_event` fails with.
    pub(crate) async fn stream(
        &self,
        path: &[&str],
        body: &Value,
        mut on_event: impl FnMut(Event) -> Result<()>,
    ) -> Result<()> {
        let mut waiting = Waiting::for_an_answer("the gateway");
        let request = self.with_body(Method::POST, path, body).header("accept", "text/event-stream");
        let mut response = self.accepted(waiting.until(request.send()).await).await?;
        let mut decoder = Decoder::new(EVENT_LIMIT);
        while let Some(chunk) = waiting.until(response.chunk()).await.with_context(|| self.broke_off())? {
            decoder.push(&chunk, |event| {
                let data: Value = serde_json::from_str(&event.data).map_err(NotEvents::Json)?;
                // A step may say what it waits for before it tries again.
                let reason = data["reason"].as_str().filter(|_| event.name == Some("waiting"));
                waiting.answered(&reason.map_or("the gateway".to_owned(), terminal_text));
                on_event(Event { name: event.name.unwrap_or("message").to_owned(), data })
                    .map_err(NotEvents::Handler)
            })?;
        }
        decoder.finish().with_context(|| self.broke_off())
    }

    fn request(&self, method: Method, path: &[&str]) -> reqwest::RequestBuilder {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("the base is an http URL").pop_if_empty().extend(path);
        self.http.request(method, url).header(API_KEY, self.key.expose_secret())
    }

    fn with_body(&self, method: Method, path: &[&str], body: &Value) -> reqwest::RequestBuilder {
        self.request(method, path).header("content-type", "application/json").body(body.to_string())
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value> {
        let mut waiting = Waiting::for_an_answer("the gateway");
        let response = self.accepted(waiting.until(request.send()).await).await?;
        let bytes = waiting.until(response.bytes()).await.with_context(|| self.broke_off())?;
        serde_json::from_slice(&bytes).with_context(|| format!("{} did not answer with JSON", self.base))
    }

    /// The response, if it is one of success.
    async fn accepted(&self, sent: reqwest::Result<Response>) -> Result<Response> {
        // Without its URL, which would be said twice.
        let response = sent.map_err(reqwest::Error::without_url).with_context(|| {
            format!(
                "no answer from {}; is the gateway running, and is PORTCULLIS_URL (or --url) its address?",
                self.base
            )
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let bytes = response.bytes().await.unwrap_or_default();
        let message = refusal(status, &serde_json::from_slice(&bytes).unwrap_or_default());
        if status.is_client_error() && status != StatusCode::CONFLICT {
            return Err(Usage(message).into());
        }
        bail!(message)
    }

    fn broke_off(&self) -> String {
        format!("the answer of {} broke off", self.base)
    }
}

const NO_KEY: &str = "no key for the admin API: set PORTCULLIS_API_KEY (or PORTCULLIS_ADMIN_KEY); \
     `portcullis keys create --admin` makes one";

/// Text from elsewhere, without what would steer the terminal.
pub(crate) fn terminal_text(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What the gateway says of a request that it refuses.
fn refusal(status: StatusCode, body: &Value) -> String {
    let message = body.pointer("/error/message").and_then(Value::as_str);
    let message = message.map_or_else(|| format!("it answered {status}"), str::to_owned);
    format!("the gateway refuses: {message}")
}

fn base(raw: &str) -> Result<Url> {
    let wrong = || {
        Usage(format!("`{}` is no address of a gateway, such as http://127.0.0.1:8787", raw.escape_debug()))
    };
    let url = Url::parse(raw.trim()).map_err(|_| wrong())?;
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    if !is_http || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(wrong().into());
    }
    Ok(url)
}

/// Why a stream was given up.
#[derive(Debug, thiserror::Error)]
enum NotEvents {
    #[error("the gateway's answer is no stream of events")]
    Sse(#[from] SseError),
    #[error("an event of the gateway is not JSON")]
    Json(#[source] serde_json::Error),
    #[error(transparent)]
    Handler(anyhow::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_origin_with_or_without_a_path() {
        for raw in ["http://127.0.0.1:8787", "https://gateway.example.com/portcullis/", " http://[::1]:1 "] {
            assert!(base(raw).is_ok(), "{raw}");
        }
        for raw in ["", "localhost:8787", "ftp://x", "http://", "http://x?a=b", "http://user@x"] {
            let text = base(raw).expect_err(raw).to_string();
            assert!(text.contains("is no address of a gateway"), "{text}");
        }
    }

    #[test]
    fn a_refusal_is_in_the_gateways_words() {
        let body = serde_json::json!({"error": {"message": "`region` is missing"}});
        assert_eq!(refusal(StatusCode::BAD_REQUEST, &body), "the gateway refuses: `region` is missing");
        assert_eq!(
            refusal(StatusCode::BAD_GATEWAY, &Value::Null),
            "the gateway refuses: it answered 502 Bad Gateway"
        );
    }
}
