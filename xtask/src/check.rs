//! `cargo xtask check`: runs the rules and prints what they found.

use anyhow::{Result, bail};

use crate::generated;
use crate::rules::{RULES, Report};
use crate::workspace::Workspace;

/// Runs every rule; with `with_generated` also the comparison that builds the binary.
pub(crate) fn run(with_generated: bool) -> Result<()> {
    let workspace = Workspace::load()?;
    let mut failed = 0;
    for rule in RULES {
        let report = (rule.run)(&workspace);
        failed += print(rule.name, rule.demands, &report);
    }
    if with_generated {
        let report = generated::check(&workspace.root)?;
        failed += print("generated", "generated files are fresh", &report);
    }
    if failed > 0 {
        bail!("{failed} violation(s)");
    }
    Ok(())
}

fn print(name: &str, demands: &str, report: &Report) -> usize {
    let verdict = if report.violations.is_empty() { "ok  " } else { "FAIL" };
    println!("{verdict} {name}: {demands}");
    for remark in &report.remarks {
        println!("       {remark}");
    }
    for violation in &report.violations {
        println!("       {}: {}", violation.place, violation.message);
    }
    report.violations.len()
}
