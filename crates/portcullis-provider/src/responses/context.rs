//! What the way back needs to know about a request of the Responses API.

use std::collections::{BTreeMap, BTreeSet};

use crate::ResponseContext;
use crate::chat::request::ToolNames;

/// What the translation of the answer needs to know about the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponsesContext {
    /// The client asked for a stream.
    pub client_streams: bool,
    /// The request's parameters as the response repeats them.
    pub echo: Echo,
    /// The response is kept. The gateway clears it where it keeps none.
    pub store: bool,
    /// What the client asked to see beside the answer.
    pub include: Include,
    /// Names of the client's tools of type `custom`, whose calls are turned back into that type.
    pub custom_tools: BTreeSet<String>,
    /// Tools that the client keeps in namespaces, by the names they were sent under.
    pub namespaces: BTreeMap<String, Namespaced>,
    /// The client's names of tools that were sent under other names.
    pub tool_names: ToolNames,
    /// The client sent `service_tier`, so the answer tells the tier.
    pub service_tier_asked: bool,
    /// How an upstream's error is told in the client's terms.
    pub upstream: ResponseContext,
}

/// The name of a tool inside a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespaced {
    /// The namespace's name.
    pub namespace: String,
    /// The tool's own.
    pub name: String,
}

/// Parameters that a response repeats, each as the JSON it was written in; those that were not given are left out.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Echo(pub(crate) Vec<(&'static str, String)>);

impl Echo {
    /// What was written for a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| *key == name).map(|(_, raw)| raw.as_str())
    }
}

impl std::fmt::Debug for Echo {
    /// Without the values: instructions are a prompt.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// The request's `include`, as far as it changes anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Include {
    /// Reasoning items carry what makes them valid in a later request.
    pub encrypted_reasoning: bool,
    /// Web searches list the pages they found.
    pub search_sources: bool,
    /// Executed code shows its output.
    pub code_outputs: bool,
}
