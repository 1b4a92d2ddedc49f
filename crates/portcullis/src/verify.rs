//! `portcullis verify`: has the gateway verify an integration, and shows each step as it finishes.

mod report;

use std::io::{Write, stdout};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};

use crate::cli::VerifyOptions;
use crate::client::{AdminClient, Event};
use report::{StepReport, Verdict};

/// Verifies, and fails unless the verdict is `verified`.
///
/// # Errors
/// Also when the gateway cannot be asked, or the stream ends without a verdict.
pub(crate) async fn run(options: &VerifyOptions) -> Result<()> {
    let client = AdminClient::new(&options.gateway)?;
    let body = json!({ "inference": options.inference });
    let path = ["v1", "integrations", &options.integration, "verify"];
    let mut verdict = None;
    client
        .stream(&path, &body, |event| {
            verdict = show(options, event)?.or(verdict.take());
            Ok(())
        })
        .await?;
    let verdict = verdict.context("the gateway ended the verification without a verdict")?;
    if verdict.is_verified() {
        return Ok(());
    }
    bail!("the integration `{}` is {}", options.integration, verdict.status)
}

/// Prints what an event says; the verdict, if it is that.
fn show(options: &VerifyOptions, Event { name, data }: Event) -> Result<Option<Verdict>> {
    let (text, verdict) = match name.as_str() {
        "step" => (step_text(&data)?, None),
        "done" => {
            let verdict: Verdict =
                serde_json::from_value(data.clone()).context("the gateway's verdict cannot be read")?;
            (verdict.text(), Some(verdict))
        }
        "error" => {
            let message = data.pointer("/error/message").and_then(Value::as_str).unwrap_or("no reason given");
            return Err(anyhow!("the gateway could not go on: {message}"));
        }
        // Something that a later version says besides.
        _ => return Ok(None),
    };
    let text = if options.json { format!("{data}\n") } else { text };
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("failed to write to standard output")?;
    Ok(verdict)
}

fn step_text(data: &Value) -> Result<String> {
    let step: StepReport =
        serde_json::from_value(data.clone()).context("a step of the gateway cannot be read")?;
    Ok(step.text())
}
