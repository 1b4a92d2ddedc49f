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
        "\"\\ud83d\\n\"",
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
    let refusal = |text: &str| parse_str(text).unwrap_err().to_string();
    assert_eq!(refusal(&deep(129)), "values nest too deeply at index 128");
    assert_eq!(refusal(&deep(1_000_000)), "values nest too deeply at index 128");
    assert_eq!(refusal(&r#"{"a":"#.repeat(1_000_000)), "values nest too deeply at index 640");
}

#[test]
fn an_error_says_where() {
    let refusal = |body: &[u8]| parse(body).unwrap_err().to_string();
    assert_eq!(refusal(br#"{"a":1,}"#), "trailing comma at index 7");
    assert_eq!(refusal(br#"{"a":tru}"#), "expected ident at index 8");
    assert!(refusal(b"\"ab\\ude00\"").ends_with("in hex escape at index 8"));
    assert_eq!(refusal(b"[1] [2]"), "trailing characters at index 4");
    assert_eq!(refusal(b"\"ab\xff\""), "the text is not UTF-8 at index 3");
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

/// What is meant, as `serde_json` says it.
fn meaning(json: &Json<'_>) -> serde_json::Value {
    use serde_json::Value;
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(text) => serde_json::from_str(text).unwrap(),
        Json::String(text) => Value::String(text.decode().into_owned()),
        Json::Array(array) => array.items.iter().map(meaning).collect(),
        Json::Object(object) => Value::Object(
            object.members.iter().map(|(key, value)| (key.to_string(), meaning(value))).collect(),
        ),
    }
}

/// Every value's text is that value's alone, and stands where the value does.
fn check_texts(json: &Json<'_>, whole: &str) {
    assert_eq!(meaning(&parse_str(json.raw()).unwrap()), meaning(json), "{:?}", json.raw());
    assert_eq!(json.raw(), json.raw().trim_ascii());
    let inner: Vec<&Json<'_>> = match json {
        Json::Array(array) => array.items.iter().collect(),
        Json::Object(object) => object.members.iter().map(|(_, value)| value).collect(),
        _ => return,
    };
    let start = offset_in(whole.as_bytes(), json.raw().as_bytes());
    assert_eq!(&whole[start..start + json.raw().len()], json.raw());
    inner.iter().for_each(|json| check_texts(json, whole));
}

/// The reader and `serde_json` agree whether this is JSON, on what it means, and on the order of its keys.
fn check_bytes(bytes: &[u8]) {
    let shown = String::from_utf8_lossy(bytes);
    match (parse(bytes), serde_json::from_slice::<serde_json::Value>(bytes)) {
        (Ok(ours), Ok(theirs)) => {
            let meant = meaning(&ours);
            assert_eq!(meant, theirs, "{shown:?}");
            // The texts tell the order of keys, which equality leaves aside.
            assert_eq!(meant.to_string(), theirs.to_string(), "{shown:?}");
            check_texts(&ours, std::str::from_utf8(bytes).unwrap());
        }
        (Err(_), Err(_)) => {}
        (ours, theirs) => panic!("{shown:?}: {ours:?}, but {theirs:?}"),
    }
}

/// JSON as encoders write it: any of the legal escapes, white space, forms of numbers, keys that stand twice.
fn written_json() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        8 => any::<char>().prop_filter("legal as it is", |c| *c >= ' ' && !matches!(c, '"' | '\\')).prop_map(String::from),
        2 => "\\\\[\"\\\\/bfnrt]",
        2 => any::<char>().prop_map(|c| {
            c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04X}")).collect()
        }),
    ];
    let string =
        proptest::collection::vec(character, 0..6).prop_map(|parts| format!("\"{}\"", parts.concat()));
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,8})?([eE][+-]?[0-9]{1,3})?",
        string.clone(),
    ];
    let space = "[ \n\r\t]{0,2}";
    leaf.prop_recursive(5, 40, 6, move |inner| {
        let key = prop_oneof![Just("\"a\"".to_owned()), Just("\"\\u0061\"".to_owned()), string.clone()];
        let items = proptest::collection::vec((space, inner.clone()), 0..6);
        let members = proptest::collection::vec((space, key, space, inner), 0..6);
        prop_oneof![
            (items, space).prop_map(|(items, space)| {
                let items: Vec<String> = items.into_iter().map(|(s, item)| format!("{s}{item}{s}")).collect();
                format!("[{}{space}]", items.join(","))
            }),
            (members, space).prop_map(|(members, space)| {
                let members =
                    members.into_iter().map(|(s, key, t, value)| format!("{s}{key}{t}:{t}{value}{s}"));
                format!("{{{}{space}}}", members.collect::<Vec<String>>().join(","))
            }),
        ]
    })
}

/// One way to spoil a text.
#[derive(Clone, Debug)]
enum Mutation {
    Replace(u8),
    Insert(&'static str),
    Remove,
    Cut,
    Repeat(usize),
}

fn mutations() -> impl Strategy<Value = Vec<(prop::sample::Index, Mutation)>> {
    let tokens = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        "\\u",
        "\\ud800",
        "\\udc00",
        "\\ud83d\\ude00",
        "0",
        "-",
        "+",
        ".",
        "e",
        "1e9",
        "NaN",
        "Infinity",
        "nul",
        "true",
        " ",
        "\u{b}",
        "\u{a0}",
        "\n",
        "\u{0}",
        "\u{feff}",
        "/**/",
        "'",
    ];
    let mutation = prop_oneof![
        any::<u8>().prop_map(Mutation::Replace),
        prop::sample::select(tokens.to_vec()).prop_map(Mutation::Insert),
        Just(Mutation::Remove),
        Just(Mutation::Cut),
        (1_usize..6).prop_map(Mutation::Repeat),
    ];
    proptest::collection::vec((any::<prop::sample::Index>(), mutation), 1..4)
}

fn mutated(text: &str, mutations: &[(prop::sample::Index, Mutation)]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for (index, mutation) in mutations {
        let at = index.index(bytes.len() + 1);
        match mutation {
            Mutation::Replace(byte) => bytes.splice(at..(at + 1).min(bytes.len()), [*byte]).for_each(drop),
            Mutation::Insert(token) => bytes.splice(at..at, token.bytes()).for_each(drop),
            Mutation::Remove => bytes.drain(at..(at + 1).min(bytes.len())).for_each(drop),
            Mutation::Cut => bytes.truncate(at),
            Mutation::Repeat(length) => {
                let again = bytes[at..(at + length).min(bytes.len())].to_vec();
                bytes.splice(at..at, again).for_each(drop);
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn arbitrary_text_is_judged_as_by_serde(text in "[\\[\\]{}\":,\\\\ut0-9a-f.eE+\\-nrl \\n\u{e9}]{0,24}") {
        check_bytes(text.as_bytes());
    }

    #[test]
    fn arbitrary_bytes_are_judged_as_by_serde(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        check_bytes(&bytes);
    }

    #[test]
    fn written_json_is_read_as_by_serde(text in written_json()) {
        prop_assert!(serde_accepts(&text), "{}", text);
        check_bytes(text.as_bytes());
    }

    #[test]
    fn spoilt_json_is_judged_as_by_serde(text in written_json(), mutations in mutations()) {
        check_bytes(&mutated(&text, &mutations));
    }
}

proptest! {
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
