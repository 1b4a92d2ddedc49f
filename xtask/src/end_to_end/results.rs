//! What came of the tests, as `conftest.py` and `reporter.js` write it: one row a client.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::test::Row;

/// One row a client. Whatever did not pass has failed: a skipped test is a test that was not run.
pub(super) fn rows_of(text: &str, store: &str) -> Result<Vec<Row>> {
    let results: Value = serde_json::from_str(text).context("the results are no JSON")?;
    let tests = results["tests"].as_array().context("the results have no `tests`")?;
    ensure!(!tests.is_empty(), "no tests were found");
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    for test in tests {
        let client = test["client"].as_str().context("a result has no `client`")?;
        let row = rows.entry(client).or_insert_with(|| Row::new("end-to-end", format!("{client}, {store}")));
        row.count(test["outcome"] == "passed");
        row.duration +=
            Duration::try_from_secs_f64(test["seconds"].as_f64().unwrap_or(0.0)).unwrap_or_default();
    }
    Ok(rows.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_become_a_row_a_client_and_a_skipped_test_has_failed() {
        let text = r#"{"tests": [
            {"client": "openai", "outcome": "passed", "seconds": 0.25},
            {"client": "openai", "outcome": "skipped", "seconds": 0.25},
            {"client": "anthropic", "outcome": "passed", "seconds": 1}
        ]}"#;
        let rows = rows_of(text, "sqlite").unwrap();
        let told: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.passed, row.failed)).collect();
        assert_eq!(told, [("anthropic, sqlite", 1, 0), ("openai, sqlite", 1, 1)]);
        assert_eq!(rows[1].duration, Duration::from_millis(500));
    }

    #[test]
    fn no_tests_at_all_is_an_error() {
        assert!(rows_of(r#"{"tests": []}"#, "sqlite").is_err());
    }
}
