//! The peer: pgbench, as the same role, over the same socket, sending the statements that an operation sends, in the
//! same transactions.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::load::Figures;
use crate::server::Server;

/// Where and as whom pgbench connects.
#[derive(Debug)]
pub struct Peer {
    server: Server,
    role: &'static str,
}

impl Peer {
    /// The role of a service at this server.
    pub fn new(server: &Server, role: &'static str) -> Self {
        Self { server: server.clone(), role }
    }

    /// Runs a script for a while.
    pub fn run(&self, script: &Path, clients: usize, length: Duration) -> anyhow::Result<Figures> {
        let output = Command::new("pgbench")
            .args(["--no-vacuum", "--protocol=simple", "--jobs=2", "--log"])
            .arg(format!("--log-prefix={}", script.with_extension("log").display()))
            .args(["--host", &self.server.socket, "--port", &self.server.port, "--username", self.role])
            .arg(format!("--client={clients}"))
            .arg(format!("--time={}", length.as_secs()))
            .arg(format!("--file={}", script.display()))
            .arg("dropmate")
            .env("PGPASSWORD", self.server.password(self.role)?)
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
