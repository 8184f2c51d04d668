//! A landed migration never changes.
//!
//! `xtask/migrations.lock` holds one line per migration: SHA-256 and path. Lines that are on the main branch
//! are frozen, in the file and on disk; new ones are added by `script/bless`.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::Report;
use super::migrations::is_migration;
use crate::workspace::Workspace;

/// Where the hashes are kept.
pub(crate) const LOCK: &str = "xtask/migrations.lock";

pub(super) fn run(workspace: &Workspace) -> Report {
    let mut report = Report::default();
    let landed = parse(&workspace.landed_migrations);
    let locked = parse(workspace.text(LOCK).unwrap_or_default());
    let current = current(workspace);
    for (path, hash) in &landed {
        match current.get(path) {
            None => report.at(path, "a landed migration was removed: restore it and write a new one"),
            Some(now) if now != hash => {
                report.at(path, "a landed migration was changed: restore it and write a new one");
            }
            Some(_) if locked.get(path) != Some(hash) => {
                report.at(LOCK, format!("the frozen line of {path} was changed"));
            }
            Some(_) => {}
        }
    }
    let fresh = |path: &str| !landed.contains_key(path);
    for (path, hash) in current.iter().filter(|(p, _)| fresh(p)) {
        if locked.get(path) != Some(hash) {
            report.at(path, format!("not in {LOCK} as it is now: run script/bless"));
        }
    }
    for path in locked.keys().filter(|p| fresh(p) && !current.contains_key(*p)) {
        report.at(LOCK, format!("{path} is gone: run script/bless"));
    }
    report
}

/// The lock file as it should be: frozen lines as they landed, all others as the files are now.
pub(crate) fn blessed(workspace: &Workspace) -> String {
    let mut lines = current(workspace);
    lines.extend(parse(&workspace.landed_migrations));
    let mut text = String::from(
        "# SHA-256 of every migration. Landed lines are frozen; `script/bless` adds new ones.\n",
    );
    for (path, hash) in lines {
        text.push_str(&hash);
        text.push_str("  ");
        text.push_str(&path);
        text.push('\n');
    }
    text
}

fn current(workspace: &Workspace) -> BTreeMap<String, String> {
    let migrations = workspace.files.iter().filter(|f| is_migration(&f.path));
    migrations.map(|f| (f.path.clone(), hex::encode(Sha256::digest(f.text.as_bytes())))).collect()
}

fn parse(lock: &str) -> BTreeMap<String, String> {
    let lines = lock.lines().filter(|l| !l.starts_with('#'));
    lines.filter_map(|l| l.split_once("  ")).map(|(hash, path)| (path.to_owned(), hash.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "services/a/migrations/0001_a.sql";
    const B: &str = "services/a/migrations/0002_b.sql";

    fn locked(files: &[(&str, &str)]) -> String {
        blessed(&Workspace::of_files(files))
    }

    fn violations(files: &[(&str, &str)], lock: &str, landed: &str) -> Vec<String> {
        let mut all = files.to_vec();
        all.push((LOCK, lock));
        let workspace = Workspace { landed_migrations: landed.to_owned(), ..Workspace::of_files(&all) };
        run(&workspace).violations.into_iter().map(|v| v.message).collect()
    }

    #[test]
    fn a_blessed_workspace_passes() {
        let files = [(A, "create table a.t ();"), (B, "create table a.u ();")];
        assert!(violations(&files, &locked(&files), &locked(&files[..1])).is_empty());
    }

    #[test]
    fn a_new_migration_must_be_blessed() {
        assert!(violations(&[(A, "x")], "", "")[0].contains("run script/bless"));
    }

    #[test]
    fn a_changed_or_removed_landed_migration_fails_even_with_an_edited_lock() {
        let before = locked(&[(A, "old")]);
        let after = locked(&[(A, "new")]);
        assert!(violations(&[(A, "new")], &after, &before)[0].contains("was changed"));
        assert!(violations(&[], "", &before)[0].contains("was removed"));
        assert!(violations(&[(A, "old")], &after, &before)[0].contains("frozen line"));
    }

    #[test]
    fn bless_keeps_frozen_lines_and_refreshes_the_rest() {
        let landed = locked(&[(A, "old")]);
        let workspace = Workspace {
            landed_migrations: landed.clone(),
            ..Workspace::of_files(&[(A, "edited"), (B, "new")])
        };
        let lock = blessed(&workspace);
        assert!(landed.lines().all(|line| lock.contains(line)));
        assert_eq!(lock.lines().count(), 3);
    }
}
