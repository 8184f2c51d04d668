//! What a service sends to the database during some requests, read from the server's own log, as a script for pgbench.
//!
//! The transactions, their order and their statements are those of the service; only those that leave something in the audit
//! trail are kept, so that neither its consumers nor its reads are in the way. Identifiers, codes and numbers that the requests
//! made become variables, which each run of the script takes from a row of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use kernel::ids::{OrderId, Uuid};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::server::Server;

/// Rows of variables: runs that a script is good for.
const RUNS: i32 = 100_000;
/// Marks a transaction of a command.
const AUDITED: &str = "platform.audit_entries";
/// Hexadecimal digits of a hash: codes are looked up by theirs.
const HASH: usize = 64;
/// Marks a statement in which ids are new.
const MAKING: [&str; 2] = ["INSERT INTO", "bus.publish("];

/// A recording that goes on.
pub struct Recorder {
    connection: PgConnection,
    log: PathBuf,
    from: usize,
    user: String,
}

/// A statement with the values that were sent with it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    text: String,
    values: Vec<Option<String>>,
}

impl Recorder {
    /// Begins to write down what this role sends.
    pub async fn start(
        server: &Server,
        options: &sqlx::postgres::PgConnectOptions,
        role: &str,
    ) -> anyhow::Result<Self> {
        let mut connection = PgConnection::connect_with(options).await?;
        set_logging(&mut connection, "'all'").await?;
        let from = std::fs::read(&server.log)?.len();
        Ok(Self { connection, log: server.log.clone(), from, user: format!("{role}@") })
    }

    /// Ends it, and writes a script in which what was `made` is new each time. Of an id all forms are found by themselves.
    pub async fn finish(
        mut self,
        name: &str,
        known: &[Uuid],
        made: &[String],
        folder: &Path,
    ) -> anyhow::Result<PathBuf> {
        set_logging(&mut self.connection, "DEFAULT").await?;
        let bytes = std::fs::read(&self.log)?;
        let text = String::from_utf8_lossy(bytes.get(self.from..).unwrap_or_default()).into_owned();
        let statements = transactions(&text, &self.user);
        ensure!(!statements.is_empty(), "{} sent nothing", self.user);
        let variables = variables(&statements, known, made);
        let mut script = format!("SELECT nextval('public.{name}_runs') AS run \\gset\n");
        writeln!(script, "SELECT * FROM public.{name}_values WHERE run = :run \\gset")?;
        for statement in &statements {
            let types = self.types(statement).await?;
            let mut line = statement.with_values(&types)?;
            for (value, variable) in &variables {
                line = line.replace(value.as_str(), &format!(":{variable}"));
            }
            writeln!(script, "{line};")?;
        }
        self.fill(name, &variables).await?;
        let path = folder.join(format!("{name}.sql"));
        std::fs::write(&path, script)?;
        Ok(path)
    }

    /// The types that the server finds for its places.
    async fn types(&mut self, statement: &Statement) -> anyhow::Result<Vec<String>> {
        if statement.values.is_empty() {
            return Ok(Vec::new());
        }
        self.connection.execute(AssertSqlSafe(format!("PREPARE recorded AS {}", statement.text))).await?;
        let types = "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = 'recorded'";
        let types: Vec<String> =
            sqlx::query_scalar(types).persistent(false).fetch_one(&mut self.connection).await?;
        self.connection.execute("DEALLOCATE recorded").await?;
        Ok(types)
    }

    /// A row of new values for each run.
    async fn fill(&mut self, name: &str, variables: &[(String, String)]) -> anyhow::Result<()> {
        let names: Vec<&str> = variables.iter().map(|(_, variable)| variable.as_str()).collect();
        let columns: Vec<String> = names.iter().map(|name| format!("{name} text NOT NULL")).collect();
        let make = format!(
            "CREATE SEQUENCE public.{name}_runs; \
             CREATE TABLE public.{name}_values (run bigint PRIMARY KEY, {}); \
             GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC; \
             GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO PUBLIC; GRANT USAGE ON SCHEMA public TO PUBLIC",
            columns.join(", ")
        );
        self.connection.execute(AssertSqlSafe(make)).await?;
        let copy = format!("COPY public.{name}_values (run, {}) FROM STDIN", names.join(", "));
        let mut copy = self.connection.copy_in_raw(&copy).await?;
        let letter = name.chars().next().context("a name")?.to_ascii_uppercase();
        for run in 1..=RUNS {
            let mut row = run.to_string();
            for value in new_values(variables, letter, run) {
                write!(row, "\t{value}")?;
            }
            row.push('\n');
            copy.send(row.into_bytes()).await?;
        }
        copy.finish().await?;
        self.connection.execute(AssertSqlSafe(format!("ANALYZE public.{name}_values"))).await?;
        Ok(())
    }
}

async fn set_logging(connection: &mut PgConnection, value: &str) -> anyhow::Result<()> {
    connection.execute(AssertSqlSafe(format!("ALTER SYSTEM SET log_statement = {value}"))).await?;
    connection.execute("SELECT pg_reload_conf()").await?;
    // The postmaster tells its processes by a signal.
    platform::lifecycle::pause(std::time::Duration::from_millis(500)).await;
    Ok(())
}

impl Statement {
    /// With its values in place, and several statements of one message kept in one message.
    fn with_values(&self, types: &[String]) -> anyhow::Result<String> {
        if self.values.is_empty() {
            return Ok(self.text.trim_end().trim_end_matches(';').replace("; ", "\\; "));
        }
        let (mut line, mut rest) = (String::new(), self.text.as_str());
        while let Some(at) = rest.find('$') {
            let digits: String = rest[at + 1..].chars().take_while(char::is_ascii_digit).collect();
            line.push_str(&rest[..at]);
            rest = &rest[at + 1 + digits.len()..];
            let Ok(number) = digits.parse::<usize>() else {
                line.push('$');
                continue;
            };
            let value = self.values.get(number - 1).with_context(|| format!("${number} of {}", self.text))?;
            let kind = types.get(number - 1).context("a type")?;
            match value {
                Some(value) => write!(line, "{value}::{kind}")?,
                None => write!(line, "NULL::{kind}")?,
            }
        }
        line.push_str(rest);
        Ok(line)
    }
}

/// The statements of the transactions that are kept, one transaction after the other, in the order in which they began.
fn transactions(log: &str, user: &str) -> Vec<Statement> {
    let mut open: BTreeMap<String, (usize, Vec<Statement>)> = BTreeMap::new();
    let mut kept: BTreeMap<usize, Vec<Statement>> = BTreeMap::new();
    for (index, (process, entry)) in entries(log, user).into_iter().enumerate() {
        let (_, own) = open.entry(process.clone()).or_insert_with(|| (index, Vec::new()));
        if let Some(values) = entry.strip_prefix("DETAIL:").map(str::trim_start) {
            let values = values.split_once(": ").map_or("", |(_, values)| values);
            if let Some(last) = own.last_mut() {
                last.values = read_values(values);
            }
            continue;
        }
        let Some(text) = entry.strip_prefix("LOG:").and_then(|entry| entry.split_once(": ")) else {
            continue;
        };
        let text = text.1.to_owned();
        // Several statements may travel in one message: the last one ends the transaction.
        let last = text.trim_end_matches(';').rsplit(';').next().map_or("", str::trim);
        let ends = ["COMMIT", "ROLLBACK"].contains(&last);
        own.push(Statement { text, values: Vec::new() });
        if ends
            && let Some((begun, all)) = open.remove(&process)
            && all.iter().any(|statement| statement.text.contains(AUDITED))
        {
            kept.insert(begun, all);
        }
    }
    kept.into_values().flatten().collect()
}

/// What was logged for a role: the process, and the text behind the prefix, with its further lines.
fn entries(log: &str, user: &str) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut ours = false;
    for line in log.lines() {
        if let Some(more) = line.strip_prefix('\t') {
            if ours && let Some((_, text)) = all.last_mut() {
                text.push('\n');
                text.push_str(more);
            }
            continue;
        }
        let found = line.split_once('[').and_then(|(_, rest)| rest.split_once("] "));
        let found =
            found.and_then(|(process, rest)| Some((process, rest.strip_prefix(user)?.split_once(' ')?.1)));
        ours = found.is_some();
        all.extend(found.map(|(process, text)| (process.to_owned(), text.to_owned())));
    }
    all
}

/// `$1 = 'a', $2 = NULL`, with quotes as they are.
fn read_values(text: &str) -> Vec<Option<String>> {
    let (mut values, mut rest) = (Vec::new(), text);
    while let Some((_, value)) = rest.split_once(" = ") {
        if let Some(after) = value.strip_prefix("NULL") {
            values.push(None);
            rest = after;
            continue;
        }
        let mut end = 1;
        let bytes = value.as_bytes();
        while let Some(byte) = bytes.get(end) {
            match (byte, bytes.get(end + 1)) {
                (b'\'', Some(b'\'')) => end += 2,
                (b'\'', _) => break,
                _ => end += 1,
            }
        }
        values.push(value.get(..=end).map(str::to_owned));
        rest = value.get(end + 1..).unwrap_or_default();
    }
    values
}

/// What is new in each run, and the name of its variable: the longest first, so that none is replaced inside another.
fn variables(statements: &[Statement], known: &[Uuid], made: &[String]) -> Vec<(String, String)> {
    let mut found: Vec<String> = made.to_vec();
    let makes = |statement: &&Statement| MAKING.iter().any(|word| statement.text.contains(word));
    for statement in statements.iter().filter(makes) {
        for value in statement.values.iter().flatten() {
            for word in value.split(|c: char| !c.is_ascii_hexdigit() && c != '-') {
                if word.len() == HASH {
                    found.push(word.to_owned());
                } else if let Ok(id) = Uuid::try_parse(word)
                    && word.len() == 36
                    && !known.contains(&id)
                {
                    found.push(word.to_owned());
                    found.push(type_id(id));
                }
            }
        }
    }
    found.sort();
    found.dedup();
    found.sort_by_key(|value| std::cmp::Reverse(value.len()));
    // Numbers of two digits: no name begins another.
    found.into_iter().enumerate().map(|(index, value)| (value, format!("v{:03}", index + 100))).collect()
}

/// The digits of an id as the API writes it.
fn type_id(id: Uuid) -> String {
    OrderId::new(id).to_string().trim_start_matches("order_").to_owned()
}

/// New values of the same kinds; both forms of an id stay forms of one id. Codes and numbers begin with the script's letter.
fn new_values(variables: &[(String, String)], letter: char, run: i32) -> Vec<String> {
    let seed = u128::from(run.unsigned_abs());
    let ids: BTreeMap<String, Uuid> = variables
        .iter()
        .filter_map(|(value, _)| Uuid::try_parse(value).ok())
        // Time-ordered as they are, and different in each run.
        .map(|id| (type_id(id), Uuid::from_u128(id.as_u128() + (seed << 80) + (seed << 8))))
        .collect();
    let new = |value: &String| match (Uuid::try_parse(value), ids.get(value)) {
        (Ok(id), _) => ids[&type_id(id)].to_string(),
        (_, Some(id)) => type_id(*id),
        _ if value.len() == HASH => format!("{}{run:016x}", &value[..HASH - 16]),
        _ => {
            let digits = value.len().saturating_sub(2).clamp(5, 10);
            format!("{letter}{run:0digits$}")
        }
    };
    variables.iter().map(|(value, _)| new(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "2026-11-27 12:00:00.000 UTC [7] dropmate_orders@dropmate LOG:  statement: BEGIN; SET LOCAL x = '1'\n\
        2026-11-27 12:00:00.001 UTC [8] dropmate_drivers@dropmate LOG:  statement: COMMIT\n\
        2026-11-27 12:00:00.001 UTC [7] dropmate_orders@dropmate LOG:  execute sqlx_s_1: INSERT INTO platform.audit_entries\n\
        \tVALUES ($1, $2, $3)\n\
        2026-11-27 12:00:00.001 UTC [7] dropmate_orders@dropmate DETAIL:  parameters: $1 = 'it''s, $2 = ', $2 = NULL, $3 = '{1,2}'\n\
        2026-11-27 12:00:00.002 UTC [7] dropmate_orders@dropmate LOG:  statement: SELECT; COMMIT\n\
        2026-11-27 12:00:00.003 UTC [7] dropmate_orders@dropmate LOG:  statement: BEGIN; SET LOCAL x = '1'\n\
        2026-11-27 12:00:00.003 UTC [7] dropmate_orders@dropmate LOG:  statement: ROLLBACK\n";

    #[test]
    fn a_transaction_of_a_command_is_read_whole() {
        let all = transactions(LOG, "dropmate_orders@");
        assert_eq!(all.len(), 3, "{all:?}");
        let values = vec![Some("'it''s, $2 = '".to_owned()), None, Some("'{1,2}'".to_owned())];
        assert_eq!(all[1].values, values);
        let types = ["text".to_owned(), "uuid".to_owned(), "integer[]".to_owned()];
        assert_eq!(
            all[1].with_values(&types).unwrap(),
            "INSERT INTO platform.audit_entries\nVALUES ('it''s, $2 = '::text, NULL::uuid, '{1,2}'::integer[])"
        );
        assert_eq!(all[0].with_values(&[]).unwrap(), "BEGIN\\; SET LOCAL x = '1'");
    }

    #[test]
    fn both_forms_of_an_id_stay_one_and_runs_differ() {
        let id = Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0001);
        let insert =
            Statement { text: "INSERT INTO t".to_owned(), values: vec![Some(format!("'{{{id}}}'"))] };
        let variables = variables(&[insert], &[], &["A-001".to_owned()]);
        assert_eq!(variables.len(), 3);
        let (one, two) = (new_values(&variables, 'A', 1), new_values(&variables, 'A', 2));
        assert_eq!(type_id(one[0].parse().unwrap()), one[1]);
        assert!(one.iter().zip(&two).all(|(a, b)| a != b), "{one:?} {two:?}");
    }
}
