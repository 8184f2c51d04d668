//! Migrations expand; what breaks the running version needs a reason.
//!
//! During an upgrade the old version still runs on the new schema, so a migration must not take away or
//! tighten what the old version uses, nor lock a full table. Refused: DROP TABLE, DROP SCHEMA, DROP COLUMN,
//! RENAME, ALTER COLUMN ... TYPE, SET NOT NULL, ADD COLUMN ... NOT NULL without DEFAULT, and CREATE INDEX
//! without CONCURRENTLY; free on tables that the same file creates. The contract step, a release later, carries
//! `-- contract: <reason>` on the line above the statement or the clause.

use std::collections::BTreeSet;

use super::Report;
use crate::sql_text::{Bodies, Word, line_of, masked, statements, words};
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Report {
    let mut report = Report::default();
    for file in workspace.files.iter().filter(|f| is_migration(&f.path)) {
        for (line, message) in scan(&file.text) {
            report.at_line(&file.path, line, message);
        }
    }
    report
}

/// A `.sql` file in a `migrations` folder of a crate.
pub(crate) fn is_migration(path: &str) -> bool {
    path.contains("/migrations/") && path.rsplit_once('.').is_some_and(|(_, ext)| ext == "sql")
}

fn scan(sql: &str) -> Vec<(usize, String)> {
    let clean = masked(sql, Bodies::Blank);
    let lines: Vec<&str> = sql.lines().collect();
    let mut created = BTreeSet::new();
    let mut found = Vec::new();
    for range in statements(&clean) {
        let statement = words(&clean, range);
        let Some(first) = statement.first() else { continue };
        let start = line_of(sql, first.offset);
        for (offset, message) in judge(&statement, &mut created) {
            let line = line_of(sql, offset);
            if !is_excused(&lines, line) && !is_excused(&lines, start) {
                found.push((line, format!("{message}; a contract step says `-- contract: <reason>` above")));
            }
        }
    }
    found
}

/// Does the block of comments directly above this line give a contract reason?
fn is_excused(lines: &[&str], line: usize) -> bool {
    lines[..line.saturating_sub(1)].iter().rev().map_while(|l| l.trim().strip_prefix("--")).any(|comment| {
        comment.trim().strip_prefix("contract:").is_some_and(|reason| !reason.trim().is_empty())
    })
}

type Finding = (usize, &'static str);

fn judge(statement: &[Word], created: &mut BTreeSet<String>) -> Vec<Finding> {
    let text: Vec<&str> = statement.iter().map(|w| w.text.as_str()).collect();
    // Statements inside a DO block follow BEGIN or THEN: look from the verb on.
    let Some(verb) = text.iter().position(|w| matches!(*w, "create" | "alter" | "drop")) else {
        return vec![];
    };
    let (statement, text) = (&statement[verb..], &text[verb..]);
    match text {
        ["create", ..] => judge_create(statement, text, created),
        ["drop", "table", ..] => vec![(statement[0].offset, "DROP TABLE breaks the running version")],
        ["drop", "schema", ..] => vec![(statement[0].offset, "DROP SCHEMA breaks the running version")],
        ["alter", "table", rest @ ..] => {
            let skip = text.len() - rest.len() + table_name_at(rest);
            match text.get(skip) {
                Some(name) if !created.contains(*name) => judge_actions(&statement[skip + 1..]),
                _ => vec![],
            }
        }
        ["alter", ..] => {
            let rename = statement.iter().find(|w| w.text == "rename");
            rename.map(|w| (w.offset, "RENAME breaks the running version")).into_iter().collect()
        }
        _ => vec![],
    }
}

/// Position of the name after optional words.
fn table_name_at(words: &[&str]) -> usize {
    words.iter().take_while(|w| matches!(**w, "if" | "exists" | "not" | "only" | "concurrently")).count()
}

fn judge_create(statement: &[Word], text: &[&str], created: &mut BTreeSet<String>) -> Vec<Finding> {
    let until_name = text.iter().position(|w| matches!(*w, "table" | "index" | "("));
    match until_name.map(|i| (text[i], i)) {
        Some(("table", i)) => {
            let rest = &text[i + 1..];
            created.extend(rest.get(table_name_at(rest)).map(|name| (*name).to_owned()));
            vec![]
        }
        Some(("index", i)) if text.get(i + 1) != Some(&"concurrently") => {
            let after_on = text.iter().position(|w| *w == "on").map_or(text.len(), |on| on + 1);
            let table = text.get(after_on + table_name_at(&text[after_on.min(text.len())..]));
            match table {
                Some(name) if !created.contains(*name) => {
                    vec![(
                        statement[0].offset,
                        "CREATE INDEX without CONCURRENTLY locks the table (put it in a file that starts with `-- no-transaction`)",
                    )]
                }
                _ => vec![],
            }
        }
        _ => vec![],
    }
}

/// Judges the comma-separated actions of ALTER TABLE.
fn judge_actions(actions: &[Word]) -> Vec<Finding> {
    let mut depth = 0_usize;
    actions
        .split(|w| {
            match w.text.as_str() {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && w.text == ","
        })
        .filter_map(judge_action)
        .collect()
}

fn judge_action(action: &[Word]) -> Option<Finding> {
    let text: Vec<&str> = action.iter().map(|w| w.text.as_str()).filter(|w| *w != "column").collect();
    let has = |word: &str| text.contains(&word);
    let constraint = ["constraint", "check", "foreign", "unique", "primary", "exclude"];
    if text.get(1).is_some_and(|w| constraint.contains(w)) {
        return None;
    }
    let message = match text.as_slice() {
        ["drop", ..] => "DROP COLUMN breaks the running version",
        ["rename", ..] => "RENAME breaks the running version",
        ["alter", _, "type", ..] | ["alter", _, "set", "data", ..] => "changing a TYPE rewrites the table",
        ["alter", _, "set", "not", "null", ..] => "SET NOT NULL refuses rows of the running version",
        ["add", ..]
            if text.windows(2).any(|w| w == ["not", "null"]) && !has("default") && !has("generated") =>
        {
            "ADD COLUMN ... NOT NULL without DEFAULT refuses rows of the running version"
        }
        _ => return None,
    };
    action.first().map(|w| (w.offset, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(sql: &str) -> Vec<String> {
        scan(sql).into_iter().map(|(line, message)| format!("{line} {message}")).collect()
    }

    #[test]
    fn expanding_passes() {
        let sql = "create table a.t (id uuid not null);\n\
                   create index t_id on a.t (id);\n\
                   alter table a.t alter column id set not null;\n\
                   alter table a.old add column x int;\n\
                   alter table a.old add column y int not null default 0, add constraint c check (y is not null);\n\
                   alter table a.old alter column y drop not null, drop constraint c;\n\
                   create index concurrently old_x on a.old (x);\n\
                   create function a.f() returns void language sql as $$ drop table a.t; $$;";
        assert_eq!(messages(sql), Vec::<String>::new());
    }

    #[test]
    fn each_breaking_change_is_found() {
        for (sql, word) in [
            ("drop table a.old;", "DROP TABLE"),
            ("DROP SCHEMA a;", "DROP SCHEMA"),
            ("alter table a.old drop column x;", "DROP COLUMN"),
            ("alter table if exists only a.old drop if exists x;", "DROP COLUMN"),
            ("alter table a.old rename to b;", "RENAME"),
            ("alter table a.old rename column x to y;", "RENAME"),
            ("alter index a.i rename to j;", "RENAME"),
            ("alter table a.old alter x type bigint;", "TYPE"),
            ("alter table a.old alter column x set data type bigint;", "TYPE"),
            ("alter table a.old alter column x set not null;", "SET NOT NULL"),
            ("alter table a.old add column x int not null;", "ADD COLUMN"),
            ("alter table a.old add x numeric(3, 2) not null, add y int;", "ADD COLUMN"),
            ("create unique index i on only a.old (x);", "CREATE INDEX"),
            ("do $$ begin if true then drop table a.old; end if; end $$;", "DROP TABLE"),
        ] {
            let found = messages(sql);
            assert!(found.len() == 1 && found[0].contains(word), "{sql}: {found:?}");
        }
    }

    #[test]
    fn a_contract_step_with_a_reason_passes() {
        let statement = "-- contract: nothing has read it since 1.4\nalter table a.old drop column x;";
        assert!(messages(statement).is_empty());
        let clause =
            "alter table a.old\n  add column y int,\n  -- contract: unused since 1.4\n  drop column x;";
        assert!(messages(clause).is_empty());
    }

    #[test]
    fn a_contract_step_without_a_reason_is_refused_with_its_line() {
        let found = messages("-- contract:\n\nalter table a.old\n  drop column x;");
        assert!(found.len() == 1 && found[0].starts_with("4 DROP COLUMN"), "{found:?}");
    }
}
