//! Who may depend on whom.
//!
//! Start at [`FLOORS`]; [`find_violations`] looks at a [`Graph`] that cargo's metadata becomes, or that a test makes up.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use anyhow::{Result, bail};
use cargo_metadata::{DependencyKind, Metadata, PackageId};

use crate::arguments::Arguments;
use crate::ban_list::{self, Owned};
use crate::{process, workspace};

pub(crate) const HELP: &str = "
Usage: cargo xtask layers

Fails when a crate depends on one above or beside it, when a pure crate reaches I/O through any of its dependencies,
or when a third-party crate is used outside the crates that own it (the bans with `wrappers` in deny.toml).
The floors stand in xtask/src/layers.rs.
";

/// A crate uses what stands on lower floors, never beside or above.
const FLOORS: &[(&str, u8)] = &[
    ("portcullis-types", 1),
    ("portcullis-signer", 2),
    ("portcullis-provider", 2),
    ("portcullis-credentials", 3),
    ("portcullis-catalog", 3),
    ("portcullis-gateway", 5),
    ("portcullis-admin", 5),
    ("portcullis", 6),
];

/// Beside the house: they use no crate of ours, and only these may use them (other than in tests).
const ASIDE: &[(&str, &[&str])] = &[
    ("portcullis-telemetry", &["portcullis-gateway", "portcullis-admin", "portcullis"]),
    // Its verifier is a second opinion on the signer, so it shares nothing with the product; `portcullis emulate` offers it.
    ("portcullis-emulator", &["portcullis"]),
    ("xtask", &[]),
];

/// Crates that do no I/O, and what may therefore never be reached by their normal dependencies.
const PURE: &[&str] = &["portcullis-types", "portcullis-signer", "portcullis-provider"];
const IO: &[&str] = &["tokio", "hyper", "sqlx", "axum", "reqwest", "aws-config"];

/// Dependencies that do not count: the signing crate's own interfaces name tokio's locks (its feature `sync`), which do
/// no I/O and cannot be turned off.
const EXCUSED: &[(&str, &str)] = &[("aws-smithy-async", "tokio"), ("aws-smithy-runtime-api", "tokio")];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Normal,
    Build,
    Test,
}

/// Packages by name and version, and what they depend on directly.
#[derive(Default)]
struct Graph {
    /// The workspace's own packages.
    members: BTreeSet<String>,
    /// From a package's label to the labels it depends on.
    edges: BTreeMap<String, BTreeSet<(String, Kind)>>,
}

/// Runs the check.
pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    arguments.finish()?;
    let violations = violations_of_the_workspace()?;
    if violations.is_empty() {
        println!("layers: every crate keeps to its floor");
        return Ok(());
    }
    bail!("the layers are broken:\n  {}", violations.join("\n  "))
}

fn violations_of_the_workspace() -> Result<Vec<String>> {
    let mut violations = find_violations(&Graph::of(&workspace::metadata()?), &ban_list::read()?);
    for pure in PURE {
        violations.extend(find_impurities(pure, &Graph::of_alone(pure)?));
    }
    Ok(violations)
}

fn find_violations(graph: &Graph, owned: &[Owned]) -> Vec<String> {
    let mut violations = Vec::new();
    for member in &graph.members {
        if floor(member).is_none() && aside(member).is_none() {
            violations.push(format!("`{member}` has no floor: give it one in xtask/src/layers.rs"));
        }
        let among_ours = graph.direct(member).filter(|(name, _)| graph.members.contains(*name));
        violations.extend(among_ours.filter_map(|(used, kind)| forbidden(member, used, kind)));
        violations.extend(owned.iter().filter_map(|owned| taken(graph, member, owned)));
    }
    violations
}

/// Each way from a pure crate to I/O.
fn find_impurities(pure: &str, graph: &Graph) -> Vec<String> {
    let ways = IO.iter().filter_map(|io| Some((io, graph.path(pure, io)?)));
    ways.map(|(io, way)| format!("`{pure}` does no I/O, but reaches `{io}`: {}", way.join(" → "))).collect()
}

fn floor(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(crate_name, _)| *crate_name == name).map(|(_, floor)| *floor)
}

fn aside(name: &str) -> Option<&'static [&'static str]> {
    ASIDE.iter().find(|(crate_name, _)| *crate_name == name).map(|(_, users)| *users)
}

/// Why one of our crates may not use another, if it may not.
fn forbidden(user: &str, used: &str, kind: Kind) -> Option<String> {
    if aside(user).is_some() {
        return Some(format!("`{user}` uses `{used}`, but it stands aside and uses no crate of ours"));
    }
    if let Some(users) = aside(used) {
        let in_a_test = kind == Kind::Test && used == "portcullis-emulator";
        let allowed = users.contains(&user) || in_a_test;
        return (!allowed).then(|| format!("`{user}` uses `{used}`, which only {users:?} may use"));
    }
    let (user_floor, used_floor) = (floor(user)?, floor(used)?);
    let direction = match used_floor.cmp(&user_floor) {
        std::cmp::Ordering::Less => return None,
        std::cmp::Ordering::Equal => "beside it",
        std::cmp::Ordering::Greater => "above it",
    };
    Some(format!("`{user}` (floor {user_floor}) uses `{used}` (floor {used_floor}), {direction}"))
}

/// Why a member may not use a third-party crate that others own, if it uses it.
fn taken(graph: &Graph, member: &str, owned: &Owned) -> Option<String> {
    let uses = graph.direct(member).any(|(name, _)| name == owned.package);
    let allowed = owned.owners.iter().any(|owner| owner == member);
    (uses && !allowed).then(|| {
        format!("`{member}` uses `{}`, which only {:?} may use (deny.toml)", owned.package, owned.owners)
    })
}

/// `name` of a label `name version`.
fn name_of(label: &str) -> &str {
    label.split(' ').next().unwrap_or(label)
}

impl Graph {
    fn of(metadata: &Metadata) -> Self {
        let labels: BTreeMap<&PackageId, String> =
            metadata.packages.iter().map(|p| (&p.id, label(metadata, p))).collect();
        let members = metadata.workspace_members.iter().map(|id| labels[id].clone()).collect();
        let mut edges: BTreeMap<String, BTreeSet<(String, Kind)>> = BTreeMap::new();
        for node in metadata.resolve.iter().flat_map(|resolve| &resolve.nodes) {
            let uses = edges.entry(labels[&node.id].clone()).or_default();
            for dependency in &node.deps {
                let kinds = dependency.dep_kinds.iter().map(|info| kind_of(info.kind));
                uses.extend(kinds.map(|kind| (labels[&dependency.pkg].clone(), kind)));
            }
        }
        Self { members, edges }
    }

    /// The normal dependencies of one crate when it is built alone. The workspace's metadata cannot tell: there, a
    /// feature that one crate asks for is on for all.
    fn of_alone(package: &str) -> Result<Self> {
        let mut tree = workspace::cargo();
        tree.args(["tree", "--locked", "--edges", "normal", "--target", "all", "--prefix", "depth"]);
        Ok(Self::of_tree(&process::output_of(tree.args(["--package", package]))?))
    }

    /// From lines such as `2tokio v1.54.1`: the depth, then the package.
    fn of_tree(tree: &str) -> Self {
        let mut graph = Self::default();
        let mut way: Vec<String> = Vec::new();
        for line in tree.lines() {
            let digits = line.bytes().take_while(u8::is_ascii_digit).count();
            let (depth, package) = line.split_at(digits);
            let Ok(depth) = depth.parse::<usize>() else { continue };
            let words: Vec<&str> = package.split(' ').collect();
            let is_ours = words.get(2).is_some_and(|word| word.starts_with("(/"));
            let label = if is_ours { words[0].to_owned() } else { words[..words.len().min(2)].join(" ") };
            way.truncate(depth);
            if let Some(user) = way.last() {
                graph.edges.entry(user.clone()).or_default().insert((label.clone(), Kind::Normal));
            }
            way.push(label);
        }
        graph
    }

    /// What a package depends on directly, by name.
    fn direct<'a>(&'a self, package: &str) -> impl Iterator<Item = (&'a str, Kind)> {
        self.edges.get(package).into_iter().flatten().map(|(label, kind)| (name_of(label), *kind))
    }

    /// The shortest way over normal dependencies that count.
    fn path(&self, from: &str, to: &str) -> Option<Vec<String>> {
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut queue = VecDeque::from([from]);
        while let Some(package) = queue.pop_front() {
            if name_of(package) == to {
                let way = std::iter::successors(Some(package), |at| came_from.get(at).copied());
                let mut way: Vec<String> = way.map(str::to_owned).collect();
                way.reverse();
                return Some(way);
            }
            let normal =
                self.edges.get(package).into_iter().flatten().filter(|(_, kind)| *kind == Kind::Normal);
            for (next, _) in normal {
                let excused = EXCUSED.contains(&(name_of(package), name_of(next)));
                if !excused && next != from && !came_from.contains_key(next.as_str()) {
                    came_from.insert(next, package);
                    queue.push_back(next);
                }
            }
        }
        None
    }
}

/// Members are known by their names alone, others by name and version: two versions are two packages.
fn label(metadata: &Metadata, package: &cargo_metadata::Package) -> String {
    if metadata.workspace_members.contains(&package.id) {
        package.name.to_string()
    } else {
        format!("{} {}", package.name, package.version)
    }
}

fn kind_of(kind: DependencyKind) -> Kind {
    match kind {
        DependencyKind::Development => Kind::Test,
        DependencyKind::Build => Kind::Build,
        _ => Kind::Normal,
    }
}

#[cfg(test)]
mod tests;
