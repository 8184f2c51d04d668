//! SQL names only its own schema.
//!
//! Looked at: the migrations of a crate, every `.sql` file in its `src`, and the string literals of its
//! production code. Inside `query...` calls any `schema.name` of another service is a violation; in other
//! strings only where a table stands (after FROM, JOIN, INTO, UPDATE, TABLE, REFERENCES, ON, TRUNCATE).
//! A service may call functions of `platform` and `bus`, not touch their tables; `platform` knows no service.

use super::Report;
use crate::rust_text::{ProductionFile, literals, production_files};
use crate::sql_text::{Bodies, Word, line_of, masked, words};
use crate::workspace::Workspace;

/// Schemas of the platform: its functions are for everybody, its tables for itself.
const COMMON: [&str; 2] = ["platform", "bus"];
const BEFORE_A_TABLE: [&str; 9] =
    ["from", "join", "into", "update", "table", "references", "on", "truncate", "only"];

/// Whose SQL it is, and which schemas are other people's.
struct Owner<'a> {
    dir: &'a str,
    own: &'a str,
    foreign: Vec<&'a str>,
    may_touch_common_tables: bool,
}

pub(super) fn run(workspace: &Workspace) -> Report {
    let mut report = Report::default();
    let production = production_files(workspace);
    for owner in owners(workspace) {
        let inside = format!("{}/", owner.dir);
        for file in workspace.files.iter().filter(|f| f.path.starts_with(&inside) && is_own_sql(&f.path)) {
            for (offset, message) in scan(&owner, &file.text, true) {
                report.at_line(&file.path, line_of(&file.text, offset), message);
            }
        }
        for code in production.iter().filter(|p| p.file.path.starts_with(&inside)) {
            scan_code(&owner, code, &mut report);
        }
    }
    report
}

fn owners(workspace: &Workspace) -> Vec<Owner<'_>> {
    let services = workspace.services();
    let mut owners = vec![Owner {
        dir: "foundation/platform",
        own: "platform",
        foreign: services.clone(),
        may_touch_common_tables: true,
    }];
    for package in &workspace.crates {
        if let Some(own) = package.dir.strip_prefix("services/") {
            let foreign = services.iter().copied().filter(|s| *s != own).collect();
            owners.push(Owner { dir: &package.dir, own, foreign, may_touch_common_tables: false });
        }
    }
    owners
}

fn is_own_sql(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, ext)| ext == "sql")
        && (path.contains("/migrations/") || path.contains("/src/"))
}

fn scan_code(owner: &Owner<'_>, code: &ProductionFile<'_>, report: &mut Report) {
    for literal in literals(&code.file.text, &code.ast) {
        for (offset, message) in scan(owner, &literal.text, literal.in_query) {
            report.at_line(&code.file.path, literal.line + line_of(&literal.text, offset) - 1, message);
        }
    }
}

/// Offsets and messages of foreign names in one piece of SQL.
fn scan(owner: &Owner<'_>, sql: &str, certainly_sql: bool) -> Vec<(usize, String)> {
    let clean = masked(sql, Bodies::Keep);
    let words = words(&clean, 0..clean.len());
    let mut found = Vec::new();
    for (i, word) in words.iter().enumerate() {
        let Some((schema, name)) = word.text.split_once('.') else {
            continue;
        };
        let before = i.checked_sub(1).map_or("", |b| words[b].text.as_str());
        let table_stands_here = BEFORE_A_TABLE.contains(&before);
        let called =
            words.get(i + 1).is_some_and(|w| w.text == "(") && !matches!(before, "into" | "table" | "update");
        if owner.foreign.contains(&schema) {
            let column_of_own_table = !table_stands_here && is_alias(&words, schema, owner.own);
            if (certainly_sql || table_stands_here) && !column_of_own_table && !name.is_empty() {
                found.push((
                    word.offset,
                    format!("names {}, which belongs to {schema}: ask its client", word.text),
                ));
            }
        } else if COMMON.contains(&schema) && !owner.may_touch_common_tables && table_stands_here && !called {
            found.push((
                word.offset,
                format!("touches the table {}: only functions of {schema} are for services", word.text),
            ));
        }
    }
    found
}

/// Is `name` a table of this service's own, or an alias, in the same text?
fn is_alias(words: &[Word], name: &str, own: &str) -> bool {
    let own_table = format!("{own}.{name}");
    words.iter().enumerate().any(|(i, w)| {
        let after_as = i > 0 && words[i - 1].text == "as";
        w.text == own_table || (w.text == name && after_as)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(path: &str, text: &str) -> Vec<String> {
        let workspace = Workspace::of_files(&[(path, text)])
            .with_crate("services/orders", &[])
            .with_crate("services/customers", &[]);
        run(&workspace).violations.into_iter().map(|v| format!("{} {}", v.place, v.message)).collect()
    }

    #[test]
    fn its_own_schema_and_functions_of_the_platform_pass() {
        let sql = "create table orders.orders (org_id uuid references orders.shops);\n\
                   create policy p on orders.orders using (org_id = (select platform.org()));\n\
                   create trigger t before update on orders.orders execute function platform.touch();";
        assert!(violations("services/orders/migrations/0001.sql", sql).is_empty());
    }

    #[test]
    fn a_foreign_key_into_another_schema_is_found_with_its_line() {
        let found = violations(
            "services/orders/migrations/0001.sql",
            "create table orders.orders (\n c uuid references customers.customers(id));",
        );
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("services/orders/migrations/0001.sql:2 names customers.customers"));
    }

    #[test]
    fn a_query_macro_is_read() {
        let code = "fn f() {\n sqlx::query!(\n\"select 1 from customers.profiles\", a);\n}";
        let found = violations("services/orders/src/store/orders.rs", code);
        assert!(found[0].starts_with("services/orders/src/store/orders.rs:3 "), "{found:?}");
    }

    #[test]
    fn a_constant_with_sql_is_read_and_prose_is_not() {
        let code = "const A: &str = \"select * from customers.profiles\";\nconst B: &str = \"see customers.profiles\";";
        assert_eq!(violations("services/orders/src/store/orders.rs", code).len(), 1);
    }

    #[test]
    fn a_table_that_bears_the_name_of_a_service_is_no_violation() {
        let code = "fn f() { query!(\"select customers.id from orders.customers\"); }";
        assert!(violations("services/orders/src/store/orders.rs", code).is_empty());
    }

    #[test]
    fn tables_of_the_platform_are_not_for_services() {
        let code = "fn f() { query(\"insert into platform.jobs (id) values ($1)\"); }";
        assert_eq!(violations("services/orders/src/jobs/x.rs", code).len(), 1);
        let own = "fn f() { query(\"insert into platform.jobs (id) values ($1)\"); }";
        assert!(violations("foundation/platform/src/jobs.rs", own).is_empty());
    }

    #[test]
    fn the_platform_knows_no_service() {
        let code = "fn f() { query(\"select id from orders.orders\"); }";
        assert_eq!(violations("foundation/platform/src/jobs.rs", code).len(), 1);
    }

    #[test]
    fn comments_strings_and_tests_are_free() {
        let code = "fn f() { query(\"select 'customers.x' -- customers.y\"); }\n\
                    #[cfg(test)] mod tests { const S: &str = \"select 1 from customers.profiles\"; }";
        assert!(violations("services/orders/src/store/orders.rs", code).is_empty());
    }
}
