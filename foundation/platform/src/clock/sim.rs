//! The simulated clock of a sandbox: one business time for all its processes, moved through a Unix control socket.
//!
//! A process that was started with `--sim-clock SOCKET` connects to the hub ([`super::hub::Hub`]). At `set MICROSECONDS` it moves
//! its clock and answers `ok MICROSECONDS`: the hub's `set` returns when every process has answered, so nobody sees the old
//! time afterwards. At `settle` it answers `idle` when nothing is left to do at this moment, otherwise `busy` and what that is.
//! Business code only sees the trait.

use std::io;
use std::path::Path;
use std::sync::Arc;

use kernel::time::{ManualClock, Timestamp};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio_util::sync::CancellationToken;

use crate::db::BoxFuture;

/// Says what is left to do at this moment, on one line; `None`: nothing.
pub type Remaining = Arc<dyn Fn() -> BoxFuture<'static, Option<String>> + Send + Sync>;

/// That of a process which does nothing by itself.
pub fn nothing() -> Remaining {
    Arc::new(|| Box::pin(std::future::ready(None)))
}

/// The connection to the hub.
#[derive(Debug)]
pub struct SimClock {
    clock: ManualClock,
    lines: Lines<BufReader<OwnedReadHalf>>,
    answers: OwnedWriteHalf,
}

impl SimClock {
    /// Connects, and waits for the first time. The hub sends it at once.
    pub async fn connect(socket: &Path) -> io::Result<Self> {
        let (read, answers) = UnixStream::connect(socket).await?.into_split();
        let mut sim = Self {
            clock: ManualClock::at(Timestamp::UNIX_EPOCH),
            lines: BufReader::new(read).lines(),
            answers,
        };
        sim.step(&nothing()).await?;
        Ok(sim)
    }

    /// The clock that this connection moves.
    pub fn clock(&self) -> ManualClock {
        self.clock.clone()
    }

    /// Follows the hub until it is told to stop. A hub that is gone is an error: the sandbox is over.
    pub async fn follow(mut self, remaining: Remaining, stop: CancellationToken) -> io::Result<()> {
        loop {
            match stop.run_until_cancelled(self.step(&remaining)).await {
                None => return Ok(()),
                Some(moved) => moved?,
            }
        }
    }

    async fn step(&mut self, remaining: &Remaining) -> io::Result<()> {
        let line = self.lines.next_line().await?;
        let line = line.ok_or_else(|| io::Error::other("the hub of the simulated clock is gone"))?;
        if line == "settle" {
            let answer = remaining().await.map_or("idle\n".to_owned(), |what| format!("busy {what}\n"));
            return self.answers.write_all(answer.as_bytes()).await;
        }
        let to = parse(&line).ok_or_else(|| io::Error::other(format!("the hub said {line:?}")))?;
        self.clock.set(to);
        self.answers.write_all(format!("ok {}\n", to.as_microsecond()).as_bytes()).await
    }
}

fn parse(line: &str) -> Option<Timestamp> {
    let microseconds = line.strip_prefix("set ")?.trim().parse().ok()?;
    Timestamp::from_microsecond(microseconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_microseconds_move_the_clock() {
        assert_eq!(parse("set 1000000").unwrap().to_string(), "1970-01-01T00:00:01Z");
        for wrong in ["", "set", "set 1.5", "ok 1", "set 99999999999999999999"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
