//! The house rules that no compiler checks: each is a function from the repository's files to what is wrong.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::arguments::Arguments;
use crate::workspace;

pub(crate) const HELP: &str = "
Usage: cargo xtask tidy

- Every Rust file opens with `//!`: what it is for and where to begin.
- No `mod.rs` and no `utils.rs`.
- Members take version, edition, lints and dependencies from the workspace.
- The crate headings of ARCHITECTURE.md are the folders of crates/, and xtask.
- What the documents link to, and the paths of the repository that they name, are there.
- No file names a path of somebody's machine or the host of a package registry.
- The migrations of both databases have the same numbers.
";

/// One file of the repository, as far as it is text.
struct File {
    /// Relative to the root, with `/`.
    path: String,
    text: String,
}

/// Runs the check.
pub(crate) fn run(arguments: &mut Arguments) -> Result<()> {
    arguments.finish()?;
    let files = read_all(workspace::files()?)?;
    let complaints = find_complaints(&files);
    if complaints.is_empty() {
        println!("tidy: {} files keep the house rules", files.len());
        return Ok(());
    }
    bail!("the house rules are broken:\n  {}", complaints.join("\n  "))
}

/// Files that are not UTF-8 (pictures) are left out.
fn read_all(paths: Vec<PathBuf>) -> Result<Vec<File>> {
    let mut files = Vec::new();
    for path in paths {
        let bytes = std::fs::read(workspace::root().join(&path))
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(File { path: path.to_string_lossy().replace('\\', "/"), text });
        }
    }
    Ok(files)
}

fn find_complaints(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files {
        complaints.extend(rust_file(file));
        complaints.extend(member_manifest(file));
        complaints.extend(foreign_places(file));
    }
    complaints.extend(places_in_documents(files));
    complaints.extend(map_of_crates(files));
    complaints.extend(migration_numbers(files));
    complaints
}

fn rust_file(file: &File) -> Vec<String> {
    let mut complaints = Vec::new();
    if !file.path.ends_with(".rs") {
        return complaints;
    }
    if !file.text.starts_with("//!") {
        complaints.push(format!("{}: does not open with `//!`", file.path));
    }
    let name = Path::new(&file.path).file_name().unwrap_or_default().to_string_lossy();
    if name == "mod.rs" {
        complaints.push(format!("{}: call it `<folder>.rs`, beside the folder", file.path));
    }
    if ["utils.rs", "util.rs", "helpers.rs", "misc.rs"].contains(&&*name) {
        complaints.push(format!("{}: a file is named after what it is about", file.path));
    }
    complaints
}

/// A workspace of its own: libFuzzer wants flags for every crate it builds.
const NO_MEMBER: &str = "fuzz/Cargo.toml";

/// What a member takes from the workspace.
const INHERITED: &[&str] = &["version", "edition", "rust-version", "license", "publish"];

fn member_manifest(file: &File) -> Vec<String> {
    if !file.path.ends_with("/Cargo.toml") || file.path == NO_MEMBER {
        return Vec::new();
    }
    let manifest: toml::Table = match file.text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![format!("{}: {error}", file.path)],
    };
    let mut complaints = Vec::new();
    let inherits = |table: Option<&toml::Value>| {
        table.and_then(|value| value.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
    };
    let package = manifest.get("package");
    for key in INHERITED {
        if !inherits(package.and_then(|package| package.get(key))) {
            complaints.push(format!("{}: `{key}.workspace = true` is missing", file.path));
        }
    }
    if !inherits(manifest.get("lints")) {
        complaints.push(format!("{}: `[lints] workspace = true` is missing", file.path));
    }
    if package.and_then(|package| package.get("description")).is_none() {
        complaints.push(format!("{}: a crate is one idea; `description` says which", file.path));
    }
    for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let dependencies = manifest.get(table).and_then(toml::Value::as_table);
        for (name, dependency) in dependencies.into_iter().flatten() {
            if !inherits(Some(dependency)) {
                complaints.push(format!("{}: `{name}` must be `workspace = true`", file.path));
            }
        }
    }
    complaints
}

/// Written in two parts, so that this file does not break its own rule.
const FOREIGN: &[&str] = &[
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/wo", "rk/"),
    concat!("/Us", "ers/"),
    concat!("C:\\", "Users"),
    concat!("pypi", ".org"),
    concat!("files.python", "hosted.org"),
    concat!("static.", "crates.io"),
    concat!("index.", "crates.io"),
    concat!("registry.", "npmjs.org"),
    concat!("deb.", "debian.org"),
];

fn foreign_places(file: &File) -> Vec<String> {
    let lines = file.text.lines().enumerate();
    let found =
        lines.filter_map(|(at, line)| Some((at, FOREIGN.iter().find(|place| mentions(line, place))?)));
    found.map(|(at, place)| format!("{}:{}: mentions `{place}`", file.path, at + 1)).collect()
}

/// A path of a machine begins with its slash; within a longer path it is none (a route, `/v1/a/{id}/b`).
fn mentions(line: &str, place: &str) -> bool {
    let continues_a_path = |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || c == '}');
    line.match_indices(place).any(|(at, _)| !place.starts_with('/') || !continues_a_path(&line[..at]))
}

/// Links to files, and paths between backticks that start at the repository's top.
fn places_in_documents(files: &[File]) -> Vec<String> {
    let is_there = |place: &str| {
        let folder = format!("{}/", place.trim_end_matches('/'));
        files.iter().any(|file| file.path == place || file.path.starts_with(&folder))
    };
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        let missing = links(file).chain(named_paths(file)).filter(|place| !is_there(place));
        complaints.extend(missing.map(|place| format!("{}: there is no `{place}`", file.path)));
    }
    complaints
}

/// Where the links of a document lead, other than to the web or within the page.
fn links(file: &File) -> impl Iterator<Item = String> {
    let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
    let targets = file.text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    let targets = targets.filter(|target| !target.is_empty() && !target.contains("://"));
    targets.map(|target| {
        let mut place = PathBuf::new();
        for part in folder.join(target).components() {
            if part.as_os_str() == ".." { _ = place.pop() } else { place.push(part) }
        }
        place.to_string_lossy().into_owned()
    })
}

fn named_paths(file: &File) -> impl Iterator<Item = String> {
    const TOPS: [&str; 5] = ["crates/", "deploy/", "docs/", "migrations/", "xtask/"];
    let spans = file.text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let paths = spans.filter(|span| TOPS.iter().any(|top| span.starts_with(top)));
    paths.filter(|path| !path.contains([' ', '{', '<', '*'])).map(str::to_owned)
}

/// A heading is a crate's when it starts with the crate's name in backticks.
fn map_of_crates(files: &[File]) -> Vec<String> {
    let Some(map) = files.iter().find(|file| file.path == "ARCHITECTURE.md") else {
        return vec!["ARCHITECTURE.md: the map is missing".to_owned()];
    };
    let headings = map.text.lines().filter_map(|line| {
        let heading = line.strip_prefix('#')?.trim_start_matches('#').trim_start();
        let name = heading.strip_prefix('`')?.split('`').next()?;
        let name = name.strip_prefix("crates/").unwrap_or(name).trim_end_matches('/');
        (name.starts_with("portcullis") || name == "xtask").then(|| name.to_owned())
    });
    let headings: BTreeSet<String> = headings.collect();
    let mut crates: BTreeSet<String> = files.iter().filter_map(|file| crate_of(&file.path)).collect();
    crates.insert("xtask".to_owned());
    let missing =
        crates.difference(&headings).map(|name| format!("ARCHITECTURE.md: no heading for `{name}`"));
    let stale =
        headings.difference(&crates).map(|name| format!("ARCHITECTURE.md: there is no crate `{name}`"));
    missing.chain(stale).collect()
}

fn crate_of(path: &str) -> Option<String> {
    let (name, rest) = path.strip_prefix("crates/")?.split_once('/')?;
    (rest == "Cargo.toml").then(|| name.to_owned())
}

fn migration_numbers(files: &[File]) -> Vec<String> {
    let numbers = |database: &str| -> BTreeSet<&str> {
        let folder = format!("migrations/{database}/");
        let names = files.iter().filter_map(|file| file.path.strip_prefix(folder.as_str()));
        names.filter(|name| name.ends_with(".sql")).filter_map(|name| name.split('_').next()).collect()
    };
    let (postgres, sqlite) = (numbers("postgres"), numbers("sqlite"));
    let odd = postgres.symmetric_difference(&sqlite);
    let mut complaints: Vec<String> =
        odd.map(|number| format!("migrations: {number} is there for one database only")).collect();
    if postgres.is_empty() && sqlite.is_empty() {
        complaints.push("migrations: there are none".to_owned());
    }
    complaints
}

#[cfg(test)]
mod tests;
