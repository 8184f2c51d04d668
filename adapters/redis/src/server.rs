//! The connection, and the memory of its being away.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use platform::lifecycle::{Waited, wait};
use platform::telemetry::metrics::CACHE_FALLBACKS;
use redis::aio::{MultiplexedConnection, PubSub};
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError, RedisResult, ServerErrorKind};
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;

use crate::error::Error;

/// How long an answer may take. A request waits for one of these at most; after it nobody asks until the server answers again.
const ANSWER: Duration = Duration::from_millis(250);
const CONNECT: Duration = Duration::from_millis(500);
/// How often the server is looked for, and looked at.
const LOOK: Duration = Duration::from_millis(500);

/// A shared server. Cloning shares the connection.
#[derive(Clone)]
pub struct Redis {
    client: Client,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    connection: RwLock<Option<MultiplexedConnection>>,
    parts: Mutex<Vec<Arc<dyn Part>>>,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").field("connected", &self.is_there()).finish_non_exhaustive()
    }
}

/// What a part does when the server comes back, before anybody uses it again.
pub(crate) trait Part: Send + Sync {
    fn returned<'a>(
        &'a self,
        connection: &'a mut MultiplexedConnection,
    ) -> futures::future::BoxFuture<'a, RedisResult<()>>;
    /// Follows what others say; the subscription is made anew with every connection.
    fn hear(&self, message: &redis::Msg);
    /// What it wants to hear: a pattern of channels.
    fn channels(&self) -> Option<&'static str>;
}

impl Redis {
    /// Connects. Refuses a wrong login; a server that is away is looked for by [`Redis::watch`].
    pub async fn open(url: &SecretString) -> Result<Self, Error> {
        // The library's own words may repeat the address, and with it a password.
        let client = Client::open(url.expose_secret()).map_err(|_secret| Error::Address)?;
        let redis = Self { client, shared: Arc::default() };
        match redis.connect().await {
            Ok(connection) => redis.set(Some(connection)),
            Err(error) if is_login(&error) => return Err(Error::Login(error.to_string())),
            Err(error) => tracing::warn!(%error, "the shared cache is away; this process uses its memory"),
        }
        Ok(redis)
    }

    /// Looks for the server and at it, hears what others publish, and reports what it sees (`Err`: why it cannot be used).
    pub async fn watch(&self, stop: CancellationToken, report: impl Fn(Result<(), String>) + Send + Sync) {
        // The first connection was made before the parts were: they take part in the next one.
        self.set(None);
        let mut told_away = false;
        loop {
            let why = match self.session(&stop, &report, &mut told_away).await {
                Ok(()) => return,
                Err(error) => error.to_string(),
            };
            self.set(None);
            if !told_away {
                told_away = true;
                tracing::warn!(error = why, "the shared cache is away; this process uses its memory");
            }
            report(Err(why));
            if wait(LOOK, &stop).await == Waited::Cancelled {
                return;
            }
        }
    }

    /// One connection, until it fails or it is time to stop.
    async fn session(
        &self,
        stop: &CancellationToken,
        report: &(impl Fn(Result<(), String>) + Send + Sync),
        told_away: &mut bool,
    ) -> RedisResult<()> {
        let mut connection = self.connect().await?;
        let parts = self.shared.parts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut heard = self.subscribe(&parts).await?.into_on_message();
        for part in &parts {
            part.returned(&mut connection).await?;
        }
        self.set(Some(connection.clone()));
        if std::mem::take(told_away) {
            tracing::info!("the shared cache is back");
        }
        report(Ok(()));
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                message = futures::StreamExt::next(&mut heard) => match message {
                    Some(message) => parts.iter().for_each(|part| part.hear(&message)),
                    None => return Err(away("the subscription was lost")),
                },
                _ = look.tick() => {
                    if !self.is_there() {
                        return Err(away("it did not answer in time"));
                    }
                    redis::cmd("PING").query_async::<()>(&mut connection).await?;
                }
            }
        }
    }

    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        redis::cmd("PING").query_async::<()>(&mut connection).await?;
        Ok(connection)
    }

    async fn subscribe(&self, parts: &[Arc<dyn Part>]) -> RedisResult<PubSub> {
        let subscribing = async {
            let mut subscription = self.client.get_async_pubsub().await?;
            for pattern in parts.iter().filter_map(|part| part.channels()) {
                subscription.psubscribe(pattern).await?;
            }
            Ok(subscription)
        };
        tokio::time::timeout(CONNECT * 2, subscribing)
            .await
            .unwrap_or_else(|_elapsed| Err(away("it does not subscribe in time")))
    }

    pub(crate) fn join(&self, part: Arc<dyn Part>) {
        self.shared.parts.lock().unwrap_or_else(PoisonError::into_inner).push(part);
    }

    /// Whether the server is used now.
    pub fn is_there(&self) -> bool {
        self.shared.connection.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The connection; none while the server is away.
    pub(crate) fn connection(&self, part: &'static str) -> Option<MultiplexedConnection> {
        let connection = self.shared.connection.read().unwrap_or_else(PoisonError::into_inner).clone();
        if connection.is_none() {
            metrics::counter!(CACHE_FALLBACKS, "part" => part).increment(1);
        }
        connection
    }

    /// Takes an answer; after a failure nobody asks until the server was seen again.
    pub(crate) fn answered<T>(&self, part: &'static str, answer: RedisResult<T>) -> Option<T> {
        match answer {
            Ok(value) => Some(value),
            Err(error) => {
                metrics::counter!(CACHE_FALLBACKS, "part" => part).increment(1);
                tracing::debug!(%error, part, "the shared cache failed");
                self.set(None);
                None
            }
        }
    }

    fn set(&self, connection: Option<MultiplexedConnection>) {
        *self.shared.connection.write().unwrap_or_else(PoisonError::into_inner) = connection;
    }
}

fn away(why: &'static str) -> RedisError {
    RedisError::from((ErrorKind::Io, why))
}

fn is_login(error: &RedisError) -> bool {
    let code = error.code().unwrap_or_default();
    error.kind() == ErrorKind::AuthenticationFailed
        || matches!(code, "NOAUTH" | "WRONGPASS")
        || error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm)
}
