//! No file of the repository names a path of somebody's machine or the host of a package registry.
//!
//! A path works on one machine only; a registry host ties a build to one network. Packages come through the
//! ordinary clients as each machine configures them. `Cargo.lock` names the default registry and no other.

use super::Report;
use crate::workspace::{TextFile, Workspace};

/// Starts of paths on a developer's machine. Pieces, so that this file does not accuse itself.
const MACHINE_PATHS: [&str; 4] =
    [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/wo", "rk/")];
/// Hosts and settings that choose a package registry.
const REGISTRIES: [&str; 10] = [
    concat!("index.cra", "tes.io"),
    concat!("static.cra", "tes.io"),
    concat!("py", "pi.org"),
    concat!("python", "hosted.org"),
    concat!("registry.np", "mjs.org"),
    concat!("registry.yarn", "pkg.com"),
    concat!("proxy.go", "lang.org"),
    concat!("--index", "-url"),
    concat!("--extra-index", "-url"),
    concat!("replace", "-with ="),
];
/// The only source that the lock file may name besides our own crates.
const DEFAULT_SOURCE: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";

pub(super) fn run(workspace: &Workspace) -> Report {
    let mut report = Report::default();
    for file in workspace.files.iter().filter(|f| f.path != "LICENSE") {
        for (number, line) in file.text.lines().enumerate() {
            if let Some(message) = judge(file, line) {
                report.at_line(&file.path, number + 1, message);
            }
        }
    }
    report
}

fn judge(file: &TextFile, line: &str) -> Option<String> {
    if file.path.ends_with("Cargo.lock") {
        let foreign = line.starts_with("source = ") && line != DEFAULT_SOURCE;
        return foreign.then(|| "a source other than the default registry".to_owned());
    }
    if file.path.ends_with("package-lock.json") && line.contains("\"resolved\": \"http") {
        return Some("names a registry host: lock with omit-lockfile-registry-resolved=true".to_owned());
    }
    if let Some(host) = REGISTRIES.iter().find(|r| line.contains(**r)) {
        return Some(format!("names a package registry ({host})"));
    }
    MACHINE_PATHS
        .iter()
        .find(|p| names_path(line, p))
        .map(|p| format!("names a path of somebody's machine ({p}...)"))
}

/// Does an absolute path start here, rather than a part of a longer path or address?
fn names_path(line: &str, prefix: &str) -> bool {
    line.match_indices(prefix).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + prefix.len()..].chars().next();
        before.is_none_or(|c| !c.is_alphanumeric() && !"/._-}*~:$".contains(c))
            && after.is_some_and(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        run(&Workspace::of_files(&[(path, text)])).violations.len()
    }

    #[test]
    fn machine_paths_are_found() {
        assert_eq!(found("docs/a.md", concat!("see /ho", "me/jane/dropmate")), 1);
        assert_eq!(found("script/a", concat!("cd \"/wo", "rk/main\"")), 1);
    }

    #[test]
    fn installed_paths_and_parts_of_longer_paths_pass() {
        assert_eq!(found("docs/a.md", "/var/lib/dropmate and /api/v1/work/orders and $HOME/work/x"), 0);
        assert_eq!(found("docs/a.md", concat!("the URL https://example.com/ho", "me/page")), 0);
    }

    #[test]
    fn registry_hosts_are_found() {
        assert_eq!(found("script/setup", concat!("curl https://py", "pi.org/simple")), 1);
        assert_eq!(found("web/package-lock.json", "\"resolved\": \"https://example.com/a.tgz\","), 1);
    }

    #[test]
    fn the_lock_file_names_the_default_registry_only() {
        assert_eq!(found("Cargo.lock", DEFAULT_SOURCE), 0);
        assert_eq!(found("Cargo.lock", "source = \"registry+https://mirror.example/index\""), 1);
    }
}
