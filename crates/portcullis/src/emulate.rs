//! `portcullis emulate`: AWS on this machine, for trying things and for tests.

use anyhow::{Context, Result};
use portcullis_emulator::{Emulator, world};
use serde_json::json;
use tokio::net::TcpListener;

use crate::cli::EmulateOptions;
use crate::{ready_file, stop};

/// Serves the emulator until SIGTERM or Ctrl-C.
///
/// # Errors
/// When the address is taken or the ready file cannot be written.
pub(crate) async fn run(options: EmulateOptions) -> Result<()> {
    if let Some(path) = &options.ready_file {
        ready_file::clear(path)?;
    }
    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("failed to listen on {}", options.listen))?;
    let address = format!("http://{}", listener.local_addr()?);
    let mut stop = stop::signals()?;
    let emulator = Emulator::builder().build().spawn(listener)?;
    let environment = environment(&address);
    explain(&address, &environment);
    if let Some(path) = &options.ready_file {
        let variables: serde_json::Map<_, _> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        ready_file::write(path, &json!({ "address": address, "env": variables }))?;
    }
    stop.received().await;
    drop(emulator);
    Ok(())
}

/// What makes a gateway take the emulator for AWS.
fn environment(address: &str) -> [(&'static str, String); 4] {
    [
        ("AWS_ACCESS_KEY_ID", world::GATEWAY_ACCESS_KEY_ID.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", world::GATEWAY_SECRET_ACCESS_KEY.to_owned()),
        ("AWS_ENDPOINT_URL_STS", address.to_owned()),
        ("ANTHROPIC_AWS_BASE_URL", address.to_owned()),
    ]
}

#[expect(clippy::print_stdout, reason = "what to set is the command's output")]
fn explain(address: &str, environment: &[(&str, String)]) {
    println!("STS and Claude Platform on AWS are emulated at {address}.\n");
    println!("Start a gateway that takes it for AWS:\n");
    for (name, value) in environment {
        println!("    export {name}={value}");
    }
    println!("    portcullis\n");
    println!("What exists in it:\n");
    println!("    role         {}", world::ROLE_ARN);
    println!("    external ID  {}", world::EXTERNAL_ID);
    println!("    region       {}", world::REGION);
    println!("    workspace    {}", world::WORKSPACE_ID);
    println!("    API key      {}\n", world::API_KEY);
    println!("Instead of the keys a gateway can find the role of a machine, as inside AWS:\n");
    println!("    export AWS_EC2_METADATA_SERVICE_ENDPOINT={address}\n");
    println!("What it verified of each request:  curl {address}/_emulator/requests");
    println!("Answers and faults are chosen in a prompt, such as [[emulator:tool_use]] or [[emulator:529]].");
}
