//! An entry of the upstream's batch, and the ids that entries go by.

/// The ids under which the lines of one batch go upstream: `r7-` and the batch's tag.
///
/// The line's index leads back to the line. The tag tells the batch apart from every other one with as many lines, when it
/// is not known whether it arrived: the upstream's batches carry nothing else of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surrogates(Box<str>);

/// Why a text is no tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tag is 8 to 40 letters and digits")]
pub struct InvalidTag;

impl Surrogates {
    /// - `tag`: 8 to 40 letters and digits that no other batch has. With an index of any size that stays within the 64
    ///   characters the upstream takes.
    ///
    /// # Errors
    /// It is none.
    pub fn new(tag: &str) -> Result<Self, InvalidTag> {
        let is_tag = (8..=40).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric());
        if is_tag { Ok(Self(tag.into())) } else { Err(InvalidTag) }
    }

    /// The id of a line.
    ///
    /// - `index`: counted from 0.
    #[must_use]
    pub fn of(&self, index: u64) -> String {
        format!("r{index}-{}", self.0)
    }

    /// The index of the line that went upstream under this id; none for an id of another batch.
    #[must_use]
    pub fn index_of(&self, surrogate: &str) -> Option<u64> {
        let (digits, _) = surrogate.strip_prefix('r')?.split_once('-')?;
        digits.parse().ok().filter(|index| self.of(*index) == surrogate)
    }

    /// The index of the line that a result answers, from the head of a result that is not here as a whole.
    ///
    /// - `head`: the beginning of the result's JSON. The service writes `custom_id` first; none when it stands elsewhere.
    #[must_use]
    pub fn index_in(&self, head: &str) -> Option<u64> {
        let member = head.trim_start().strip_prefix('{')?.trim_start().strip_prefix("\"custom_id\"")?;
        let value = member.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
        self.index_of(value.split_once('"')?.0)
    }
}

/// Appends `{"custom_id":"r7-…","params":…}`, with a comma before it unless it is the first one.
///
/// - `surrogate`: of the line.
/// - `params`: a JSON object as it is to be sent.
pub fn write_entry(out: &mut Vec<u8>, surrogate: &str, params: &[u8], is_first: bool) {
    if !is_first {
        out.push(b',');
    }
    out.extend_from_slice(b"{\"custom_id\":\"");
    out.extend_from_slice(surrogate.as_bytes());
    out.extend_from_slice(b"\",\"params\":");
    out.extend_from_slice(params);
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surrogate_leads_back_to_its_line_and_to_no_other_batch() {
        let surrogates = Surrogates::new("0123456789abcdef0123456789abcdef").unwrap();
        for index in [0, 9, 49_999, u64::MAX] {
            let surrogate = surrogates.of(index);
            assert!(surrogate.len() <= 64, "{surrogate}");
            assert_eq!(surrogates.index_of(&surrogate), Some(index));
        }
        let other = Surrogates::new("fedcba9876543210").unwrap().of(7);
        for other in ["", "r", "7", "r7", "r7-", "r+7-0123456789abcdef0123456789abcdef", &other] {
            assert_eq!(surrogates.index_of(other), None, "{other}");
        }
        for tag in ["", "1234567", "12345678-", &"a".repeat(41)] {
            assert_eq!(Surrogates::new(tag), Err(InvalidTag));
        }
    }

    #[test]
    fn the_head_of_a_result_says_which_line_it_answers() {
        let surrogates = Surrogates::new("0123456789abcdef").unwrap();
        let of = |head: &str| surrogates.index_in(head);
        assert_eq!(of(r#"{"custom_id":"r7-0123456789abcdef","result":{"ty"#), Some(7));
        assert_eq!(of(r#" { "custom_id" : "r8-0123456789abcdef", "#), Some(8));
        for other in
            ["", "{", r#"{"custom_id":"r7-0123456789abc"#, r#"{"result":{"custom_id":"r7-0123456789abcdef"}"#]
        {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn entries_follow_each_other() {
        let mut out = Vec::new();
        write_entry(&mut out, "r3-x", b"{}", true);
        write_entry(&mut out, "r4-x", b"{}", false);
        let expected = r#"{"custom_id":"r3-x","params":{}},{"custom_id":"r4-x","params":{}}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
