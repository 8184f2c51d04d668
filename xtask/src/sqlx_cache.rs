//! `cargo xtask sqlx`: the descriptions of the checked queries in `.sqlx`.
//!
//! The query macros write a description of each query to a folder when they are compiled against a database.
//! We make cargo compile the crates that use them, against a migrated scratch database, into an empty folder,
//! and compare or copy the result. No further tool is needed.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};

use crate::rust_text::{has_checked_queries, rust_files};
use crate::workspace::{Crate, Workspace};

const DATABASE_URL: &str = "DROPMATE_SQLX_DATABASE_URL";

/// Describes every checked query afresh, then compares with `.sqlx` or rewrites it.
pub(crate) fn run(check_only: bool) -> Result<()> {
    let url = std::env::var(DATABASE_URL)
        .with_context(|| format!("{DATABASE_URL} is not set; script/bless starts a scratch database"))?;
    let workspace = Workspace::load()?;
    let committed_dir = workspace.root.join(".sqlx");
    let crates = crates_with_queries(&workspace);
    let fresh = if crates.is_empty() { BTreeMap::new() } else { describe(&workspace, &crates, &url)? };
    let differences = differences(&read_dir(&committed_dir)?, &fresh);
    if check_only {
        for difference in &differences {
            println!("{difference}");
        }
        ensure!(differences.is_empty(), ".sqlx is not fresh: run script/bless");
        println!(".sqlx is fresh ({} queries)", fresh.len());
        return Ok(());
    }
    write(&committed_dir, &fresh)?;
    println!(".sqlx holds {} queries, {} changed", fresh.len(), differences.len());
    Ok(())
}

fn crates_with_queries(workspace: &Workspace) -> Vec<&Crate> {
    let uses = |c: &&Crate| {
        let source = format!("{}/src/", c.dir);
        c.dir != "xtask"
            && rust_files(workspace).any(|f| f.path.starts_with(&source) && has_checked_queries(&f.text))
    };
    workspace.crates.iter().filter(uses).collect()
}

fn describe(workspace: &Workspace, crates: &[&Crate], url: &str) -> Result<BTreeMap<String, Vec<u8>>> {
    let folder = workspace.root.join("target/xtask/sqlx");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let roots: Vec<PathBuf> = crates.iter().map(|c| workspace.root.join(&c.dir).join("src/lib.rs")).collect();
    let touched = Touched::touch(&roots)?;
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(cargo);
    // The same selection as the build, so that the dependencies are not compiled twice.
    let selection = ["build", "--quiet", "--profile", "up", "--workspace", "--all-targets"];
    command.current_dir(&workspace.root).args(selection);
    command.env("SQLX_OFFLINE", "false").env("SQLX_OFFLINE_DIR", &folder).env("DATABASE_URL", url);
    let status = command.status()?;
    drop(touched);
    ensure!(status.success(), "the checked queries do not compile against the scratch database");
    read_dir(&folder)
}

/// Files whose modification time is put to the future, so that cargo compiles them again, and put back on
/// drop, so that other builds do not.
struct Touched(Vec<(PathBuf, SystemTime)>);

impl Touched {
    fn touch(paths: &[PathBuf]) -> Result<Self> {
        let mut touched = Self(Vec::new());
        for path in paths {
            let before = std::fs::metadata(path)?.modified()?;
            #[expect(
                clippy::disallowed_methods,
                reason = "cargo compares modification times with the real clock"
            )]
            let now = SystemTime::now();
            File::options().write(true).open(path)?.set_modified(now + Duration::from_secs(1))?;
            touched.0.push((path.clone(), before));
        }
        Ok(touched)
    }
}

impl Drop for Touched {
    fn drop(&mut self) {
        for (path, before) in &self.0 {
            let restored = File::options().write(true).open(path).and_then(|f| f.set_modified(*before));
            if let Err(error) = restored {
                eprintln!("{}: modification time not restored: {error}", path.display());
            }
        }
    }
}

fn read_dir(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    if !folder.exists() {
        return Ok(files);
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("query-") {
            files.insert(name, std::fs::read(entry.path())?);
        }
    }
    Ok(files)
}

fn differences(committed: &BTreeMap<String, Vec<u8>>, fresh: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, content) in fresh {
        match committed.get(name) {
            None => found.push(format!("missing: .sqlx/{name}")),
            Some(old) if old != content => found.push(format!("changed: .sqlx/{name}")),
            Some(_) => {}
        }
    }
    found.extend(committed.keys().filter(|n| !fresh.contains_key(*n)).map(|n| format!("unused: .sqlx/{n}")));
    found
}

fn write(folder: &Path, fresh: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for name in read_dir(folder)?.keys().filter(|n| !fresh.contains_key(*n)) {
        std::fs::remove_file(folder.join(name))?;
    }
    for (name, content) in fresh {
        let path = folder.join(name);
        if std::fs::write(&path, content).is_err() {
            bail!("cannot write {}", path.display());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_changed_and_unused_descriptions_are_named() {
        let old = BTreeMap::from([("a".to_owned(), vec![1]), ("b".to_owned(), vec![1])]);
        let new = BTreeMap::from([("b".to_owned(), vec![2]), ("c".to_owned(), vec![1])]);
        assert_eq!(differences(&old, &new), ["changed: .sqlx/b", "missing: .sqlx/c", "unused: .sqlx/a"]);
    }

    #[test]
    fn only_crates_with_checked_queries_are_compiled() {
        let workspace = Workspace::of_files(&[
            ("services/a/src/store/x.rs", "fn f() { sqlx::query!(\"select 1\"); }"),
            ("services/b/src/lib.rs", "fn f() { sqlx::query(\"select 1\"); }"),
        ])
        .with_crate("services/a", &[])
        .with_crate("services/b", &[]);
        let names: Vec<_> = crates_with_queries(&workspace).iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["a"]);
    }
}
