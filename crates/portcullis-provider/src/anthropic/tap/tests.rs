//! The tap on streams that do not end as they should.

use super::*;

const START: &str = concat!(
    "event: message_start\n",
    r#"data: {"type":"message_start","message":{"model":"m","usage":{"input_tokens":3,"output_tokens":1}}}"#,
    "\n\n"
);

fn tap(text: &str) -> MessagesTap {
    let mut tap = MessagesTap::new();
    tap.push(text.as_bytes());
    tap
}

#[test]
fn a_cut_stream_has_no_end_but_what_was_counted() {
    let tap = tap(&format!("{START}event: content_block_start\ndata: {{}}\n\nevent: message_stop\ndata: {{"));
    assert!(tap.saw_start() && tap.saw_content() && !tap.saw_end());
    assert_eq!((tap.usage().input_tokens, tap.stop_reason(), tap.served_model()), (3, None, Some("m")));
}

#[test]
fn an_error_event_is_seen() {
    let event = "event: error\ndata: {\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}\n\n";
    let tap = tap(&format!("{START}{event}"));
    assert_eq!(tap.error().unwrap().status, 529);
    assert!(!tap.saw_end());
}

#[test]
fn events_without_a_name_are_known_by_their_type() {
    let tap = tap(&format!(
        "{}data: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"end_turn\"}},\"usage\":{{\"output_tokens\":9}}}}\n\n\
         data: {{\"type\":\"message_stop\"}}\n\n",
        START.replace("event: message_start\n", "")
    ));
    assert_eq!((tap.saw_end(), tap.stop_reason(), tap.usage().output_tokens), (true, Some("end_turn"), 9));
}

#[test]
fn a_stream_that_it_cannot_read_is_let_go() {
    let mut tap = tap(START);
    tap.push(&vec![b'x'; DEFAULT_EVENT_LIMIT + 1]);
    tap.push(b"\n\nevent: message_stop\ndata: {}\n\n");
    assert!(!tap.saw_end());
    assert_eq!(tap.usage().input_tokens, 3);
}

#[test]
fn what_was_made_on_the_way_is_told_once() {
    let delta = r#"{"type":"message_delta","delta":{"container":{"id":"container_1"}}}"#;
    let mut tap = tap(&format!("{START}event: message_delta\ndata: {delta}\n\n"));
    assert_eq!(tap.take_made(), [Made::Container { id: "container_1".into(), expires_at: None }]);
    assert_eq!(tap.take_made(), []);
}
