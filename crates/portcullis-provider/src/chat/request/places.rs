//! Where the parts of the sent request stand in the client's, for an upstream's error that names one of them.

/// Which API's names are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Names {
    #[default]
    Chat,
    Responses,
}

/// A compact map from the upstream's indices to the client's: eight bytes for each turn.
///
/// Only the place of a message or a tool is kept. Inside a message, parts may have been left out, joined or moved, so an
/// error about one of them names the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    names: Names,
    /// The client's message behind each turn; none if several were joined.
    turns: Box<[Option<u32>]>,
    tools: ToolPlaces,
}

/// Which of the sent tools are the client's, and the name of its list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ToolPlaces {
    pub(crate) list: &'static str,
    /// So many of the first tools stand in that list in the same order.
    pub(crate) count: usize,
}

impl Places {
    pub(crate) fn new(names: Names, turns: impl Iterator<Item = Option<usize>>, tools: ToolPlaces) -> Self {
        let turns = turns.map(|message| message.and_then(|index| u32::try_from(index).ok())).collect();
        Self { names, turns, tools }
    }

    /// What a client can do about an upstream's refusal that names what its own API calls differently; none if the
    /// message speaks for itself.
    ///
    /// Models up to 4.6 that think want a call's thinking back with its result, and many clients keep only the fields
    /// that OpenAI defines.
    pub(crate) fn hint(&self, message: &str) -> Option<&'static str> {
        message.contains("Expected `thinking`").then_some(match self.names {
            Names::Chat => {
                "While this model thinks, an assistant's message with `tool_calls` must come back with the `thinking_blocks` (or `content_blocks`) it had in the answer, unchanged. If your client cannot keep them, do not ask for reasoning in this conversation."
            }
            Names::Responses => {
                "While this model thinks, the `reasoning` item before a call must come back with the call, by its `id` or with its `encrypted_content`, unchanged; or continue the response with `previous_response_id`."
            }
        })
    }

    /// The client's path for the upstream's, such as `messages[5]` for `messages.3.content.0.text`; none if unknown.
    pub(crate) fn client_path(&self, upstream: &str) -> Option<String> {
        let mut steps = upstream.split('.');
        let (root, index) = (steps.next()?, steps.next());
        let index: Option<usize> = index.and_then(|index| index.parse().ok());
        let (messages, system) = match self.names {
            Names::Chat => ("messages", "messages"),
            Names::Responses => ("input", "instructions"),
        };
        match root {
            "system" => Some(system.to_owned()),
            "messages" => Some(match self.turns.get(index?)? {
                Some(message) => format!("{messages}[{message}]"),
                None => messages.to_owned(),
            }),
            "tools" if self.tools.list.is_empty() => None,
            "tools" => Some(match index.filter(|index| *index < self.tools.count) {
                Some(index) => format!("{}[{index}]", self.tools.list),
                None => self.tools.list.to_owned(),
            }),
            "tool_choice" if self.tools.list == "functions" => Some("function_call".to_owned()),
            "tool_choice" => Some(root.to_owned()),
            "stop_sequences" => Some("stop".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_upstreams_becomes_the_clients_as_far_as_it_is_known() {
        let tools = ToolPlaces { list: "functions", count: 2 };
        let places = Places::new(Names::Chat, [Some(1), None, Some(4)].into_iter(), tools);
        for (upstream, client) in [
            ("messages.0.content.3.text", Some("messages[1]")),
            ("messages.1", Some("messages")),
            ("messages.2.content", Some("messages[4]")),
            ("messages.3.content", None),
            ("messages.x", None),
            ("messages", None),
            ("system.0.text", Some("messages")),
            ("tools.1.custom.input_schema", Some("functions[1]")),
            ("tools.2.name", Some("functions")),
            ("tools", Some("functions")),
            ("tool_choice.name", Some("function_call")),
            ("stop_sequences.0", Some("stop")),
            ("thinking.budget_tokens", None),
            ("", None),
        ] {
            assert_eq!(places.client_path(upstream).as_deref(), client, "{upstream}");
        }
        let refused = "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`";
        assert!(places.hint(refused).unwrap().contains("`thinking_blocks`"));
        let responses = Places { names: Names::Responses, ..Places::default() };
        assert!(responses.hint(refused).unwrap().contains("`encrypted_content`"));
        assert_eq!(places.hint("thinking.budget_tokens: Expected a number"), None);
        assert_eq!(Places::default().client_path("messages.0"), None);
        assert_eq!(Places::default().client_path("tools.0"), None);
        assert_eq!(Places::default().client_path("tool_choice.name").as_deref(), Some("tool_choice"));
    }
}
