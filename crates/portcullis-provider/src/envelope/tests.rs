//! The envelope against bodies well and ill formed.

use proptest::prelude::*;

use super::*;

fn check(body: &str, expect: Result<(&str, bool), InvalidCode>) {
    let seen = Envelope::scan(body.as_bytes());
    match (&seen, expect) {
        (Ok(envelope), Ok((model, stream))) => {
            assert_eq!((envelope.model.as_str(), envelope.stream), (model, stream), "{body}");
            let value: String = serde_json::from_str(&body[envelope.model_span.clone()]).unwrap();
            assert_eq!(value, model, "{body}");
        }
        (Err(invalid), Err(code)) => assert_eq!(invalid.code, code, "{body}: {invalid}"),
        _ => panic!("{body}: {seen:?}"),
    }
}

#[test]
fn model_and_stream_are_found_wherever_they_stand() {
    check(r#"{"model":"claude-opus-5","max_tokens":1}"#, Ok(("claude-opus-5", false)));
    check(
        r#" { "stream" : true , "messages":[{"model":"x","stream":1}], "model" : "@a/b" } "#,
        Ok(("@a/b", true)),
    );
    check(r#"{"stream":null,"model":"m"}"#, Ok(("m", false)));
}

#[test]
fn escapes_in_keys_and_in_the_model_are_understood() {
    check(r#"{"mod\u0065l":"claude\u002dopus\u002D5","x":"\"model\":\"y\""}"#, Ok(("claude-opus-5", false)));
    check(r#"{"model":"a\"b\\c\/d"}"#, Ok(("a\"b\\c/d", false)));
}

#[test]
fn half_a_surrogate_elsewhere_is_the_upstreams_to_judge() {
    check(r#"{"model":"m","messages":["\ud83d"]}"#, Ok(("m", false)));
}

#[test]
fn nesting_is_the_upstreams_to_judge_and_costs_no_stack() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    check(&format!(r#"{{"messages":{deep},"model":"m"}}"#), Ok(("m", false)));
    check(&format!(r#"{{"messages":{deep}],"model":"m"}}"#), Err(InvalidCode::InvalidJson));
    check(&format!(r#"{{"model":{deep}}}"#), Err(InvalidCode::InvalidJson));
}

#[test]
fn a_key_that_is_no_text_is_the_upstreams_to_judge() {
    check(r#"{"\ud83d":1,"model":"m","":2}"#, Ok(("m", false)));
    check(r#"{"\ud83":1,"model":"m"}"#, Err(InvalidCode::InvalidJson));
}

#[test]
fn what_is_wrong_is_named() {
    use InvalidCode as C;
    for body in [
        "",
        "{",
        r#"{"model":"m"} x"#,
        r#"{"model":"m",}"#,
        r#"{"model":"m","a":[1,}"#,
        "[]",
        "7",
        "\"model\"",
        "null",
    ] {
        check(body, Err(C::InvalidJson));
    }
    assert_eq!(Envelope::scan(b"{\"model\":\"m\",\"x\":\"\xff\"}").unwrap_err().code, C::InvalidJson);
    check("{}", Err(C::MissingRequiredParameter));
    check(r#"{"messages":[{"model":"m"}]}"#, Err(C::MissingRequiredParameter));
    check(r#"{"model":7}"#, Err(C::InvalidType));
    check(r#"{"model":null}"#, Err(C::InvalidType));
    check(r#"{"model":"m","stream":"true"}"#, Err(C::InvalidType));
    check(r#"{"model":"m","model":"m"}"#, Err(C::DuplicateParameter));
    check(r#"{"model":"m","\u006dodel":"n"}"#, Err(C::DuplicateParameter));
    check(r#"{"stream":true,"model":"m","stream":false}"#, Err(C::DuplicateParameter));
}

#[test]
fn the_same_model_shares_the_body() {
    let body = Bytes::from_static(br#"{"model":"claude\u002dopus-5"}"#);
    let spliced = Envelope::scan(&body).unwrap().splice_model(&body, &"claude-opus-5".parse().unwrap());
    assert_eq!(spliced.as_ptr(), body.as_ptr());
}

fn arbitrary_json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((".{0,6}", inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn all_bytes_outside_the_span_are_unchanged(
        before in proptest::collection::vec(("[a-l\u{e9}\"\\\\]{1,6}", arbitrary_json()), 0..4),
        after in proptest::collection::vec(("[a-l\u{e9}\"\\\\]{1,6}", arbitrary_json()), 0..4),
        model in any::<String>(),
        space in "[ \n\t\r]{0,3}",
        new in "[a-z0-9@./-]{1,40}",
    ) {
        let member = |(key, value): &(String, serde_json::Value)| format!("{space}{}{space}:{space}{value}", serde_json::json!(key));
        let mut members: Vec<String> = before.iter().map(member).collect();
        members.push(format!("{space}\"model\"{space}:{space}{}{space}", serde_json::json!(model)));
        members.extend(after.iter().map(member));
        let body = Bytes::from(format!("{space}{{{}}}{space}", members.join(",")));

        let envelope = Envelope::scan(&body).unwrap();
        prop_assert_eq!(&envelope.model, &model);
        let new: ModelId = new.parse().unwrap();
        let spliced = envelope.splice_model(&body, &new);
        let span = envelope.model_span.clone();
        if model != new.as_str() {
            prop_assert_eq!(&spliced[..span.start], &body[..span.start]);
            prop_assert_eq!(&spliced[spliced.len() - (body.len() - span.end)..], &body[span.end..]);
            let quoted = format!("\"{new}\"");
            prop_assert_eq!(&spliced[span.start..span.start + quoted.len()], quoted.as_bytes());
        }
        prop_assert_eq!(Envelope::scan(&spliced).unwrap().model, new.as_str());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        drop(Envelope::scan(&bytes));
    }

    #[test]
    fn a_cut_body_is_refused(cut in 0_usize..40) {
        let body = br#"{"model":"m","messages":["a\"b",{"c":1}]}"#;
        prop_assert!(Envelope::scan(&body[..cut]).is_err());
    }
}
