//! Rows about batches.

use portcullis_provider::compatibility::{BATCH_LINES, BATCH_RESULTS};
use portcullis_provider::openai_batch::output;
use portcullis_provider::openai_batch::{BatchEndpoint, InputLine, LineResult, ResultLine};
use portcullis_provider::{ResponseContext, Warnings, to_completion};

#[test]
fn every_row_about_a_line_is_what_the_reader_does() {
    for row in BATCH_LINES {
        let line = InputLine::parse(row.given.as_bytes(), 1, BatchEndpoint::ChatCompletions);
        assert_eq!(line.err().map(|error| error.code.to_string()).as_deref(), row.fails, "{}", row.line);
    }
}

#[test]
fn every_row_about_a_result_is_what_the_writer_does() {
    let context = ResponseContext::default();
    for row in BATCH_RESULTS {
        let line = ResultLine::parse(row.given).unwrap();
        let written = match line.result {
            LineResult::Succeeded(message) => {
                let body = to_completion(message.as_bytes(), &context, 0).unwrap().body;
                output::succeeded("a", "r0", "msg_1", &body, &Warnings::default())
            }
            LineResult::Errored(error) => output::errored("a", "r0", error, &context),
            LineResult::Expired => output::unanswered("a", "r0", "batch_expired", "too late"),
            LineResult::Canceled => output::unanswered("a", "r0", "batch_cancelled", "not wanted"),
        };
        let written = String::from_utf8(written).unwrap();
        assert!(written.contains(row.holds), "{}: {}\n{written}", row.result, row.holds);
    }
}
