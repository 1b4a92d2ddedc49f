//! An entry of the upstream's batch.

/// The id under which a line goes upstream: `r` and the line's index, counted from 0.
#[must_use]
pub fn surrogate(index: u64) -> String {
    format!("r{index}")
}

/// The index of the line that went upstream under this id.
#[must_use]
pub fn index_of(surrogate: &str) -> Option<u64> {
    let digits = surrogate.strip_prefix('r')?;
    digits.parse().ok().filter(|index| self::surrogate(*index) == surrogate)
}

/// Appends `{"custom_id":"r7","params":…}`, with a comma before it unless it is the first one.
///
/// - `params`: a JSON object as it is to be sent.
pub fn write_entry(out: &mut Vec<u8>, index: u64, params: &[u8], is_first: bool) {
    if !is_first {
        out.push(b',');
    }
    out.extend_from_slice(b"{\"custom_id\":\"");
    out.extend_from_slice(surrogate(index).as_bytes());
    out.extend_from_slice(b"\",\"params\":");
    out.extend_from_slice(params);
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surrogate_leads_back_to_its_line() {
        for index in [0, 9, 49_999, u64::MAX] {
            assert_eq!(index_of(&surrogate(index)), Some(index));
        }
        for other in ["", "r", "7", "r-1", "r+1", "r01", "x1", "r1x"] {
            assert_eq!(index_of(other), None, "{other}");
        }
    }

    #[test]
    fn entries_follow_each_other() {
        let mut out = Vec::new();
        write_entry(&mut out, 3, b"{}", true);
        write_entry(&mut out, 4, b"{}", false);
        let expected = r#"{"custom_id":"r3","params":{}},{"custom_id":"r4","params":{}}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
