//! What came of a batch: its output file and its error file, in the order of the input.
//!
//! Begun anew whenever it was broken off: a file that was not finished is not there.

use portcullis_catalog::BatchState;
use portcullis_provider::anthropic::summary::MessageSummary;
use portcullis_provider::chat::response::to_completion;
use portcullis_provider::error::{ApiError, Dialect, ErrorKind};
use portcullis_provider::openai_batch::{LineResult, ResultLine, output};
use portcullis_provider::responses::response::to_response;
use portcullis_provider::warnings::WarningKind;
use tokio::time::Instant;

use super::document::{Form, PartState};
use super::job::{Job, Next, Stop};
use super::lines::FileLine;
use super::output_files::{OutputFiles, push};
use super::poll::results_gone;
use super::prepare::{LineContext, Prepared, Translator, Unsendable, custom_id};
use super::results::{Found, Missing, RENEWAL, Results};
use crate::way::Admitted;

/// Which file a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Output,
    Errors,
}

impl Job<'_> {
    /// Reads the results and writes the files.
    pub(super) async fn finish(&mut self) -> Result<Next, Stop> {
        self.delete_unnamed_files().await?;
        self.give_up_the_unreachable();
        let admitted = self.admit("GET", "/v1/messages/batches/id/results").ok();
        let mut results = Results::new(self).await.map_err(Stop::Spool)?;
        for part_idx in 0..self.document.parts.len() {
            let PartState::Ended { id, .. } = self.document.parts[part_idx].state.clone() else { continue };
            // Nobody is asked for what there is not: only with something to fetch a provider is needed.
            let Some(admitted) = &admitted else { return Ok(Next::Wait(self.pause_after_failure())) };
            match results.fetch(self, admitted, &id).await? {
                Ok(()) => {}
                Err(Missing::NotNow) => return Ok(Next::Wait(self.pause_after_failure())),
                Err(Missing::Gone) => self.document.parts[part_idx].state = results_gone(),
            }
        }
        let files = self.write_files(admitted.as_ref(), &results).await?;
        self.conclude_with(files).await?;
        Ok(Next::Over)
    }

    async fn write_files(
        &mut self,
        admitted: Option<&Admitted>,
        results: &Results,
    ) -> Result<OutputFiles, Stop> {
        let mut files = OutputFiles::default();
        let translator = admitted.map(|admitted| Translator::new(self, admitted));
        let mut lines = self.lines().await?;
        let mut renewed = Instant::now();
        while let Some(line) = lines.next().await? {
            self.write_line(translator.as_ref(), results, &line, &mut files).await?;
            if renewed.elapsed() >= RENEWAL {
                self.save().await?;
                renewed = Instant::now();
            }
        }
        Ok(files)
    }

    async fn write_line(
        &self,
        translator: Option<&Translator<'_>>,
        results: &Results,
        line: &FileLine,
        files: &mut OutputFiles,
    ) -> Result<(), Stop> {
        let result = results.of(line.index).await.map_err(Stop::Spool)?;
        let prepared = match translator {
            Some(translator) => translator.prepare(line).await?,
            None => Ok(Prepared::unknown(self.document.form, custom_id(self.document.form, line))),
        };
        let written = self.line(line.index, prepared, result.as_ref());
        match written.side {
            Side::Output => push(self, &mut files.output, "output", &written.bytes).await?,
            Side::Errors => push(self, &mut files.errors, "errors", &written.bytes).await?,
        }
        if written.is_success {
            files.n_completed += 1;
        } else {
            files.n_failed += 1;
        }
        if let Some(usage) = written.usage {
            files.usage.add(&usage);
        }
        Ok(())
    }

    /// The line that a line of the input gets.
    fn line(&self, index: u64, prepared: Result<Prepared, Unsendable>, result: Option<&Found>) -> Written {
        let parsed = match result {
            None => None,
            Some(Found::Line(line)) => ResultLine::parse(line).ok(),
            Some(Found::TooLong) => {
                let (Ok(Prepared { custom_id, .. }) | Err(Unsendable { custom_id, .. })) = &prepared;
                return self.refused(custom_id, index, &too_long(self.gateway.settings.max_answer_bytes));
            }
        };
        match (prepared, parsed) {
            (Err(Unsendable { custom_id, error }), None) => self.refused(&custom_id, index, &error),
            // It could be translated when it was sent, and was answered: that it could not be now is of no account.
            (Err(Unsendable { custom_id, .. }), Some(result)) => {
                let unknown = Prepared::unknown(self.document.form, String::new());
                self.answered(&custom_id, index, &result, &unknown)
            }
            (Ok(prepared), Some(result)) => self.answered(&prepared.custom_id, index, &result, &prepared),
            (Ok(prepared), None) => self.unanswered(&prepared.custom_id, index),
        }
    }

    fn answered(&self, custom_id: &str, index: u64, line: &ResultLine<'_>, prepared: &Prepared) -> Written {
        if self.document.form == Form::Requests {
            return native(custom_id, line);
        }
        let surrogate = self.surrogates().of(index);
        match &line.result {
            LineResult::Succeeded(message) => self.completion(custom_id, &surrogate, message, prepared),
            LineResult::Errored(error) => {
                Written::error(output::errored(custom_id, &surrogate, error, prepared.context.of_errors()))
            }
            LineResult::Canceled => Written::error(cancelled(custom_id, &surrogate)),
            LineResult::Expired => Written::error(expired(custom_id, &surrogate)),
        }
    }

    fn completion(&self, custom_id: &str, surrogate: &str, message: &str, prepared: &Prepared) -> Written {
        let at = self.document.times.finalizing.and_then(|at| u64::try_from(at).ok()).unwrap_or(0);
        let mut warnings = prepared.warnings.clone();
        let answer = match &prepared.context {
            LineContext::Chat(context) => to_completion(message.as_bytes(), context, at)
                .map(|completion| (completion.body, completion.usage)),
            LineContext::Responses(context) => {
                to_response(message.as_bytes(), context, at, at).map(|answer| {
                    let dropped = answer.warnings.iter().filter_map(|token| token.strip_prefix("dropped:"));
                    dropped.for_each(|block| warnings.add(WarningKind::Dropped, block));
                    (answer.body, answer.usage)
                })
            }
        };
        match answer {
            Ok((body, usage)) => {
                let id = message_id(message);
                let bytes = output::succeeded(custom_id, surrogate, &id, &body, &warnings);
                Written { side: Side::Output, bytes, is_success: true, usage: Some(usage) }
            }
            Err(error) => Written::error(output::refused(custom_id, surrogate, None, &error)),
        }
    }

    fn refused(&self, custom_id: &str, index: u64, error: &ApiError) -> Written {
        if self.document.form == Form::Requests {
            let body = error.body(Dialect::Anthropic, &self.arrival.request_id.to_string());
            let result = format!(r#"{{"type":"errored","error":{}}}"#, String::from_utf8_lossy(&body));
            return Written { side: Side::Output, ..Written::error(output::native(custom_id, &result)) };
        }
        Written::error(output::refused(custom_id, &self.surrogates().of(index), None, error))
    }

    /// A line that was to be sent, and that no result answers.
    fn unanswered(&self, custom_id: &str, index: u64) -> Written {
        let part = self.document.parts.iter().find(|part| (part.first..part.end).contains(&index));
        let surrogate = self.surrogates().of(index);
        let is_native = self.document.form == Form::Requests;
        match part.map(|part| &part.state) {
            Some(PartState::Lost { status, code, message }) => {
                let kind = if *status < 500 { ErrorKind::InvalidRequest } else { ErrorKind::Server };
                self.refused(custom_id, index, &ApiError::new(*status, kind, code.clone(), message.clone()))
            }
            Some(PartState::Empty) => {
                let message = "the request could not be translated when the batch was sent";
                self.refused(
                    custom_id,
                    index,
                    &ApiError::new(400, ErrorKind::InvalidRequest, "batch_request_invalid", message),
                )
            }
            Some(_) => {
                let message = "the upstream's results have nothing for this request";
                self.refused(
                    custom_id,
                    index,
                    &ApiError::new(502, ErrorKind::Server, "batch_result_missing", message),
                )
            }
            None if is_native => {
                let kind = if self.is_cancel_requested() { "canceled" } else { "expired" };
                let result = format!(r#"{{"type":"{kind}"}}"#);
                Written { side: Side::Output, ..Written::error(output::native(custom_id, &result)) }
            }
            None if self.is_cancel_requested() => Written::error(cancelled(custom_id, &surrogate)),
            None => Written::error(expired(custom_id, &surrogate)),
        }
    }

    pub(super) fn end(&mut self) {
        let now = Some(self.now());
        let parts = || self.document.parts.iter().map(|part| &part.state);
        let is_cancelled = parts().any(|part| matches!(part, PartState::Ended { is_cancelled: true, .. }));
        let is_expired = parts().any(|part| matches!(part, PartState::Ended { n_expired: 1.., .. }));
        let is_unsent = !self.document.is_all_sent();
        let is_lost = parts().any(|part| matches!(part, PartState::Lost { .. }));
        let is_cancelled = is_cancelled || ((is_unsent || is_lost) && self.is_cancel_requested());
        self.batch.state = if is_cancelled {
            self.document.times.cancelled = now;
            BatchState::Cancelled
        } else if is_expired || is_unsent {
            self.document.times.expired = now;
            BatchState::Expired
        } else {
            self.document.times.completed = now;
            BatchState::Completed
        };
    }
}

/// A line of one of the files.
struct Written {
    side: Side,
    bytes: Vec<u8>,
    is_success: bool,
    usage: Option<portcullis_provider::Usage>,
}

impl Written {
    fn error(bytes: Vec<u8>) -> Self {
        Self { side: Side::Errors, bytes, is_success: false, usage: None }
    }
}

fn native(custom_id: &str, line: &ResultLine<'_>) -> Written {
    let usage = match &line.result {
        LineResult::Succeeded(message) => {
            MessageSummary::of(message.as_bytes()).ok().map(|summary| summary.usage)
        }
        _ => None,
    };
    let is_success = matches!(line.result, LineResult::Succeeded(_));
    Written { side: Side::Output, bytes: output::native(custom_id, line.raw), is_success, usage }
}

fn cancelled(custom_id: &str, surrogate: &str) -> Vec<u8> {
    let message = "the batch was cancelled before this request was answered";
    output::unanswered(custom_id, surrogate, "batch_cancelled", message)
}

fn expired(custom_id: &str, surrogate: &str) -> Vec<u8> {
    let message = "the batch's time was over before this request was answered";
    output::unanswered(custom_id, surrogate, "batch_expired", message)
}

fn message_id(message: &str) -> String {
    #[derive(serde::Deserialize)]
    struct Identified {
        #[serde(default)]
        id: String,
    }
    serde_json::from_str::<Identified>(message).map(|message| message.id).unwrap_or_default()
}

fn too_long(limit: usize) -> ApiError {
    let message =
        format!("the answer is longer than {limit} bytes, which is more than the gateway reads of one");
    ApiError::new(502, ErrorKind::Server, "upstream_answer_too_large", message)
}
