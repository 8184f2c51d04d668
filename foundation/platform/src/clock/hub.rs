//! The hub of a simulated clock: a Unix socket to which every process of a sandbox connects (`--sim-clock`).
//!
//! It says `set MICROSECONDS`, answered by `ok MICROSECONDS` when the process has that time, and `settle`, answered by `idle`
//! or `busy WHAT`: whether anything is left to do at this moment, and what.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::time::{SignedDuration, Timestamp};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// The longest a process may take to answer; one that does not is taken for dead.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long after `busy` it is asked again: soon at first, then as seldom as this.
const FIRST_LOOK: Duration = Duration::from_millis(1);
const LAST_LOOK: Duration = Duration::from_millis(8);

/// Serves many processes and moves the time of all of them.
#[derive(Debug)]
pub struct Hub {
    socket: PathBuf,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    processes: Vec<Process>,
}

#[derive(Debug)]
struct Process {
    answers: Lines<BufReader<OwnedReadHalf>>,
    commands: OwnedWriteHalf,
}

impl Hub {
    /// Listens on `socket`, with this time to begin with.
    pub fn start(socket: impl Into<PathBuf>, start: Timestamp) -> io::Result<Self> {
        let socket = socket.into();
        let listener = UnixListener::bind(&socket)?;
        let state = Arc::new(Mutex::new(State { now: start, processes: Vec::new() }));
        let accepting = accept(listener, Arc::clone(&state));
        Ok(Self { socket, state, accepting })
    }

    /// Where processes connect to.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The time of the sandbox.
    pub async fn now(&self) -> Timestamp {
        self.state.lock().await.now
    }

    /// How many processes follow.
    pub async fn processes(&self) -> usize {
        self.state.lock().await.processes.len()
    }

    /// Sets the time; returns when every process has it.
    pub async fn set(&self, to: Timestamp) {
        let mut state = self.state.lock().await;
        state.now = to;
        let moved = state.processes.drain(..).map(|process| process.tell(to));
        // Those that are gone are forgotten.
        state.processes =
            futures::future::join_all(moved.collect::<Vec<_>>()).await.into_iter().flatten().collect();
    }

    /// Moves the time forward.
    pub async fn advance(&self, by: SignedDuration) {
        let now = self.now().await;
        self.set(now.checked_add(by).unwrap_or(now)).await;
    }

    /// Waits until no process has anything left to do at this moment. When that takes longer than `patience`, the error says
    /// what is left.
    pub async fn settle(&self, patience: Duration) -> io::Result<()> {
        let (begun, mut look) = (Instant::now(), FIRST_LOOK);
        // An exchange is never broken off: a process that was asked and not heard out would be lost.
        while let Some(left) = self.left().await {
            if begun.elapsed() > patience {
                let late = format!("after {patience:?} there is still to do: {left}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, late));
            }
            crate::lifecycle::pause(look).await;
            look = LAST_LOOK.min(look * 2);
        }
        Ok(())
    }

    /// What is left to do in all processes; `None`: nothing.
    async fn left(&self) -> Option<String> {
        let mut state = self.state.lock().await;
        let asked: Vec<_> = state.processes.drain(..).map(Process::ask).collect();
        let (processes, left): (Vec<_>, Vec<_>) =
            futures::future::join_all(asked).await.into_iter().flatten().unzip();
        state.processes = processes;
        let left: Vec<String> = left.into_iter().flatten().collect();
        (!left.is_empty()).then(|| left.join("; "))
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.accepting.abort();
        // A leftover socket file harms nobody.
        let _ = std::fs::remove_file(&self.socket);
    }
}

impl Process {
    fn new(stream: UnixStream) -> Self {
        let (read, commands) = stream.into_split();
        Self { answers: BufReader::new(read).lines(), commands }
    }

    /// Sends the time and waits for the answer; `None` when the process is gone.
    async fn tell(mut self, to: Timestamp) -> Option<Self> {
        let answer = self.say(&format!("set {}", to.as_microsecond())).await?;
        (answer == format!("ok {}", to.as_microsecond())).then_some(self)
    }

    /// What it has left to do; `None` when the process is gone.
    async fn ask(mut self) -> Option<(Self, Option<String>)> {
        let answer = self.say("settle").await?;
        match answer.strip_prefix("busy ") {
            Some(what) => Some((self, Some(what.to_owned()))),
            None => (answer == "idle").then_some((self, None)),
        }
    }

    async fn say(&mut self, command: &str) -> Option<String> {
        let exchange = async {
            self.commands.write_all(format!("{command}\n").as_bytes()).await.ok()?;
            self.answers.next_line().await.ok()?
        };
        tokio::time::timeout(PATIENCE, exchange).await.ok()?
    }
}

#[expect(clippy::disallowed_methods, reason = "what simulates has no lifecycle; the task ends with the hub")]
fn accept(listener: UnixListener, state: Arc<Mutex<State>>) -> JoinHandle<()> {
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Under the lock, so that no `set` falls between the first time and joining the others.
            let mut state = state.lock().await;
            let now = state.now;
            if let Some(process) = Process::new(stream).tell(now).await {
                state.processes.push(process);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use kernel::time::Clock;
    use tokio_util::sync::CancellationToken;

    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::clock::sim::{Remaining, SimClock, nothing};

    #[tokio::test]
    async fn every_process_has_the_new_time_when_set_returns() {
        let home = tempfile::tempdir().unwrap();
        let start: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let hub = Hub::start(home.path().join("clock"), start).unwrap();
        let stop = CancellationToken::new();
        let follow = |sim: SimClock| {
            let clock = sim.clock();
            (clock, sim.follow(nothing(), stop.clone()))
        };
        let (first, follow_first) = follow(SimClock::connect(hub.socket()).await.unwrap());
        let (second, follow_second) = follow(SimClock::connect(hub.socket()).await.unwrap());
        let moving = async {
            assert_eq!((first.now(), second.now()), (start, start));
            while hub.processes().await < 2 {
                tokio::task::yield_now().await;
            }
            hub.advance(SignedDuration::from_hours(3)).await;
            let later: Timestamp = "2026-11-20T15:00:00Z".parse().unwrap();
            assert_eq!((first.now(), second.now()), (later, later));
            stop.cancel();
        };
        let (one, two, ()) = tokio::join!(follow_first, follow_second, moving);
        assert!(one.is_ok() && two.is_ok());
    }

    #[tokio::test]
    async fn time_waits_for_who_is_busy() {
        let home = tempfile::tempdir().unwrap();
        let hub = Hub::start(home.path().join("clock"), Timestamp::UNIX_EPOCH).unwrap();
        let stop = CancellationToken::new();
        let asked = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&asked);
        let third: Remaining = Arc::new(move || {
            let count = counted.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::ready((count < 2).then(|| "job a".to_owned())))
        });
        let busy: Remaining = Arc::new(|| Box::pin(std::future::ready(Some("job b".to_owned()))));
        let one = SimClock::connect(hub.socket()).await.unwrap().follow(third, stop.clone());
        let settling = async {
            while hub.processes().await < 1 {
                tokio::task::yield_now().await;
            }
            hub.settle(Duration::from_secs(10)).await.unwrap();
            assert_eq!(asked.load(Ordering::Relaxed), 3);
            stop.cancel();
        };
        let (followed, ()) = tokio::join!(one, settling);
        followed.unwrap();
        let hub = Hub::start(home.path().join("another"), Timestamp::UNIX_EPOCH).unwrap();
        let stop = CancellationToken::new();
        let never = SimClock::connect(hub.socket()).await.unwrap().follow(busy, stop.clone());
        let settling = async {
            while hub.processes().await < 1 {
                tokio::task::yield_now().await;
            }
            let late = hub.settle(Duration::from_millis(30)).await.unwrap_err();
            assert_eq!(late.to_string(), "after 30ms there is still to do: job b");
            stop.cancel();
        };
        let (followed, ()) = tokio::join!(never, settling);
        followed.unwrap();
    }
}
