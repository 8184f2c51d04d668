//! Publishes the log to the stream, in its order.
//!
//! What is in the stream is asked of the stream, never remembered across a failure: a publication whose confirmation
//! was lost, a second relay, a server that lost its disk and one that was emptied all end in the same question.

use std::time::{Duration, Instant};

use kernel::ids::Uuid;
use kernel::random::Random;
use kernel::time::Timestamp;
use platform::bus::{Chains, Logged, Opened, RelayLog};
use platform::lifecycle::{Waited, wait};
use platform::telemetry::metrics::BROKER_RELAYED;
use tokio_util::sync::CancellationToken;

use crate::broker::{Broker, Link};
use crate::error::{Error, Result};
use crate::message::Outgoing;
use crate::requirements::check_server;
use crate::stream;

/// Events that are on their way at once.
const BATCH: i32 = 512;
/// Events before the first one that are read only to know what came before what.
const LOOK_BACK: i64 = 1000;
/// The longest pause when no bell rings; also how often the stream is looked at.
const POLL: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_secs(1);
/// How long a turn lasts that is not kept.
const TURN_S: f64 = 5.0;
/// How long to wait after a failure.
const BACK_OFF: Duration = Duration::from_millis(200);
/// How long a rebuild waits for the next event.
const STUCK: Duration = Duration::from_secs(30);
/// How long after a refusal.
const REFUSED: Duration = Duration::from_secs(5);

/// What a rebuild did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// The first offset of the new stream.
    pub from: i64,
    /// The last one.
    pub to: i64,
}

/// Publishes the log. Any number may run; one has its turn.
#[derive(Debug)]
pub struct Relay {
    broker: Broker,
    log: RelayLog,
    holder: Uuid,
    session: Option<Session>,
    kept: Option<Instant>,
    /// What was confirmed to this relay, one by one.
    trusted: Option<i64>,
}

/// What holds as long as nothing has failed.
#[derive(Debug)]
struct Session {
    link: Link,
    identity: String,
    /// The last offset in the stream.
    at: i64,
    chains: Chains,
    looked: Instant,
}

impl Relay {
    pub(crate) fn new(broker: Broker, log: RelayLog, random: &Random) -> Self {
        Self {
            broker,
            log,
            holder: random.uuid_v7(Timestamp::UNIX_EPOCH),
            session: None,
            kept: None,
            trusted: None,
        }
    }

    /// Runs until told to stop.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut bell = self.broker.wake().on_log();
        let mut last: Option<String> = None;
        loop {
            bell.borrow_and_update();
            let pause = match self.round().await {
                Ok(0) => POLL,
                Ok(_published) => Duration::ZERO,
                Err(error) => {
                    self.session = None;
                    let text = error.to_string();
                    if last.as_ref() != Some(&text) {
                        tracing::warn!(error = text, "the relay cannot publish; consumers read the log");
                    }
                    last = Some(text);
                    let pause = if matches!(error, Error::Refused(_)) { REFUSED } else { BACK_OFF };
                    if wait(pause, &stop).await == Waited::Cancelled {
                        return;
                    }
                    continue;
                }
            };
            if last.take().is_some() {
                tracing::info!("the relay publishes again");
            }
            if stop.is_cancelled() {
                return;
            }
            if pause > Duration::ZERO {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = tokio::time::timeout(pause, bell.changed()) => {}
                }
            }
        }
    }

    /// Publishes until nothing of the log is missing in the stream; how many events that were. For commands and tests.
    pub async fn drain(&mut self) -> Result<usize> {
        let mut published = 0;
        loop {
            match self.round().await {
                Ok(0) if self.session.is_some() => return Ok(published),
                // Another relay has its turn: it publishes.
                Ok(0) => wait_a_moment().await,
                Ok(some) => published += some,
                Err(error) => {
                    self.session = None;
                    return Err(error);
                }
            }
        }
    }

    /// Deletes the stream and makes it anew from the log. A relay that runs elsewhere notices and goes on from there.
    pub async fn rebuild(&mut self) -> Result<Rebuilt> {
        let link = self.broker.connected()?;
        check_server(&link.client)?;
        let log = self.log.open().await?;
        self.session = None;
        stream::remake(&link, self.broker.options(), &log).await?;
        let (newest, mut to, mut moved) = (log.next_offset - 1, log.wanted_from - 1, Instant::now());
        while to < newest {
            match self.round().await {
                Ok(_published) => {}
                // The relay that runs elsewhere was quicker with an event.
                Err(Error::Away(reason)) => {
                    tracing::debug!(reason, "goes on from what the stream holds");
                    self.session = None;
                    wait_a_moment().await;
                }
                Err(error) => return Err(error),
            }
            // Whoever has its turn fills it.
            let found = stream::find(&self.broker.connected()?, self.broker.options()).await?;
            let last = found.map_or(to, |stream| stream::offset(stream.cached_info().state.last_sequence));
            if last > to {
                (to, moved) = (last, Instant::now());
            } else if moved.elapsed() > STUCK {
                return Err(Error::Away(format!("the stream stays at {to}, the log is at {newest}")));
            } else {
                wait_a_moment().await;
            }
        }
        Ok(Rebuilt { from: log.wanted_from, to })
    }

    /// One batch; how many events the broker has confirmed.
    async fn round(&mut self) -> Result<usize> {
        if !self.keep_turn().await? {
            self.session = None;
            return Ok(0);
        }
        if self.session.is_none() {
            self.session = Some(self.begin().await?);
        }
        let Some(session) = &mut self.session else { return Ok(0) };
        let wants = self.log.wants().await?;
        session.chains.learn(&wants, session.at);
        let events = self.log.read(session.at, BATCH).await?;
        if events.is_empty() {
            session.look(&self.broker).await?;
            return Ok(0);
        }
        let stamps: Vec<String> = events.iter().map(|event| session.chains.stamp(event, &wants)).collect();
        let published = session.publish(&self.broker, &events, &stamps).await;
        self.trusted = Some(session.at);
        if session.at > events[0].delivery.offset - 1 {
            // Only a bell: who misses it looks by itself.
            session.link.client.publish(self.broker.news(), bytes::Bytes::new()).await.ok();
            self.broker.wake().ring_log();
        }
        published
    }

    /// Takes or keeps the turn, about once a second.
    async fn keep_turn(&mut self) -> Result<bool> {
        if self.kept.is_some_and(|kept| kept.elapsed() < TICK) {
            return Ok(true);
        }
        let confirmed = self.session.as_ref().map(|session| session.at);
        let ours = self.log.turn(self.holder, confirmed, TURN_S).await?;
        self.kept = ours.then(Instant::now);
        Ok(ours)
    }

    /// Looks where the stream is and remembers what came before.
    async fn begin(&self) -> Result<Session> {
        let link = self.broker.connected()?;
        check_server(&link.client)?;
        let log = self.log.open().await?;
        let ready = stream::ensure(
            &link,
            self.broker.options(),
            &log,
            &self.log,
            self.trusted.unwrap_or(log.confirmed),
        )
        .await?;
        warn_of_loss(&log, &ready);
        let mut chains = Chains::new();
        let since = (ready.last - LOOK_BACK).max(log.first_offset - 1);
        let wants = self.log.wants().await?;
        chains.learn(&wants, since);
        let back = self.log.read(since, i32::try_from(ready.last - since).unwrap_or(0)).await?;
        for event in back.iter().filter(|event| event.delivery.offset <= ready.last) {
            chains.stamp(event, &wants);
        }
        Ok(Session { link, identity: log.identity, at: ready.last, chains, looked: Instant::now() })
    }
}

impl Session {
    /// Sends all of them, then waits for each confirmation in order. The first failure ends it: what follows is refused
    /// by the server anyway, because the one before it is missing.
    async fn publish(&mut self, broker: &Broker, events: &[Logged], stamps: &[String]) -> Result<usize> {
        let max_payload = self.link.client.max_payload();
        let mut waiting = Vec::with_capacity(events.len());
        for (event, stamp) in events.iter().zip(stamps) {
            let expected = self.at + 1 + stream::offset(waiting.len() as u64);
            if event.delivery.offset != expected {
                return Err(Error::Away(format!(
                    "the log has no offset {expected}, but {}: the stream has to begin later",
                    event.delivery.offset
                )));
            }
            let outgoing = Outgoing { event, identity: &self.identity, stamp, max_payload };
            let subject = stream::subject(&broker.options().stream, event.bucket(), &event.delivery.subject);
            waiting.push(
                self.link.jetstream.send_publish(subject, outgoing.message()).await.map_err(Error::away)?,
            );
        }
        let mut confirmed = 0;
        for publication in waiting {
            let answer = tokio::select! {
                answer = publication.into_future() => answer.map_err(Error::away)?,
                _ = self.link.lost.changed() => return Err(Error::away("the connection was lost")),
            };
            if stream::offset(answer.sequence) != self.at + 1 {
                return Err(Error::Away(format!(
                    "offset {} became sequence {} of the stream",
                    self.at + 1,
                    answer.sequence
                )));
            }
            self.at += 1;
            confirmed += 1;
        }
        metrics::counter!(BROKER_RELAYED).increment(confirmed as u64);
        Ok(confirmed)
    }

    /// While there is nothing to publish: is the stream still what it was?
    async fn look(&mut self, broker: &Broker) -> Result<()> {
        if self.looked.elapsed() < TICK {
            return Ok(());
        }
        let found = stream::find(&self.link, broker.options()).await?;
        let last = found.map(|stream| stream::offset(stream.cached_info().state.last_sequence));
        if last != Some(self.at) {
            return Err(Error::Away(format!("the stream was at {} and is at {last:?}", self.at)));
        }
        self.looked = Instant::now();
        Ok(())
    }
}

/// The broker had confirmed more than it holds: it does not sync its disk, or somebody deleted its store.
fn warn_of_loss(log: &Opened, ready: &stream::Ready) {
    if ready.last < log.confirmed && !ready.made {
        tracing::warn!(
            confirmed = log.confirmed,
            holds = ready.last,
            "the broker lost events that it had confirmed (is sync_interval: always set?); they are published again"
        );
    }
}

async fn wait_a_moment() {
    platform::lifecycle::pause(Duration::from_millis(100)).await;
}
