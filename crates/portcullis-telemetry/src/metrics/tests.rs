//! What a page of metrics looks like.

use super::*;

#[test]
fn a_page_has_names_units_labels_and_an_end() {
    let families = vec![
        Family::info("build", "What runs", vec![("version", "1.2.3".into())]),
        Family::counter(
            "assume_role",
            "Calls",
            [(vec![("outcome", "ok".into())], 3), (vec![("outcome", "access_denied".into())], 1)],
        ),
        Family::gauge("session_expiry", "Time left", [(vec![("integration", "a".into())], 12.5)])
            .in_seconds(),
        Family::gauge("sessions", "Sessions in memory", [(vec![], 2.0)]),
    ];
    let page = "\
# HELP portcullis_build What runs
# TYPE portcullis_build info
portcullis_build_info{version=\"1.2.3\"} 1
# HELP portcullis_assume_role Calls
# TYPE portcullis_assume_role counter
portcullis_assume_role_total{outcome=\"ok\"} 3
portcullis_assume_role_total{outcome=\"access_denied\"} 1
# HELP portcullis_session_expiry_seconds Time left
# TYPE portcullis_session_expiry_seconds gauge
# UNIT portcullis_session_expiry_seconds seconds
portcullis_session_expiry_seconds{integration=\"a\"} 12.5
# HELP portcullis_sessions Sessions in memory
# TYPE portcullis_sessions gauge
portcullis_sessions 2.0
# EOF
";
    assert_eq!(render(families), page);
}

#[test]
fn a_label_cannot_break_out_of_its_line() {
    let evil = "a\"} 1\nportcullis_evil \\".to_owned();
    let page = render(vec![Family::gauge("sessions", "Sessions", [(vec![("integration", evil)], 1.0)])]);
    assert!(page.contains(r#"portcullis_sessions{integration="a\"} 1\nportcullis_evil \\"} 1.0"#), "{page}");
    assert_eq!(page.lines().count(), 4, "{page}");
}
