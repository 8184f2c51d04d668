//! `dropmate owner-link`

use std::process::ExitCode;

use anyhow::Result;
use runtime::Installation;

use crate::cli::Where;
use crate::session;

/// Prints a fresh link; the one before stops working.
pub(crate) async fn run(at: Where) -> Result<ExitCode> {
    session::with(at, async |installation: &Installation| match installation.owner_link().await? {
        Some(link) => {
            println!("{link}");
            Ok(ExitCode::SUCCESS)
        }
        None => anyhow::bail!("there is an owner already. Somebody who is locked out gets a link from: dropmate user reset EMAIL"),
    })
    .await
}
