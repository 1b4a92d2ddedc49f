//! What the golden streams do not show.

use super::*;

fn push(stream: &mut ChatStream, data: &str, out: &mut Vec<u8>) -> Result<Flow, ApiError> {
    stream.push(&Event { name: None, data: data.into(), id: "" }, out)
}

fn begun() -> (ChatStream, Vec<u8>) {
    let mut stream = ChatStream::new(ResponseContext::default(), 7);
    let mut out = Vec::new();
    let start = r#"{"type":"message_start","message":{"id":"msg_\"1","model":"m","content":[]}}"#;
    push(&mut stream, start, &mut out).unwrap();
    assert!(out.is_empty());
    let block = r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
    push(&mut stream, block, &mut out).unwrap();
    out.clear();
    (stream, out)
}

#[test]
fn text_keeps_the_upstreams_escapes() {
    let (mut stream, mut out) = begun();
    // Spaces and line ends between the tokens do not reach the client; half a surrogate pair does.
    let delta = "{ \"type\" : \"content_block_delta\",\n\"index\":0, \"delta\": {\"type\":\"text_delta\", \
                 \"text\" : \"\\u00e9\\n\\ud83e\"} }";
    push(&mut stream, delta, &mut out).unwrap();
    let expected = concat!(
        r#"data: {"id":"msg_\"1","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,"#,
        r#""delta":{"content":"\u00e9\n\ud83e"},"logprobs":null,"finish_reason":null}]}"#,
        "\n\n"
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn the_status_is_open_until_the_message_begins() {
    let mut stream = ChatStream::new(ResponseContext::default(), 7);
    let mut out = Vec::new();
    push(&mut stream, r#"{"type":"ping"}"#, &mut out).unwrap();
    assert_eq!(
        (stream.is_started(), out.as_slice(), stream.served_model()),
        (false, &b": ping\n\n"[..], None)
    );
    let (stream, _) = begun();
    assert_eq!((stream.is_started(), stream.served_model(), stream.stop_reason()), (true, Some("m"), None));
}

#[test]
fn nothing_is_sent_after_an_error() {
    let (mut stream, mut out) = begun();
    let error = push(&mut stream, r#"{"type":"error","error":{"type":"api_error","message":"x"}}"#, &mut out);
    assert_eq!(error.unwrap_err().status, 500);
    for data in [r#"{"type":"ping"}"#, r#"{"type":"message_stop"}"#, "nonsense"] {
        assert_eq!(
            push(&mut stream, data, &mut out).unwrap_err().code.as_deref(),
            Some("upstream_stream_error")
        );
    }
    assert!(out.is_empty() && stream.end().is_err());
}

#[test]
fn nothing_is_sent_after_the_end() {
    let (mut stream, mut out) = begun();
    push(&mut stream, r#"{"type":"content_block_stop","index":0}"#, &mut out).unwrap();
    push(&mut stream, r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#, &mut out).unwrap();
    assert!(stream.end().is_err());
    assert_eq!(push(&mut stream, r#"{"type":"message_stop"}"#, &mut out), Ok(Flow::Done));
    assert!(out.ends_with(b"data: [DONE]\n\n") && stream.end().is_ok());
    out.clear();
    assert_eq!(push(&mut stream, r#"{"type":"message_stop"}"#, &mut out), Ok(Flow::Done));
    assert!(out.is_empty());
}
