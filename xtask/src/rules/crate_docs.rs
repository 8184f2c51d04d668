//! The root file of every crate starts with `//!`: what the crate owns and what it is for.

use super::Report;
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Report {
    let mut report = Report::default();
    for package in &workspace.crates {
        for root in ["lib.rs", "main.rs"] {
            let path = format!("{}/src/{root}", package.dir);
            if let Some(text) = workspace.text(&path)
                && !text.trim_start().starts_with("//!")
            {
                report.at(path, "start with `//!`: what this crate owns, what comes in, what goes out");
            }
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_without_words_is_found() {
        let files = [("services/a/src/lib.rs", "//! Owns a.\n"), ("services/b/src/lib.rs", "pub mod b;\n")];
        let workspace =
            Workspace::of_files(&files).with_crate("services/a", &[]).with_crate("services/b", &[]);
        let report = run(&workspace);
        assert_eq!(report.violations.len(), 1);
        assert_eq!(report.violations[0].place, "services/b/src/lib.rs");
    }
}
