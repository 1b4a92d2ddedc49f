//! Absent, null, wrong, doubled and unknown fields, and the paths by which they are told.

use serde_json::json;

use super::*;

/// Reads `body` with `reader` and returns what it yields and the problems, one `path: message` a line.
fn check<T>(body: Value, reader: impl FnOnce(&mut Fields<'_>) -> T) -> (T, Vec<String>) {
    let mut problems = Problems::default();
    let Value::Object(object) = body else { panic!("a test body is an object") };
    let mut fields = Fields::new(object, &mut problems);
    let value = reader(&mut fields);
    fields.finish();
    (value, problems.as_slice().iter().map(|p| format!("{}: {}", p.param, p.message)).collect())
}

#[test]
fn a_required_field_is_missed_by_its_first_name() {
    let read = |f: &mut Fields<'_>| f.required(&["aws_region", "awsRegion"], read::string);
    assert_eq!(check(json!({"awsRegion": "x"}), read), (Some("x".into()), vec![]));
    assert_eq!(check(json!({}), read), (None, vec!["aws_region: is missing".into()]));
    assert_eq!(
        check(json!({"awsRegion": null}), read),
        (None, vec!["awsRegion: must have a value, not null".into()])
    );
    assert_eq!(
        check(json!({"awsRegion": 1}), read),
        (None, vec!["awsRegion: must be a string, not a number".into()])
    );
}

#[test]
fn two_spellings_of_one_field_contradict() {
    let read = |f: &mut Fields<'_>| f.optional(&["a", "b"], read::string);
    let (value, problems) = check(json!({"b": "2", "a": "1"}), read);
    assert_eq!(value.as_deref(), Some("1"));
    assert_eq!(problems, ["b: is the same field as `a`: give one of them"]);
}

#[test]
fn a_change_tells_absent_from_null() {
    let read = |f: &mut Fields<'_>| f.change(&["note"], read::prose);
    assert_eq!(check(json!({}), read).0, Change::Keep);
    assert_eq!(check(json!({"note": null}), read).0, Change::Clear);
    assert_eq!(check(json!({"note": "x"}), read).0, Change::Set("x".into()));
    assert_eq!(check(json!({"note": []}), read).1, ["note: must be a string, not an array"]);
    let replace = |f: &mut Fields<'_>| f.replace(&["name"], read::name);
    assert_eq!(check(json!({"name": null}), replace).1, ["name: cannot be cleared"]);
    assert_eq!(check(json!({}), replace), (None, vec![]));
}

#[test]
fn a_nested_field_is_told_by_its_path() {
    let read = |f: &mut Fields<'_>| {
        f.nested("configurations", |mut inner| {
            let region = inner.required(&["aws_region"], read::string);
            inner.finish();
            region
        })
    };
    let (_, problems) = check(json!({"configurations": {"aws_regoin": "x"}, "nmae": 1}), read);
    assert_eq!(
        problems,
        [
            "configurations.aws_region: is missing",
            "configurations.aws_regoin: is not a field of this request",
            "nmae: is not a field of this request",
        ]
    );
    assert_eq!(
        check(json!({"configurations": "x"}), read).1,
        ["configurations: must be an object, not a string"]
    );
}

#[test]
fn a_field_we_do_not_support_may_be_empty_but_not_filled() {
    let read = |f: &mut Fields<'_>| f.refuse(&["limits"], ProblemCode::UnsupportedField, "is not supported");
    for empty in [json!({}), json!({"limits": null}), json!({"limits": []}), json!({"limits": {"a": null}})] {
        assert_eq!(check(empty, read).1, Vec::<String>::new());
    }
    for filled in [json!({"limits": [1]}), json!({"limits": {"a": 1}}), json!({"limits": false})] {
        assert_eq!(check(filled, read).1, ["limits: is not supported"]);
    }
}

#[test]
fn texts_for_people_have_a_length_and_no_control_characters() {
    let refused = |reading: Reading<String>| reading.unwrap_err().message;
    assert_eq!(refused(read::name(json!(""))), "must have 1 to 255 characters, not 0");
    assert_eq!(refused(read::name(json!("   "))), "must have 1 to 255 characters, not 3");
    assert_eq!(refused(read::name(json!("ü".repeat(256)))), "must have 1 to 255 characters, not 256");
    assert_eq!(refused(read::name(json!("a\u{0}b"))), "must not contain control characters");
    assert_eq!(refused(read::prose(json!("a\u{0}b"))), "must not contain control characters");
    assert_eq!(read::prose(json!("two\nlines")).unwrap(), "two\nlines");
    assert_eq!(read::name(json!("ü".repeat(255))).unwrap().chars().count(), 255);
}

#[test]
fn a_list_tells_which_item_is_wrong() {
    let problem = read::list(json!(["a", 1]), read::string).unwrap_err();
    assert_eq!(problem.message, "has an item 1 that must be a string, not a number");
}

#[test]
fn an_object_of_a_list_is_told_by_its_place() {
    let read = |f: &mut Fields<'_>| {
        f.each(&["targets"], |mut target| {
            let region = target.required(&["region"], read::string);
            target.finish();
            region
        })
    };
    let whole = json!({"targets": [{"region": "a"}, {"region": "b"}]});
    assert_eq!(check(whole, read), (Some(vec!["a".into(), "b".into()]), vec![]));
    assert_eq!(check(json!({"targets": null}), read), (None, vec![]));
    assert_eq!(
        check(json!({"targets": [{"region": 1}, {"regoin": "b"}]}), read),
        (
            None,
            vec![
                "targets[0].region: must be a string, not a number".into(),
                "targets[1].region: is missing".into(),
                "targets[1].regoin: is not a field of this request".into(),
            ]
        )
    );
    assert_eq!(
        check(json!({"targets": ["a"]}), read).1,
        ["targets: has an item 0 that must be an object, not a string"]
    );
}
