//! The stream: how it is set, whose it is, and how far it is.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{
    Config, DiscardPolicy, Info, PersistenceMode, RawMessageErrorKind, RetentionPolicy, StorageType, Stream,
};
use platform::bus::{Opened, RelayLog};

use crate::broker::{Link, Options};
use crate::error::{Error, Result};
use crate::message;

/// Consumers that are further behind read the log.
const KEEP: Duration = Duration::from_hours(72);
/// Repetitions of a publication within this time are recognised by their id. Only saves noise: the expected sequence
/// is what keeps the order.
const REPETITIONS: Duration = Duration::from_mins(2);
/// Most messages behind the last confirmed one that are examined when a relay begins.
const UNPROVEN: i64 = 2000;
/// The member of the stream's metadata that names its log.
const LOG: &str = "dropmate-log";

/// All messages of the log.
pub(crate) fn subjects(name: &str) -> String {
    format!("{name}.log.>")
}

/// The message's subject.
pub(crate) fn subject(name: &str, bucket: i64, subject: &str) -> String {
    format!("{name}.log.{bucket}.{subject}")
}

fn config(options: &Options, log: &Opened) -> Config {
    Config {
        name: options.stream.clone(),
        description: Some(
            "DropMate's event log, a copy that can be made anew (dropmate bus rebuild)".to_owned(),
        ),
        subjects: vec![subjects(&options.stream)],
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        max_messages: -1,
        max_bytes: -1,
        max_messages_per_subject: -1,
        max_consumers: -1,
        max_age: KEEP,
        duplicate_window: REPETITIONS,
        num_replicas: options.replicas.max(1),
        allow_direct: true,
        deny_delete: true,
        first_sequence: u64::try_from(log.wanted_from).ok(),
        metadata: HashMap::from([(LOG.to_owned(), log.identity.clone())]),
        ..Config::default()
    }
}

/// Whether the stream is as we need it; somebody may have made or changed it by hand.
fn check(config: &Config, options: &Options) -> Result<()> {
    let wrong = [
        (config.storage != StorageType::File, "its storage is not file"),
        (
            config.discard != DiscardPolicy::New,
            "it discards old messages when it is full (discard is not new)",
        ),
        (config.retention != RetentionPolicy::Limits, "its retention is not limits"),
        (config.no_ack, "it does not confirm publications (no_ack)"),
        (
            config.persist_mode == Some(PersistenceMode::Async),
            "it confirms before it has stored (persist_mode async)",
        ),
        (config.num_replicas < options.replicas, "it has fewer replicas than bus.nats_replicas"),
        (config.subjects != [subjects(&options.stream)], "it takes other subjects"),
        (config.allow_rollup, "messages may be rolled up"),
    ];
    match wrong.iter().find(|(wrong, _)| *wrong) {
        None => Ok(()),
        Some((_, why)) => Err(Error::refused(format!(
            "the stream {} was set in another way than DropMate needs: {why}. Delete it (nats stream rm {0}) or run \
             `dropmate bus rebuild`; it is made anew from the log.",
            options.stream
        ))),
    }
}

/// How far the stream is, after it was made or examined.
#[derive(Debug)]
pub(crate) struct Ready {
    /// The last offset in it.
    pub last: i64,
    /// It was made just now.
    pub made: bool,
}

/// Finds the stream of this log; makes it, or makes it anew when it is a copy of something else. Up to `trusted` the
/// stream has confirmed each message to a relay.
pub(crate) async fn ensure(
    link: &Link,
    options: &Options,
    log: &Opened,
    events: &RelayLog,
    trusted: i64,
) -> Result<Ready> {
    let Some(stream) = find(link, options).await? else { return make(link, options, log).await };
    let info = stream.cached_info();
    let here = info.config.metadata.get(LOG).map_or("", String::as_str);
    if installation(here) != installation(&log.identity) {
        return Err(Error::refused(format!(
            "the stream {} belongs to another installation: give each one a NATS account of its own, or another name \
             (bus.nats_stream)",
            options.stream
        )));
    }
    check(&info.config, options)?;
    let why = if here == log.identity {
        differs(&stream, info, log, events, trusted).await?
    } else {
        Some("it is of another epoch")
    };
    match why {
        None => Ok(Ready { last: offset(info.state.last_sequence), made: false }),
        Some(why) => {
            tracing::warn!(why, "the broker's stream is made anew from the log");
            remake(link, options, log).await
        }
    }
}

/// Deletes the stream and makes it anew, empty; the relay fills it.
pub(crate) async fn remake(link: &Link, options: &Options, log: &Opened) -> Result<Ready> {
    if find(link, options).await?.is_some() {
        link.jetstream.delete_stream(&options.stream).await.map_err(Error::away)?;
    }
    make(link, options, log).await
}

/// The stream, if there is one.
pub(crate) async fn find(link: &Link, options: &Options) -> Result<Option<Stream>> {
    match link.jetstream.get_stream(&options.stream).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(cause) if cause.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                Ok(None)
            }
            _ => Err(Error::away(error)),
        },
    }
}

async fn make(link: &Link, options: &Options, log: &Opened) -> Result<Ready> {
    match link.jetstream.create_stream(config(options, log)).await {
        Ok(stream) => {
            metrics::counter!(platform::telemetry::metrics::BROKER_REBUILDS).increment(1);
            let last = offset(stream.cached_info().state.last_sequence);
            tracing::info!(stream = options.stream, from = log.wanted_from, "the broker's stream was made");
            Ok(Ready { last, made: true })
        }
        Err(error) => match error.kind() {
            CreateStreamErrorKind::JetStream(cause) if cause.code() >= 500 => Err(Error::away(error)),
            CreateStreamErrorKind::JetStream(cause) => {
                Err(Error::refused(format!("the stream {} cannot be made: {cause}", options.stream)))
            }
            _ => Err(Error::away(error)),
        },
    }
}

/// Why the stream is no copy of this log.
async fn differs(
    stream: &Stream,
    info: &Info,
    log: &Opened,
    events: &RelayLog,
    trusted: i64,
) -> Result<Option<&'static str>> {
    let last = offset(info.state.last_sequence);
    if last >= log.next_offset {
        return Ok(Some("it is ahead of the log"));
    }
    if last + 1 < log.first_offset {
        return Ok(Some("it ends before what the log still keeps"));
    }
    if info.state.messages == 0 || last < log.first_offset {
        return Ok(None);
    }
    // Whatever was not confirmed one by one may have slipped in behind a message that is not ours.
    let unproven = (trusted + 1).max(offset(info.state.first_sequence)).max(last - UNPROVEN);
    for sequence in unproven..=last {
        let Some(found) = message_at(stream, sequence).await? else { continue };
        let Some(found) = found else { return Ok(Some("somebody else wrote into it")) };
        if found.identity != log.identity || found.delivery.offset != sequence {
            return Ok(Some("it holds messages that are not the log's"));
        }
    }
    // The newest message is the newest claim: it must be the log's own.
    let Some(found) = message_at(stream, last).await? else { return Ok(None) };
    let here = events.read(last - 1, 1).await?;
    let same = found.is_some_and(|found| {
        found.identity == log.identity
            && found.delivery.offset == last
            && here.iter().all(|event| event.delivery.event_id == found.delivery.event_id)
    });
    Ok((!same).then_some("its newest message is not the log's"))
}

/// The message of a sequence: none when it is not kept any more, and none inside when it cannot be read.
async fn message_at(stream: &Stream, sequence: i64) -> Result<Option<Option<message::Incoming>>> {
    match stream.get_raw_message(u64::try_from(sequence).unwrap_or(0)).await {
        Ok(found) => Ok(Some(message::read(Some(&found.headers), &found.payload))),
        Err(error) => match error.kind() {
            RawMessageErrorKind::NoMessageFound => Ok(None),
            _ => Err(Error::away(error)),
        },
    }
}

/// The part of an identity that survives a restore.
fn installation(identity: &str) -> &str {
    identity.split(':').next().unwrap_or_default()
}

pub(crate) fn offset(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}
