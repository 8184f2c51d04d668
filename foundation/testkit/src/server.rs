//! A server that a test starts, kills and empties: on a private port, with a folder of its own.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(20);

/// The program `name`: the one that the variable names, the one of `script/setup --test`, or the system's.
pub fn program(variable: &str, name: &str) -> anyhow::Result<PathBuf> {
    if let Some(explicit) = std::env::var_os(variable) {
        return Ok(explicit.into());
    }
    let pinned = crate::cluster::workspace().join(".tools/venv/bin").join(name);
    let places = std::env::var_os("PATH").unwrap_or_default();
    let found = std::iter::once(pinned)
        .chain(std::env::split_paths(&places).map(|place| place.join(name)))
        .find(|program| program.is_file());
    found.with_context(|| {
        format!("{name} is not installed: run `script/setup --test`, or name it with {variable}")
    })
}

/// The first of the ports that tests take, and how many there are: below those that the system gives to outgoing connections
/// (32768 and more on Linux), one of which could take the port while its server restarts.
const PORTS: (u16, u16) = (20_000, 12_000);
/// Tests are processes whose numbers follow each other: each begins so many ports after the one before.
const OF_A_TEST: u32 = 37;

/// A port of this machine that nobody uses now. It stays the server's through restarts.
pub fn free_port() -> anyhow::Result<u16> {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let (first, count) = PORTS;
    let begin = std::process::id().wrapping_mul(OF_A_TEST);
    for _ in 0..count {
        let turn = begin.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % u32::from(count);
        let port = first + u16::try_from(turn)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("all ports of tests are taken")
}

/// The process of a server.
#[derive(Debug)]
pub struct Server {
    name: &'static str,
    port: u16,
    folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Server {
    /// A server that is not started yet, with an empty folder.
    pub fn new(name: &'static str) -> anyhow::Result<Self> {
        let folder = crate::cluster::temp_dir(&format!("dropmate-{name}-"))?;
        Ok(Self { name, port: free_port()?, folder, child: None })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts it and waits until it answers on its port.
    pub fn start(&mut self, command: &mut Command) -> anyhow::Result<()> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder().join("log"))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} cannot be started", self.name))?;
        self.child = Some(child);
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if let Some(status) = self.child.as_mut().map(Child::try_wait).transpose()?.flatten() {
                bail!("{} ended with {status}:\n{}", self.name, self.log());
            }
            if begun.elapsed() > START {
                bail!("{} did not answer within {START:?}:\n{}", self.name, self.log());
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        Ok(())
    }

    /// What it has written.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder().join("log")).unwrap_or_default()
    }

    /// SIGKILL, and waits until it is gone. Nothing when it does not run.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// SIGSTOP or SIGCONT: it holds its connections and answers nothing.
    pub fn signal(&self, signal: nix::sys::signal::Signal) -> anyhow::Result<()> {
        let child = self.child.as_ref().context("it does not run")?;
        let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id())?);
        Ok(nix::sys::signal::kill(pid, signal)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
