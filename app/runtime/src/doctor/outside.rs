//! What stands beside the database: mail server, file store, broker, cache, and where outgoing calls may go. Each is asked
//! the way the running process asks it.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use kernel::ids::{FileId, Uuid};
use kernel::time::Clock as _;
use platform::clock::{SystemClock, system_random};
use platform::db::Wake;
use platform::files::{FileStore, ObjectName};
use platform::mail::Address;
use redis_adapter::Redis;
use smtp::SmtpMailer;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::Finding;
use crate::outside::{broker, file_store};
use crate::settings::Settings;

/// A server that has not said anything by then is away.
const PATIENCE: Duration = Duration::from_secs(5);

/// Everything that is set.
pub(super) async fn examine(settings: &Settings) -> Vec<Finding> {
    vec![
        mail(settings).await,
        storage(settings).await,
        Box::pin(examine_broker(settings)).await,
        cache(settings).await,
        egress(settings),
    ]
}

/// Outgoing mail: connects, encrypts and signs in, and sends nothing.
async fn mail(settings: &Settings) -> Finding {
    const WHAT: &str = "mail";
    let mail = &settings.config().mail;
    let Some(url) = &mail.smtp_url else {
        let folder = settings.place.mail();
        return Finding::fine(
            WHAT,
            format!(
                "no mail server: messages are written to {}; links can be copied by who makes them",
                folder.display()
            ),
        );
    };
    let from = match Address::parse(&mail.from) {
        Ok(from) => from,
        Err(error) => return Finding::broken(WHAT, format!("mail.from: {error}"), "correct the setting"),
    };
    let checked = match SmtpMailer::new(url.inner(), from, PATIENCE) {
        Ok(mailer) => within(mailer.reach()).await,
        Err(error) => Err(error.to_string()),
    };
    match checked {
        Ok(()) => Finding::fine(WHAT, "the mail server lets us in"),
        Err(why) => Finding::broken(
            WHAT,
            format!("the mail server cannot be used: {why}"),
            "look at SMTP_URL (name, port, password) and at what the mail server logs; messages wait meanwhile",
        ),
    }
}

/// Files: writes one, reads it, deletes it.
async fn storage(settings: &Settings) -> Finding {
    const WHAT: &str = "storage";
    let storage = &settings.config().storage;
    let place = storage.bucket.as_ref().map_or_else(
        || settings.place.files().display().to_string(),
        |bucket| format!("the bucket {bucket}"),
    );
    if storage.s3_url.is_none() && !settings.place.folder.exists() {
        return Finding::fine(WHAT, format!("files will be kept in {place}"));
    }
    let tried = match file_store(settings, &system_random()) {
        Ok(store) => within(async { round_trip(&*store).await.map_err(|error| error.chain()) }).await,
        Err(error) => Err(format!("{error:#}")),
    };
    match tried {
        Ok(()) if storage.s3_url.is_some() => Finding::fine(
            WHAT,
            format!("{place} takes and gives files; it is not part of `dropmate backup`: copy it by itself"),
        ),
        Ok(()) => Finding::fine(WHAT, format!("{place} takes and gives files")),
        Err(why) => Finding::broken(
            WHAT,
            format!("{place} cannot be used: {why}"),
            if storage.s3_url.is_some() {
                "look at S3_URL and STORAGE_BUCKET; the login needs to read, write, delete and list"
            } else {
                "look at the owner and the free space of that folder"
            },
        ),
    }
}

async fn round_trip(store: &dyn FileStore) -> platform::Result<()> {
    let id: FileId = system_random().id(SystemClock.now());
    let name = ObjectName::new("doctor", Uuid::nil(), id);
    let content = Bytes::from_static(b"written by dropmate doctor");
    store.put(&name, content.clone()).await?;
    let found = store.get(&name).await;
    store.delete(&name).await?;
    if found? == Some(content) {
        return Ok(());
    }
    Err(platform::Error::internal("what was read is not what was written"))
}

async fn examine_broker(settings: &Settings) -> Finding {
    const WHAT: &str = "broker";
    if settings.config().bus.nats_url.is_none() {
        return Finding::fine(WHAT, "none is set: events travel in PostgreSQL");
    }
    let seen = match broker(settings.config(), &Wake::default()).await {
        Ok(Some(broker)) => {
            Box::pin(first_report(|stop, report| async move { broker.watch(stop, report).await })).await
        }
        Ok(None) => Ok(()),
        Err(error) => Err(format!("{error:#}")),
    };
    match seen {
        Ok(()) => Finding::fine(WHAT, "NATS answers and is set as it must be"),
        Err(why) => Finding::broken(
            WHAT,
            format!("NATS cannot be used: {why}"),
            "look at NATS_URL and docs/operating/nats.md; events wait in PostgreSQL meanwhile",
        ),
    }
}

async fn cache(settings: &Settings) -> Finding {
    const WHAT: &str = "cache";
    let Some(url) = &settings.config().redis.url else {
        return Finding::fine(WHAT, "none is set: the process remembers by itself");
    };
    let seen = match Redis::open(url.inner()).await {
        Ok(redis) => first_report(|stop, report| async move { redis.watch(stop, report).await }).await,
        Err(error) => Err(error.to_string()),
    };
    match seen {
        Ok(()) => Finding::fine(WHAT, "Redis answers"),
        Err(why) => Finding::broken(
            WHAT,
            format!("Redis cannot be used: {why}"),
            "look at REDIS_URL and whether the server runs; each process remembers by itself meanwhile",
        ),
    }
}

/// Where calls to other people's servers may go.
fn egress(settings: &Settings) -> Finding {
    const WHAT: &str = "outgoing calls";
    let allow = &settings.config().egress.allow;
    if allow.is_empty() {
        return Finding::fine(WHAT, "only to the public internet, only with TLS");
    }
    Finding::warning(
        WHAT,
        format!("may also go to {}, also without TLS", allow.join(", ")),
        "keep egress.allow as short as possible: whoever enters an address can make DropMate call it",
    )
}

/// The first thing that a watcher says.
async fn first_report<W, F>(watch: W) -> Result<(), String>
where
    W: FnOnce(CancellationToken, Box<dyn Fn(Result<(), String>) + Send + Sync>) -> F,
    F: Future<Output = ()>,
{
    let (tell, told) = oneshot::channel();
    let tell = Mutex::new(Some(tell));
    let report = move |state: Result<(), String>| {
        if let Some(tell) = tell.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Nobody listens any more when the time is over.
            let _ = tell.send(state);
        }
    };
    let stop = CancellationToken::new();
    let watching = watch(stop.clone(), Box::new(report));
    within(async move {
        tokio::select! {
            state = told => state.unwrap_or_else(|_closed| Err("it said nothing".to_owned())),
            () = watching => Err("it said nothing".to_owned()),
        }
    })
    .await
}

async fn within(what: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    tokio::time::timeout(PATIENCE, what)
        .await
        .unwrap_or_else(|_elapsed| Err(format!("no answer within {} s", PATIENCE.as_secs())))
}
