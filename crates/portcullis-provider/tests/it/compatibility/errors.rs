//! Rows about the upstream's errors.

use portcullis_provider::compatibility::ERRORS;
use portcullis_provider::{ResponseContext, UpstreamError};

#[test]
fn every_row_about_an_error_is_what_the_translator_does() {
    for row in ERRORS {
        let error = UpstreamError::parse(row.status, &|_| None, row.body.as_bytes());
        let error = error.to_openai(&ResponseContext::default());
        let seen = (error.status, error.kind.openai_type(), error.code.as_deref());
        assert_eq!(seen, row.client, "{} {}: {}", row.status, row.when, error.message);
        assert_eq!(error.should_retry, row.should_retry, "{} {}", row.status, row.when);
    }
}
