//! `dropmate doctor`

use std::process::ExitCode;

use anyhow::Result;
use runtime::doctor::{self, Severity};

use crate::cli::{Reach, Where};
use crate::session;

/// Prints every finding; exit code 1 when something is broken.
pub(crate) async fn run(at: Where, reach: &Reach) -> Result<ExitCode> {
    let settings = at.settings(reach.overrides()?)?;
    session::quiet(&settings)?;
    let findings = Box::pin(doctor::examine(settings)).await;
    for finding in &findings {
        println!("{}", platform::telemetry::scrub(&finding.to_string()));
    }
    let broken = findings.iter().filter(|finding| finding.severity == Severity::Broken).count();
    if broken == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{broken} broken");
    Ok(ExitCode::FAILURE)
}
