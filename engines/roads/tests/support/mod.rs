//! What proofs have in common: their size, the extracts at hand, where their figures go.

use std::io::Write;
use std::path::PathBuf;

/// `DROPMATE_PROOF_SIZE=full`: the expensive figures are wanted.
pub(crate) fn full() -> bool {
    std::env::var("DROPMATE_PROOF_SIZE").is_ok_and(|size| size == "full")
}

/// An extract that is not in the repository; `None`, with a message, where it is not at hand.
pub(crate) fn extract(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("DROPMATE_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let path = folder.join("osm").join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// States what was seen: on standard output, and in the file of figures if there is one.
pub(crate) fn report(proof: &str, figure: &str) {
    let size = if full() { "full" } else { "small" };
    println!("proof {proof} ({size}): {figure}");
    let Some(path) = std::env::var_os("DROPMATE_PROOFS_FILE") else { return };
    let mut file =
        std::fs::OpenOptions::new().create(true).append(true).open(path).expect("a file of figures");
    file.write_all(format!("| {proof} | {size} | {figure} |\n").as_bytes()).expect("a file of figures");
}
