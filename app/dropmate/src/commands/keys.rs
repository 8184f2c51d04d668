//! `dropmate keys`

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{KeysAction, Where};
use crate::session;

/// Makes the next signing key.
pub(crate) async fn run(at: Where, action: &KeysAction) -> Result<ExitCode> {
    let KeysAction::Rotate = action;
    session::with(at, async |installation| {
        let id = installation.rotate_keys().await?;
        println!(
            "{id} is published now, signs in 20 minutes, and replaces the others 20 minutes after that."
        );
        Ok(ExitCode::SUCCESS)
    })
    .await
}
