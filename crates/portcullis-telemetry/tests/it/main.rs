//! Set-up for a whole process, which only a process of its own can try.

use portcullis_telemetry::{LogFormat, LogSettings, TelemetryError, init};

#[test]
fn a_process_sets_up_logging_once() {
    let wrong = LogSettings { filter: "loud".into(), ..LogSettings::default() };
    assert!(matches!(init(&wrong), Err(TelemetryError::Filter(_))));
    let settings = LogSettings { format: LogFormat::Json, ..LogSettings::default() };
    let logs = init(&settings).unwrap();
    assert_eq!(logs.format(), LogFormat::Json);
    assert!(tracing::enabled!(tracing::Level::INFO) && !tracing::enabled!(tracing::Level::DEBUG));
    assert!(matches!(init(&settings), Err(TelemetryError::AlreadySet)));
}
