//! `portcullis whoami`: the AWS identity that a gateway started here would have.

use std::io::{Write, stdout};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use portcullis_credentials::{CredentialEngine, CredentialsError, SourceIdentity};
use portcullis_types::SystemClock;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cli::WhoamiOptions;
use crate::client::waiting::Waiting;
use crate::config::Config;

/// Finds the identity as the gateway does, and asks STS whose it is.
///
/// # Errors
/// Why there is none, or why AWS refuses it, and what to do.
pub(crate) async fn run(options: &WhoamiOptions) -> Result<()> {
    let config = Config::load(&options.config)?;
    let settings = config.credentials.engine(Arc::new(SystemClock));
    let engine = CredentialEngine::from_environment(settings).await;
    let identity = Waiting::for_an_answer("AWS").until(engine.source_identity()).await;
    let identity = identity.map_err(|error| explained(&error))?;
    let text = if options.json { format!("{:#}\n", as_json(&identity)) } else { as_table(&identity) };
    stdout().write_all(text.as_bytes()).context("failed to write to standard output")
}

fn explained(error: &CredentialsError) -> anyhow::Error {
    let said = error.explain();
    let fix = said.fix.map(|fix| format!("\n  {fix}")).unwrap_or_default();
    anyhow!("{error}\n  {}{fix}", said.meaning)
}

fn as_json(identity: &SourceIdentity) -> Value {
    json!({
        "account": identity.account,
        "arn": identity.arn,
        "kind": identity.kind.as_str(),
        "expires_at": expiry(identity),
    })
}

fn as_table(identity: &SourceIdentity) -> String {
    let SourceIdentity { account, arn, kind, .. } = identity;
    let expires = expiry(identity).unwrap_or_else(|| "never: these are long-term keys".to_owned());
    format!("account   {account}\narn       {arn}\nfound by  {kind}\nexpires   {expires}\n")
}

fn expiry(identity: &SourceIdentity) -> Option<String> {
    let at = OffsetDateTime::from(identity.expires_at?);
    Some(at.format(&Rfc3339).expect("a time of this era can be written"))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use portcullis_credentials::SourceKind;

    use super::*;

    #[test]
    fn an_identity_is_a_table_for_people_and_an_object_for_programs() {
        let mut identity = SourceIdentity {
            account: "123456789012".into(),
            arn: "arn:aws:iam::123456789012:user/portcullis".into(),
            kind: SourceKind::Environment,
            expires_at: None,
        };
        assert_eq!(
            as_table(&identity),
            "account   123456789012\n\
             arn       arn:aws:iam::123456789012:user/portcullis\n\
             found by  environment\n\
             expires   never: these are long-term keys\n"
        );
        identity.expires_at = Some(UNIX_EPOCH + Duration::from_secs(1_795_348_800));
        assert_eq!(as_json(&identity)["expires_at"], "2026-11-22T12:00:00Z");
    }
}
