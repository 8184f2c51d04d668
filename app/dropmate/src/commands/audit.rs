//! `dropmate audit`

use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::Result;
use platform::audit::Report;
use runtime::anchors;

use crate::cli::{AuditAction, Where};
use crate::session;

/// Walks every chain.
pub(crate) async fn run(at: Where, action: &AuditAction) -> Result<ExitCode> {
    let AuditAction::Verify = action;
    session::with(at, async |installation| {
        installation.check_schema().await?;
        let report = anchors::verify(installation).await?;
        print(&report)?;
        Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
    .await
}

fn print(report: &Report) -> Result<()> {
    if !std::io::stdout().is_terminal() {
        println!("{}", serde_json::to_string_pretty(report)?);
        return Ok(());
    }
    println!(
        "{} links checked, {} of them against notes outside the database; {} entries not sealed yet.",
        report.checked, report.anchors, report.unsealed
    );
    for finding in &report.findings {
        println!("  organisation {}, link {}: {}", finding.org_id, finding.sequence, finding.what);
    }
    if report.findings.is_empty() {
        println!("Everything fits.");
    }
    Ok(())
}
