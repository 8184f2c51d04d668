//! The private PostgreSQL of an installation that is measured.

use std::path::{Path, PathBuf};

use anyhow::Context;
use platform::migrate::RolePasswords;

use crate::usage::Ticks;

/// Where it is.
#[derive(Debug, Clone)]
pub struct Server {
    /// Of the postmaster, whose children are the server's other processes.
    pub pid: u32,
    /// Of the Unix socket.
    pub port: String,
    /// The folder of the Unix socket.
    pub socket: String,
    /// What it writes.
    pub log: PathBuf,
    data: PathBuf,
}

impl Server {
    /// That of an installation that runs.
    pub fn of(data: &Path) -> anyhow::Result<Self> {
        let postgres = data.join("postgres");
        let folder = std::fs::read_dir(&postgres)?
            .filter_map(Result::ok)
            .find(|entry| entry.path().join("postmaster.pid").is_file())
            .context("its PostgreSQL does not run")?
            .path();
        let text = std::fs::read_to_string(folder.join("postmaster.pid"))?;
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let line = |index: usize| lines.get(index).copied().context("a short postmaster.pid");
        Ok(Self {
            pid: line(0)?.parse()?,
            port: line(3)?.to_owned(),
            socket: line(4)?.to_owned(),
            log: folder.with_extension("log"),
            data: data.to_owned(),
        })
    }

    /// The password of a service's role.
    pub fn password(&self, role: &str) -> anyhow::Result<String> {
        let secret = std::fs::read_to_string(self.data.join("secrets/database-roles"))?;
        Ok(RolePasswords::from_text(secret.trim()).password(role))
    }

    /// What the server has used so far: its processes that run, and those that have ended.
    pub fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let mut sum = Ticks::of(self.pid)?.with_ended();
        for entry in std::fs::read_dir("/proc")?.filter_map(Result::ok) {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // Who ends while it is looked at is counted with its parent the next time.
            if let Ok(ticks) = Ticks::of(pid)
                && ticks.parent == self.pid
            {
                sum += ticks.own();
            }
        }
        Ok(sum)
    }
}
