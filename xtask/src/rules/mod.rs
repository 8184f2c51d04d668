//! The rules, one file each, and the table that lists them.

mod attributes;
mod budgets;
mod crate_docs;
mod floors;
mod inherited_lints;
pub(crate) mod migration_lock;
mod migrations;
mod schemas;
mod tracked_text;

use crate::workspace::Workspace;

/// A rule: its name, what it demands in one line, and the function that finds violations.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) demands: &'static str,
    pub(crate) run: fn(&Workspace) -> Report,
}

/// What a rule found: violations, and remarks that fail nothing.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) violations: Vec<Violation>,
    pub(crate) remarks: Vec<String>,
}

/// One violation, at a place that an editor can open.
#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) place: String,
    pub(crate) message: String,
}

impl Report {
    /// Notes a violation in a file or crate as a whole.
    pub(crate) fn at(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.violations.push(Violation { place: place.into(), message: message.into() });
    }

    /// Notes a violation on one line, counted from 1.
    pub(crate) fn at_line(&mut self, path: &str, line: usize, message: impl Into<String>) {
        self.at(format!("{path}:{line}"), message);
    }
}

/// Every rule that needs neither a build nor a database.
pub(crate) const RULES: &[Rule] = &[
    Rule { name: "floors", demands: "dependencies point down, services know no service", run: floors::run },
    Rule { name: "schemas", demands: "SQL names only the schema of its own service", run: schemas::run },
    Rule { name: "budgets", demands: "files up to 600 lines, functions up to 80", run: budgets::run },
    Rule { name: "lints", demands: "every crate inherits the lints", run: inherited_lints::run },
    Rule { name: "crate docs", demands: "every crate says what it is for", run: crate_docs::run },
    Rule { name: "migrations", demands: "migrations expand, or say why not", run: migrations::run },
    Rule { name: "migration lock", demands: "a landed migration never changes", run: migration_lock::run },
    Rule { name: "tracked text", demands: "no machine paths, no registry hosts", run: tracked_text::run },
    Rule { name: "attributes", demands: "#[expect] with a reason, never #[allow]", run: attributes::run },
];
