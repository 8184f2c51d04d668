//! `dropmate openapi`

use std::process::ExitCode;

use anyhow::Result;

/// Prints the document.
pub(crate) fn run() -> Result<ExitCode> {
    print!("{}", runtime::documents::openapi()?);
    Ok(ExitCode::SUCCESS)
}
