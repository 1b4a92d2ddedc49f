//! Values replaced in a text whose other bytes stay.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// What takes whose place.
pub(super) struct Splice {
    /// The bytes that go, in the body that was scanned.
    pub(super) span: Range<usize>,
    /// What comes instead.
    pub(super) by: Bytes,
}

/// The body in parts, of which only those between its own are new: nothing is copied.
///
/// - `splices`: in the order of their spans, which do not overlap.
pub(super) fn parts(body: &Bytes, splices: impl IntoIterator<Item = Splice>) -> Vec<Bytes> {
    let (mut parts, mut end) = (Vec::new(), 0);
    for Splice { span, by } in splices {
        parts.push(body.slice(end..span.start));
        parts.push(by);
        end = span.end;
    }
    parts.push(body.slice(end..));
    parts
}

/// The same in one piece.
pub(super) fn whole(body: &Bytes, splices: impl IntoIterator<Item = Splice>) -> Bytes {
    let parts = parts(body, splices);
    if let [only] = parts.as_slice() {
        return only.clone();
    }
    let mut whole = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
    parts.iter().for_each(|part| whole.extend_from_slice(part));
    whole.freeze()
}

/// A text as a JSON string. For texts that need no escapes, such as ids and addresses.
pub(super) fn quoted(text: &str) -> Bytes {
    debug_assert!(!text.bytes().any(|b| b == b'"' || b == b'\\' || b < 0x20));
    Bytes::from(["\"", text, "\""].concat())
}
