//! `dropmate user`

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::cli::{UserAction, Where};
use crate::session;

/// Prints a one-time link for one person.
pub(crate) async fn run(at: Where, action: UserAction) -> Result<ExitCode> {
    let UserAction::Reset { email, second_factor } = action;
    session::with(at, async |installation| match installation.reset_link(&email, second_factor).await? {
        Some(link) => {
            println!("{link}");
            Ok(ExitCode::SUCCESS)
        }
        None => bail!("nobody signs in with this address"),
    })
    .await
}
