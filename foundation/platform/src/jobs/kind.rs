//! What a job is, and what its handler may say.

use std::sync::Arc;
use std::time::Duration;

use kernel::ids::{JobId, OrgId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::db::{BoxFuture, Db, Scope};
use crate::{Error, Kind};

/// A piece of work that is done later.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Durable name, `service.verb_noun`; stored with the row and never changed.
    const NAME: &'static str;
    /// Jobs of one queue share workers; the default suits most.
    const QUEUE: &'static str = "default";
    /// Attempts before it becomes a dead letter.
    const MAX_ATTEMPTS: i16 = 10;
    /// The longest one attempt may take; then it is cancelled and counts as failed.
    const TIMEOUT: Duration = Duration::from_mins(1);
    /// Higher runs first.
    const PRIORITY: i16 = 0;

    /// At most one queued job has this key; enqueuing another is done already.
    fn unique_key(&self) -> Option<String> {
        None
    }
}

/// What a handler is given besides the job.
#[derive(Debug, Clone)]
pub struct JobContext {
    /// The row; derive keys for outside effects from it, so that a repeated attempt repeats the key.
    pub id: JobId,
    /// 1 for the first attempt.
    pub attempt: i16,
    /// The organisation it acts in.
    pub org: Option<OrgId>,
    /// The service's connection.
    pub db: Db,
    /// Cancelled when the process stops or the attempt takes too long.
    pub cancel: CancellationToken,
    pub(super) trace: Option<String>,
}

impl JobContext {
    /// The scope of transactions that the job begins.
    pub fn scope(&self) -> Scope {
        let scope = self.org.map_or_else(Scope::installation, Scope::system);
        Scope { actor: format!("job:{}", self.id), ..scope }.with_trace(self.trace.clone())
    }
}

/// Why an attempt failed, and what follows from it.
#[derive(Debug)]
pub enum JobError {
    /// Try again later, with back-off.
    Retry(Error),
    /// Try again after this long (a provider said so).
    RetryAfter(Duration, Error),
    /// It can never succeed: a dead letter at once.
    GiveUp(Error),
}

impl From<Error> for JobError {
    /// Our failures are worth another try; a refusal will be refused again.
    fn from(error: Error) -> Self {
        match (error.kind(), error.retry_after()) {
            (Kind::TooMany | Kind::Unavailable, Some(after)) => Self::RetryAfter(after, error),
            (kind, _) if kind.is_failure() || kind == Kind::TooMany || error.is_transient() => {
                Self::Retry(error)
            }
            _ => Self::GiveUp(error),
        }
    }
}

impl From<sqlx::Error> for JobError {
    fn from(error: sqlx::Error) -> Self {
        Error::from(error).into()
    }
}

type Handler =
    Arc<dyn Fn(JobContext, serde_json::Value) -> BoxFuture<'static, Result<(), JobError>> + Send + Sync>;

/// A kind of job with the code that does it.
#[derive(Clone)]
pub struct JobKind {
    pub(super) name: &'static str,
    pub(super) timeout: Duration,
    handler: Handler,
}

impl std::fmt::Debug for JobKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobKind").field("name", &self.name).finish_non_exhaustive()
    }
}

impl JobKind {
    /// Binds a job type to its handler.
    pub fn new<J, F>(handler: F) -> Self
    where
        J: Job,
        F: Fn(JobContext, J) -> BoxFuture<'static, Result<(), JobError>> + Send + Sync + 'static,
    {
        let handler: Handler = Arc::new(move |context, payload| match serde_json::from_value::<J>(payload) {
            Ok(job) => handler(context, job),
            Err(error) => Box::pin(async move { Err(JobError::GiveUp(Error::internal(error))) }),
        });
        Self { name: J::NAME, timeout: J::TIMEOUT, handler }
    }

    /// Its durable name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn call(
        &self,
        context: JobContext,
        payload: serde_json::Value,
    ) -> BoxFuture<'static, Result<(), JobError>> {
        (self.handler)(context, payload)
    }
}
