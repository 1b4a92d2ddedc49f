//! Log lines as they come out, through a writer that keeps them.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use serde_json::Value;
use tracing::{debug, info, info_span, warn};
use tracing_subscriber::fmt::MakeWriter;

use crate::{Destination, InvalidFilter, LogFormat, LogSettings, subscriber};

/// Keeps what is written.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'writer> MakeWriter<'writer> for Captured {
    type Writer = Self;

    fn make_writer(&'writer self) -> Self {
        self.clone()
    }
}

/// What `act` logs.
fn logged(format: LogFormat, destination: Destination, filter: &str, act: impl FnOnce()) -> String {
    let captured = Captured::default();
    let settings = LogSettings { format, filter: filter.into() };
    let subscriber = subscriber(&settings, destination, captured.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, act);
    String::from_utf8(captured.0.lock().unwrap().clone()).unwrap()
}

/// The one object that `act` logs as JSON.
fn logged_object(act: impl FnOnce()) -> Value {
    let text = logged(LogFormat::Json, Destination::Other, "trace", act);
    assert_eq!(text.matches('\n').count(), 1, "{text:?}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn people_read_lines_and_machines_read_objects() {
    let act = || info!(upstream.status = 200, "answered");
    let human = logged(LogFormat::Auto, Destination::Terminal, "info", act);
    assert!(human.contains("INFO") && human.contains("answered") && !human.starts_with('{'), "{human}");
    let machine = logged(LogFormat::Auto, Destination::Other, "info", act);
    let object: Value = serde_json::from_str(&machine).unwrap();
    assert_eq!(object["level"], "INFO");
    assert_eq!(object["fields"]["message"], "answered");
    assert_eq!(object["fields"]["upstream.status"], 200);
    assert_eq!(object["target"], "portcullis_telemetry::tests");
    assert!(object["timestamp"].as_str().unwrap().ends_with('Z'), "{machine}");
}

#[test]
fn a_chosen_format_is_kept_wherever_it_goes() {
    let act = || info!(model.id = "claude", "answered");
    assert!(logged(LogFormat::Json, Destination::Terminal, "info", act).starts_with('{'));
    let human = logged(LogFormat::Human, Destination::Other, "info", act);
    assert!(human.ends_with("answered model.id=\"claude\"\n"), "{human:?}");
    assert!(!human.contains('\u{1b}'), "{human:?}");
}

#[test]
fn the_innermost_span_comes_along() {
    let object = logged_object(|| {
        let _outer = info_span!("outer", a = 1).entered();
        let _inner = info_span!("request", request.id = %"r\n1").entered();
        info!("inside");
    });
    assert_eq!(object["span"]["name"], "request");
    assert_eq!(object["span"]["request.id"], "r\n1");
    let human = logged(LogFormat::Human, Destination::Other, "info", || {
        let _span = info_span!("request", request.id = %"r\n1").entered();
        info!("inside");
    });
    assert!(human.contains(r"request{request.id=r\n1}") && human.lines().count() == 1, "{human:?}");
}

const FORGED: &str = "claude\r\n2026-01-01T00:00:00Z  WARN forged: all is well";

#[test]
fn a_value_cannot_forge_a_line() {
    let act = || warn!(display = %FORGED, debug = ?FORGED, text = FORGED, "model {FORGED}");
    let human = logged(LogFormat::Human, Destination::Other, "info", act);
    assert_eq!(human.matches(['\r', '\n']).count(), 1, "{human:?}");
    assert!(human.contains(r"display=claude\r\n2026"), "{human:?}");
    let object = logged_object(act);
    for field in ["display", "text"] {
        assert_eq!(object["fields"][field], FORGED);
    }
    assert_eq!(object["fields"]["message"], format!("model {FORGED}"));
}

const STEERING: &str = "a\u{1b}[2J\u{9b}31m\u{7f}\u{8}\u{202e}b\u{2028}c";

#[test]
fn a_value_cannot_steer_a_terminal() {
    let act = || warn!(display = %STEERING, text = STEERING, "{STEERING}");
    for format in [LogFormat::Human, LogFormat::Json] {
        let text = logged(format, Destination::Other, "info", act);
        let line = text.strip_suffix('\n').unwrap();
        assert!(!line.contains(crate::escape::is_unsafe), "{line:?}");
    }
    assert_eq!(logged_object(act)["fields"]["display"], STEERING);
    let coloured = logged(LogFormat::Human, Destination::Terminal, "info", act);
    assert!(!coloured.contains("\u{1b}[2J") && !coloured.contains('\u{9b}'), "{coloured:?}");
}

proptest! {
    #[test]
    fn any_text_stays_on_its_line(value in any::<String>()) {
        let human = logged(LogFormat::Human, Destination::Other, "info", || info!(%value, "seen"));
        let line = human.strip_suffix('\n').unwrap();
        prop_assert!(!line.contains(crate::escape::is_unsafe), "{line:?}");
        let object = logged_object(|| info!(%value, "seen"));
        prop_assert_eq!(&object["fields"]["value"], &value);
    }
}

#[test]
fn filters_choose_by_level_and_target() {
    let act = || {
        info!("kept");
        debug!("dropped");
        debug!(target: "portcullis_gateway", "let in");
        warn!(target: "hyper", "shut out");
    };
    let text = logged(LogFormat::Human, Destination::Other, "info, portcullis_gateway=debug,hyper=off", act);
    assert!(text.contains("kept") && text.contains("let in"), "{text}");
    assert!(!text.contains("dropped") && !text.contains("shut out"), "{text}");
    assert_eq!(logged(LogFormat::Human, Destination::Other, "off", act), "");
    assert_eq!(logged(LogFormat::Human, Destination::Other, "portcullis_catalog=trace", act), "");
}

#[test]
fn what_is_wrong_with_a_filter_is_said() {
    let check = |filter: &str, why: InvalidFilter| {
        let settings = LogSettings { filter: filter.into(), ..LogSettings::default() };
        let result = subscriber(&settings, Destination::Other, Captured::default());
        assert_eq!(result.err(), Some(why), "{filter:?}");
    };
    let directive = |text: &str| InvalidFilter::Directive(text.into());
    check("", InvalidFilter::Empty);
    check(" , ", InvalidFilter::Empty);
    check("inof", directive("inof"));
    check("info,portcullis_gateway", directive("portcullis_gateway"));
    check("info,portcullis_gateway=loud", directive("portcullis_gateway=loud"));
    check("=debug", directive("=debug"));
    check("a=b=info", directive("a=b=info"));
    check("a\nb=info", directive(r"a\nb=info"));
    check("[span]=info", directive("[span]=info"));
    let shown = directive("inof").to_string();
    assert_eq!(shown, "`inof` is neither a level (off, error, warn, info, debug, trace) nor `target=level`");
}

#[test]
fn formats_are_named() {
    assert_eq!("auto".parse(), Ok(LogFormat::Auto));
    assert_eq!("human".parse(), Ok(LogFormat::Human));
    assert_eq!("json".parse(), Ok(LogFormat::Json));
    assert!("JSON".parse::<LogFormat>().is_err());
}

/// Fails to write, as a closed standard error does.
struct Broken;

impl Write for Broken {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

#[test]
fn a_broken_writer_stops_nothing() {
    for format in [LogFormat::Human, LogFormat::Json] {
        let settings = LogSettings { format, filter: "info".into() };
        let subscriber = subscriber(&settings, Destination::Other, || Broken).unwrap();
        tracing::subscriber::with_default(subscriber, || info!("lost"));
    }
}

#[test]
fn the_line_about_lost_lines_looks_like_any_other() {
    let json = crate::format::lost_lines(LogFormat::Json, 89);
    let object: Value = serde_json::from_str(json.strip_suffix('\n').unwrap()).unwrap();
    let other = logged_object(|| warn!("other"));
    let names = |object: &Value| object.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&object), names(&other));
    assert_eq!((&object["level"], &object["fields"]["log.lost"]), (&"WARN".into(), &89.into()));
    assert_eq!(
        object["timestamp"].as_str().map(str::len),
        other["timestamp"].as_str().map(str::len),
        "{object} {other}"
    );
    let human = crate::format::lost_lines(LogFormat::Human, 89);
    let other = logged(LogFormat::Human, Destination::Other, "info", || warn!(log.lost = 89, "other"));
    assert!(human.ends_with(" log.lost=89\n") && human.lines().count() == 1, "{human:?}");
    assert_eq!(human.find("WARN"), other.find("WARN"), "{human:?} {other:?}");
}
