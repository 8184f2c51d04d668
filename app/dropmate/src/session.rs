//! A command on an open installation: quiet logs, and what was opened is closed, however the command ends.

use std::io::IsTerminal;

use anyhow::Result;
use platform::config::{Source, Telemetry as TelemetrySettings};
use platform::telemetry::Telemetry;
use runtime::{Installation, Settings};

use crate::cli::Where;

/// Sets up logging for a process that serves.
pub(crate) fn telemetry(settings: &TelemetrySettings) -> Result<Telemetry> {
    let handle = tokio::runtime::Handle::current();
    Ok(Telemetry::init(settings, std::io::stderr().is_terminal(), &handle)?)
}

/// Sets up logging for a command: only what is wrong, unless a filter was chosen.
pub(crate) fn quiet(settings: &Settings) -> Result<()> {
    let mut telemetry_settings = settings.config().telemetry.clone();
    if *settings.loaded.source("telemetry.filter") == Source::Default {
        "warn".clone_into(&mut telemetry_settings.filter);
    }
    telemetry_settings.otlp_endpoint = None;
    telemetry(&telemetry_settings).map(drop)
}

/// Opens the installation, runs the command, closes.
pub(crate) async fn with<T, F>(at: Where, command: F) -> Result<T>
where
    F: AsyncFnOnce(&Installation) -> Result<T>,
{
    let settings = at.settings(Vec::new())?;
    quiet(&settings)?;
    let installation = Box::pin(Installation::open(settings)).await?;
    let result = command(&installation).await;
    let closed = installation.close().await;
    let value = result?;
    closed?;
    Ok(value)
}
