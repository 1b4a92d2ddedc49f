//! Ids of responses and their items: derived from the upstream's, so that a stream, its repetition and the store agree.
//!
//! | id | made of |
//! |---|---|
//! | `resp_S` | the message's id without `msg_` (S) |
//! | `rs_S_2`, `msg_S_2`, `cmp_S_2` | the same, and the item's place in the output |
//! | `fc_…`, `ctc_…`, `ws_…`, `mcp_…`, `ci_…` | the id of the call |

/// The part of a message's id that its response's ids share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ids(String);

impl Ids {
    /// - `message_id`: the upstream's, such as `msg_01XyZ`.
    pub(crate) fn of(message_id: &str) -> Self {
        Self(message_id.strip_prefix("msg_").unwrap_or(message_id).to_owned())
    }

    /// - `response_id`: one that [`Ids::response`] made.
    pub(crate) fn of_response(response_id: &str) -> Self {
        Self(response_id.strip_prefix("resp_").unwrap_or(response_id).to_owned())
    }

    pub(crate) fn response(&self) -> String {
        format!("resp_{}", self.0)
    }

    /// An item that the upstream gives no id.
    pub(crate) fn item(&self, prefix: &str, index: usize) -> String {
        format!("{prefix}_{}_{index}", self.0)
    }

    /// An item of the request that has no id yet.
    pub(crate) fn input_item(&self, prefix: &str, index: usize) -> String {
        format!("{prefix}_{}_in{index}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_derived() {
        let ids = Ids::of("msg_01A");
        assert_eq!((ids.response().as_str(), ids.item("rs", 0).as_str()), ("resp_01A", "rs_01A_0"));
        assert_eq!(Ids::of_response("resp_01A"), ids);
        assert_eq!(Ids::of("chatcmpl-1").response(), "resp_chatcmpl-1");
    }
}
