//! Events on their way out, numbered.

use crate::json::write::Writer;
use crate::responses::response::State;

/// The events so far.
#[derive(Debug, Default)]
pub(super) struct Events {
    next: u64,
}

/// The item an event is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a> {
    pub(super) item_id: &'a str,
    pub(super) output_index: usize,
}

impl Events {
    /// Appends an event.
    ///
    /// - `fields`: writes what comes after its type and number.
    pub(super) fn emit(&mut self, kind: &str, out: &mut Vec<u8>, fields: impl FnOnce(&mut Writer)) {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(b"\ndata: ");
        let mut writer = Writer::appending_to(std::mem::take(out));
        writer.object(|w| {
            w.key("type").plain(kind);
            w.key("sequence_number").integer(self.next);
            fields(w);
        });
        *out = writer.into_bytes();
        out.extend_from_slice(b"\n\n");
        self.next += 1;
    }

    /// Appends an event about an item.
    pub(super) fn about(
        &mut self,
        kind: &str,
        at: At<'_>,
        out: &mut Vec<u8>,
        fields: impl FnOnce(&mut Writer),
    ) {
        self.emit(kind, out, |w| {
            w.key("item_id").plain(at.item_id);
            w.key("output_index").integer(at.output_index as u64);
            fields(w);
        });
    }

    /// Appends an event that says no more about an item than its type.
    pub(super) fn plain(&mut self, kind: &str, at: At<'_>, out: &mut Vec<u8>) {
        self.about(kind, at, out, |_| {});
    }

    /// Appends an event with a piece of text.
    ///
    /// - `delta`: a JSON string, quotes included.
    pub(super) fn delta(&mut self, kind: &str, at: At<'_>, delta: &str, out: &mut Vec<u8>) {
        self.about(kind, at, out, |w| w.key("delta").raw(delta));
    }

    /// Appends an event with a whole text under a name of its own.
    pub(super) fn whole(&mut self, kind: &str, at: At<'_>, name: &str, text: &str, out: &mut Vec<u8>) {
        self.about(kind, at, out, |w| w.key(name).plain(text));
    }

    /// Appends `response.output_item.added` or `.done`.
    ///
    /// - `item`: its JSON.
    pub(super) fn item(&mut self, kind: &str, output_index: usize, item: &str, out: &mut Vec<u8>) {
        self.emit(kind, out, |w| {
            w.key("output_index").integer(output_index as u64);
            w.key("item").raw(item);
        });
    }

    /// Appends the first event.
    ///
    /// - `object`: the Response in JSON.
    pub(super) fn created(&mut self, object: &[u8], out: &mut Vec<u8>) {
        self.with_response("response.created", object, out);
    }

    /// Appends the event named after a Response's status.
    pub(super) fn response(&mut self, state: State<'_>, object: &[u8], out: &mut Vec<u8>) {
        self.with_response(&format!("response.{}", state.as_str()), object, out);
    }

    fn with_response(&mut self, kind: &str, object: &[u8], out: &mut Vec<u8>) {
        let object = std::str::from_utf8(object).expect("it was written from strings");
        self.emit(kind, out, |w| w.key("response").raw(object));
    }
}
