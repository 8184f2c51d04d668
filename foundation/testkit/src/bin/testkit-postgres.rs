//! The PostgreSQL of a test run.
//!
//! - without arguments: the setup script of nextest; starts a keeper and exports the address to all tests
//! - `exec COMMAND...`: runs a command with a scratch database into which all migrations of the checkout were run
//! - `describe`: inside of `exec`; reads queries (a JSON list) from standard input and writes the files of `.sqlx` for them (a JSON
//!   object, name and content) to standard output
//! - `keep FILE PID`: the keeper itself

use std::io::Write;

use anyhow::{Context, bail};

/// Where commands find the scratch database.
const SCRATCH: &str = "DROPMATE_SQLX_DATABASE_URL";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => setup(),
        ["keep", state, pid] => runtime()?.block_on(testkit::cluster::keep(state.as_ref(), pid.parse()?)),
        ["exec", command, rest @ ..] => exec(command, rest),
        ["describe"] => describe(),
        _ => bail!("usage: testkit-postgres [exec COMMAND... | describe]"),
    }
}

fn setup() -> anyhow::Result<()> {
    let url = testkit::cluster::start_keeper(testkit::cluster::parent(), false)?;
    let file =
        std::env::var_os("NEXTEST_ENV").context("NEXTEST_ENV is not set: this is nextest's setup script")?;
    let mut file = std::fs::OpenOptions::new().append(true).open(file)?;
    writeln!(file, "DROPMATE_TEST_DATABASE_URL={url}")?;
    Ok(())
}

fn exec(command: &str, rest: &[&str]) -> anyhow::Result<()> {
    let url = testkit::cluster::start_keeper(std::process::id(), true)?;
    let scratch = runtime()?.block_on(testkit::database::scratch(&url))?;
    let status = std::process::Command::new(command)
        .args(rest)
        .env("DROPMATE_TEST_DATABASE_URL", url)
        .env(SCRATCH, scratch)
        .status()
        .with_context(|| format!("cannot run {command}"))?;
    std::process::exit(status.code().unwrap_or(1));
}

fn describe() -> anyhow::Result<()> {
    let url =
        std::env::var(SCRATCH).with_context(|| format!("{SCRATCH} is not set: run it inside of `exec`"))?;
    let queries: Vec<String> = serde_json::from_reader(std::io::stdin().lock())?;
    let files = runtime()?.block_on(testkit::queries::describe(&url, &queries))?;
    Ok(serde_json::to_writer(std::io::stdout().lock(), &files)?)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}
