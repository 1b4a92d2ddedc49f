//! SIGTERM: what runs may finish, nothing new begins, nobody is left without a word, and the process ends.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::process::{Server, eventually};
use crate::stage::Stage;
use crate::wire::{Connection, ask, get};

fn refuses_connections(gateway: &Server) {
    eventually("new connections are refused", || TcpStream::connect(gateway.address).is_err().then_some(()));
}

#[test]
fn a_stream_finishes_while_new_connections_are_refused_and_open_ones_get_a_last_answer() {
    let mut stage = Stage::new(&[]);
    let mut stream = Connection::open(stage.gateway.address);
    let mut idle = Connection::open(stage.gateway.address);
    let mut never_used = Connection::open(stage.gateway.address);
    assert_eq!(idle.ask(get("/readyz")).status, 200);
    stream.send(stage.chat("[[emulator:slow=150]] Please answer at some length", true));
    stream.read_until("\"content\":\"");

    stage.gateway.terminate();
    refuses_connections(&stage.gateway);
    let probe = idle.ask(get("/readyz"));
    assert_eq!((probe.status, probe.header("connection")), (503, Some("close")), "{probe:?}");
    assert_eq!(probe.json()["status"], "draining");
    assert_eq!(idle.read_to_end(), "");
    assert_eq!(never_used.ask(stage.chat("Hello", false)).status, 200, "it was open before the drain began");

    assert!(stream.read_to_end().contains("data: [DONE]"));
    assert_eq!(stage.gateway.ended().code(), Some(0));
}

/// Whoever sends requests here is told that this one stops at the same time as we are, or later.
#[test]
fn before_the_drain_new_connections_are_served_while_the_probe_says_no() {
    let mut stage = Stage::new(&[("PORTCULLIS_PRESTOP_S", "600")]);
    let mut open = Connection::open(stage.gateway.address);
    assert_eq!(open.ask(get("/readyz")).status, 200);
    stage.gateway.terminate();
    eventually("the probe says no", || {
        (ask(stage.gateway.address, get("/readyz")).status == 503).then_some(())
    });
    assert_eq!(ask(stage.gateway.address, stage.chat("Hello", false)).status, 200, "a new connection");
    let answer = open.ask(stage.chat("Hello", false));
    assert_eq!((answer.status, answer.header("connection")), (200, None), "no drain has begun: {answer:?}");

    let start = Instant::now();
    stage.gateway.terminate();
    assert_eq!(stage.gateway.ended().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(4), "a second signal cuts it short: {:?}", start.elapsed());
}

#[test]
fn the_drain_begins_by_itself_when_the_time_before_it_is_over() {
    let mut stage = Stage::new(&[("PORTCULLIS_PRESTOP_S", "1")]);
    let start = Instant::now();
    stage.gateway.terminate();
    assert_eq!(stage.gateway.ended().code(), Some(0));
    let time = start.elapsed();
    assert!(time > Duration::from_millis(900) && time < Duration::from_secs(4), "{time:?}");
}

#[test]
fn idle_connections_do_not_hold_up_the_end() {
    let mut stage = Stage::new(&[]);
    let mut used = Connection::open(stage.gateway.address);
    let mut silent = Connection::open(stage.gateway.address);
    let mut half = Connection::open(stage.gateway.address);
    assert_eq!(used.ask(get("/livez")).status, 200);
    half.send("GET /livez HTTP/1.1\r\n");
    let start = Instant::now();
    stage.gateway.terminate();
    assert_eq!(stage.gateway.ended().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    for connection in [&mut used, &mut silent, &mut half] {
        assert_eq!(connection.read_to_end(), "");
    }
}

#[test]
fn what_outlives_the_drain_is_told_so_in_its_own_dialect() {
    let mut stage = Stage::new(&[("PORTCULLIS_DRAIN_TIMEOUT_S", "1")]);
    let (start, mut open) = (Instant::now(), still_open(&stage));
    stage.gateway.terminate();
    told_that_it_ends(&mut open);
    assert_eq!(stage.gateway.ended().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(1 + 5), "{:?}", start.elapsed());
}

#[test]
fn a_second_signal_ends_the_wait_at_once() {
    let mut stage = Stage::new(&[("PORTCULLIS_DRAIN_TIMEOUT_S", "600")]);
    let mut open = still_open(&stage);
    stage.gateway.terminate();
    refuses_connections(&stage.gateway);
    let start = Instant::now();
    stage.gateway.terminate();
    told_that_it_ends(&mut open);
    assert_eq!(stage.gateway.ended().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

/// A stream in each dialect that stopped in its middle, and a whole answer that never comes in each.
fn still_open(stage: &Stage) -> [Connection; 4] {
    let mut open = [(); 4].map(|()| Connection::open(stage.gateway.address));
    let [chat, message, whole_chat, whole_message] = &mut open;
    chat.send(stage.chat("[[emulator:stall_mid_stream]]", true));
    message.send(stage.message("[[emulator:stall_mid_stream]]", true));
    whole_chat.send(stage.chat("[[emulator:stall]]", false));
    whole_message.send(stage.message("[[emulator:stall]]", false));
    chat.read_until("\"content\":\"");
    message.read_until("content_block_delta");
    eventually("the upstream has all four", || (stage.counters()["open_answers"] == 4).then_some(()));
    open
}

fn told_that_it_ends([chat, message, whole_chat, whole_message]: &mut [Connection; 4]) {
    let chat = chat.read_to_end();
    assert!(chat.contains("data: {\"error\":{") && chat.contains("gateway_shutting_down"), "{chat}");
    assert!(!chat.contains("[DONE]") && chat.ends_with("\r\n0\r\n\r\n"), "{chat}");
    let message = message.read_to_end();
    assert!(message.contains("event: error\n") && !message.contains("message_stop"), "{message}");
    assert!(message.ends_with("\r\n0\r\n\r\n"), "{message}");
    for (whole, kind) in [(whole_chat, "server_error"), (whole_message, "overloaded_error")] {
        let answer = whole.answer();
        assert!([503, 529].contains(&answer.status), "{answer:?}");
        assert!(
            answer.json()["error"]["message"].as_str().unwrap().contains("shutting down"),
            "{kind}: {answer:?}"
        );
    }
}
