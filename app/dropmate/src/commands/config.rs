//! `dropmate config`

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{ConfigAction, Where};

/// Looks at the settings; nothing is started.
pub(crate) fn run(at: Where, action: &ConfigAction) -> Result<ExitCode> {
    match action {
        ConfigAction::Schema => println!("{}", serde_json::to_string_pretty(&platform::config::schema())?),
        ConfigAction::Show => print!("{}", at.settings(Vec::new())?.loaded.show()),
        ConfigAction::Check => {
            at.settings(Vec::new())?.check_supported()?;
            println!("The configuration can be used.");
        }
    }
    Ok(ExitCode::SUCCESS)
}
