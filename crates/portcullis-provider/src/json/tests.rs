//! The reader agrees with `serde_json` about what JSON is and what it means.

use proptest::prelude::*;

use super::write::{Str, Writer};
use super::*;

fn serde_accepts(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok()
}

fn check(text: &str) {
    assert_eq!(parse_str(text).is_ok(), serde_accepts(text), "{text:?}: {:?}", parse_str(text));
}

#[test]
fn the_same_texts_are_json_as_for_serde() {
    for text in [
        "{}",
        "[]",
        "null",
        "true",
        "false",
        "\"\"",
        "0",
        "-0",
        "01",
        "-01",
        "-",
        "1.",
        ".5",
        "1.5",
        "1e5",
        "1E+5",
        "1e",
        "+1",
        "[1,]",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "[1 2]",
        "nul",
        "tru e",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ud83dx\"",
        "\"\\ud83d\\u0041\"",
        "\"a\nb\"",
        "\"",
        "\"\\",
        "",
        " ",
        "{} x",
        " {\"a\" : [ 1 , 2 ] } ",
        "\u{feff}{}",
        "[",
        "{\"a\":1",
        "1 1",
        "\"\\/\\b\\f\\n\\r\\t\"",
    ] {
        check(text);
    }
}

#[test]
fn nesting_is_limited() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse_str(&deep(128)).is_ok());
    assert_eq!(parse_str(&deep(129)).unwrap_err().reason, "the JSON nests too deeply");
    assert_eq!(parse_str(&deep(1_000_000)).unwrap_err().reason, "the JSON nests too deeply");
}

#[test]
fn each_value_knows_its_text() {
    let json = parse_str(r#"{"a" : [1.50, "x\u0041"], "a\"b": {"n": 12345678901234567890}}"#).unwrap();
    let object = json.as_object().unwrap();
    assert_eq!(object.get("a").unwrap().raw(), r#"[1.50, "x\u0041"]"#);
    assert_eq!(object.get("a\"b").unwrap().raw(), r#"{"n": 12345678901234567890}"#);
    let text = object.get("a").unwrap().as_array().unwrap().items[1].as_text().unwrap();
    assert_eq!(text.decode(), "xA");
}

#[test]
fn the_last_of_two_equal_keys_counts() {
    let json = parse_str(r#"{"a":1,"a":2}"#).unwrap();
    assert_eq!(json.as_object().unwrap().get("a"), Some(&Json::Number("2")));
}

#[test]
fn blank_text_is_found_through_escapes() {
    let blank = |text| parse_str(text).unwrap().as_text().unwrap().is_blank();
    assert!(blank(r#""""#) && blank(r#"" \n\t ""#) && blank(r#""\u0020""#) && blank("\"\u{a0}\""));
    assert!(!blank(r#""\nx""#) && !blank(r#"" a""#) && !blank(r#""\\""#));
}

#[test]
fn members_are_added_to_a_foreign_object() {
    let add = |object: &str| {
        let mut writer = Writer::default();
        writer.raw_object_and(object, |w| w.key("b").integer(2));
        String::from_utf8(writer.into_bytes()).unwrap()
    };
    assert_eq!(add("{}"), r#"{"b":2}"#);
    assert_eq!(add("{ }"), r#"{ "b":2}"#);
    assert_eq!(add(r#"{"a":1}"#), r#"{"a":1,"b":2}"#);
}

proptest! {
    #[test]
    fn arbitrary_text_is_judged_as_by_serde(text in "[\\[\\]{}\":,\\\\ut0-9a-f.eE+\\-nrl \\n\u{e9}]{0,24}") {
        prop_assert_eq!(parse_str(&text).is_ok(), serde_accepts(&text), "{:?}", text);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        drop(parse(&bytes));
    }

    #[test]
    fn a_string_survives_writing_and_reading(text in any::<String>()) {
        let mut writer = Writer::default();
        writer.string(&Str::Plain(text.as_str().into()));
        let bytes = writer.into_bytes();
        prop_assert_eq!(&serde_json::from_slice::<String>(&bytes).unwrap(), &text);
        prop_assert_eq!(parse(&bytes).unwrap().as_text().unwrap().decode(), text.as_str());
        // Another encoder escapes other characters; what is meant is the same.
        let ascii: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        let quoted = format!("\"{ascii}\"");
        prop_assert_eq!(parse_str(&quoted).unwrap().as_text().unwrap().decode(), text.as_str());
    }
}
