//! `cargo xtask sqlx`: the descriptions of the checked queries in `.sqlx`.
//!
//! The query macros find the description of each query there when they are compiled, and write it when they are compiled against
//! a database. Compiling eight services for that takes minutes; so the queries are read from the source, and the testkit asks a
//! migrated scratch database about them as the macros would (`testkit::queries`). That the two agree is seen by every build: a
//! macro that does not find its query fails it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::rust_text::{checked_queries, rust_files};
use crate::workspace::Workspace;

/// Describes every checked query afresh, then compares with `.sqlx` or rewrites it.
pub(crate) fn run(check_only: bool) -> Result<()> {
    let workspace = Workspace::load()?;
    let committed_dir = workspace.root.join(".sqlx");
    let fresh = describe(&workspace.root, &queries(&workspace))?;
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

/// All of them; here only tests of this program have some that nobody compiles.
fn queries(workspace: &Workspace) -> BTreeSet<String> {
    let files = rust_files(workspace).filter(|file| !file.path.starts_with("xtask/"));
    files.flat_map(|file| checked_queries(&file.text)).collect()
}

/// Asks the scratch database of `testkit-postgres exec`, in which this program runs.
fn describe(root: &Path, queries: &BTreeSet<String>) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut asked = Command::new(root.join("script/testkit-postgres"))
        .arg("describe")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("script/testkit-postgres cannot be run")?;
    // It reads everything before it answers: neither waits for the other.
    serde_json::to_writer(asked.stdin.take().context("no standard input")?, queries)?;
    let answer = asked.wait_with_output()?;
    ensure!(answer.status.success(), "the checked queries could not be described");
    let files: BTreeMap<String, String> = serde_json::from_slice(&answer.stdout)?;
    Ok(files.into_iter().map(|(name, content)| (name, content.into_bytes())).collect())
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
    fn the_same_query_in_two_files_is_one() {
        let workspace = Workspace::of_files(&[
            ("services/a/src/store/x.rs", "fn f() { sqlx::query!(\"select 1\"); }"),
            ("services/b/src/lib.rs", "fn f() { sqlx::query!(\"select 1\"); sqlx::query(\"select 2\"); }"),
            ("xtask/src/lib.rs", "fn f() { sqlx::query!(\"select 3\"); }"),
        ]);
        assert_eq!(queries(&workspace), BTreeSet::from(["select 1".to_owned()]));
    }
}
