//! The command line of `cargo xtask`.

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{bless, check, sqlx_cache};

/// Structural checks and generated files.
#[derive(Parser)]
#[command(name = "cargo xtask")]
pub(crate) struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every structural rule.
    Check {
        /// Also build the binary and compare the files that it generates.
        #[arg(long)]
        generated: bool,
    },
    /// Rewrite the generated files and note new migrations.
    Bless,
    /// Rewrite `.sqlx` from the database named by DROPMATE_SQLX_DATABASE_URL.
    Sqlx {
        /// Compare only; change nothing.
        #[arg(long)]
        check: bool,
    },
}

impl Cli {
    /// Does what the command line asks for.
    pub(crate) fn run(self) -> Result<()> {
        match self.task {
            Task::Check { generated } => check::run(generated),
            Task::Bless => bless::run(),
            Task::Sqlx { check } => sqlx_cache::run(check),
        }
    }
}
