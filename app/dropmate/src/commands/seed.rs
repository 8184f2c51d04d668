//! `dropmate seed`

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::cli::Where;
use crate::session;

/// Fills an empty installation.
pub(crate) async fn run(at: Where) -> Result<ExitCode> {
    session::with(at, async |installation| {
        let identity = installation.identity().await?;
        match Box::pin(runtime::seed::fill_if_empty(&identity)).await? {
            Some(seeded) => {
                print!("{seeded}");
                Ok(ExitCode::SUCCESS)
            }
            None => bail!("there is an owner already: example data is only for an empty installation"),
        }
    })
    .await
}
