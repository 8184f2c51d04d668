//! One child that dies with us.
//!
//! The kernel can send a signal to a process when its parent ends, but the wish belongs to the *thread* that started
//! it: so each child is started by a thread of its own that lives exactly as long as the child. `setpriv` states
//! the wish after the rights were dropped (dropping them clears it), and the shell behind it compares its parent with
//! us, because a parent that was gone before the wish was stated would never be noticed.
//!
//! The thread also collects the child. While it holds the lock the process id is ours; afterwards it may belong to
//! somebody else, so a signal is only ever sent under that lock.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use tokio::sync::watch;

use super::account::Account;

/// Runs only while its parent is still the process that started it.
const GUARD: &str = r#"[ "$PPID" = "$0" ] || exit 70; exec "$@""#;

/// What to start.
pub(super) struct Launch {
    pub setpriv: PathBuf,
    pub program: PathBuf,
    pub args: Vec<std::ffi::OsString>,
    pub account: Account,
    pub output: File,
}

impl Launch {
    fn command(self) -> std::io::Result<Command> {
        let mut command = Command::new(self.setpriv);
        command.args(["--pdeathsig", "INT", "--", "/bin/sh", "-c", GUARD]);
        command.arg(std::process::id().to_string()).arg(self.program).args(self.args);
        // Nothing is inherited that could change how the server behaves (PGDATA, LC_*, TZ, ...); the working folder
        // must be one that any user may enter; a group of its own keeps Ctrl-C in a terminal away from the server,
        // which stops last.
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").current_dir("/").process_group(0);
        command.stdin(Stdio::null()).stdout(self.output.try_clone()?).stderr(self.output);
        self.account.apply(&mut command);
        Ok(command)
    }
}

/// A running child.
#[derive(Debug)]
pub(super) struct Supervised {
    pid: u32,
    /// `None` once the child was collected.
    alive: Arc<Mutex<Option<Pid>>>,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Supervised {
    /// Starts the child on a thread of its own.
    pub fn start(name: &str, launch: Launch) -> std::io::Result<Self> {
        let alive = Arc::new(Mutex::new(None));
        let (exited, exit) = watch::channel(None);
        let (started, outcome) = std::sync::mpsc::sync_channel(1);
        let shared = Arc::clone(&alive);
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let mut child = match launch.command().and_then(|mut command| command.spawn()) {
                Ok(child) => child,
                Err(error) => {
                    // The receiver waits for exactly this message.
                    let _ = started.send(Err(error));
                    return;
                }
            };
            let id = child.id();
            let pid = Pid::from_raw(i32::try_from(id).unwrap_or(i32::MAX));
            *shared.lock().unwrap_or_else(PoisonError::into_inner) = Some(pid);
            let _ = started.send(Ok(id));
            // Waits without collecting: the id stays ours until the lock is held.
            while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)
                == Err(nix::errno::Errno::EINTR)
            {}
            let mut alive = shared.lock().unwrap_or_else(PoisonError::into_inner);
            *alive = None;
            let status = child.wait().unwrap_or_default();
            drop(alive);
            exited.send_replace(Some(status));
        })?;
        let pid = outcome.recv().map_err(std::io::Error::other)??;
        Ok(Self { pid, alive, exit })
    }

    /// The process id, for messages.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended, when it did.
    pub fn status(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    /// Waits for the end.
    pub async fn ended(&self) -> ExitStatus {
        let mut exit = self.exit.clone();
        match exit.wait_for(Option::is_some).await {
            Ok(status) => status.unwrap_or_default(),
            // The thread always sends before it drops the sender; a panic in it would end here.
            Err(_) => ExitStatus::default(),
        }
    }

    /// Asks for a fast shutdown: connections are closed, everything is written, then it ends.
    pub fn interrupt(&self) {
        if let Some(pid) = *self.alive.lock().unwrap_or_else(PoisonError::into_inner) {
            // It can only fail if the child is already a zombie, which is what was asked for.
            let _ = kill(pid, Signal::SIGINT);
        }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.interrupt();
    }
}

/// The last lines of a log, from `from` bytes on.
pub(super) fn tail(log: &Path, from: u64) -> String {
    use std::io::{Read, Seek, SeekFrom};
    const LINES: usize = 12;
    let mut bytes = Vec::new();
    let read = File::open(log).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(from.max(length.saturating_sub(16 * 1024))))?;
        file.read_to_end(&mut bytes)
    });
    if read.is_err() {
        return String::new();
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let mut last = String::new();
    for line in &lines[lines.len().saturating_sub(LINES)..] {
        last.extend(["  ", line, "\n"]);
    }
    last
}
