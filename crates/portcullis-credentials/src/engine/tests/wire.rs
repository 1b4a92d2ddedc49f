//! The wire to STS: an HTTP client for the AWS SDK that answers as the weather is, a little later, and counts.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sts::config::{BehaviorVersion, Region as SdkRegion, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::date_time::Format;
use portcullis_types::SharedClock;

use super::world::HOUR;
use crate::settings::EngineSettings;
use crate::sts::AwsSts;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weather {
    /// A session of an hour.
    Fair,
    /// Nobody listens.
    Refused,
    /// No answer ever.
    Silent,
    /// `Throttling`, as XML.
    Throttled,
    /// HTTP 503, by a load balancer that knows no XML.
    Unavailable,
    /// HTTP 200, with a page of somebody else's.
    Garbage,
    /// A session's XML that breaks off in the middle of the key.
    Truncated,
    /// `AccessDenied`, as XML.
    Denied,
}

/// A wire under some weather. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Wire(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: SharedClock,
    weather: Mutex<Weather>,
    calls: AtomicUsize,
}

impl Wire {
    pub(super) fn new(clock: &SharedClock) -> Self {
        let (clock, weather) = (Arc::clone(clock), Mutex::new(Weather::Fair));
        Self(Arc::new(Inner { clock, weather, calls: AtomicUsize::new(0) }))
    }

    pub(super) fn set(&self, weather: Weather) {
        *self.0.weather.lock().unwrap() = weather;
    }

    /// How many HTTP requests there have been.
    pub(super) fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    /// STS at the other end of the wire.
    pub(super) fn sts(&self, settings: &EngineSettings) -> AwsSts {
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(SdkRegion::from_static("us-east-1"))
            .http_client(self.clone())
            .build();
        AwsSts::with_sdk(sdk, settings)
    }

    async fn answer(self) -> Result<HttpResponse, ConnectorError> {
        let call = self.0.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let weather = *self.0.weather.lock().unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
        match weather {
            Weather::Fair => Ok(self.http(200, self.session(call))),
            Weather::Refused => {
                Err(ConnectorError::io(io::Error::from(io::ErrorKind::ConnectionRefused).into()))
            }
            Weather::Silent => std::future::pending().await,
            Weather::Throttled => Ok(self.http(400, error("Throttling", "Rate exceeded"))),
            Weather::Unavailable => Ok(self.http(503, "<html>Service Unavailable</html>".to_owned())),
            Weather::Garbage => Ok(self.http(200, "<html>Please log in to this network".to_owned())),
            Weather::Truncated => {
                let mut session = self.session(call);
                session.truncate(session.find("EXAMPLE").unwrap());
                Ok(self.http(200, session))
            }
            Weather::Denied => {
                let said = "User: arn:aws:iam::123456789012:user/gateway is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/claude";
                Ok(self.http(403, error("AccessDenied", said)))
            }
        }
    }

    fn http(&self, status: u16, body: String) -> HttpResponse {
        let mut answer = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body));
        let date = DateTime::from(self.0.clock.now()).fmt(Format::HttpDate).unwrap();
        answer.headers_mut().insert("date", date);
        answer.headers_mut().insert("x-amzn-requestid", "c6104cbe-af31-11e0-8154-cbc7ccf896c7");
        answer
    }

    fn session(&self, call: usize) -> String {
        let end = DateTime::from(self.0.clock.now() + HOUR).fmt(Format::DateTime).unwrap();
        format!(
            r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:pcs</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/claude/pcs</Arn></AssumedRoleUser><Credentials><AccessKeyId>ASIAEXAMPLE{call:08}</AccessKeyId><SecretAccessKey>hunter2-secret</SecretAccessKey><SessionToken>hunter2-token</SessionToken><Expiration>{end}</Expiration></Credentials></AssumeRoleResult><ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata></AssumeRoleResponse>"#
        )
    }
}

fn error(code: &str, message: &str) -> String {
    format!(
        r#"<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ErrorResponse>"#
    )
}

impl HttpConnector for Wire {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().answer())
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
