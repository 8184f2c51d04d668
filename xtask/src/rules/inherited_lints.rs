//! Every crate inherits the workspace lints: `[lints] workspace = true`.

use super::Report;
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Report {
    let mut report = Report::default();
    for package in &workspace.crates {
        let path = format!("{}/Cargo.toml", package.dir);
        match workspace.text(&path) {
            Some(text) if inherits(text) => {}
            Some(_) => report.at(path, "add `[lints]` with `workspace = true`"),
            None => report.at(path, "manifest not found"),
        }
    }
    report
}

fn inherits(manifest: &str) -> bool {
    let Ok(table) = manifest.parse::<toml::Table>() else {
        return false;
    };
    table.get("lints").and_then(|l| l.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inheriting_passes_and_forgetting_fails() {
        let files = [
            ("services/a/Cargo.toml", "[lints]\nworkspace = true\n"),
            ("services/b/Cargo.toml", "[package]\n"),
        ];
        let workspace =
            Workspace::of_files(&files).with_crate("services/a", &[]).with_crate("services/b", &[]);
        let places: Vec<_> = run(&workspace).violations.into_iter().map(|v| v.place).collect();
        assert_eq!(places, ["services/b/Cargo.toml"]);
    }

    #[test]
    fn lints_of_its_own_are_not_inherited_ones() {
        assert!(!inherits("[lints.rust]\nunsafe_code = \"forbid\"\n"));
    }
}
