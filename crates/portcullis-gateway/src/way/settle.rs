//! The end of an attempt: one record, written once, whatever happened.
//!
//! Metering takes over here: what is a line in the log today is the row of the ledger then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis_catalog::ResolvedProvider;
use portcullis_provider::error::Dialect;
use portcullis_provider::routes::Route;
use portcullis_provider::usage::Usage;
use portcullis_types::{ApiKeyId, ModelId, RequestId, TenantWorkspaceId};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::Admitted;
use super::send::Head;
use crate::arrival::Arrival;
use crate::claude_code::ClaudeCode;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The answer is whole.
    Complete,
    /// The upstream refused or failed before any of the answer reached the client.
    Refused,
    /// The answer broke off after some of it had reached the client.
    BrokenOff,
    /// The client went away first.
    ClientGone,
    /// The gateway stopped before the answer was whole.
    ShutDown,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Refused => "refused",
            Self::BrokenOff => "broken_off",
            Self::ClientGone => "client_gone",
            Self::ShutDown => "shut_down",
        }
    }
}

/// What is known of an attempt while it runs. Settled by [`Settlement::settle`], or on drop: whoever drops it without
/// settling was a client that went away, or a gateway that stopped.
#[derive(Debug)]
pub(crate) struct Settlement {
    record: Option<Record>,
    drain_deadline: CancellationToken,
}

/// The record itself.
#[derive(Debug)]
struct Record {
    request_id: RequestId,
    /// From 1: a request that is tried again has a record for each try.
    attempt: u32,
    dialect: Dialect,
    claude_code: ClaudeCode,
    key_id: ApiKeyId,
    workspace: TenantWorkspaceId,
    provider: Arc<ResolvedProvider>,
    /// The upstream's route, and the model that the request names, if it names one.
    route: &'static Route,
    model: Option<ModelId>,
    streams: bool,
    started: Instant,
    first_byte: Option<Duration>,
    upstream_status: Option<u16>,
    upstream_request_id: Option<String>,
    aws_request_id: Option<String>,
    error_code: Option<String>,
    usage: Usage,
    stop_reason: Option<String>,
    /// What was lost in the translation, as the client was told.
    warnings: Option<Arc<str>>,
}

impl Settlement {
    /// Opens the record of an attempt about to be dispatched.
    ///
    /// - `attempt`: counted from 1.
    /// - `drain_deadline`: tells a gateway that stopped from a client that went away.
    pub(crate) fn open(
        arrival: &Arrival,
        admitted: &Admitted,
        streams: bool,
        attempt: u32,
        drain_deadline: &CancellationToken,
    ) -> Self {
        Self {
            drain_deadline: drain_deadline.clone(),
            record: Some(Record {
                request_id: arrival.request_id,
                attempt,
                dialect: arrival.dialect,
                claude_code: arrival.claude_code.clone(),
                key_id: admitted.caller.0.key_id,
                workspace: admitted.workspace,
                provider: Arc::clone(&admitted.provider),
                route: admitted.route(),
                model: admitted.model.clone(),
                streams,
                started: arrival.started,
                first_byte: None,
                upstream_status: None,
                upstream_request_id: None,
                aws_request_id: None,
                error_code: None,
                usage: Usage::default(),
                stop_reason: None,
                warnings: None,
            }),
        }
    }

    /// Notes the head of the upstream's answer, with both of its request ids.
    pub(crate) fn answered(&mut self, head: &Head) {
        let Some(record) = &mut self.record else { return };
        record.upstream_status = Some(head.status.as_u16());
        record.upstream_request_id = head.header("request-id").map(str::to_owned);
        record.aws_request_id = head.header("x-amzn-requestid").map(str::to_owned);
    }

    /// Notes that the first byte of the answer is on its way to the client.
    pub(crate) fn first_byte(&mut self) {
        if let Some(record) = &mut self.record {
            record.first_byte.get_or_insert_with(|| record.started.elapsed());
        }
    }

    /// Notes what the upstream said of tokens so far, and why it stopped.
    pub(crate) fn used(&mut self, usage: &Usage, stop_reason: Option<&str>) {
        if let Some(record) = &mut self.record {
            record.usage = usage.clone();
            record.stop_reason = stop_reason.map(str::to_owned);
        }
    }

    /// Notes what was lost in the translation.
    pub(crate) fn translated(&mut self, warnings: Arc<str>) {
        if let Some(record) = &mut self.record {
            record.warnings = Some(warnings);
        }
    }

    /// Notes the stable code of what went wrong.
    pub(crate) fn failed(&mut self, code: &str) {
        if let Some(record) = &mut self.record {
            record.error_code = Some(code.to_owned());
        }
    }

    /// Closes the record of an attempt that came to nothing, and hands the reason on.
    pub(crate) fn refused(mut self, error: crate::error::GatewayError) -> crate::error::GatewayError {
        self.failed(error.to_client().code.as_deref().unwrap_or(""));
        self.settle(Outcome::Refused);
        error
    }

    /// Takes the record out of a place that is dropped later.
    pub(crate) fn take(&mut self) -> Self {
        Self { record: self.record.take(), drain_deadline: self.drain_deadline.clone() }
    }

    /// Closes the record. A second call does nothing.
    pub(crate) fn settle(&mut self, outcome: Outcome) {
        if let Some(record) = self.record.take() {
            record.write(outcome);
        }
    }
}

impl Drop for Settlement {
    fn drop(&mut self) {
        let stopped = self.drain_deadline.is_cancelled();
        self.settle(if stopped { Outcome::ShutDown } else { Outcome::ClientGone });
    }
}

impl Record {
    fn write(&self, outcome: Outcome) {
        let usage = &self.usage;
        info!(
            request.id = %self.request_id,
            request.attempt = self.attempt,
            request.dialect = dialect_name(self.dialect),
            request.stream = self.streams,
            claude_code.session_id = self.claude_code.session_id.as_deref(),
            claude_code.agent_id = self.claude_code.agent_id.as_deref(),
            claude_code.parent_agent_id = self.claude_code.parent_agent_id.as_deref(),
            key.id = %self.key_id,
            workspace.id = %self.workspace,
            provider.slug = %self.provider.provider_slug,
            integration.id = %self.provider.integration_id,
            route.path = self.route.path,
            route.action = self.route.action.name(),
            model.id = self.model.as_ref().map(tracing::field::display),
            upstream.status = self.upstream_status,
            upstream.request_id = self.upstream_request_id.as_deref(),
            aws.request_id = self.aws_request_id.as_deref(),
            error.code = self.error_code.as_deref(),
            usage.input_tokens = usage.input_tokens,
            usage.output_tokens = usage.output_tokens,
            usage.cache_read_input_tokens = usage.cache_read_input_tokens,
            usage.cache_creation_input_tokens = usage.cache_creation_input_tokens,
            stop_reason = self.stop_reason.as_deref(),
            translation.warnings = self.warnings.as_deref(),
            first_byte_ms = self.first_byte.map(milliseconds),
            duration_ms = milliseconds(self.started.elapsed()),
            outcome = outcome.as_str(),
            "request settled"
        );
    }
}

const fn dialect_name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAi => "openai",
        Dialect::Anthropic => "anthropic",
    }
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}
