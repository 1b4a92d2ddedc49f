//! The page that is rendered from the table of classes.

use std::collections::BTreeSet;

use portcullis_provider::error::{classes, handbook};

const COMMITTED: &str = include_str!("../../../../docs/troubleshooting.md");

#[test]
fn the_committed_page_is_the_table() {
    assert!(
        COMMITTED == handbook(),
        "docs/troubleshooting.md is stale: run `cargo run -p portcullis-provider --example troubleshooting`"
    );
}

#[test]
fn the_page_covers_the_four_symptoms_that_everybody_meets() {
    for heading in [
        "### Outbound web identity federation is disabled",
        "### Access denied: not authorized to perform an action",
        "### Invalid signature",
        "### Trust policy error: STS refuses to assume the role",
    ] {
        assert!(COMMITTED.contains(heading), "{heading}");
    }
    assert!(COMMITTED.contains("```sh\naws iam enable-outbound-web-identity-federation\n```"));
}

#[test]
fn every_class_has_its_own_code_and_says_how_it_is_recognised() {
    let codes: BTreeSet<_> = classes().map(|class| class.code).collect();
    assert_eq!(codes.len(), classes().count());
    for class in classes() {
        assert!(class.phrases.len() + class.signs.len() > 0, "{}", class.code);
        assert!(class.meaning.ends_with('.'), "{}", class.code);
        assert!(class.fix.is_empty() || class.fix.ends_with('.'), "{}", class.code);
        assert!(COMMITTED.contains(&format!("<a id=\"{}\"></a>", class.code)), "{}", class.code);
    }
}
