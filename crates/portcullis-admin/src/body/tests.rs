//! What is a body and what is none.

use super::*;

fn check(body: &str, expect: Result<usize, &str>) {
    let seen = parse(body.as_bytes()).map(|object| object.len()).map_err(|why| why.to_string());
    assert_eq!(seen, expect.map_err(str::to_owned), "{body}");
}

#[test]
fn an_object_is_read_and_anything_else_says_what_it_is() {
    check(r#"{"a":1,"b":[{"a":1},{"a":2}]}"#, Ok(2));
    check("", Err("the body is empty; send a JSON object"));
    check(" \n", Err("the body is empty; send a JSON object"));
    check("[1]", Err("the body must be a JSON object, not an array"));
    check("null", Err("the body must be a JSON object, not null"));
}

#[test]
fn a_syntax_error_has_a_line_and_a_column() {
    check("{\n  \"a\": truth\n}", Err("the body is not valid JSON at line 2, column 11: expected ident"));
    check("{\"a\":1", Err("the body is not valid JSON at line 1, column 6: EOF while parsing an object"));
    check(
        &"[".repeat(1000),
        Err("the body is not valid JSON at line 1, column 128: recursion limit exceeded"),
    );
}

#[test]
fn a_name_given_twice_is_refused_at_any_depth() {
    check(r#"{"a":1,"a":2}"#, Err("the body gives `a` twice in one object"));
    check(r#"{"a":1,"\u0061":2}"#, Err("the body gives `a` twice in one object"));
    check(r#"{"x":[{"y":{"b":1,"b":1}}]}"#, Err("the body gives `b` twice in one object"));
}

#[test]
fn json_is_told_by_its_media_type() {
    let check = |value: &str, expect: bool| {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, value.parse().unwrap())]);
        assert_eq!(is_json(&headers), expect, "{value}");
    };
    check("application/json", true);
    check("Application/JSON; charset=utf-8", true);
    check("application/merge-patch+json", true);
    check("text/plain", false);
    check("application/x-www-form-urlencoded", false);
    check("application/jsonp", false);
    assert!(!is_json(&HeaderMap::new()));
}
