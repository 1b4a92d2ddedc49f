//! What a verification says, as the gateway writes it and as a person reads it.

use dialoguer::console::{Style, StyledObject};
use serde::Deserialize;

use crate::client::terminal_text;

/// Where the texts beside the names of steps begin.
const COLUMN: usize = 34;

/// One step. Only what is shown; a newer gateway may say more.
#[derive(Debug, Deserialize)]
pub(super) struct StepReport {
    step: String,
    status: StepStatus,
    #[serde(default)]
    evidence: String,
    cause: Option<String>,
    fix: Option<String>,
    request_id: Option<String>,
    aws_request_id: Option<String>,
    duration_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StepStatus {
    Passed,
    Failed,
    Warning,
    Skipped,
}

/// What all steps come to.
#[derive(Debug, Deserialize)]
pub(super) struct Verdict {
    /// `verified`, `failing`, `unsafe` or `unverified`.
    pub(super) status: String,
}

impl StepStatus {
    fn mark(self) -> StyledObject<&'static str> {
        let style = Style::new();
        match self {
            Self::Passed => style.green().apply_to("✓"),
            Self::Failed => style.red().apply_to("✗"),
            Self::Warning => style.yellow().apply_to("!"),
            Self::Skipped => style.dim().apply_to("–"),
        }
    }

    const fn is_trouble(self) -> bool {
        matches!(self, Self::Failed | Self::Warning)
    }
}

impl StepReport {
    /// The step as lines: its mark, name and evidence; below them, in trouble, why and what to do.
    pub(super) fn text(&self) -> String {
        let name = title(&self.step);
        let time = self.duration_ms.filter(|ms| *ms >= 1000).map(seconds).unwrap_or_default();
        let mut text = format!("{} {name:<width$} ", self.status.mark(), width = COLUMN - 3);
        push_indented(&mut text, &format!("{}{time}", self.evidence), COLUMN);
        if self.status.is_trouble() {
            for (label, said) in [("why", &self.cause), ("fix", &self.fix)] {
                if let Some(said) = said {
                    text.push_str(&format!("    {label}  "));
                    push_indented(&mut text, said, 9);
                }
            }
            let ids = [("AWS request", &self.aws_request_id), ("request", &self.request_id)];
            for (label, id) in ids {
                if let Some(id) = id {
                    text.push_str(&format!("    {label} {}\n", terminal_text(id)));
                }
            }
        }
        text
    }
}

impl Verdict {
    pub(super) fn is_verified(&self) -> bool {
        self.status == "verified"
    }

    pub(super) fn text(&self) -> String {
        let style = Style::new().bold();
        match self.status.as_str() {
            "verified" => format!("\n{}\n", style.green().apply_to("verified")),
            "unsafe" => format!(
                "\n{}: the role can be assumed without the integration's external ID\n",
                style.red().apply_to("unsafe")
            ),
            other => format!("\n{}\n", style.red().apply_to(terminal_text(other))),
        }
    }
}

/// A step's name for people: `sts_reachable` is `STS reachable`.
fn title(step: &str) -> String {
    let text = terminal_text(step);
    let words = text.split('_').map(|word| match word {
        "sts" => "STS",
        "id" => "ID",
        other => other,
    });
    words.collect::<Vec<_>>().join(" ")
}

fn seconds(ms: u64) -> String {
    format!(" ({}.{} s)", ms / 1000, ms % 1000 / 100)
}

/// Adds `said` and a line end; its further lines start under its first.
fn push_indented(text: &mut String, said: &str, column: usize) {
    let mut lines = said.lines();
    text.push_str(&terminal_text(lines.next().unwrap_or_default()));
    text.push('\n');
    for line in lines {
        text.push_str(&format!("{:column$}{}\n", "", terminal_text(line)));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn step(value: serde_json::Value) -> String {
        serde_json::from_value::<StepReport>(value).unwrap().text()
    }

    #[test]
    fn abbreviations_are_written_as_such_and_words_left_alone() {
        assert_eq!(title("sts_reachable"), "STS reachable");
        assert_eq!(title("workspace_exists"), "workspace exists");
        assert_eq!(title("refused_with_wrong_external_id"), "refused with wrong external ID");
    }

    #[test]
    fn a_passed_step_is_one_line() {
        let text = step(json!({
            "step": "sts_reachable", "status": "passed", "evidence": "answered in 12 ms", "code": null, "cause": null,
            "fix": null, "request_id": null, "aws_request_id": "r-1", "duration_ms": 12,
        }));
        assert_eq!(text, "✓ STS reachable                   answered in 12 ms\n");
    }

    #[test]
    fn a_failed_step_says_why_and_what_to_do() {
        let text = step(json!({
            "step": "refused_without_external_id", "status": "failed", "evidence": "the role was assumed",
            "cause": "the trust policy has no condition", "fix": "add it:\n{\n  \"Condition\": {}\n}",
            "aws_request_id": "r-1", "duration_ms": 2345,
        }));
        assert_eq!(
            text,
            "✗ refused without external ID     the role was assumed (2.3 s)\n    \
             why  the trust policy has no condition\n    \
             fix  add it:\n         {\n           \"Condition\": {}\n         }\n    \
             AWS request r-1\n"
        );
    }

    #[test]
    fn nothing_that_comes_from_elsewhere_steers_the_terminal() {
        let text =
            step(json!({"step": "assume_role\u{1b}[2J", "status": "failed", "evidence": "\u{1b}]0;x\u{7}"}));
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }

    #[test]
    fn only_verified_is_verified() {
        let verdict = |status: &str| serde_json::from_value::<Verdict>(json!({"status": status})).unwrap();
        assert!(verdict("verified").is_verified());
        for other in ["failing", "unsafe", "unverified", "splendid"] {
            assert!(!verdict(other).is_verified(), "{other}");
        }
        assert!(verdict("unsafe").text().contains("without the integration's external ID"));
    }
}
