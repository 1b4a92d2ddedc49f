//! Reads what a Rust test binary prints.

use anyhow::{Context, Result, ensure};

/// One test and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict<'a> {
    pub(super) path: &'a str,
    pub(super) passed: bool,
}

/// Every test of a binary's output. An ignored test has not passed: nothing here passes by being skipped.
///
/// # Errors
/// When the binary did not come to its summary, or the summary counts other tests than were read.
pub(super) fn verdicts(output: &str) -> Result<Vec<Verdict<'_>>> {
    let verdicts: Vec<Verdict<'_>> = output.lines().filter_map(verdict).collect();
    let summary = output.lines().find_map(summary).context("it ended before its summary")?;
    ensure!(
        verdicts.len() as u64 == summary,
        "{} tests were read, its summary says {summary}",
        verdicts.len()
    );
    Ok(verdicts)
}

/// `test some::path ... ok`, with ` - should panic` behind the path of some.
fn verdict(line: &str) -> Option<Verdict<'_>> {
    let (path, outcome) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let path = path.strip_suffix(" - should panic").unwrap_or(path);
    Some(Verdict { path, passed: outcome == "ok" })
}

/// How many tests `test result: ok. 3 passed; 1 failed; 2 ignored; …` counts.
fn summary(line: &str) -> Option<u64> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let count = |word: &str| {
        let part = counts.split("; ").find(|part| part.ends_with(word))?;
        part.split(' ').next()?.parse::<u64>().ok()
    };
    Some(count("passed")? + count("failed")? + count("ignored")?)
}

/// The totals `(passed, not passed)` of several binaries' outputs, such as those of documentation tests.
pub(super) fn totals(output: &str) -> (u64, u64) {
    let verdicts: Vec<bool> = output.lines().filter_map(verdict).map(|verdict| verdict.passed).collect();
    let passed = verdicts.iter().filter(|passed| **passed).count() as u64;
    (passed, verdicts.len() as u64 - passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "
running 4 tests
test store::postgres::keys_are_unique ... ok
test store::sqlite::keys_are_unique ... FAILED
test panics - should panic ... ok
test slow ... ignored

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
";

    #[test]
    fn every_test_is_read_and_an_ignored_one_has_not_passed() {
        let read: Vec<_> = verdicts(OUTPUT).unwrap().into_iter().map(|v| (v.path, v.passed)).collect();
        let expected = [
            ("store::postgres::keys_are_unique", true),
            ("store::sqlite::keys_are_unique", false),
            ("panics", true),
            ("slow", false),
        ];
        assert_eq!(read, expected);
        assert_eq!(totals(OUTPUT), (2, 2));
    }

    #[test]
    fn a_binary_that_crashed_or_lost_a_test_is_not_believed() {
        assert!(verdicts("running 1 test\n").unwrap_err().to_string().contains("before its summary"));
        let lost = OUTPUT.replace("test slow ... ignored\n", "");
        assert!(verdicts(&lost).unwrap_err().to_string().contains("3 tests were read, its summary says 4"));
    }
}
