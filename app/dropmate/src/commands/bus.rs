//! `dropmate bus`

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use kernel::ids::EventId;
use platform::bus;
use runtime::{Installation, outside};

use crate::cli::{BusAction, Where};
use crate::session;

/// Looks at the log, or decides about a dead letter.
pub(crate) async fn run(at: Where, action: BusAction) -> Result<ExitCode> {
    if matches!(action, BusAction::Rebuild) {
        outside::check_broker(&at.clone().settings(Vec::new())?)?;
    }
    session::with(at, async |installation| {
        installation.check_schema().await?;
        act(installation, action).await
    })
    .await
}

async fn act(installation: &Installation, action: BusAction) -> Result<ExitCode> {
    let system = &installation.system;
    let operator =
        bus::Operator::new(system.clone(), installation.clock.clone(), installation.random.clone());
    match action {
        BusAction::Status => print(&bus::status(system).await?)?,
        BusAction::DeadLetters => print(&bus::dead_letters(system).await?)?,
        BusAction::Replay { consumer, event } => {
            let event = id(&event)?;
            found(operator.replay(&consumer, event).await?, &consumer, event)?;
            println!("{event} will be handled again by {consumer}.");
        }
        BusAction::Skip { consumer, event } => {
            let event = id(&event)?;
            found(operator.skip(&consumer, event).await?, &consumer, event)?;
            println!("{event} is left out by {consumer} for good.");
        }
        BusAction::Rebuild => {
            let rebuilt = outside::rebuild(installation).await?;
            if rebuilt.to < rebuilt.from {
                println!(
                    "The stream is empty: every consumer has everything. The next event is number {}.",
                    rebuilt.from
                );
            } else {
                println!("The stream was made anew from the log: events {} to {}.", rebuilt.from, rebuilt.to);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn id(text: &str) -> Result<EventId> {
    text.parse().ok().context(
        "the event's id looks like event_01h455vb4pex5vsknk084sn02q; `dropmate bus dead-letters` lists them",
    )
}

fn found(found: bool, consumer: &str, event: EventId) -> Result<()> {
    if found {
        return Ok(());
    }
    bail!("{event} is no dead letter of {consumer}; `dropmate bus dead-letters` lists them")
}

fn print<T: serde::Serialize>(value: &T) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}
