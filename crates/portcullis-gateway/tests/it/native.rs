//! Anthropic's own API beyond messages: what arrives upstream, what is refused, who may reach what.

mod batches;
mod files;
mod made;
mod messages;
mod models;
mod routes;
pub(crate) mod scene;
mod tenancy;
