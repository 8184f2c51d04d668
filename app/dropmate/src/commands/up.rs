//! `dropmate up` and `dropmate serve`.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use platform::lifecycle::Lifecycle;
use platform::telemetry::metrics::Metrics;
use runtime::{How, Running, Settings, boot};

use crate::cli::{Reach, Where};
use crate::session;

/// Starts, waits until it is told to stop, stops in order.
pub(crate) async fn run(at: Where, reach: &Reach, how: How, demo: bool) -> Result<ExitCode> {
    let settings = at.settings(reach.overrides()?)?;
    let telemetry = session::telemetry(&settings.config().telemetry)?;
    let lifecycle = Lifecycle::new();
    lifecycle.listen_for_signals().context("signals cannot be listened to")?;
    let served = Box::pin(serve(settings, how, demo, telemetry.metrics.clone(), &lifecycle)).await;
    // Also after a start that failed half-way: what was started is stopped.
    let late = lifecycle.stop().await;
    telemetry.shutdown().await;
    served?;
    if let Some(why) = lifecycle.failure() {
        bail!("stopped because of a failure: {why}");
    }
    if !late.is_empty() {
        tracing::warn!(?late, "some work was cut short");
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve(
    settings: Settings,
    how: How,
    demo: bool,
    metrics: Metrics,
    lifecycle: &Lifecycle,
) -> Result<()> {
    let starting = boot(settings, how, demo, metrics, lifecycle);
    let running = tokio::select! {
        running = Box::pin(starting) => running?,
        () = lifecycle.stop_requested() => return Ok(()),
    };
    announce(&running)?;
    lifecycle.stop_requested().await;
    lifecycle.begin_drain(running.notice()).await;
    Ok(())
}

fn announce(running: &Running) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let text = if out.is_terminal() { running.announcement.pretty() } else { running.announcement.plain() };
    // Nobody reading is no reason to stop.
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
