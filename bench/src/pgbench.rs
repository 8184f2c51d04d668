//! The peer: pgbench, as the same role, over the same socket, sending the statements that an operation sends, in the
//! same transactions.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use platform::migrate::RolePasswords;

use crate::load::Figures;

/// Where and as whom pgbench connects.
#[derive(Debug)]
pub struct Peer {
    socket: String,
    port: String,
    password: String,
}

impl Peer {
    /// The installation's private database, as the role of identity.
    pub fn of(app: &testkit::Installation) -> anyhow::Result<Self> {
        let folder = std::fs::read_dir(app.data().join("postgres"))?
            .filter_map(Result::ok)
            .find(|entry| entry.path().join("postmaster.pid").is_file())
            .context("its PostgreSQL does not run")?;
        let pid_file = std::fs::read_to_string(folder.path().join("postmaster.pid"))?;
        let lines: Vec<&str> = pid_file.lines().collect();
        let secret = std::fs::read_to_string(app.data().join("secrets/database-roles"))?;
        let passwords = RolePasswords::from_text(secret.trim());
        Ok(Self {
            socket: lines.get(4).context("no socket folder")?.trim().to_owned(),
            port: lines.get(3).context("no port")?.trim().to_owned(),
            password: passwords.password("dropmate_identity"),
        })
    }

    /// Runs a script for a while.
    pub fn run(&self, script: &Path, clients: usize, length: Duration) -> anyhow::Result<Figures> {
        let output = Command::new("pgbench")
            .args(["--no-vacuum", "--protocol=simple", "--jobs=2", "--log"])
            .arg(format!("--log-prefix={}", script.with_extension("log").display()))
            .args(["--host", &self.socket, "--port", &self.port, "--username=dropmate_identity"])
            .arg(format!("--client={clients}"))
            .arg(format!("--time={}", length.as_secs()))
            .arg(format!("--file={}", script.display()))
            .arg("dropmate")
            .env("PGPASSWORD", &self.password)
            .env("PGOPTIONS", "-c statement_timeout=30s")
            .output()
            .context("pgbench is not installed (Debian: postgresql-contrib or postgresql-15)")?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!("pgbench: {text}{}", String::from_utf8_lossy(&output.stderr));
        }
        let tps =
            text.lines().find_map(|line| line.strip_prefix("tps = ")).context("pgbench printed no tps")?;
        let per_second: f64 = tps.split_whitespace().next().context("no number")?.parse()?;
        let mut latencies = latencies(&script.with_extension("log"))?;
        latencies.sort_by(f64::total_cmp);
        let at = |share: usize| {
            latencies.get(latencies.len().saturating_sub(1) * share / 100).copied().unwrap_or(0.0)
        };
        Ok(Figures { per_second, count: u64::try_from(latencies.len())?, p50_ms: at(50), p99_ms: at(99) })
    }
}

/// The third field of each line of a transaction log is the time taken in microseconds.
fn latencies(prefix: &Path) -> anyhow::Result<Vec<f64>> {
    let folder = prefix.parent().context("no folder")?;
    let name = prefix.file_name().context("no name")?.to_string_lossy().into_owned();
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&name) {
            let text = std::fs::read_to_string(entry.path())?;
            all.extend(
                text.lines()
                    .filter_map(|line| line.split(' ').nth(2)?.parse::<f64>().ok())
                    .map(|us| us / 1000.0),
            );
        }
    }
    Ok(all)
}
