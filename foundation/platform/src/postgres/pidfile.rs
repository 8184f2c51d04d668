//! Reading `postmaster.pid`. It is never written or removed here: PostgreSQL looks after its own file.
//!
//! A process id alone proves nothing, because ids are used again after a crash or a restart of the machine. A file
//! is believed only if the process runs a `postgres`, works in this data folder and started when the file says.

use std::path::Path;

use crate::procfs;

/// A clock that was set while the machine ran moves the start times that `/proc` shows.
const TOLERANCE_S: u64 = 10;

/// What the file says about now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holder {
    /// There is no file, or its process is gone.
    Nobody,
    /// A server runs on this folder.
    Server(u32),
    /// The id now belongs to somebody else.
    Stranger { pid: u32, command: String },
}

/// Who the file in `folder` names.
pub(super) fn holder(folder: &Path) -> Holder {
    let Ok(text) = std::fs::read_to_string(folder.join("postmaster.pid")) else {
        return Holder::Nobody;
    };
    let mut lines = text.lines();
    let Some(pid) = lines.next().and_then(|line| line.trim().parse::<u32>().ok()) else {
        return Holder::Nobody;
    };
    let started = lines.nth(1).and_then(|line| line.trim().parse::<u64>().ok());
    let Some(command) = procfs::command(pid) else {
        return Holder::Nobody;
    };
    let same_program = procfs::executable(pid).is_some_and(|path| path.ends_with("postgres"));
    let same_folder =
        std::fs::canonicalize(folder).is_ok_and(|path| procfs::working_folder(pid) == Some(path));
    let same_start = match (started, procfs::started_at_s(&pid.to_string())) {
        (Some(written), Some(seen)) => written.abs_diff(seen) <= TOLERANCE_S,
        _ => false,
    };
    if same_program && same_folder && same_start {
        Holder::Server(pid)
    } else {
        Holder::Stranger { pid, command }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_names_another_process_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(holder(folder.path()), Holder::Nobody);
        let ourselves = std::process::id();
        let text = format!("{ourselves}\n{}\n1\n5432\n", folder.path().display());
        std::fs::write(folder.path().join("postmaster.pid"), text).unwrap();
        assert!(matches!(holder(folder.path()), Holder::Stranger { pid, .. } if pid == ourselves));
        std::fs::write(folder.path().join("postmaster.pid"), "4194304000\n").unwrap();
        assert_eq!(holder(folder.path()), Holder::Nobody);
    }
}
