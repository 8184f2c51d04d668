//! Finding installed PostgreSQL servers. Nothing is ever downloaded.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The major versions that DropMate is tested with or expects to work with.
pub const SUPPORTED: std::ops::RangeInclusive<u32> = 15..=18;

/// One installed server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The major version.
    pub major: u32,
    /// The folder with `initdb` and `postgres`.
    pub bin_dir: PathBuf,
}

/// Where to look.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// `DROPMATE_POSTGRES_BIN`: when set, only this folder counts.
    pub explicit: Option<PathBuf>,
    /// `PATH`, for `pg_config`.
    pub search_path: Option<OsString>,
}

impl Places {
    /// What was looked through, for the error text.
    pub fn describe(&self) -> String {
        match &self.explicit {
            Some(folder) => format!("DROPMATE_POSTGRES_BIN={}", folder.display()),
            None => {
                "pg_config, /usr/lib/postgresql, /usr/pgsql-*, /opt/homebrew/opt, /usr/local/pgsql".to_owned()
            }
        }
    }
}

/// All supported servers, newest first, each major once (the first place wins).
pub fn find(places: &Places) -> Vec<Installed> {
    let mut found: Vec<Installed> = Vec::new();
    for folder in candidates(places) {
        let Some(major) = major_of(&folder) else { continue };
        if SUPPORTED.contains(&major) && !found.iter().any(|known| known.major == major) {
            found.push(Installed { major, bin_dir: folder });
        }
    }
    found.sort_by_key(|installed| std::cmp::Reverse(installed.major));
    found
}

fn candidates(places: &Places) -> Vec<PathBuf> {
    if let Some(folder) = &places.explicit {
        return vec![folder.clone()];
    }
    let mut folders: Vec<PathBuf> = places.search_path.iter().filter_map(pg_config).collect();
    folders.extend(below("/usr/lib/postgresql", ""));
    folders.extend(below("/usr", "pgsql-"));
    folders.extend(below("/opt/homebrew/opt", "postgresql@"));
    folders.push(PathBuf::from("/usr/local/pgsql/bin"));
    folders
}

/// `bin` folders below `parent` in entries whose name begins with `prefix`.
fn below(parent: &str, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(parent) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path().join("bin"))
        .collect()
}

fn pg_config(search_path: &OsString) -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").env("PATH", search_path).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(text.trim()))
}

/// The major version that the `postgres` in this folder reports, when `initdb` stands beside it.
fn major_of(folder: &Path) -> Option<u32> {
    if !folder.join("initdb").is_file() || !folder.join("postgres").is_file() {
        return None;
    }
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    parse_version(&String::from_utf8(output.stdout).ok()?)
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` -> 15; betas read `18beta1`.
fn parse_version(text: &str) -> Option<u32> {
    let version = text.split_once("(PostgreSQL)")?.1.trim_start();
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Finds an executable in `PATH` and the usual folders.
pub(super) fn executable(name: &str, search_path: Option<&OsString>) -> Option<PathBuf> {
    let listed = search_path.map(std::env::split_paths).into_iter().flatten();
    let usual = ["/usr/bin", "/bin", "/usr/local/bin"].map(PathBuf::from);
    listed.chain(usual).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// The exact command that installs a server on this system; `major` is `None` when any will do.
pub(super) fn install_hint(major: Option<u32>, os_release: &str) -> String {
    let value = |key: &str| {
        let line = os_release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        Some(line.trim_matches('"').to_owned())
    };
    let family = format!("{} {}", value("ID").unwrap_or_default(), value("ID_LIKE").unwrap_or_default());
    let is = |name: &str| family.split_whitespace().any(|word| word == name);
    let suffix = major.map(|major| format!("-{major}")).unwrap_or_default();
    if is("debian") || is("ubuntu") {
        let pgdg = major.map_or_else(String::new, |_| {
            " (when this release does not carry it: apt-get install postgresql-common && \
              /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh, then again)"
                .to_owned()
        });
        format!("Install it with: apt-get install postgresql{suffix}{pgdg}.")
    } else if is("fedora") || is("rhel") || is("centos") {
        let package =
            major.map_or_else(|| "postgresql-server".to_owned(), |major| format!("postgresql{major}-server"));
        format!("Install it with: dnf install {package}.")
    } else if is("alpine") {
        format!("Install it with: apk add postgresql{}.", major.unwrap_or(17))
    } else if is("arch") {
        "Install it with: pacman -S postgresql.".to_owned()
    } else {
        format!("Install the server package of PostgreSQL{suffix} of this system.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_postgres_prints() {
        assert_eq!(parse_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(parse_version("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(parse_version("something else 15"), None);
    }

    #[test]
    fn an_explicit_folder_is_the_only_place() {
        let places = Places { explicit: Some("/nowhere".into()), search_path: std::env::var_os("PATH") };
        assert_eq!(find(&places), Vec::new());
    }

    #[test]
    fn the_package_is_named_for_each_system() {
        let debian = install_hint(None, "PRETTY_NAME=\"Debian\"\nID=debian\n");
        assert_eq!(debian, "Install it with: apt-get install postgresql.");
        assert!(
            install_hint(Some(17), "ID=ubuntu\nID_LIKE=debian\n").contains("apt-get install postgresql-17")
        );
        assert!(
            install_hint(Some(16), "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n")
                .contains("postgresql16-server")
        );
        assert!(install_hint(None, "").contains("server package"));
    }
}
