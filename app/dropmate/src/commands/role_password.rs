//! `dropmate role-password`

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::Where;

/// Prints the password of one role.
pub(crate) fn run(at: Where, role: &str) -> Result<ExitCode> {
    println!("{}", runtime::role_password(&at.settings(Vec::new())?, role)?);
    Ok(ExitCode::SUCCESS)
}
