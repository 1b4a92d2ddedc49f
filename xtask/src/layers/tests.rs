//! The rules, on made-up graphs, and on the real one.

use super::*;

/// A graph from lines `user -> used`, with `(test)` or `(build)` behind an edge that is not normal.
fn graph(lines: &[&str]) -> Graph {
    let mut graph = Graph::default();
    for line in lines {
        let (user, used) = line.split_once(" -> ").unwrap_or((line, ""));
        let (used, kind) = match used.rsplit_once(" (") {
            Some((used, "test)")) => (used, Kind::Test),
            Some((used, "build)")) => (used, Kind::Build),
            _ => (used, Kind::Normal),
        };
        for name in [user, used] {
            if name.starts_with("portcullis") || name == "xtask" {
                graph.members.insert(name.to_owned());
            }
        }
        let uses = graph.edges.entry(user.to_owned()).or_default();
        if !used.is_empty() {
            uses.insert((used.to_owned(), kind));
        }
    }
    graph
}

/// `expected` is a part of the only violation, or empty when there must be none.
fn check(lines: &[&str], expected: &str) {
    let owned = [
        Owned { package: "sqlx".into(), owners: vec!["portcullis-catalog".into()] },
        Owned {
            package: "axum".into(),
            owners: vec!["portcullis-gateway".into(), "portcullis-emulator".into()],
        },
    ];
    let graph = graph(lines);
    let mut violations = find_violations(&graph, &owned);
    violations.extend(PURE.iter().flat_map(|pure| find_impurities(pure, &graph)));
    if expected.is_empty() {
        assert_eq!(violations, [""; 0], "{lines:?}");
    } else {
        assert_eq!(violations.len(), 1, "{lines:?}: {violations:?}");
        assert!(violations[0].contains(expected), "{lines:?}: {violations:?}");
    }
}

#[test]
fn down_is_allowed_and_up_and_sideways_are_not() {
    check(&["portcullis-gateway -> portcullis-catalog", "portcullis-catalog -> portcullis-types"], "");
    check(&["portcullis-types -> portcullis-catalog"], "(floor 3), above it");
    check(&["portcullis-signer -> portcullis-provider"], "(floor 2), beside it");
    check(&["portcullis-gateway -> portcullis-admin"], "beside it");
    check(&["portcullis-catalog -> portcullis"], "above it");
}

#[test]
fn tests_and_build_scripts_keep_to_the_floors_too() {
    check(&["portcullis-signer -> portcullis-gateway (test)"], "above it");
    check(&["portcullis-signer -> portcullis-gateway (build)"], "above it");
}

#[test]
fn the_emulator_serves_tests_and_the_binary_alone() {
    check(&["portcullis-gateway -> portcullis-emulator (test)"], "");
    check(&["portcullis -> portcullis-emulator"], "");
    check(&["portcullis-gateway -> portcullis-emulator"], "which only [\"portcullis\"] may use");
    check(&["portcullis-emulator -> portcullis-types"], "stands aside");
    check(&["portcullis-emulator -> portcullis-signer (test)"], "stands aside");
    check(&["portcullis -> xtask (test)"], "which only [] may use");
}

#[test]
fn a_crate_without_a_floor_is_refused() {
    check(&["portcullis-metering"], "`portcullis-metering` has no floor");
}

#[test]
fn a_pure_crate_reaches_no_io_by_any_way() {
    let lines = [
        "portcullis-signer -> aws-sigv4 1.6.4",
        "aws-sigv4 1.6.4 -> aws-smithy 1.0.0",
        "aws-smithy 1.0.0 -> tokio 1.54.0",
    ];
    check(&lines, "reaches `tokio`: portcullis-signer → aws-sigv4 1.6.4 → aws-smithy 1.0.0 → tokio 1.54.0");
    check(&["portcullis-signer -> proptest 1.0.0 (test)", "proptest 1.0.0 -> tokio 1.54.0"], "");
    check(&["portcullis-gateway -> tokio 1.54.0"], "");
    check(&["portcullis-signer -> aws-smithy-async 1.3.1", "aws-smithy-async 1.3.1 -> tokio 1.54.0"], "");
    check(
        &["portcullis-signer -> aws-smithy-async 1.3.1", "aws-smithy-async 1.3.1 -> hyper 1.12.0"],
        "`hyper`",
    );
}

#[test]
fn the_lines_of_a_tree_become_a_graph() {
    let tree = "0portcullis-signer v0.1.0 (/a/portcullis-signer)\n1a v1.0.0\n2hyper v1.2.3\n1b v1.0.0 (proc-macro)\n2a v1.0.0 (*)";
    let graph = Graph::of_tree(tree);
    let edges: Vec<_> = graph
        .edges
        .iter()
        .flat_map(|(user, uses)| uses.iter().map(move |(used, _)| format!("{user} -> {used}")))
        .collect();
    assert_eq!(
        edges,
        [
            "a v1.0.0 -> hyper v1.2.3",
            "b v1.0.0 -> a v1.0.0",
            "portcullis-signer -> a v1.0.0",
            "portcullis-signer -> b v1.0.0"
        ]
    );
    assert_eq!(find_impurities("portcullis-signer", &graph).len(), 1);
}

#[test]
fn a_cycle_of_tests_comes_to_an_end() {
    check(&["portcullis-types -> a 1.0.0", "a 1.0.0 -> b 1.0.0", "b 1.0.0 -> a 1.0.0"], "");
}

#[test]
fn a_third_party_crate_stays_with_its_owners() {
    check(&["portcullis-catalog -> sqlx 0.9.0", "portcullis-emulator -> axum 0.8.9"], "");
    check(&["portcullis-admin -> sqlx 0.9.0"], "`portcullis-admin` uses `sqlx`");
    check(&["portcullis-admin -> sqlx-core 0.9.0"], "");
}

#[test]
fn the_workspace_itself_keeps_to_the_layers() {
    let metadata = workspace::metadata().unwrap();
    let graph = Graph::of(&metadata);
    assert!(
        graph.direct("portcullis-signer").any(|(name, _)| name == "portcullis-types"),
        "the graph is empty"
    );
    assert_eq!(find_violations(&graph, &ban_list::read().unwrap()), [""; 0]);
}
