//! The texts as they are handed out, in files that the linters of `xtask/e2e/test_artefacts.py` read as well.
//!
//! After a change, `PORTCULLIS_WRITE_GOLDEN=1` writes them anew; what changed is then read, not accepted.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use portcullis_credentials::onboarding::Artefacts;
use serde_json::Value;

use super::{artefacts, golden_plans};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/onboarding")
}

/// The files of one plan.
fn files(artefacts: &Artefacts) -> [(&'static str, String); 8] {
    let json = |value: &Value| format!("{value:#}\n");
    [
        ("trust_policy.json", json(&artefacts.trust_policy)),
        ("permission_policy.json", json(&artefacts.permission_policy)),
        ("gateway_policy.json", json(&artefacts.gateway_policy)),
        ("role.sh", artefacts.cli.clone()),
        ("role.yaml", artefacts.cloudformation.clone()),
        ("role.tf", artefacts.terraform.clone()),
        ("next_steps.json", json(&artefacts.next_steps.clone().into())),
        ("notes.txt", artefacts.notes.iter().map(|note| format!("{note}\n")).collect()),
    ]
}

#[expect(clippy::disallowed_methods, reason = "a test's own switch, not the product's configuration")]
fn writes_anew() -> bool {
    std::env::var_os("PORTCULLIS_WRITE_GOLDEN").is_some()
}

#[test]
fn the_golden_files_are_what_the_plans_make() {
    let writes = writes_anew();
    let mut differ = Vec::new();
    for (name, plan) in golden_plans() {
        let folder = folder().join(name);
        for (file, text) in files(&artefacts(&plan)) {
            let path = folder.join(file);
            if writes {
                fs::create_dir_all(&folder).unwrap();
                fs::write(&path, &text).unwrap();
            }
            if fs::read_to_string(&path).ok().as_deref() != Some(&*text) {
                differ.push(format!("{name}/{file}"));
            }
        }
    }
    assert!(differ.is_empty(), "these differ (see the file's documentation): {differ:?}");
}

#[test]
fn there_are_no_golden_files_that_nothing_makes() {
    let plans: BTreeSet<String> = golden_plans().into_iter().map(|(name, _)| name.to_owned()).collect();
    let folders = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(folders.map(|name| name.into_string().unwrap()).collect::<BTreeSet<_>>(), plans);
}

#[test]
fn a_plan_makes_the_same_texts_every_time() {
    for (name, plan) in golden_plans() {
        assert_eq!(artefacts(&plan), artefacts(&plan.clone()), "{name}");
    }
}
