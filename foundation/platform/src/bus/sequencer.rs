//! Drives `bus.advance()`: the only writer of the log is that function, this is only who calls it.
//!
//! Any number of sequencers may run; the lock inside the function makes them take turns. A sequencer that is paused or
//! killed holds nothing, because each call is one server-side statement.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::Result;
use crate::db::SystemDb;

/// Events per call; a batch of 1,000 was the fastest measured.
const BATCH: i32 = 1000;
/// The longest pause between two looks at the outbox when no bell rings.
const POLL: Duration = Duration::from_millis(200);
/// How long one call may take before its connection counts as broken.
const STEP: Duration = Duration::from_secs(15);
/// How often a sequencer looks after the partitions of the days to come and the identity of the database.
const REOPEN: Duration = Duration::from_hours(1);
/// At most this often are other processes told that the log grew.
const NOTIFY_INTERVAL: Duration = Duration::from_millis(20);
/// PostgreSQL takes messages of less than 8,000 bytes.
const LONGEST_NEWS: usize = 7_900;
/// The channel on which they are told.
pub(crate) const CHANNEL: &str = "dropmate_log";

/// Moves events from the outbox to the log.
#[derive(Debug, Clone)]
pub struct Sequencer {
    system: SystemDb,
}

impl Sequencer {
    /// A sequencer on the system's connection.
    pub fn new(system: SystemDb) -> Self {
        Self { system }
    }

    /// Makes sure that the log belongs to this database and that the next days have partitions.
    pub async fn open(&self) -> Result<()> {
        sqlx::query("SELECT bus.open_log(), bus.ensure_partitions(7)").execute(self.system.pool()).await?;
        Ok(())
    }

    /// One call; how many events it moved.
    pub async fn advance(&self) -> Result<usize> {
        Ok(self.advance_and_tell().await?.moved)
    }

    async fn advance_and_tell(&self) -> Result<Growth> {
        let (moved, subjects): (i32, Option<Vec<String>>) =
            sqlx::query_as("SELECT moved, subjects FROM bus.advance_and_tell($1)")
                .bind(BATCH)
                .fetch_one(self.system.pool())
                .await?;
        let subjects = subjects.unwrap_or_default();
        if moved > 0 {
            self.system.wake().ring_subjects(subjects.iter().map(String::as_str));
        }
        Ok(Growth { moved: usize::try_from(moved).unwrap_or(0), subjects })
    }

    /// Runs until cancelled, then moves what is left, so that nothing waits for the next start.
    pub async fn run(self, cancel: CancellationToken) {
        let mut bell = self.system.wake().on_outbox();
        let mut opened = None;
        let mut notifier = Notifier::default();
        loop {
            bell.borrow_and_update();
            let begun = Instant::now();
            let growth = self.step(&mut opened).await;
            let looked = begun.elapsed();
            let moved = growth.moved;
            notifier.tell(&self.system, growth).await;
            if moved > 0 {
                continue;
            }
            if cancel.is_cancelled() {
                return;
            }
            // An empty look is slow when a long transaction keeps dead rows alive: look less often then.
            let pause = notifier.owes().unwrap_or(POLL).max(looked * 5);
            tokio::select! {
                () = cancel.cancelled() => {}
                _ = tokio::time::timeout(pause, bell.changed()) => {}
            }
        }
    }

    async fn step(&self, opened: &mut Option<Instant>) -> Growth {
        let result = tokio::time::timeout(STEP, async {
            if opened.is_none_or(|at| at.elapsed() > REOPEN) {
                self.open().await?;
                *opened = Some(Instant::now());
            }
            self.advance_and_tell().await
        });
        // Given up on, not cancelled: the server goes on by itself, and the next call waits for its lock.
        let late = |elapsed| Err(crate::Error::unavailable("database").with_source(elapsed));
        result.await.unwrap_or_else(late).unwrap_or_else(|error| {
            // The next connection may lead to another database (restored, promoted): look at its identity again.
            *opened = None;
            tracing::warn!(error = %error.chain(), "the sequencer could not advance the log");
            Growth::default()
        })
    }
}

/// By what the log grew.
#[derive(Debug, Default)]
struct Growth {
    moved: usize,
    subjects: Vec<String>,
}

/// Tells other processes by what subjects the log grew, at most every [`NOTIFY_INTERVAL`], in a statement of its own: inside a
/// business transaction NOTIFY would serialise commits. What falls into the interval is told at its end: without that
/// the last event of a burst would wait for the readers' next poll.
#[derive(Default)]
struct Notifier {
    last: Option<Instant>,
    owed: BTreeSet<String>,
}

impl Notifier {
    /// How long until something is to be told.
    fn owes(&self) -> Option<Duration> {
        let since = self.last.map_or(NOTIFY_INTERVAL, |last| last.elapsed());
        (!self.owed.is_empty()).then(|| NOTIFY_INTERVAL.saturating_sub(since))
    }

    async fn tell(&mut self, system: &SystemDb, growth: Growth) {
        self.owed.extend(growth.subjects);
        if self.owes() != Some(Duration::ZERO) {
            return;
        }
        self.last = Some(Instant::now());
        let subjects = std::mem::take(&mut self.owed).into_iter().collect::<Vec<_>>().join(",");
        // Too much to be said in one message: whoever hears nothing of subjects looks.
        let text = if subjects.len() < LONGEST_NEWS { subjects } else { String::new() };
        let told =
            sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(text).execute(system.pool()).await;
        if let Err(error) = told {
            tracing::debug!(%error, "other processes could not be told that the log grew");
        }
    }
}

/// Rings this process's bell when another process's sequencer moved the log.
pub async fn listen(system: SystemDb, cancel: CancellationToken) {
    while !cancel.is_cancelled() {
        let listening = async {
            let mut listener = sqlx::postgres::PgListener::connect_with(system.pool()).await?;
            listener.listen(CHANNEL).await?;
            loop {
                // `None` means that the connection was lost and is being made again: something may have been missed.
                match listener.try_recv().await? {
                    Some(news) if !news.payload().is_empty() => {
                        system.wake().ring_subjects(news.payload().split(','));
                    }
                    _ => system.wake().ring_log(),
                }
            }
            #[expect(unreachable_code, reason = "names the error type of the block")]
            Ok::<(), sqlx::Error>(())
        };
        tokio::select! {
            () = cancel.cancelled() => return,
            result = listening => {
                if let Err(error) = result {
                    tracing::debug!(%error, "not listening for news of the log; polling goes on");
                }
                let _elapsed = tokio::time::timeout(Duration::from_secs(1), cancel.cancelled()).await;
            }
        }
    }
}
