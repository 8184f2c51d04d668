//! `dropmate backup`

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::cli::Where;
use crate::session;

/// Writes the file and reminds of what is not in it.
pub(crate) async fn run(at: Where, file: &Path) -> Result<ExitCode> {
    let written =
        session::with(at, async |installation| runtime::backup::write(installation, file).await).await?;
    let parts = &written.manifest.parts;
    let bytes: u64 = parts.iter().map(|part| part.bytes).sum();
    println!(
        "{}: {} parts, {} KiB, log up to offset {}.",
        file.display(),
        parts.len(),
        bytes.div_ceil(1024),
        written.manifest.next_offset - 1
    );
    println!(
        "{}: the wrapped keys of the people in it. Keep it apart and for a shorter time: when it is gone, nobody who was \
         erased can be read in this backup.",
        written.keys.display()
    );
    println!(
        "The secrets are not in it. Without master-key ({}) and audit-key ({}) of {} it cannot be restored: keep that folder, \
         and the folder `erasures` beside it, in another place.",
        written.manifest.keys.master,
        written.manifest.keys.audit,
        written.secrets.display()
    );
    Ok(ExitCode::SUCCESS)
}
