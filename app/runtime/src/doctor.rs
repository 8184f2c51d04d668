//! Looks for what would go wrong. Every finding says what to do about it.

mod database;
mod machine;
mod outside;
mod public;
mod routing;

use std::fmt;

use crate::settings::Settings;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// As it should be.
    Fine,
    /// Worth knowing.
    Warning,
    /// DropMate will not work, or data is in danger.
    Broken,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// What was looked at.
    pub what: &'static str,
    /// What was seen.
    pub seen: String,
    /// What to do; empty when nothing.
    pub fix: String,
}

impl Finding {
    fn fine(what: &'static str, seen: impl Into<String>) -> Self {
        Self { severity: Severity::Fine, what, seen: seen.into(), fix: String::new() }
    }

    fn warning(what: &'static str, seen: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, what, seen: seen.into(), fix: fix.into() }
    }

    fn broken(what: &'static str, seen: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { severity: Severity::Broken, what, seen: seen.into(), fix: fix.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Fine => "ok     ",
            Severity::Warning => "warning",
            Severity::Broken => "BROKEN ",
        };
        write!(f, "{word}  {}: {}", self.what, self.seen)?;
        if self.fix.is_empty() { Ok(()) } else { write!(f, "\n         -> {}", self.fix) }
    }
}

/// Looks at everything. Starts the private PostgreSQL for the duration when nobody runs it, but never creates one.
pub async fn examine(settings: Settings) -> Vec<Finding> {
    let mut findings = vec![
        machine::supported(&settings),
        machine::folder(&settings),
        machine::secrets(&settings),
        machine::disk(&settings),
        machine::port(&settings).await,
    ];
    findings.extend(Box::pin(outside::examine(&settings)).await);
    findings.extend(Box::pin(routing::examine(&settings)).await);
    findings.extend(Box::pin(public::examine(&settings)).await);
    findings.extend(Box::pin(database::examine(settings)).await);
    findings
}
