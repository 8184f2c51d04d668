//! Which data folder is used, decided before anything is started and without touching anything.
//!
//! Rule: the newest folder that exists is the one in use. Older ones are what an upgrade left; falling back to one
//! of them would silently show old data. No folder at all: the newest installed server begins one.

use std::path::{Path, PathBuf};

use super::binaries::{Installed, SUPPORTED};
use super::error::{PostgresError, io};

/// What to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub server: Installed,
    pub folder: PathBuf,
    /// Whether `initdb` has to run first.
    pub fresh: bool,
}

/// Decides from the folders below `<data>/postgres` and the installed servers.
pub(super) fn plan(
    root: &Path,
    installed: &[Installed],
    none_installed: impl FnOnce() -> PostgresError,
    install: impl Fn(u32) -> String,
) -> Result<Plan, PostgresError> {
    let Some(major) = newest(root)? else {
        let server = installed.first().cloned().ok_or_else(none_installed)?;
        let folder = root.join(server.major.to_string());
        return Ok(Plan { server, folder, fresh: true });
    };
    let folder = root.join(major.to_string());
    check_version(&folder, major)?;
    match installed.iter().find(|server| server.major == major) {
        Some(server) => Ok(Plan { server: server.clone(), folder, fresh: false }),
        None => {
            Err(PostgresError::OtherMajor { folder, major, install: next_command(major, installed, install) })
        }
    }
}

fn next_command(major: u32, installed: &[Installed], install: impl Fn(u32) -> String) -> String {
    let here: Vec<String> = installed.iter().map(|server| server.major.to_string()).collect();
    let others = if here.is_empty() {
        String::new()
    } else {
        format!(" Installed here: {}; data does not move between major versions by itself.", here.join(", "))
    };
    if SUPPORTED.contains(&major) {
        format!("{}{others}", install(major))
    } else {
        format!(
            "DropMate supports {} to {}: write a backup with the old version, then `dropmate restore FILE` here.{others}",
            SUPPORTED.start(),
            SUPPORTED.end()
        )
    }
}

/// The highest number that names a folder with something in it.
fn newest(root: &Path) -> Result<Option<u32>, PostgresError> {
    let mut majors = Vec::new();
    for entry in std::fs::read_dir(root).map_err(io("read the folder", root))? {
        let path = entry.map_err(io("read the folder", root))?.path();
        let Some(major) = path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()) else {
            continue;
        };
        let mut inside = std::fs::read_dir(&path).map_err(io("read the folder", &path))?;
        if inside.next().is_some() {
            majors.push(major);
        }
    }
    Ok(majors.into_iter().max())
}

/// `PG_VERSION` must say what the folder's name says.
fn check_version(folder: &Path, major: u32) -> Result<(), PostgresError> {
    let refuse = |why: String| PostgresError::NotACluster {
        folder: folder.to_owned(),
        major,
        why,
        next: "Move the folder away, or restore it from a backup.".to_owned(),
    };
    let text = std::fs::read_to_string(folder.join("PG_VERSION"))
        .map_err(|error| refuse(format!("its PG_VERSION cannot be read ({error})")))?;
    match text.trim().parse::<u32>() {
        Ok(written) if written == major => Ok(()),
        _ => Err(refuse(format!("its PG_VERSION says {:?}", text.trim()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(major: u32) -> Installed {
        Installed { major, bin_dir: format!("/usr/lib/postgresql/{major}/bin").into() }
    }

    fn decide(root: &Path, installed: &[Installed]) -> Result<Plan, PostgresError> {
        let none = || PostgresError::NotInstalled { looked: String::new(), install: String::new() };
        plan(root, installed, none, |major| format!("Install it with: apt-get install postgresql-{major}."))
    }

    fn folder(root: &Path, name: &str, version: &str) {
        std::fs::create_dir(root.join(name)).unwrap();
        std::fs::write(root.join(name).join("PG_VERSION"), version).unwrap();
    }

    #[test]
    fn the_newest_server_begins_and_the_newest_folder_stays() {
        let root = tempfile::tempdir().unwrap();
        let first = decide(root.path(), &[server(17), server(15)]).unwrap();
        assert_eq!((first.server.major, first.fresh), (17, true));
        folder(root.path(), "15", "15\n");
        let later = decide(root.path(), &[server(17), server(15)]).unwrap();
        assert_eq!((later.server.major, later.fresh), (15, false));
    }

    #[test]
    fn data_of_a_missing_server_is_refused_with_the_next_command() {
        let root = tempfile::tempdir().unwrap();
        folder(root.path(), "15", "15\n");
        folder(root.path(), "17", "17\n");
        let error = decide(root.path(), &[server(15)]).unwrap_err().to_string();
        assert!(error.contains("apt-get install postgresql-17"), "{error}");
        assert!(error.contains("Nothing was changed"), "{error}");
        folder(root.path(), "14", "14\n");
    }

    #[test]
    fn a_version_file_that_disagrees_is_refused() {
        let root = tempfile::tempdir().unwrap();
        folder(root.path(), "15", "16\n");
        assert!(matches!(decide(root.path(), &[server(15)]), Err(PostgresError::NotACluster { .. })));
    }

    #[test]
    fn a_folder_without_a_version_file_is_refused_and_an_empty_one_is_used() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("15")).unwrap();
        assert!(decide(root.path(), &[server(15)]).unwrap().fresh);
        std::fs::write(root.path().join("15/notes.txt"), "mine").unwrap();
        assert!(matches!(decide(root.path(), &[server(15)]), Err(PostgresError::NotACluster { .. })));
    }
}
