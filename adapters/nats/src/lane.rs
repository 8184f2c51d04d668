//! One consumer's partition behind the broker: what was delivered and not yet acknowledged.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use async_nats::jetstream::AckKind;
use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, ReplayPolicy, pull};
use futures::StreamExt as _;
use platform::bus::{Batch, Position, Request};

use crate::broker::{Link, Options};
use crate::error::{Error, Result};
use crate::message::{self, Incoming};

/// How long the broker waits for an acknowledgement before it delivers again. What comes too late does no harm.
const ACK_WAIT: Duration = Duration::from_secs(30);
/// How often it delivers at most; what it gives up is read from the log. Failing handlers are the runner's matter.
const MAX_DELIVER: i64 = 20;
/// Most messages that are delivered and not acknowledged.
const MAX_PENDING: i64 = 2000;
/// A durable consumer that nobody asked for so long is removed: its name changes with what it wants.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(72);
/// How long one look at the broker may take; the cursor is locked meanwhile.
const LOOK: Duration = Duration::from_millis(800);
/// How long the log is read without asking a broker that has just failed: each question costs time, and a backlog that
/// grows faster than the questions are asked would never be worked off.
const REST: Duration = Duration::from_secs(1);
/// So many messages that are behind the cursor: better to begin anew at the cursor.
const STALE: usize = 1000;

/// What to do next.
pub(crate) enum Next {
    /// These.
    Events(Batch),
    /// Nothing yet.
    Nothing,
    /// Read the log: the broker left a hole, is silent or has failed. `missed`: it was silent about its own.
    ReadLog { missed: bool },
}

#[derive(Debug, Default)]
pub(crate) struct Lane {
    consumer: Option<PullConsumer>,
    /// The stream's consumer must be made anew at the cursor.
    restart: bool,
    /// Delivered, not acknowledged, by offset.
    held: BTreeMap<i64, (Incoming, Message)>,
    /// Since when the broker is silent although the log has grown, and where the cursor was.
    silent: Option<(i64, Instant)>,
    stale: usize,
    /// The broker was silent for too long: the log is read without waiting again, until the cursor has caught up. A backlog
    /// of many batches would else cost the patience once for each.
    catching_up: bool,
    /// When the broker failed last.
    failed: Option<Instant>,
}

impl Lane {
    /// Everything up to here is done: acknowledges it.
    pub(crate) async fn pass(&mut self, offset: i64) {
        let after = self.held.split_off(&(offset + 1));
        for (_, message) in std::mem::replace(&mut self.held, after).into_values() {
            acknowledge(&message).await;
        }
    }

    /// Nothing is left to read.
    pub(crate) fn caught_up(&mut self) {
        self.catching_up = false;
    }

    /// The broker's place in the stream is not to be trusted.
    pub(crate) fn restart(&mut self) {
        (self.restart, self.consumer) = (true, None);
    }

    pub(crate) async fn next(
        &mut self,
        link: &Link,
        options: &Options,
        position: &Position,
        request: Request,
        patience: Duration,
    ) -> Next {
        self.pass(position.last_offset).await;
        let limit = usize::try_from(request.limit).unwrap_or(1);
        if self.failed.is_some_and(|at| at.elapsed() < REST) {
            return Next::ReadLog { missed: false };
        }
        if self.held.len() < limit {
            let known = self.consumer.is_some();
            let mut looked = self.look_in_time(link, options, position, request, limit).await;
            if looked.is_err() && known {
                // It may have been removed from the server: it is made again.
                looked = self.look_in_time(link, options, position, request, limit).await;
            }
            if let Err(error) = looked {
                tracing::debug!(%error, consumer = request.consumer, "the broker failed; reading the log");
                self.failed = Some(Instant::now());
                return Next::ReadLog { missed: false };
            }
        }
        if let Some(batch) = self.run(position, request, limit) {
            (self.silent, self.catching_up) = (None, false);
            return Next::Events(batch);
        }
        if self.catching_up || !self.held.is_empty() {
            return Next::ReadLog { missed: false };
        }
        match self.silent {
            Some((at, since)) if at == position.last_offset => {
                if since.elapsed() < patience {
                    return Next::Nothing;
                }
                (self.silent, self.catching_up) = (None, true);
                Next::ReadLog { missed: true }
            }
            _ => {
                self.silent = Some((position.last_offset, Instant::now()));
                Next::Nothing
            }
        }
    }

    /// The longest row of events from the cursor on without a hole.
    fn run(&self, position: &Position, request: Request, limit: usize) -> Option<Batch> {
        let mut scanned = position.last_offset;
        let mut deliveries = Vec::new();
        for (offset, (incoming, _)) in &self.held {
            let before = position.before(&incoming.stamp, request.consumer, request.part);
            if incoming.large || before.is_none_or(|before| before > scanned) || deliveries.len() == limit {
                break;
            }
            deliveries.push(incoming.delivery.clone());
            scanned = *offset;
        }
        (!deliveries.is_empty()).then_some(Batch { deliveries, scanned })
    }

    async fn look_in_time(
        &mut self,
        link: &Link,
        options: &Options,
        position: &Position,
        request: Request,
        limit: usize,
    ) -> Result<()> {
        let looked = tokio::time::timeout(LOOK, self.look(link, options, position, request, limit)).await;
        let looked = looked.unwrap_or_else(|_elapsed| Err(Error::away("it does not answer in time")));
        if looked.is_err() {
            self.consumer = None;
        }
        looked
    }

    /// Takes what the broker has now.
    async fn look(
        &mut self,
        link: &Link,
        options: &Options,
        position: &Position,
        request: Request,
        limit: usize,
    ) -> Result<()> {
        let consumer = self.consumer(link, options, position, request).await?;
        loop {
            let mut batch = consumer.fetch().max_messages(limit).messages().await.map_err(Error::away)?;
            let (mut delivered, mut fresh) = (0, 0);
            while let Some(message) = batch.next().await {
                delivered += 1;
                fresh += usize::from(self.take(message.map_err(Error::away)?, position, request).await);
            }
            if fresh > 0 || delivered == 0 {
                return Ok(());
            }
            self.stale += delivered;
            if self.stale > STALE {
                // The log was read far ahead of the broker.
                self.stale = 0;
                self.restart();
                return Ok(());
            }
        }
    }

    /// Keeps a message that may be of use; true when it is.
    async fn take(&mut self, message: Message, position: &Position, request: Request) -> bool {
        let incoming = message::read(message.headers.as_ref(), &message.payload)
            .filter(|incoming| incoming.identity == position.identity);
        let Some(incoming) = incoming else {
            // Not of this log; never of use.
            message.ack_with(AckKind::Term).await.ok();
            return false;
        };
        let offset = incoming.delivery.offset;
        let ours = position.before(&incoming.stamp, request.consumer, request.part).is_some();
        if offset <= position.last_offset || !ours {
            acknowledge(&message).await;
            return false;
        }
        self.held.insert(offset, (incoming, message));
        true
    }

    /// The durable consumer of this partition; made at the cursor when there is none.
    async fn consumer(
        &mut self,
        link: &Link,
        options: &Options,
        position: &Position,
        request: Request,
    ) -> Result<PullConsumer> {
        if let Some(consumer) = &self.consumer {
            return Ok(consumer.clone());
        }
        let name = name(request, position);
        let stream = link.jetstream.get_stream_no_info(&options.stream).await.map_err(Error::away)?;
        if std::mem::take(&mut self.restart) {
            stream.delete_consumer(&name).await.ok();
        }
        let config = config(&options.stream, &name, position, request);
        let consumer = stream.get_or_create_consumer(&name, config.clone()).await.map_err(Error::away)?;
        let found = &consumer.cached_info().config;
        if found.ack_policy != AckPolicy::Explicit || found.max_deliver != MAX_DELIVER {
            // Somebody changed it: ours is made anew in the next round.
            self.restart();
            return Err(Error::away(format!("the consumer {name} was set in another way")));
        }
        self.consumer = Some(consumer.clone());
        Ok(consumer)
    }
}

/// A lost acknowledgement is harmless: the message arrives again and is behind the cursor.
async fn acknowledge(message: &Message) {
    if let Err(error) = message.ack().await {
        tracing::debug!(%error, "an acknowledgement was not sent");
    }
}

/// The name carries what the consumer wants: another filter is another consumer.
fn name(request: Request, position: &Position) -> String {
    format!("{}-{}-{}", request.consumer.replace('.', "_"), request.part, position.filter)
}

fn config(stream: &str, name: &str, position: &Position, request: Request) -> pull::Config {
    let buckets = position.buckets(request.part);
    let tokens: Vec<String> = match buckets.as_slice() {
        [] => vec!["*".to_owned()],
        some => some.iter().map(ToString::to_string).collect(),
    };
    let filter_subjects = position
        .subjects
        .iter()
        .flat_map(|subject| tokens.iter().map(move |token| format!("{stream}.log.{token}.{subject}")))
        .collect();
    pull::Config {
        durable_name: Some(name.to_owned()),
        description: Some(format!("{} {}/{}", request.consumer, request.part, position.parts)),
        deliver_policy: DeliverPolicy::ByStartSequence {
            start_sequence: u64::try_from(position.last_offset + 1).unwrap_or(1),
        },
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        max_deliver: MAX_DELIVER,
        max_ack_pending: MAX_PENDING,
        filter_subjects,
        replay_policy: ReplayPolicy::Instant,
        inactive_threshold: FORGOTTEN_AFTER,
        ..pull::Config::default()
    }
}
