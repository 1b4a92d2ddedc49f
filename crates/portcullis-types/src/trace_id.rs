//! The trace id that a caller may bring along: one rule for every door of the gateway.

/// The header, of requests and of answers.
pub const TRACE_ID: &str = "x-portkey-trace-id";

/// Longest trace id that is taken from a caller, in bytes.
const MAX_LENGTH: usize = 128;

/// The caller's own trace id: when there is exactly one, of 1 to 128 bytes of visible ASCII without spaces, quotation
/// marks and backslashes, so that it is safe in a log line and as an attribute. `None`: the gateway makes one.
///
/// - `values`: all values of the header, in their order.
pub fn given_trace_id<'h>(values: impl IntoIterator<Item = &'h [u8]>) -> Option<&'h str> {
    let mut values = values.into_iter();
    let (first, second) = (values.next()?, values.next());
    let allowed = |b: &u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\');
    let fits = (1..=MAX_LENGTH).contains(&first.len()) && first.iter().all(allowed);
    if fits && second.is_none() { std::str::from_utf8(first).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_id_is_taken_from_the_caller() {
        let check = |values: &[&str], expect: Option<&str>| {
            assert_eq!(given_trace_id(values.iter().map(|value| value.as_bytes())), expect, "{values:?}");
        };
        check(&[], None);
        check(&["my-trace_1.2:3"], Some("my-trace_1.2:3"));
        check(&["user|7#(a)"], Some("user|7#(a)"));
        check(&[""], None);
        check(&["with space"], None);
        check(&["a\"b"], None);
        check(&["a\\b"], None);
        check(&["\u{e9}"], None);
        check(&["a", "b"], None);
        check(&["a", "a"], None);
        check(&[&"x".repeat(128)], Some(&"x".repeat(128)));
        check(&[&"x".repeat(129)], None);
    }
}
