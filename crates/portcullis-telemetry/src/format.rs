//! The two shapes of a log line, both with escaped values, and the one line that no event makes.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::LogFormat;
use crate::escape::Escaping;

/// Fields as people read them: the message, then `name=value`.
///
/// The formatter that comes with the subscriber keeps line breaks of values shown with `Display`.
pub(crate) struct HumanFields;

impl<'writer> FormatFields<'writer> for HumanFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut visitor = HumanVisitor { writer, is_first: true, result: Ok(()) };
        fields.record(&mut visitor);
        visitor.result
    }
}

struct HumanVisitor<'writer> {
    writer: Writer<'writer>,
    is_first: bool,
    result: fmt::Result,
}

impl HumanVisitor<'_> {
    fn write_field(&mut self, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
        if !std::mem::take(&mut self.is_first) {
            self.writer.write_char(' ')?;
        }
        if field.name() != "message" {
            let name = field.name();
            if self.writer.has_ansi_escapes() {
                write!(self.writer, "\u{1b}[2m{name}=\u{1b}[0m")?;
            } else {
                write!(self.writer, "{name}=")?;
            }
        }
        write!(Escaping::for_people(&mut self.writer), "{value:?}")
    }
}

impl Visit for HumanVisitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.result.is_ok() {
            self.result = self.write_field(field, value);
        }
    }
}

/// How spans keep their fields for [`JsonLines`].
pub(crate) fn json_fields() -> JsonFields {
    JsonFields::new()
}

/// One JSON object a line, with the innermost span.
///
/// JSON itself asks for the escape of C0 alone; a terminal obeys DEL and C1 as well. Outside of strings the object has no
/// such character, so escaping the whole of it keeps it the same object.
pub(crate) struct JsonLines(Format<Json>);

impl JsonLines {
    pub(crate) fn new() -> Self {
        Self(Format::default().json().with_current_span(true).with_span_list(false))
    }
}

impl<S> FormatEvent<S, JsonFields> for JsonLines
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        Escaping::for_json(&mut writer).write_str(line.trim_end_matches('\n'))?;
        writer.write_char('\n')
    }
}

/// The line, with its line break, in place of `lost` others.
///
/// Not an event: it is not for a filter to leave out, and must stand where the others are missing, not behind what
/// waits.
pub(crate) fn lost_lines(format: LogFormat, lost: usize) -> String {
    const MESSAGE: &str = "log lines are missing here, because nobody read them or they could not be written";
    let target = "portcullis_telemetry";
    let mut now = String::new();
    if SystemTime.format_time(&mut Writer::new(&mut now)).is_err() {
        now.clear();
    }
    match format {
        LogFormat::Json => format!(
            "{{\"timestamp\":\"{now}\",\"level\":\"WARN\",\"fields\":{{\"message\":\"{MESSAGE}\",\"log.lost\":{lost}}},\"target\":\"{target}\"}}\n"
        ),
        LogFormat::Human | LogFormat::Auto => format!("{now}  WARN {target}: {MESSAGE} log.lost={lost}\n"),
    }
}
