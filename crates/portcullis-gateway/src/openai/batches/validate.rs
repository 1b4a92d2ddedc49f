//! The validation phase: whether the input is a batch at all, before anything is sent.
//!
//! | what is wrong | code |
//! |---|---|
//! | the file is gone, has no lines, or more than 50,000 | `input_file_not_found`, `empty_file`, `too_many_tasks` |
//! | a line is longer than a request may be | `line_too_long` |
//! | a line is no JSON object, lacks a member, or asks for something else | `invalid_json_line`, `missing_required_parameter`, `invalid_type`, `invalid_method`, `url_mismatch` |
//! | a `custom_id` stands twice | `duplicate_custom_id` |
//! | there is no one provider for all lines | `missing_provider`, `unknown_provider`, `provider_mismatch`, `feature_not_enabled` |
//!
//! What is wrong with the request inside a line is told in the error file.

use std::collections::HashSet;
use std::sync::Arc;

use portcullis_catalog::{BatchState, CatalogError, ResolvedProvider, Snapshot};
use portcullis_provider::Envelope;
use portcullis_provider::openai_batch::{InlineItem, InputLine, LineError};
use portcullis_types::TenantWorkspaceId;

use super::document::Form;
use super::job::{Job, Next, Stop};
use super::lines::{FileLine, LinesError};
use super::provider::ProviderOfLines;

/// OpenAI's own limit. The upstream's, 100,000, is met by splitting.
pub(super) const MOST_LINES: u64 = 50_000;
/// So many errors are listed; whoever has more repairs these first.
const MOST_ERRORS: usize = 100;

impl Job<'_> {
    /// Reads the input once, from its first line to its last.
    pub(super) async fn validate(&mut self) -> Result<Next, Stop> {
        let mut check = Check::new(self.document.form, ProviderOfLines::new(self.header_provider()));
        match self.read_all(&mut check).await {
            Ok(()) => {}
            Err(Stop::Catalog(CatalogError::NotFound { .. })) => {
                let message = "the input file is not there any more";
                check.errors.push(LineError::file("input_file_not_found", message).of("input_file_id"));
            }
            Err(Stop::Input(LinesError::TooLong { number, limit })) => {
                let message = format!("the line is longer than {limit} bytes");
                check.errors.push(LineError::at(number, "line_too_long", message));
            }
            Err(stop) => return Err(stop),
        }
        self.conclude(check);
        Ok(Next::Again)
    }

    async fn read_all(&self, check: &mut Check) -> Result<(), Stop> {
        let mut lines = self.lines().await?;
        while let Some(line) = lines.next().await? {
            check.line(&line);
            if check.is_hopeless() {
                break;
            }
        }
        Ok(())
    }

    fn conclude(&mut self, mut check: Check) {
        self.document.counts.total = check.n_lines;
        if check.n_lines == 0 && check.errors.is_empty() {
            check
                .errors
                .push(LineError::file("empty_file", "the input file has no lines").of("input_file_id"));
        }
        if check.errors.is_empty() {
            let snapshot = self.gateway.catalog.snapshot();
            match check.resolve(&snapshot, self.batch.workspace_id) {
                Ok(provider) => self.batch.provider_id = Some(provider.provider_id),
                Err(error) => check.errors.push(error),
            }
        }
        if !check.errors.is_empty() {
            return self.fail(check.errors);
        }
        self.document.model = check.provider.model();
        self.document.times.in_progress = Some(self.now());
        self.batch.state = BatchState::InProgress;
    }
}

/// What is known of the lines so far.
pub(super) struct Check {
    form: Form,
    n_lines: u64,
    custom_ids: HashSet<Box<str>>,
    provider: ProviderOfLines,
    errors: Vec<LineError>,
}

impl Check {
    pub(super) fn new(form: Form, provider: ProviderOfLines) -> Self {
        Self { form, n_lines: 0, custom_ids: HashSet::new(), provider, errors: Vec::new() }
    }

    pub(super) fn line(&mut self, line: &FileLine) {
        self.n_lines += 1;
        if self.n_lines > MOST_LINES {
            let message = format!("a batch has at most {MOST_LINES} lines");
            self.errors.push(LineError::file("too_many_tasks", message).of("input_file_id"));
        } else if let Err(error) = self.check(line) {
            self.errors.push(error);
        }
    }

    fn check(&mut self, line: &FileLine) -> Result<(), LineError> {
        let number = line.number;
        let (custom_id, model) = match self.form {
            Form::Lines(endpoint) => {
                let InputLine { custom_id, model, .. } = InputLine::parse(&line.bytes, number, endpoint)?;
                (custom_id, model.map(std::borrow::Cow::into_owned))
            }
            Form::Requests => {
                let InlineItem { custom_id, params } = InlineItem::parse(&line.bytes, number)?;
                (custom_id, Envelope::scan(params.as_bytes()).ok().map(|envelope| envelope.model))
            }
        };
        if !self.custom_ids.insert(custom_id.into()) {
            let message = "the `custom_id` stands in an earlier line too";
            return Err(LineError::at(number, "duplicate_custom_id", message).of("custom_id"));
        }
        self.provider.note(model.as_deref(), number)
    }

    /// The first mistake, for whoever tells one at a time.
    pub(super) fn first_error(&self) -> Option<LineError> {
        self.errors.first().cloned()
    }

    /// The provider of all lines.
    pub(super) fn resolve(
        &self,
        snapshot: &Snapshot,
        workspace: TenantWorkspaceId,
    ) -> Result<Arc<ResolvedProvider>, LineError> {
        self.provider.resolve(snapshot, workspace)
    }

    fn is_hopeless(&self) -> bool {
        self.errors.len() >= MOST_ERRORS || self.n_lines > MOST_LINES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_provider::openai_batch::BatchEndpoint;

    fn errors(lines: &[String]) -> Vec<(String, Option<u64>)> {
        let form = Form::Lines(BatchEndpoint::ChatCompletions);
        let mut check = Check::new(form, ProviderOfLines::new(None));
        for (index, text) in (0..).zip(lines) {
            check.line(&FileLine { index, number: index + 1, bytes: text.clone().into_bytes() });
            if check.is_hopeless() {
                break;
            }
        }
        check.errors.into_iter().map(|error| (error.code.into_owned(), error.line)).collect()
    }

    fn line(id: &str) -> String {
        format!(
            r#"{{"custom_id":"{id}","method":"POST","url":"/v1/chat/completions","body":{{"model":"@a/m"}}}}"#
        )
    }

    #[test]
    fn an_id_that_stands_twice_is_told_by_its_line() {
        let seen = errors(&[line("a"), line("b"), line("a"), "{".into()]);
        assert_eq!(seen, [("duplicate_custom_id".into(), Some(3)), ("invalid_json_line".into(), Some(4))]);
    }

    #[test]
    fn errors_are_listed_up_to_a_number_and_lines_counted_up_to_a_limit() {
        assert_eq!(errors(&vec!["x".to_owned(); 500]).len(), MOST_ERRORS);
        let many: Vec<String> = (0..=MOST_LINES).map(|n| line(&n.to_string())).collect();
        assert_eq!(errors(&many), [("too_many_tasks".into(), None)]);
    }
}
