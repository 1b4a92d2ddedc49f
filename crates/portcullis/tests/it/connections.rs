//! Connections that take their time: each is closed within its limit, and nobody else waits for it.

use std::time::{Duration, Instant};

use crate::process::{eventually, pause};
use crate::stage::Stage;
use crate::wire::{Connection, ask, get};

const ONE_SECOND: [(&str, &str); 5] = [
    ("PORTCULLIS_FIRST_BYTE_TIMEOUT_S", "1"),
    ("PORTCULLIS_HEAD_TIMEOUT_S", "1"),
    ("PORTCULLIS_BODY_IDLE_TIMEOUT_S", "1"),
    ("PORTCULLIS_KEEP_ALIVE_S", "2"),
    ("PORTCULLIS_WRITE_STALL_TIMEOUT_S", "1"),
];

/// A second, give or take what a busy machine adds.
fn assert_about(seconds: u64, time: Duration) {
    let expected = Duration::from_secs(seconds);
    let slack = Duration::from_millis(2500);
    assert!(
        time + Duration::from_millis(100) >= expected && time < expected + slack,
        "closed after {time:?}"
    );
}

#[test]
fn whoever_says_too_little_is_closed_within_the_limit_and_others_are_served_meanwhile() {
    let stage = Stage::new(&ONE_SECOND);
    let half_body = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: a\r\nx-api-key: {}\r\ncontent-length: 9\r\n\r\n{{",
        stage.key
    );
    let slow = [
        ("nothing", ""),
        ("half a request line", "POST /v1/cha"),
        ("half a head", "GET /livez HTTP/1.1\r\nhost: a\r\nx-slow: "),
        ("HTTP/2's preface and nothing more", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("half of HTTP/2's preface", "PRI * HT"),
        ("half a body", &half_body),
    ];
    std::thread::scope(|scope| {
        let waiting = slow.map(|(what, bytes)| {
            let mut connection = Connection::open(stage.gateway.address);
            connection.send(bytes);
            scope.spawn(move || (what, connection.closes()))
        });
        let mut served = 0;
        while !waiting.iter().all(|thread| thread.is_finished()) {
            let start = Instant::now();
            assert_eq!(ask(stage.gateway.address, stage.chat("Hello", false)).status, 200);
            assert!(start.elapsed() < Duration::from_secs(1), "a normal client waited {:?}", start.elapsed());
            served += 1;
        }
        assert!(served > 1);
        for thread in waiting {
            let (what, (answer, time)) = thread.join().unwrap();
            match what {
                // Its connection may be used again, so it takes the keep-alive's limit in addition.
                "half a body" => {
                    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
                    assert!(time < Duration::from_secs(5), "{time:?}");
                }
                "HTTP/2's preface and nothing more" => assert_about(1, time),
                _ => {
                    assert_eq!(answer, "", "{what}");
                    assert_about(1, time);
                }
            }
        }
    });
}

#[test]
fn a_head_that_drips_in_has_one_limit_from_its_first_byte_also_on_a_used_connection() {
    let stage = Stage::new(&[("PORTCULLIS_HEAD_TIMEOUT_S", "1"), ("PORTCULLIS_FIRST_BYTE_TIMEOUT_S", "20")]);
    for is_used in [false, true] {
        let mut connection = Connection::open(stage.gateway.address);
        if is_used {
            assert_eq!(connection.ask(get("/livez")).status, 200);
        }
        let start = Instant::now();
        let mut drops = b"GET /livez HTTP/1.1\r\nx-slow: ".iter().chain(std::iter::repeat(&b'a'));
        while connection.try_send(&[*drops.next().unwrap()]) {
            assert!(start.elapsed() < Duration::from_secs(10), "still open");
            pause(Duration::from_millis(100));
        }
        assert_about(1, start.elapsed());
    }
}

#[test]
fn an_idle_connection_is_kept_for_the_keep_alive_and_no_longer() {
    let stage = Stage::new(&[("PORTCULLIS_KEEP_ALIVE_S", "1")]);
    let mut connection = Connection::open(stage.gateway.address);
    for _ in 0..20 {
        assert_eq!(connection.ask(get("/livez")).status, 200);
    }
    let (rest, time) = connection.closes();
    assert_eq!(rest, "");
    assert_about(1, time);
}

#[test]
fn one_more_connection_than_allowed_takes_the_place_of_the_longest_idle() {
    let stage = Stage::new(&[("PORTCULLIS_MAX_CONNECTIONS", "200")]);
    let mut open: Vec<_> = (0..200)
        .map(|_| {
            let mut connection = Connection::open(stage.gateway.address);
            assert_eq!(connection.ask(get("/livez")).status, 200);
            connection
        })
        .collect();
    for connection in &mut open[1..] {
        assert_eq!(connection.ask(get("/livez")).status, 200);
    }
    let mut one_more = eventually("one has been idle for long enough", || {
        let mut connection = Connection::open(stage.gateway.address);
        let answer = connection.ask(stage.chat("Hello", false));
        (answer.status == 200).then_some(connection)
    });
    assert_eq!(open[0].read_to_end(), "");
    assert_eq!(one_more.ask(get("/livez")).status, 200, "it stays");
    assert_eq!(open[199].ask(get("/livez")).status, 200, "the others stay");
}

#[test]
fn where_all_connections_are_busy_probes_are_answered_and_others_told_to_try_again() {
    let stage = Stage::new(&[("PORTCULLIS_MAX_CONNECTIONS", "4")]);
    let busy = [(); 4].map(|()| {
        let mut connection = Connection::open(stage.gateway.address);
        connection.send(stage.chat("[[emulator:stall_mid_stream]]", true));
        connection.read_until("\"content\":\"");
        connection
    });
    for _ in 0..40 {
        let mut probe = Connection::open(stage.gateway.address);
        let answer = probe.ask(get("/livez"));
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")), "{answer:?}");
        assert_eq!(probe.read_to_end(), "");
    }
    for request in [stage.chat("Hello", false), stage.message(&"a".repeat(1_000_000), false)] {
        let answer = ask(stage.gateway.address, request);
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{answer:?}");
        assert_eq!(answer.json()["error"]["code"], "too_many_connections", "{answer:?}");
    }
    eventually("it is told", || stage.gateway.log().contains("too_many_connections").then_some(()));
    drop(busy);
    eventually("there is room again", || {
        (ask(stage.gateway.address, stage.chat("Hello", false)).status == 200).then_some(())
    });
}

#[test]
fn what_is_too_much_at_once_is_refused_with_the_word_to_try_again() {
    let stage = Stage::new(&[("PORTCULLIS_MAX_REQUESTS", "1"), ("PORTCULLIS_MAX_BUFFERED_BYTES", "100000")]);
    let refused_as = |request: String, code: &str| {
        let answer = ask(stage.gateway.address, request);
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{answer:?}");
        assert_eq!(answer.json()["error"]["code"], code, "{answer:?}");
    };
    refused_as(stage.message(&"a".repeat(100_000), false), "too_many_bytes_in_flight");
    refused_as(stage.chat(&"a".repeat(100_000), true), "too_many_bytes_in_flight");
    let mut stream = Connection::open(stage.gateway.address);
    stream.send(stage.chat("[[emulator:stall_mid_stream]]", true));
    stream.read_until("\"content\":\"");
    refused_as(stage.chat("Hello", false), "too_many_requests_in_flight");
    assert_eq!(["/livez", "/readyz"].map(|path| ask(stage.gateway.address, get(path)).status), [200, 200]);
    drop(stream);
    eventually("there is room again", || {
        (ask(stage.gateway.address, stage.chat("Hello", false)).status == 200).then_some(())
    });
}

#[test]
fn a_client_that_stops_reading_is_closed_and_its_upstream_with_it() {
    let stage = Stage::new(&ONE_SECOND);
    for request in
        [stage.message("[[emulator:long=100000]]", true), stage.chat("[[emulator:long=100000]]", true)]
    {
        let before = stage.closed_early();
        let mut connection = Connection::with_buffer(stage.gateway.address, 16 * 1024);
        connection.send(request);
        connection.read_until("word1");
        eventually("the upstream is closed", || (stage.closed_early() > before).then_some(()));
        let rest = connection.read_to_end();
        assert!(!rest.contains("message_stop") && !rest.contains("[DONE]"));
    }
}

/// Slower than the upstream by far, and faster than the kernel's buffer would take for a third of it in two seconds.
#[test]
fn a_client_that_reads_slowly_but_steadily_is_left_alone() {
    let stage = Stage::new(&[("PORTCULLIS_WRITE_STALL_TIMEOUT_S", "2")]);
    let mut connection = Connection::with_buffer(stage.gateway.address, 128 * 1024);
    connection.send(stage.message("[[emulator:long=50000]]", true));
    let (start, slow_for) = (Instant::now(), Duration::from_secs(6));
    let (mut bytes, mut tail) = (0, String::new());
    while !tail.contains("message_stop") {
        let more = connection.read_some();
        assert!(!more.is_empty(), "closed after {bytes} bytes, {:?}", start.elapsed());
        bytes += more.len();
        tail = tail.split_off(tail.len().saturating_sub(12)) + &String::from_utf8_lossy(&more);
        if start.elapsed() < slow_for {
            pause(Duration::from_millis(40));
        }
    }
    assert!(start.elapsed() > slow_for, "it was never slow: {bytes} bytes");
    assert_eq!(stage.closed_early(), 0);
}
