//! `dropmate migrate`

use std::process::ExitCode;

use anyhow::{Result, bail};
use platform::migrate::{known_versions, versions};
use runtime::{Selection, Settings, manifests};

use crate::cli::Where;
use crate::session;

/// Migrates, or says what migrating would do.
pub(crate) async fn run(at: Where, services: &[String], check: bool) -> Result<ExitCode> {
    if Selection::of(services)? != Selection::Everything {
        return Err(runtime::usage(
            "the schemas of an installation are migrated together: use --services all",
        ));
    }
    if check {
        return session::with(at, compare).await;
    }
    let settings = at.clone().settings(Vec::new())?;
    create(&settings)?;
    session::with(at, async |installation| {
        installation.migrate().await?;
        installation.check_schema().await?;
        installation.check_master_key().await?;
        println!("The database is up to date.");
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// A first migration may create the installation.
fn create(settings: &Settings) -> Result<()> {
    settings.check_supported()?;
    settings.place.create()
}

async fn compare(installation: &runtime::Installation) -> Result<ExitCode> {
    let mut connection = installation.database.connect_admin().await?;
    let found = versions(&mut connection).await?;
    let mut differs = false;
    for (schema, known) in known_versions(&manifests()) {
        let present = found.get(&schema).copied().unwrap_or(0);
        let word = match present.cmp(&known) {
            std::cmp::Ordering::Less => "older",
            std::cmp::Ordering::Equal => "up to date",
            std::cmp::Ordering::Greater => "newer than this build",
        };
        differs |= present != known;
        println!("{schema}: at {present}, this build knows {known}: {word}");
    }
    if !differs {
        return Ok(ExitCode::SUCCESS);
    }
    match installation.check_schema().await {
        Err(error) => Err(error),
        Ok(()) => bail!("the schema changed while it was looked at; try again"),
    }
}
