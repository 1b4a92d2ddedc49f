//! What is refused of HTTP/1, and what of it works.

use crate::stage::{Stage, question};
use crate::wire::{Connection, ask, get, post};

#[test]
fn what_is_no_request_or_too_much_of_one_is_refused() {
    let stage = Stage::new(&[]);
    let check = |request: &str, status: u16| {
        let mut connection = Connection::open(stage.gateway.address);
        connection.try_send(request.as_bytes());
        assert_eq!(connection.answer().status, status, "{}", &request[..request.len().min(60)]);
        assert_eq!(ask(stage.gateway.address, get("/livez")).status, 200, "the next client is served");
    };
    let with = |headers: &str| format!("GET /livez HTTP/1.1\r\nhost: a\r\n{headers}\r\n");
    check(&with(&format!("x-long: {}\r\n", "a".repeat(70_000))), 431);
    check(&with(&"x-many: a\r\n".repeat(200)), 431);
    check(&with(&"x-many: a\r\n".repeat(90)), 200);
    check("garbage\r\n\r\n", 400);
    check("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0", 400);
    check(&with("bad header\r\n"), 400);
    check(&with("x-bad: a\0b\r\n"), 400);
    check("GET /livez HTTP/3.0\r\n\r\n", 400);
    check(&with("content-length: 1\r\ncontent-length: 2\r\n"), 400);
    check(&with("content-length: -1\r\n"), 400);
    check(&with("transfer-encoding: gzip\r\n"), 400);
    check(&with("transfer-encoding: chunked, identity\r\n"), 400);
    check(&format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(70_000)), 431);
}

/// A front proxy that goes by the other of the two headers would see the second request as part of the first's body.
///
/// Source: RFC 9112, section 6.3: the chunks decide, and the connection ends with the answer.
#[test]
fn of_a_length_and_chunks_together_the_chunks_count_and_nothing_after_them() {
    let stage = Stage::new(&[]);
    for headers in
        ["content-length: 5\r\ntransfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 5"]
    {
        let mut connection = Connection::open(stage.gateway.address);
        connection.send(format!(
            "GET /livez HTTP/1.1\r\nhost: a\r\n{headers}\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n"
        ));
        let answers = connection.read_to_end();
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
        assert!(!answers.contains("smuggled"), "{answers}");
    }
}

#[test]
fn a_connection_serves_many_requests_also_when_they_come_at_once() {
    let stage = Stage::new(&[]);
    let mut connection = Connection::open(stage.gateway.address);
    for _ in 0..3 {
        let answer = connection.ask(stage.chat("Hello", false));
        assert_eq!((answer.status, answer.json()["object"].as_str()), (200, Some("chat.completion")));
        assert!(connection.ask(stage.chat("Hello", true)).body.ends_with("data: [DONE]\n\n"));
    }
    connection.send([stage.chat("Hello", false), get("/livez"), get("/nowhere")].concat());
    assert_eq!([(); 3].map(|()| connection.answer().status), [200, 200, 404]);
}

#[test]
fn a_client_of_http_1_0_gets_whole_answers_and_streams_that_end_with_the_connection() {
    let stage = Stage::new(&[]);
    let old = |request: String| request.replace(" HTTP/1.1\r\n", " HTTP/1.0\r\n");
    for (request, end) in [
        (old(get("/livez")), "{\"status\":\"alive\"}"),
        (old(stage.chat("Hello", true)), "data: [DONE]\n\n"),
        (old(stage.message("Hello", true)), "\"}\n\n"),
    ] {
        let mut connection = Connection::open(stage.gateway.address);
        connection.send(request);
        let answer = connection.read_to_end();
        assert!(answer.starts_with("HTTP/1.0 200") && answer.ends_with(end), "{answer}");
        assert!(!answer.contains("chunked"), "{answer}");
    }
}

#[test]
fn a_body_may_wait_to_be_asked_for_and_may_come_in_chunks() {
    let stage = Stage::new(&[]);
    let body = question("Hello", false).to_string();
    let head = format!("POST /v1/messages HTTP/1.1\r\nhost: a\r\nx-api-key: {}\r\n", stage.key);
    let length = body.len();

    let mut connection = Connection::open(stage.gateway.address);
    connection.send(format!("{head}expect: 100-continue\r\ncontent-length: {length}\r\n\r\n"));
    assert_eq!(connection.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(connection.ask(&body).status, 200);

    connection.send(format!("{head}transfer-encoding: chunked\r\n\r\n"));
    for piece in body.as_bytes().chunks(7) {
        connection.send(format!("{:x}\r\n{}\r\n", piece.len(), String::from_utf8_lossy(piece)));
    }
    assert_eq!(connection.ask("0\r\n\r\n").status, 200);

    // Who is refused is not asked for the body first.
    let head = head.replace(&stage.key, "nobody's");
    connection.send(format!("{head}expect: 100-continue\r\ncontent-length: {length}\r\n\r\n"));
    assert_eq!(connection.answer().status, 401);
}

/// To close a socket with unread bytes in it resets the connection, and what was sent last may never be seen.
#[test]
fn a_refusal_arrives_although_a_large_body_was_under_way() {
    let stage = Stage::new(&[]);
    let large = "a".repeat(8 * 1024 * 1024);
    let mut connection = Connection::open(stage.gateway.address);
    for _ in 0..3 {
        let answer = connection.ask(post("/v1/messages", "nobody's", &question(&large, false)));
        assert_eq!(answer.status, 401, "{answer:?}");
    }
    assert_eq!(connection.ask(stage.chat("Hello", false)).status, 200, "the connection can still be used");
    let too_large = "a".repeat(40 * 1024 * 1024);
    let answer = connection.ask(post("/v1/messages", &stage.key, &question(&too_large, false)));
    assert_eq!(answer.status, 413, "{answer:?}");
}

#[test]
fn the_admin_api_on_a_listener_of_its_own_is_nowhere_else() {
    let stage = Stage::new(&[("PORTCULLIS_ADMIN_LISTEN", "127.0.0.1:0")]);
    let admin = crate::process::address_in(&stage.gateway.ready["admin_address"]);
    let main = stage.gateway.address;
    let whoami =
        format!("GET /v1/whoami HTTP/1.1\r\nhost: a\r\nx-portkey-api-key: {}\r\n\r\n", stage.admin_key);
    let (providers, integrations) =
        (whoami.replace("whoami", "providers"), whoami.replace("whoami", "integrations"));
    for request in [&whoami, &providers, &integrations] {
        assert_eq!(ask(admin, request).status, 200);
        assert_eq!(ask(main, request).status, 404);
    }
    for request in [stage.chat("Hello", false), stage.message("Hello", false)] {
        assert_eq!(ask(main, &request).status, 200);
        assert_eq!(ask(admin, &request).status, 404);
    }
    for address in [main, admin] {
        assert_eq!(["/livez", "/readyz"].map(|path| ask(address, get(path)).status), [200, 200]);
    }
}
