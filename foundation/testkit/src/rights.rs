//! What a role can do, found out by trying: every schema, table and function of a database, as that role.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Row as _};

/// Not the database's own, and not what it makes for temporary tables.
const OURS: &str =
    "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'";

/// Whether the statement got past the grants: anything but "permission denied" did, also a refusal by row security, by a
/// constraint or by the function itself. Nothing of it stays.
async fn passes(conn: &mut PgConnection, sql: String) -> bool {
    conn.execute("BEGIN").await.expect("a transaction");
    let result = conn.execute(AssertSqlSafe(sql)).await;
    conn.execute("ROLLBACK").await.expect("a transaction");
    !result.err().is_some_and(|error| {
        let text = error.to_string();
        ["permission denied", "cannot update view", "cannot insert into view", "cannot delete from view"]
            .iter()
            .any(|refusal| text.contains(refusal))
    })
}

async fn rows(admin: &mut PgConnection, sql: String) -> Vec<(String, String)> {
    let rows = admin.fetch_all(AssertSqlSafe(sql)).await.expect("the catalog");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// `schema.table SIUD`: what may be selected, inserted, updated, deleted.
pub async fn tables(admin: &mut PgConnection, conn: &mut PgConnection) -> BTreeSet<String> {
    let sql = format!(
        "SELECT format('%I.%I', n.nspname, c.relname), (SELECT quote_ident(a.attname) FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attidentity = '' ORDER BY a.attnum LIMIT 1)
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind IN ('r', 'p', 'v', 'm') AND {OURS}"
    );
    let mut able = BTreeMap::<String, String>::new();
    for (table, column) in rows(admin, sql).await {
        for (letter, sql) in [
            ('S', format!("SELECT 1 FROM {table} LIMIT 0")),
            ('I', format!("INSERT INTO {table} DEFAULT VALUES")),
            ('U', format!("UPDATE {table} SET {column} = NULL")),
            ('D', format!("DELETE FROM {table}")),
        ] {
            if passes(conn, sql).await {
                // Partitions are made by the day: one name for all.
                let name = table.split_once("log_2").map_or(table.as_str(), |_| "bus.log_DAY").to_owned();
                let letters = able.entry(name).or_default();
                if !letters.contains(letter) {
                    letters.push(letter);
                }
            }
        }
    }
    able.into_iter().map(|(table, letters)| format!("{table} {letters}")).collect()
}

/// Everything, a line each: `schema x UC` (use, create in), `table x.y SIUD`, `function x.y`.
pub async fn all(admin: &mut PgConnection, conn: &mut PgConnection) -> BTreeSet<String> {
    let mut able: BTreeSet<String> =
        tables(admin, conn).await.into_iter().map(|line| format!("table {line}")).collect();
    let schemas =
        rows(admin, format!("SELECT quote_ident(n.nspname), '' FROM pg_namespace n WHERE {OURS}")).await;
    for (schema, _) in schemas {
        let mut letters = String::new();
        for (letter, sql) in [
            // Who may use it learns that there is no such thing; who may not is refused before.
            ('U', format!("SELECT '{schema}.no_such_thing'::regclass")),
            ('C', format!("CREATE TABLE {schema}.no_such_thing ()")),
        ] {
            if passes(conn, sql).await {
                letters.push(letter);
            }
        }
        if !letters.is_empty() {
            able.insert(format!("schema {schema} {letters}"));
        }
    }
    let sql = format!(
        "SELECT format('%I.%I', n.nspname, p.proname),
                (SELECT coalesce(string_agg(format('NULL::%s', format_type(t, NULL)), ', ' ORDER BY o), '')
                   FROM unnest(p.proargtypes) WITH ORDINALITY a (t, o))
           FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prokind = 'f' AND {OURS}"
    );
    for (function, arguments) in rows(admin, sql).await {
        if passes(conn, format!("SELECT {function}({arguments})")).await {
            able.insert(format!("function {function}"));
        }
    }
    able
}
