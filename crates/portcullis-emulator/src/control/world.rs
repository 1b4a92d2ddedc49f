//! The calls that show and change what exists.

use serde::Deserialize;
use serde_json::Value;

use super::{Refusal, no_such_call, read};
use crate::iam::Policy;
use crate::server::Arrival;
use crate::state::State;
use crate::world::World;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Endpoints {
    #[serde(default)]
    regional: bool,
    #[serde(default = "yes")]
    workspace_header_must_be_signed: bool,
}

fn yes() -> bool {
    true
}

/// Everything that exists, but for keys and tokens.
pub(super) fn without_secrets(state: &State) -> Result<Value, Refusal> {
    let mut world = state.world().clone();
    world.principals.iter_mut().for_each(|principal| principal.secret_access_key.clear());
    world.sources.clear_secrets();
    world.api_keys.iter_mut().for_each(|key| key.key.clear());
    serde_json::to_value(world).map_err(|error| (500, error.to_string()))
}

pub(super) fn change(state: &State, arrival: &Arrival, path: &[&str]) -> Result<(), Refusal> {
    let mut world = state.world();
    match path {
        ["roles", name] => _ = world.roles.insert((*name).to_owned(), read(arrival)?),
        ["workspaces", id] => _ = world.workspaces.insert((*id).to_owned(), read(arrival)?),
        ["accounts", id] => _ = world.accounts.insert((*id).to_owned(), read(arrival)?),
        ["api-keys"] => world.api_keys = read(arrival)?,
        ["principals", access_key_id, "policy"] => allow(&mut world, access_key_id, read(arrival)?)?,
        ["endpoints"] => set_endpoints(&mut world, &read(arrival)?),
        ["sources"] => {
            world.sources = read(arrival)?;
            // Whoever hands out credentials looks at the world while it holds what this takes.
            drop(world);
            state.sources.forget();
        }
        _ => return Err(no_such_call(arrival)),
    }
    Ok(())
}

fn allow(world: &mut World, access_key_id: &str, policy: Policy) -> Result<(), Refusal> {
    let holder = world.principals.iter_mut().find(|holder| holder.access_key_id == access_key_id);
    holder.ok_or_else(|| (404, format!("nobody has the access key id {access_key_id}")))?.policy = policy;
    Ok(())
}

fn set_endpoints(world: &mut World, endpoints: &Endpoints) {
    world.regional_endpoints = endpoints.regional;
    world.workspace_header_must_be_signed = endpoints.workspace_header_must_be_signed;
}
