//! xtask's one door to the environment.

use std::path::PathBuf;
use std::process::Command;

/// A variable that is set and not empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    let value = std::env::var(name).ok();
    value.filter(|value| !value.is_empty())
}

/// The folders of `PATH`.
pub(crate) fn search_path() -> Vec<PathBuf> {
    variable("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// Whether a program of this name can be run.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    search_path().into_iter().map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Takes away whatever the caller's shell says to AWS SDKs and to the gateway, so that a run depends on what xtask
/// sets alone (and a developer's own AWS profile is never used).
pub(crate) fn without_settings(command: &mut Command) -> &mut Command {
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    let all = std::env::vars_os();
    let names = all.map(|(name, _)| name);
    for name in names.filter(|name| is_setting(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
}

fn is_setting(name: &str) -> bool {
    let prefixes = ["AWS_", "ANTHROPIC_", "OPENAI_", "PORTKEY_", "PORTCULLIS_", "OTEL_"];
    prefixes.iter().any(|prefix| name.starts_with(prefix))
        || ["DATABASE_URL", "RUST_LOG"].contains(&name)
        || name.to_ascii_lowercase().ends_with("_proxy")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_change_a_run_is_taken_away_and_the_rest_stays() {
        for name in ["AWS_PROFILE", "DATABASE_URL", "PORTCULLIS_LISTEN", "https_proxy", "HTTP_PROXY"] {
            assert!(is_setting(name), "{name}");
        }
        for name in ["PATH", "HOME", "CARGO_HOME", "SSL_CERT_FILE"] {
            assert!(!is_setting(name), "{name}");
        }
    }
}
