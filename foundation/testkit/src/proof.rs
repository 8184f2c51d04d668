//! Proofs in two sizes: small in every run, full when the figures are made.

use std::io::Write;

/// A named proof. Its figures go to the file that `script/test --full` names.
#[derive(Debug)]
pub struct Proof {
    name: &'static str,
    full: bool,
}

impl Proof {
    /// The proof of this name, in the size that the environment asks for (`DROPMATE_PROOF_SIZE=full`).
    pub fn new(name: &'static str) -> Self {
        let full = std::env::var("DROPMATE_PROOF_SIZE").is_ok_and(|size| size == "full");
        Self { name, full }
    }

    /// The value for the size that is running.
    pub fn size<T>(&self, small: T, full: T) -> T {
        if self.full { full } else { small }
    }

    /// Whether the full figures are being made.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// States what was seen: on standard output, and in the file of figures.
    pub fn report(&self, figure: &str) {
        let size = if self.full { "full" } else { "small" };
        println!("proof {} ({size}): {figure}", self.name);
        let Some(path) = std::env::var_os("DROPMATE_PROOFS_FILE") else { return };
        let line = format!("| {} | {size} | {figure} |\n", self.name);
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        if let Ok(mut file) = file {
            file.write_all(line.as_bytes()).ok();
        }
    }
}
