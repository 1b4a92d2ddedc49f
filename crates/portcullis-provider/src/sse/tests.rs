//! The decoder against the standard's examples, against a parser that sees the whole text at once, and cut anywhere.

use proptest::prelude::*;

use super::*;

type Owned = (Option<String>, String, String);

fn decode_chunks<'a>(
    chunks: impl IntoIterator<Item = &'a [u8]>,
    limit: usize,
) -> Result<Vec<Owned>, SseError> {
    let mut decoder = Decoder::new(limit);
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.push(chunk, |event| {
            events.push((event.name.map(str::to_owned), event.data.to_string(), event.id.to_owned()));
            Ok::<_, SseError>(())
        })?;
    }
    Ok(events)
}

/// The standard's algorithm with everything at hand: no chunks, no borrowing.
fn reference(bytes: &[u8]) -> Vec<Owned> {
    let bytes = bytes.strip_prefix(&BYTE_ORDER_MARK).unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.pop(); // not terminated
    let (mut events, mut name, mut data, mut id) = (Vec::new(), String::new(), None::<String>, String::new());
    for line in lines {
        if line.is_empty() {
            if let Some(data) = data.take() {
                events.push((Some(name.clone()).filter(|n| !n.is_empty()), data, id.clone()));
            }
            name.clear();
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = value.to_owned(),
            "data" => data = Some(data.map_or(value.to_owned(), |before| format!("{before}\n{value}"))),
            "id" if !value.contains('\0') => id = value.to_owned(),
            _ => {}
        }
    }
    events
}

/// Decodes `text` whole, byte by byte and cut in two at each byte, and expects `(name, data)` pairs.
fn check(text: &str, expected: &[(Option<&str>, &str)]) {
    let bytes = text.as_bytes();
    let expect: Vec<_> = expected.iter().map(|(n, d)| (n.map(str::to_owned), (*d).to_owned())).collect();
    let run = |chunks: Vec<&[u8]>| {
        let events = decode_chunks(chunks, DEFAULT_EVENT_LIMIT).unwrap();
        events.into_iter().map(|(name, data, _)| (name, data)).collect::<Vec<_>>()
    };
    assert_eq!(run(vec![bytes]), expect, "whole");
    assert_eq!(run(bytes.chunks(1).collect()), expect, "byte by byte");
    for cut in 0..=bytes.len() {
        assert_eq!(run(vec![&bytes[..cut], &bytes[cut..]]), expect, "cut at {cut}");
    }
}

#[test]
fn line_ends_may_be_lf_cr_or_crlf() {
    for end in ["\n", "\r", "\r\n"] {
        let text = ["event: a", "data: 1", "", "data: 2", "", ""].join(end);
        check(&text, &[(Some("a"), "1"), (None, "2")]);
    }
    check("data: 1\r\rdata: 2\n\r\ndata: 3\r\n\n", &[(None, "1"), (None, "2"), (None, "3")]);
}

#[test]
fn an_event_is_dispatched_with_its_last_cr() {
    assert_eq!(decode_chunks([&b"data: 1\r\r"[..]], 100).unwrap().len(), 1);
    assert_eq!(decode_chunks([&b"data: 1\r\n\r"[..]], 100).unwrap().len(), 1);
}

#[test]
fn several_data_lines_are_joined() {
    check("data: YHOO\ndata: +2\ndata: 10\n\n", &[(None, "YHOO\n+2\n10")]);
    check("data\n\ndata\ndata\n\ndata:", &[(None, ""), (None, "\n")]);
    check("data:\ndata: x\n\n", &[(None, "\nx")]);
}

#[test]
fn one_space_after_the_colon_is_dropped() {
    check("data:test\n\ndata: test\n\ndata:  test\n\n", &[(None, "test"), (None, "test"), (None, " test")]);
}

#[test]
fn comments_and_unknown_fields_are_skipped() {
    check(": ping\n\ndata: 1\n:data: 2\nfoo: bar\ndatax: 3\n\n", &[(None, "1")]);
}

#[test]
fn an_event_without_data_is_not_dispatched_and_its_name_is_forgotten() {
    check("event: a\n\ndata: 1\n\n", &[(None, "1")]);
    check("event: a\nevent\ndata: 1\n\n", &[(None, "1")]);
}

#[test]
fn a_byte_order_mark_is_skipped_once() {
    check("\u{feff}data: 1\n\n", &[(None, "1")]);
    check("\u{feff}\u{feff}data: 1\n\n", &[]);
    check("data: \u{feff}\n\n", &[(None, "\u{feff}")]);
}

#[test]
fn characters_split_over_chunks_come_out_whole() {
    check("data: größe 🦀 \u{2028}\n\n", &[(None, "größe 🦀 \u{2028}")]);
}

#[test]
fn ids_last_and_retry_must_be_a_number() {
    let mut decoder = Decoder::default();
    let mut ids = Vec::new();
    let text = b"id: 1\ndata: a\n\ndata: b\n\nid: x\0y\nretry: 30\nretry: 3s\ndata: c\n\nid\ndata: d\n\n";
    decoder
        .push(text, |event| {
            ids.push(event.id.to_owned());
            Ok::<_, SseError>(())
        })
        .unwrap();
    assert_eq!((ids, decoder.retry()), (["1", "1", "1", ""].map(String::from).to_vec(), Some(30)));
}

#[test]
fn an_event_within_one_chunk_is_not_copied() {
    let chunk = b"event: a\ndata: 1\n\n";
    Decoder::default()
        .push(chunk, |event| {
            assert!(chunk.as_ptr_range().contains(&event.data.as_ptr()));
            Ok::<_, SseError>(())
        })
        .unwrap();
}

#[test]
fn an_event_above_the_limit_is_refused_wherever_it_is_cut() {
    let fits = b"data: 123\ndata: 45\n\n";
    let too_large = [
        &b"data: 1234567890\n\n"[..],
        b"data: 123\ndata: 456789\n\n",
        b":345678901234567",
        b"event: 12345678",
    ];
    for cut in 0..=fits.len() {
        assert_eq!(decode_chunks([&fits[..cut], &fits[cut..]], 14).unwrap()[0].1, "123\n45");
    }
    for text in too_large {
        for cut in 0..=text.len() {
            let result = decode_chunks([&text[..cut], &text[cut..]], 14);
            assert_eq!(result, Err(SseError::EventTooLarge { limit: 14 }), "{cut}");
        }
    }
}

#[test]
fn the_end_inside_an_event_is_told() {
    let finish = |text: &[u8]| {
        let mut decoder = Decoder::default();
        decoder.push(text, |_| Ok::<_, SseError>(())).unwrap();
        decoder.finish()
    };
    assert_eq!(finish(b"data: 1\n\n: bye\n"), Ok(()));
    for text in ["data: 1\n", "data: 1", "event: a\n", "d"] {
        assert_eq!(finish(text.as_bytes()), Err(SseError::Incomplete), "{text}");
    }
}

#[test]
fn the_error_of_the_callback_stops_the_decoder() {
    let mut seen = 0;
    let result = Decoder::default().push(b"data: 1\n\ndata: 2\n\n", |_| {
        seen += 1;
        Err(SseError::Incomplete)
    });
    assert_eq!((result, seen), (Err(SseError::Incomplete), 1));
}

#[test]
fn a_comment_stays_on_its_line() {
    let mut out = Vec::new();
    encode_comment("ping\ndata: 1", &mut out);
    assert_eq!(out, b": ping\n\n");
}

/// Bytes with many of those that matter.
fn stream_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"\n".to_vec()),
        2 => Just(b"\r".to_vec()),
        2 => Just(b"\r\n".to_vec()),
        4 => Just(b"data: ".to_vec()),
        2 => Just(b"event:".to_vec()),
        1 => Just(b"id: ".to_vec()),
        1 => Just(b":".to_vec()),
        1 => Just(BYTE_ORDER_MARK.to_vec()),
        2 => "[a-z é🦀]{0,6}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn cut<'a>(bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut chunks = Vec::new();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, after) = rest.split_at((*size).min(rest.len()));
        chunks.push(chunk);
        rest = after;
    }
    chunks
}

proptest! {
    #[test]
    fn any_chunks_give_the_events_of_the_standard(
        bytes in stream_bytes(),
        sizes in proptest::collection::vec(1usize..9, 1..8),
    ) {
        let expected = reference(&bytes);
        prop_assert_eq!(decode_chunks([bytes.as_slice()], 1 << 20).unwrap(), expected.clone());
        prop_assert_eq!(decode_chunks(bytes.chunks(1), 1 << 20).unwrap(), expected.clone());
        prop_assert_eq!(decode_chunks(cut(&bytes, &sizes), 1 << 20).unwrap(), expected);
    }

    #[test]
    fn what_is_encoded_is_decoded(name in "[a-z_]{0,8}", data in "[a-z\r\n :é]{0,30}") {
        let mut out = Vec::new();
        encode(Some(&name), &data, &mut out);
        let normal = data.replace("\r\n", "\n").replace('\r', "\n");
        let expected = vec![(Some(name).filter(|n| !n.is_empty()), normal, String::new())];
        prop_assert_eq!(decode_chunks([out.as_slice()], 1 << 20).unwrap(), expected);
    }

    #[test]
    fn the_limit_does_not_depend_on_the_chunks(bytes in stream_bytes(), limit in 0usize..20) {
        let whole = decode_chunks([bytes.as_slice()], limit);
        prop_assert_eq!(decode_chunks(bytes.chunks(1), limit), whole);
    }
}
