//! A chat request through an assumed role, with nothing but this repository: emulator and gateway are started, and real
//! `curl` processes do what a user would. What is printed is what is run.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::arguments::Arguments;
use crate::environment::{find_program, variable};
use crate::scratch::Scratch;
use crate::stack::{Emulator, Gateway, GatewayOptions, Stack};
use crate::{interrupt, progress, workspace};

mod evidence;
mod shell;

use shell::Shell;

pub(crate) const HELP: &str = "
Usage: cargo xtask demo [--once] [--skip-build]

Builds the gateway, starts it beside a stand-in for AWS on free ports, and does over HTTP what a user would: registers
an integration (role, region, workspace), a provider and a key, has the integration verified step by step, then asks
Claude in OpenAI's dialect, whole and streamed, and in Anthropic's. Shows what the stand-in verified of each signed request.
Then both stay up until Ctrl-C, for you to try more: each line that was run can be pasted into a shell.

  --once         exit instead of staying up; the exit status is 0 if every answer was as it should be
  --skip-build   take the binary that was built last

DATABASE_URL (postgres://…) names a database to use instead of an embedded one in a temporary folder. It keeps what
the demo registers; the secrets that belong to it lie in target/demo.
";

/// The example world of `portcullis emulate` has this role and workspace.
const INTEGRATION: &str = r#"{
  "name": "Claude through AWS",
  "slug": "SLUG",
  "ai_provider_id": "claude-platform-aws",
  "configurations": {
    "aws_auth_type": "assumedRole",
    "aws_role_arn": "arn:aws:iam::123456789012:role/portcullis-claude",
    "aws_region": "us-west-2",
    "anthropic_aws_workspace_id": "wrkspc_01AbCdEf23GhIj"
  }
}"#;
const MODEL: &str = "claude-sonnet-5-5";
/// How each kind of key is sent; both planes also take the others' ways.
const AS_ADMIN: &str = "x-portkey-api-key: $PORTCULLIS_ADMIN_KEY";
const AS_OPENAI_CLIENT: &str = "authorization: Bearer $PORTCULLIS_KEY";
const AS_ANTHROPIC_CLIENT: &str = "x-api-key: $PORTCULLIS_KEY";

/// Runs the demo.
pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    let (once, skip_build) = (arguments.flag("--once"), arguments.flag("--skip-build"));
    arguments.finish()?;
    ensure!(find_program("curl").is_some(), "the demo runs `curl`, which is not installed");
    let binary = if skip_build { workspace::gateway_binary()? } else { workspace::build_gateway()? };
    let folder = Scratch::new("demo")?;
    let stack = Stack { binary: &binary, folder: folder.path() };
    let emulator = progress::quiet("starting a stand-in for AWS", || stack.start_emulator())?;
    let place = Place::choose(folder.path())?;
    let gateway = progress::quiet("starting the gateway", || place.start(&stack, &emulator))?;
    let demo = Demo {
        binary: &binary,
        gateway_address: &gateway.address,
        emulator: &emulator,
        suffix: place.suffix(),
    };
    if let Err(error) = demo.perform(&place.admin_key(&gateway)?) {
        interrupt::check()?;
        let log = std::fs::read_to_string(stack.log_of("gateway")).unwrap_or_default();
        bail!("{error:#}\n\nThe gateway's log:\n{log}");
    }
    if !once {
        println!("The gateway is at {0} and stays up until Ctrl-C.\n", gateway.address);
        interrupt::wait_forever();
        println!("\nStopping both.");
    }
    Ok(())
}

/// Where the gateway keeps its data.
struct Place {
    data_folder: std::path::PathBuf,
    database_url: Option<String>,
}

impl Place {
    /// The secrets that belong to a lasting database must last as long as it does, so they lie outside the temporary
    /// folder, one folder a database.
    fn choose(temporary: &Path) -> Result<Self> {
        let Some(url) = variable("DATABASE_URL") else {
            let data_folder = temporary.join("data");
            std::fs::create_dir(&data_folder)?;
            return Ok(Self { data_folder, database_url: None });
        };
        ensure!(url.starts_with("postgres"), "DATABASE_URL must be a `postgres://` URL for the demo");
        progress::note("using the database of DATABASE_URL");
        let name = url.rsplit('@').next().unwrap_or_default();
        let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let data_folder = workspace::metadata()?.target_directory.join("demo").join(name).into_std_path_buf();
        std::fs::create_dir_all(&data_folder)?;
        Ok(Self { data_folder, database_url: Some(url) })
    }

    fn start(&self, stack: &Stack<'_>, emulator: &Emulator) -> Result<Gateway> {
        let known_key = self.known_key();
        let options = GatewayOptions {
            database_url: self.database_url.as_deref(),
            admin_key: known_key.as_deref(),
            ..GatewayOptions::at(&self.data_folder)
        };
        stack.start_gateway(emulator, &options)
    }

    /// Behind each name: a lasting database has the names of earlier runs.
    fn suffix(&self) -> String {
        self.database_url.as_ref().map_or_else(String::new, |_| format!("-{}", std::process::id()))
    }

    fn known_key(&self) -> Option<String> {
        variable("PORTCULLIS_ADMIN_KEY")
            .or_else(|| std::fs::read_to_string(self.data_folder.join("demo-admin-key")).ok())
    }

    /// The key that the gateway has just made, or the one of an earlier run.
    fn admin_key(&self, gateway: &Gateway) -> Result<String> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        if let Some(key) = &gateway.admin_key {
            let path = self.data_folder.join("demo-admin-key");
            let mut options = std::fs::OpenOptions::new();
            options
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(path)?
                .write_all(key.as_bytes())?;
            return Ok(key.clone());
        }
        self.known_key()
            .context("this database was set up before: pass its admin key in PORTCULLIS_ADMIN_KEY")
    }
}

/// What is done over HTTP.
struct Demo<'a> {
    binary: &'a Path,
    gateway_address: &'a str,
    emulator: &'a Emulator,
    suffix: String,
}

impl Demo<'_> {
    fn perform(&self, admin_key: &str) -> Result<()> {
        let mut shell = Shell::new();
        println!("\nTo paste any of the lines below, paste these first:\n");
        shell.export("PORTCULLIS", self.gateway_address);
        shell.export("PORTCULLIS_ADMIN_KEY", admin_key);
        let integration = self.register(&mut shell)?;
        self.verify(&mut shell, &integration)?;
        ask(&shell)?;
        evidence::show(&shell, self.emulator)
    }

    /// Integration, provider, key. Returns the integration's slug.
    fn register(&self, shell: &mut Shell) -> Result<String> {
        let suffix = &self.suffix;
        let provider = format!("claude{suffix}");
        shell.title("1. A platform engineer registers a role of the customer's AWS account: an integration");
        let integration = INTEGRATION.replace("SLUG", &format!("claude-on-aws{suffix}"));
        let made = shell.post("/v1/integrations", AS_ADMIN, &integration)?;
        let slug = text_at(&made, "/slug")?;
        shell.title("2. The customer writes the external ID of the answer into the role's trust policy");
        evidence::trust(shell, self.emulator, text_at(&made, "/configurations/aws_external_id")?)?;
        shell.title(
            "3. The engineer makes a provider, which gives the integration the name that developers write",
        );
        let body = format!(
            r#"{{"name": "Claude", "slug": "{provider}", "integration_id": "{slug}", "workspace_id": "ws-default"}}"#
        );
        let made = shell.post("/v1/providers", AS_ADMIN, &body)?;
        ensure!(text_at(&made, "/slug")? == provider, "the provider has another slug than was asked for");
        shell.title("4. … and a key for a developer");
        let body = r#"{"name": "demo", "workspace_id": "ws-default", "scopes": ["completions.write"]}"#;
        let key = shell.post_for_secret("/v1/api-keys/workspace/service", AS_ADMIN, body, "key")?;
        println!("The key is shown this once:\n");
        shell.export("PORTCULLIS_KEY", &key);
        shell.export("MODEL", &format!("@{provider}/{}", MODEL));
        Ok(slug.to_owned())
    }

    /// Proves the integration, and that nobody gets in without its external ID.
    fn verify(&self, shell: &mut Shell, integration: &str) -> Result<()> {
        shell.title("5. … and has it proven that all of it holds, the external ID above all");
        shell.export("PORTCULLIS_URL", self.gateway_address);
        shell.run_live(&format!("'{}' verify {integration}", self.binary.display()))?;
        // What is shown at the end is about the questions alone.
        shell.delete(&format!("{}/_emulator/requests", self.emulator.address))
    }
}

/// The requests of a developer.
fn ask(shell: &Shell) -> Result<()> {
    shell.title("6. A developer asks Claude, in OpenAI's dialect");
    let question = r#"{"model": "'$MODEL'", "max_tokens": 200, "messages": [{"role": "user", "content": "Why is the sky blue?"}]}"#;
    let answer = shell.post("/v1/chat/completions", AS_OPENAI_CLIENT, question)?;
    ensure!(answer["object"] == "chat.completion", "no chat completion came back");
    ensure!(!text_at(&answer, "/choices/0/message/content")?.is_empty(), "the answer is empty");
    shell.title("7. The same, streamed");
    let streamed = question.replace(
        r#""max_tokens""#,
        r#""stream": true, "stream_options": {"include_usage": true}, "max_tokens""#,
    );
    check_stream(&shell.stream("/v1/chat/completions", AS_OPENAI_CLIENT, &streamed)?)?;
    shell.title("8. The same, in Anthropic's dialect");
    let answer = shell.post("/v1/messages", AS_ANTHROPIC_CLIENT, question)?;
    ensure!(answer["type"] == "message", "no message came back");
    ensure!(!text_at(&answer, "/content/0/text")?.is_empty(), "the answer is empty");
    Ok(())
}

/// A stream is whole when it has text, usage, and `[DONE]` at its end.
fn check_stream(stream: &str) -> Result<()> {
    let data: Vec<&str> = stream.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    ensure!(data.last() == Some(&"[DONE]"), "the stream does not end with [DONE]");
    let chunks: Vec<Value> = data.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
    let has_text = |chunk: &Value| {
        chunk
            .pointer("/choices/0/delta/content")
            .is_some_and(|text| text.as_str().is_some_and(|t| !t.is_empty()))
    };
    ensure!(chunks.iter().any(has_text), "the stream has no text");
    ensure!(chunks.iter().any(|chunk| chunk["usage"].is_object()), "the stream has no usage");
    Ok(())
}

fn text_at<'a>(value: &'a Value, pointer: &str) -> Result<&'a str> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.with_context(|| format!("the answer has no text at `{pointer}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: &str = r#"data: {"choices": [{"delta": {"content": "Because"}}], "usage": null}"#;
    const USAGE: &str = r#"data: {"choices": [], "usage": {"total_tokens": 5}}"#;

    #[test]
    fn a_stream_without_text_usage_or_end_is_not_whole() {
        let check = |lines: &[&str]| check_stream(&lines.join("\n\n")).map_err(|error| error.to_string());
        assert_eq!(check(&[CHUNK, USAGE, "data: [DONE]"]), Ok(()));
        assert_eq!(check(&[CHUNK, USAGE]), Err("the stream does not end with [DONE]".into()));
        assert_eq!(check(&[USAGE, "data: [DONE]"]), Err("the stream has no text".into()));
        assert_eq!(check(&[CHUNK, "data: [DONE]"]), Err("the stream has no usage".into()));
    }
}
