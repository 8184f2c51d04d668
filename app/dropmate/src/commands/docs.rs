//! `dropmate docs`: the generated documents of docs/reference.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::CommandFactory;

use crate::cli::{Cli, Document};

/// Prints one document.
pub(crate) fn run(document: Document) -> Result<ExitCode> {
    let text = match document {
        Document::Permissions => platform::permissions::to_markdown(&runtime::permissions()),
        Document::ConfigSchema => serde_json::to_string_pretty(&platform::config::schema())? + "\n",
        Document::Asyncapi => serde_json::to_string_pretty(&contracts::asyncapi())? + "\n",
        Document::Cli => command_line(),
        Document::Errors => runtime::documents::errors(),
    };
    print!("{text}");
    Ok(ExitCode::SUCCESS)
}

/// The help of every command, as it is printed on a terminal of 100 columns.
fn command_line() -> String {
    let mut page = String::from("# Command line\n\nGenerated from `dropmate --help`; do not edit.\n");
    let mut root = Cli::command().term_width(100);
    root.build();
    write_command(&mut page, &mut root, "dropmate", 2);
    page
}

fn write_command(page: &mut String, command: &mut clap::Command, name: &str, level: usize) {
    let help = command.clone().term_width(100).render_long_help().to_string();
    let help: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
    // Writing to a string cannot fail.
    let _ = write!(page, "\n{} {name}\n\n```text\n{}\n```\n", "#".repeat(level), help.join("\n"));
    for child in command.get_subcommands_mut().filter(|child| child.get_name() != "help") {
        let child_name = format!("{name} {}", child.get_name());
        write_command(page, child, &child_name, (level + 1).min(4));
    }
}
