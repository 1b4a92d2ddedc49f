//! What `portcullis setup` asks a person for. Questions go to standard error, so that the output can be kept.

use anyhow::{Context, Result};
use dialoguer::{Confirm, Input, MultiSelect, Select};
use portcullis_types::{AccountId, Feature, RoleName};

use crate::cli::{SetupOptions, TargetOption};

/// Completes the options with answers. Each answer is checked as it is typed, and asked for again if it is wrong.
///
/// # Errors
/// When the terminal goes away.
pub(super) fn ask(options: &mut SetupOptions) -> Result<()> {
    answers(options).context("the question was not answered")
}

fn answers(options: &mut SetupOptions) -> dialoguer::Result<()> {
    if options.targets.is_empty() && options.region.is_none() {
        options.targets = ask_targets()?;
    }
    if options.features.is_none() {
        options.features = Some(ask_features()?);
    }
    if options.role_name.is_none() {
        let question = Input::new().with_prompt("Name of the IAM role to make");
        let default: RoleName = "portcullis-claude".parse().expect("it is a role's name");
        options.role_name = Some(question.default(default).interact_text()?);
    }
    if options.account_id.is_none() {
        options.account_id = ask_account()?;
    }
    Ok(())
}

fn ask_targets() -> dialoguer::Result<Vec<TargetOption>> {
    let mut targets = Vec::new();
    loop {
        let region = Input::new().with_prompt("AWS region of the Anthropic workspace, such as us-west-2");
        let workspace = Input::new().with_prompt("The workspace's id, such as wrkspc_01AbC");
        targets.push(TargetOption {
            region: region.interact_text()?,
            workspace_id: workspace.interact_text()?,
            name: None,
        });
        if !Confirm::new().with_prompt("Another region or workspace?").default(false).interact()? {
            return Ok(targets);
        }
    }
}

fn ask_features() -> dialoguer::Result<String> {
    let choices = [
        "Inference only: messages, counting tokens, models",
        "Everything the gateway can do",
        "Let me choose",
    ];
    let question = Select::new().with_prompt("What may the role be used for?").items(choices).default(0);
    match question.interact()? {
        0 => Ok("inference_only".to_owned()),
        1 => Ok("full".to_owned()),
        _ => ask_each_feature(),
    }
}

/// Inference always belongs to it: without it there is nothing to integrate.
fn ask_each_feature() -> dialoguer::Result<String> {
    let rest: Vec<_> = Feature::ALL.into_iter().filter(|feature| *feature != Feature::Inference).collect();
    let shown = rest.iter().map(|feature| feature.as_str().replace('_', " "));
    let question =
        MultiSelect::new().with_prompt("Besides inference (space chooses, enter ends)").items(shown);
    let chosen = question.interact()?.into_iter().map(|idx| rest[idx]);
    let names: Vec<_> = std::iter::once(Feature::Inference).chain(chosen).map(Feature::as_str).collect();
    Ok(names.join(","))
}

/// `None` when nothing is typed: a placeholder stands for it then.
fn ask_account() -> dialoguer::Result<Option<AccountId>> {
    let question = Input::<String>::new()
        .with_prompt("AWS account of the role, 12 digits (empty: fill it in later)")
        .allow_empty(true)
        .validate_with(|typed: &String| match typed.parse::<AccountId>() {
            Err(error) if !typed.is_empty() => Err(error.to_string()),
            _ => Ok(()),
        });
    Ok(question.interact_text()?.parse().ok())
}
