//! What the rules look at: the crates with their dependencies, and the text of every file of the repository.
//!
//! Rules read this value only, never the disk, so that their tests can build a small bad workspace in memory.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, MetadataCommand};

/// Files larger than this are data, not text that somebody wrote.
const MAX_TEXT_BYTES: u64 = 2_000_000;
/// Folders that are never part of the repository; used when there is no git to ask.
const FOREIGN_FOLDERS: [&str; 7] = [".git", "target", "data", ".tools", "tmp", "node_modules", "dist"];

/// The repository as the rules see it.
#[derive(Default)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) crates: Vec<Crate>,
    pub(crate) files: Vec<TextFile>,
    /// `xtask/migrations.lock` as it is on the main branch.
    pub(crate) landed_migrations: String,
}

/// One crate of the workspace and its direct dependencies.
pub(crate) struct Crate {
    pub(crate) name: String,
    /// Folder relative to the root, with `/`.
    pub(crate) dir: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A direct dependency, whether a crate of the house or not.
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) dev_only: bool,
}

/// A file of the repository; `path` is relative to the root, with `/`.
pub(crate) struct TextFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Workspace {
    /// Reads the workspace that contains the current folder.
    pub(crate) fn load() -> Result<Self> {
        let metadata = MetadataCommand::new().no_deps().other_options(vec!["--offline".to_owned()]).exec()?;
        let root = metadata.workspace_root.clone().into_std_path_buf();
        let crates = metadata.workspace_packages().into_iter().map(|p| read_crate(&root, p)).collect();
        let files = read_files(&root)?;
        Ok(Self { landed_migrations: landed_migrations(&root), root, crates, files })
    }

    /// The text of one file, if it exists.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|f| f.path == path).map(|f| f.text.as_str())
    }

    /// Names of the crates below `services/`, which are also the names of their schemas.
    pub(crate) fn services(&self) -> Vec<&str> {
        self.crates.iter().filter_map(|c| c.dir.strip_prefix("services/")).collect()
    }
}

fn read_crate(root: &Path, package: &cargo_metadata::Package) -> Crate {
    let dir = package.manifest_path.parent().map(|p| relative(root, p.as_std_path())).unwrap_or_default();
    let dependencies = package
        .dependencies
        .iter()
        .map(|d| Dependency { name: d.name.clone(), dev_only: d.kind == DependencyKind::Development })
        .collect();
    Crate { name: package.name.to_string(), dir, dependencies }
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

fn read_files(root: &Path) -> Result<Vec<TextFile>> {
    let mut files = Vec::new();
    for path in list_files(root)? {
        let full = root.join(&path);
        let Ok(meta) = std::fs::symlink_metadata(&full) else {
            continue;
        };
        if !meta.is_file() || meta.len() > MAX_TEXT_BYTES {
            continue;
        }
        let bytes = std::fs::read(&full).with_context(|| format!("reading {path}"))?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(TextFile { path, text });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Tracked files and new ones that are not ignored; without git, everything outside the foreign folders.
fn list_files(root: &Path) -> Result<Vec<String>> {
    let git = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    if let Some(listed) = git_output(root, &git) {
        let mut paths: Vec<String> =
            listed.split('\0').filter(|p| !p.is_empty()).map(str::to_owned).collect();
        paths.sort();
        paths.dedup();
        return Ok(paths);
    }
    let keep = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        !(entry.file_type().is_dir() && FOREIGN_FOLDERS.contains(&name.as_ref()))
    };
    let mut paths = Vec::new();
    for entry in walkdir::WalkDir::new(root).into_iter().filter_entry(keep) {
        let entry = entry?;
        if entry.file_type().is_file() {
            paths.push(relative(root, entry.path()));
        }
    }
    Ok(paths)
}

/// The lock as it stands on the main branch (the shared one, if there is a remote); empty if it has none yet.
fn landed_migrations(root: &Path) -> String {
    let exists = |at: &&str| git_output(root, &["rev-parse", "--verify", "--quiet", at]).is_some();
    let main = ["origin/main", "main", "HEAD"].into_iter().find(exists);
    main.and_then(|at| git_output(root, &["show", &format!("{at}:xtask/migrations.lock")]))
        .unwrap_or_default()
}

fn git_output(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
    if output.status.success() { String::from_utf8(output.stdout).ok() } else { None }
}

#[cfg(test)]
impl Workspace {
    /// A workspace in memory with these files and no crates.
    pub(crate) fn of_files(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(path, text)| TextFile { path: (*path).to_owned(), text: (*text).to_owned() })
            .collect();
        Self { files, ..Self::default() }
    }

    /// Adds a crate; a dependency written as `dev:name` is a dev-dependency.
    pub(crate) fn with_crate(mut self, dir: &str, dependencies: &[&str]) -> Self {
        let dependencies = dependencies
            .iter()
            .map(|d| Dependency {
                name: d.trim_start_matches("dev:").to_owned(),
                dev_only: d.starts_with("dev:"),
            })
            .collect();
        let name = dir.rsplit('/').next().unwrap_or(dir).to_owned();
        self.crates.push(Crate { name, dir: dir.to_owned(), dependencies });
        self
    }
}
