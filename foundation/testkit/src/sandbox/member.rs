//! One process of a sandbox, and the supervisor that starts it again.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Back-off of a process that ends soon after it was started: the first time at once, then doubling up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const HEALTHY_AFTER: Duration = Duration::from_secs(1);

/// How to start it, and the child while it runs.
#[derive(Debug)]
pub struct Member {
    /// Its name in the plan: `gateway`, `identity`, `identity-2`.
    pub name: String,
    /// Where it listens.
    pub listen: String,
    /// What runs in it.
    pub services: Vec<&'static str>,
    pub(super) binary: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) log: PathBuf,
    child: Option<Child>,
    /// Whether the supervisor should keep it alive.
    wanted: bool,
    spawned: Option<Instant>,
    pause: Duration,
    /// How often it was started.
    starts: u32,
}

impl Member {
    pub(super) fn new(name: &str, listen: String, binary: PathBuf, log: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            listen,
            services: Vec::new(),
            binary,
            arguments: Vec::new(),
            environment: Vec::new(),
            log,
            child: None,
            wanted: false,
            spawned: None,
            pause: Duration::ZERO,
            starts: 0,
        }
    }

    /// Starts it, and has it kept alive from now on.
    pub fn spawn(&mut self) -> anyhow::Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.binary);
        command.args(&self.arguments).envs(self.environment.iter().cloned()).stdin(Stdio::null());
        let child = command.stdout(log.try_clone()?).stderr(log).spawn();
        self.child = Some(child.with_context(|| format!("{} cannot be started", self.name))?);
        (self.wanted, self.spawned) = (true, Some(Instant::now()));
        self.starts += 1;
        Ok(())
    }

    /// Starts it again if it has ended although it is wanted, after its pause. Called over and over.
    pub fn supervise(&mut self) -> anyhow::Result<()> {
        if !self.wanted {
            return Ok(());
        }
        if let Some(child) = &mut self.child {
            if child.try_wait()?.is_none() {
                return Ok(());
            }
            self.child = None;
            let lived = self.spawned.map_or(Duration::ZERO, |at| at.elapsed());
            let crash_loop = lived < HEALTHY_AFTER;
            self.pause =
                if crash_loop { (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE) } else { Duration::ZERO };
            self.spawned = Some(Instant::now());
        }
        if self.spawned.is_none_or(|ended| ended.elapsed() >= self.pause) {
            self.spawn()?;
        }
        Ok(())
    }

    /// Takes a variable away from it, from its next start on.
    pub fn without(&mut self, variable: &str) {
        self.environment.retain(|(name, _)| name != variable);
    }

    /// When it was last started.
    pub fn spawned(&self) -> Option<Instant> {
        self.spawned
    }

    /// How often it was started.
    pub fn starts(&self) -> u32 {
        self.starts
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// The process id while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = self.pid().with_context(|| format!("{} does not run", self.name))?;
        Ok(kill(Pid::from_raw(i32::try_from(pid)?), signal)?)
    }

    /// SIGKILL, and waits until it is gone; the supervisor starts it again.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(child) = &mut self.child {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// SIGTERM, and waits for an orderly end; nobody starts it again.
    pub fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        self.wanted = false;
        self.signal(Signal::SIGTERM)?;
        let mut child = self.child.take().context("it does not run")?;
        Ok(child.wait()?)
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The end of it, without the lines about being asked whether it is ready.
    pub fn story(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> =
            log.lines().filter(|line| !line.contains("/readyz") && !line.contains("\"not_ready\"")).collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.wanted = false;
        // A test that failed leaves nothing running, also nothing that was paused.
        self.kill().ok();
    }
}
