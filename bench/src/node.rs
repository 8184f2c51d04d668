//! Peers that run on Node, as child processes.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context;

/// A running peer; it ends with the bench.
#[derive(Debug)]
pub struct Node {
    child: Child,
    /// Where it listens on the loopback address.
    pub port: u16,
    /// The first line that it printed.
    pub said: String,
}

/// A port that nobody uses.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The folder of a peer.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name)
}

impl Node {
    /// Starts a program of a peer and waits for its first line.
    pub fn start(
        peer: &str,
        program: &str,
        port: u16,
        environment: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        let folder = folder(peer);
        let missing = "its packages are not installed: script/bench installs them";
        anyhow::ensure!(folder.join("node_modules").is_dir() && folder.join(program).is_file(), missing);
        let mut child = Command::new("node")
            .arg(program)
            .arg(port.to_string())
            .env("NODE_ENV", "production")
            .envs(environment.iter().map(|(name, value)| (*name, value)))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("node does not start")?;
        let mut said = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut said)?;
        anyhow::ensure!(!said.is_empty(), "{program} ended before it was ready");
        Ok(Self { child, port, said: said.trim().to_owned() })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
