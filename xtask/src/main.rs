//! `cargo xtask`: proves the structure of the house and refreshes generated files.
//!
//! `check` runs the rules of `rules/`, each of which can be read alone. `check --generated` also compares the
//! files that the binary generates. `bless` rewrites what is generated; `sqlx` does the same for the
//! descriptions of the checked queries in `.sqlx` and needs a migrated scratch database.

mod bless;
mod check;
mod cli;
mod generated;
mod measure;
mod rules;
mod rust_text;
mod sql_text;
mod sqlx_cache;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
