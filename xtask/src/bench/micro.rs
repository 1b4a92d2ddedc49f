//! Signing and translation alone, measured by criterion.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{process, progress, workspace};

const PACKAGES: [&str; 2] = ["portcullis-signer", "portcullis-provider"];

/// One benchmark and the median time of one run of it.
pub(super) struct Timed {
    name: String,
    nanoseconds: f64,
}

/// Runs the benchmarks and reads what criterion wrote.
pub(super) fn run(quick: bool) -> Result<Vec<Timed>> {
    let results = workspace::metadata()?.target_directory.join("criterion").into_std_path_buf();
    // Figures of benchmarks that are gone would be read again.
    let _ = std::fs::remove_dir_all(&results);
    progress::loud("signing and translation (criterion)", || {
        for package in PACKAGES {
            let mut cargo = workspace::cargo();
            cargo.args(["bench", "--locked", "--package", package, "--bench", "*"]);
            process::run(if quick { cargo.args(["--", "--quick"]) } else { &mut cargo })?;
        }
        Ok(())
    })?;
    let mut all = Vec::new();
    collect(&results, &mut all)?;
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

fn collect(folder: &Path, all: &mut Vec<Timed>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        if path.ends_with("new") {
            all.push(read(&path)?);
        } else {
            collect(&path, all)?;
        }
    }
    Ok(())
}

fn read(folder: &Path) -> Result<Timed> {
    let file = |name: &str| -> Result<Value> {
        Ok(serde_json::from_str(&std::fs::read_to_string(folder.join(name))?)?)
    };
    let (benchmark, estimates) = (file("benchmark.json")?, file("estimates.json")?);
    let name = benchmark["full_id"].as_str().context("a benchmark without a name")?.to_owned();
    let nanoseconds =
        estimates["median"]["point_estimate"].as_f64().context("a benchmark without a median")?;
    Ok(Timed { name, nanoseconds })
}

/// Empty when nothing was measured.
pub(super) fn table(all: &[Timed]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let mut table = "| benchmark | median µs |\n|---|---|\n".to_owned();
    for Timed { name, nanoseconds } in all {
        let _ = writeln!(table, "| {name} | {:.2} |", nanoseconds / 1e3);
    }
    table
}
