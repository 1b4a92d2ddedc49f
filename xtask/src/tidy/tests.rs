//! Each rule on a file that keeps it and on one that does not.

use super::*;

fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}

/// `expected` is a part of the only complaint, or empty when there must be none.
fn check(complaints: &[String], expected: &str) {
    if expected.is_empty() {
        assert_eq!(complaints, [""; 0]);
    } else {
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].contains(expected), "{complaints:?}");
    }
}

#[test]
fn rust_files_say_what_they_are_for_and_have_names_of_their_own() {
    check(&rust_file(&file("crates/a/src/lib.rs", "//! What.\n")), "");
    check(&rust_file(&file("crates/a/src/lib.rs", "// What.\n")), "does not open with `//!`");
    check(&rust_file(&file("crates/a/src/b/mod.rs", "//! What.\n")), "beside the folder");
    check(&rust_file(&file("crates/a/src/utils.rs", "//! What.\n")), "named after what it is about");
    check(&rust_file(&file("README.md", "# What")), "");
}

const MANIFEST: &str = r#"
[package]
name = "a"
description = "one idea"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true
[lints]
workspace = true
[dependencies]
serde.workspace = true
"#;

#[test]
fn members_take_everything_from_the_workspace() {
    let changed = |from: &str, to: &str| {
        assert!(MANIFEST.contains(from));
        member_manifest(&file("crates/a/Cargo.toml", &MANIFEST.replace(from, to)))
    };
    check(&member_manifest(&file("crates/a/Cargo.toml", MANIFEST)), "");
    check(
        &changed("version.workspace = true\nedition", "version = \"1.0.0\"\nedition"),
        "`version.workspace = true`",
    );
    check(&changed("[lints]\nworkspace = true\n", ""), "`[lints] workspace = true` is missing");
    check(&changed("serde.workspace = true", "serde = \"1\""), "`serde` must be");
    check(&changed("serde.workspace = true", "serde = { workspace = true, features = [\"rc\"] }"), "");
    check(&changed("description = \"one idea\"\n", ""), "`description`");
    check(&member_manifest(&file("Cargo.toml", "[workspace]")), "");
}

#[test]
fn no_file_names_a_place_on_somebodys_machine() {
    check(&foreign_places(&file("README.md", "see ./data and /var/lib/portcullis")), "");
    let within_a_route = format!("GET /v1/a/{{id}}{0}b and /v1/a/e{0}b", concat!("/wo", "rk/"));
    check(&foreign_places(&file("README.md", &within_a_route)), "");
    for place in FOREIGN {
        check(&foreign_places(&file("README.md", &format!("first\nsee {place}x"))), "README.md:2: mentions");
    }
}

#[test]
fn the_map_names_the_crates_that_exist() {
    let files = |map: &str| {
        vec![
            file("ARCHITECTURE.md", map),
            file("crates/portcullis-a/Cargo.toml", ""),
            file("xtask/Cargo.toml", ""),
        ]
    };
    check(
        &map_of_crates(&files(
            "# Map\n### `portcullis-a`: what\n### `crates/portcullis-a/`\n## `xtask`\n## Other\n",
        )),
        "",
    );
    check(&map_of_crates(&files("## `xtask`\n")), "no heading for `portcullis-a`");
    check(
        &map_of_crates(&files("## `xtask`\n## `portcullis-a`\n## `portcullis-b`\n")),
        "no crate `portcullis-b`",
    );
    check(&map_of_crates(&[]), "the map is missing");
}

#[test]
fn documents_name_places_that_exist() {
    let complaints = |text: &str| {
        places_in_documents(&[
            file("docs/a.md", text),
            file("README.md", ""),
            file("crates/a/src/lib.rs", "//! A."),
        ])
    };
    check(
        &complaints(
            "[top](../README.md#more), [web](https://example.com/x), [here](#below), `crates/a/src/`",
        ),
        "",
    );
    check(&complaints("[top](README.md)"), "docs/a.md: there is no `docs/README.md`");
    check(&complaints("Begin at `crates/a/src/gone.rs`."), "there is no `crates/a/src/gone.rs`");
    check(&complaints("Each crate has `crates/<name>/src`."), "");
}

#[test]
fn both_databases_have_the_same_migrations() {
    let first = || vec![file("migrations/postgres/0001_a.sql", ""), file("migrations/sqlite/0001_b.sql", "")];
    check(&migration_numbers(&first()), "");
    let mut more = first();
    more.push(file("migrations/sqlite/0002_c.sql", ""));
    check(&migration_numbers(&more), "0002 is there for one database only");
    check(&migration_numbers(&[]), "there are none");
}
