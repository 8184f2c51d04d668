//! `dropmate restore`

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::cli::Where;
use crate::session;

/// Fills an empty data folder.
pub(crate) async fn run(at: Where, file: &Path, keys: Option<&Path>) -> Result<ExitCode> {
    let settings = at.settings(Vec::new())?;
    session::quiet(&settings)?;
    let flag = settings.place.flag();
    let restored = Box::pin(runtime::restore::read(settings, file, keys)).await?;
    println!(
        "Restored the backup of {} (DropMate {}). The event log has the new epoch {}.",
        restored.manifest.made_at, restored.manifest.dropmate, restored.epoch
    );
    if let Some(again) = restored.erased_again {
        println!("{again} people who were erased after the backup were erased again, as the journal says.");
    } else {
        println!(
            "There was no journal of erasures. If people were erased after this backup, restore again with the folder \
             `erasures` of the old installation in the data folder."
        );
    }
    if let Some(beside) = restored.settings_beside {
        println!("The settings of the backup are in {}; the present ones were kept.", beside.display());
    }
    println!("Next: dropmate audit verify{flag}, then dropmate up{flag}");
    Ok(ExitCode::SUCCESS)
}
