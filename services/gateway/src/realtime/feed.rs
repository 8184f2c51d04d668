//! The log as the hub reads it.

use std::sync::{Arc, OnceLock};

use kernel::ids::{OrgId, Uuid};
use kernel::time::Timestamp;
use platform::db::{BoxFuture, Db};
use platform::{Error, Result};
use serde_json::Value;
use sqlx::Row as _;

use super::message;
use super::topic::{About, Interest, View};

/// One event on its way to clients.
#[derive(Debug, Clone, PartialEq)]
pub struct Passing {
    /// Its place in the log.
    pub offset: i64,
    /// Whose.
    pub org: OrgId,
    /// `domain.action.version`.
    pub subject: String,
    /// The version of its aggregate.
    pub version: i64,
    /// The event.
    pub payload: Value,
    /// Business time.
    pub occurred_at: Timestamp,
    about: About,
    /// What all clients are told alike, written when the first is told: one for each [`View`].
    written: [OnceLock<String>; 3],
}

impl Passing {
    /// An event of the log.
    pub fn new(
        offset: i64,
        org: OrgId,
        subject: String,
        version: i64,
        payload: Value,
        occurred_at: Timestamp,
    ) -> Self {
        let about = About::of(&payload);
        let written = [const { OnceLock::new() }; 3];
        Self { offset, org, subject, version, payload, occurred_at, about, written }
    }

    /// What it is about.
    pub(crate) fn about(&self) -> About {
        self.about
    }

    /// Whether who listens for this hears it.
    pub(crate) fn is_for(&self, interest: Interest) -> bool {
        interest.takes(&self.subject, self.about)
    }

    /// The end of its message, the same for all who may see as much of it.
    pub(crate) fn written(&self, view: View) -> &str {
        let [inside, courier, outside] = &self.written;
        let written = match view {
            View::Inside => inside,
            View::Courier => courier,
            View::Outside => outside,
        };
        written.get_or_init(|| message::written(self, view))
    }
}

/// Where the log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Range {
    /// Changes when the log is not the one it was.
    pub epoch: i64,
    /// The lowest offset that is kept.
    pub first: i64,
    /// The highest offset that was given out.
    pub last: i64,
}

/// Reads the log.
pub trait Feed: Send + Sync + 'static {
    /// Where it stands.
    fn range(&self) -> BoxFuture<'_, Result<Range>>;
    /// Events after an offset up to another, at most `limit`, of all organisations or of one.
    fn read(
        &self,
        after: i64,
        to: i64,
        org: Option<OrgId>,
        limit: i32,
    ) -> BoxFuture<'_, Result<Vec<Arc<Passing>>>>;
}

/// The log of the database, under the gateway's own role.
#[derive(Debug, Clone)]
pub struct LogFeed(Db);

impl LogFeed {
    /// On this connection.
    pub fn new(db: Db) -> Self {
        Self(db)
    }

    async fn rows(&self, after: i64, to: i64, org: Option<OrgId>, limit: i32) -> Result<Vec<Arc<Passing>>> {
        let rows = sqlx::query("SELECT * FROM bus.read_log($1, $2, $3, $4)")
            .bind(after)
            .bind(to)
            .bind(org.map(OrgId::uuid))
            .bind(limit)
            .fetch_all(self.0.pool())
            .await?;
        let event = |row: sqlx::postgres::PgRow| {
            Ok(Arc::new(Passing::new(
                row.try_get("offset")?,
                OrgId::new(row.try_get::<Uuid, _>("org_id")?),
                row.try_get("subject")?,
                row.try_get("version")?,
                row.try_get("payload")?,
                row.try_get::<jiff_sqlx::Timestamp, _>("occurred_at")?.to_jiff(),
            )))
        };
        rows.into_iter().map(event).collect::<Result<_, sqlx::Error>>().map_err(Error::from)
    }
}

impl Feed for LogFeed {
    fn range(&self) -> BoxFuture<'_, Result<Range>> {
        Box::pin(async {
            let row = sqlx::query("SELECT * FROM bus.log_range()").fetch_one(self.0.pool()).await?;
            let next: i64 = row.try_get("next_offset")?;
            Ok(Range { epoch: row.try_get("epoch")?, first: row.try_get("first_offset")?, last: next - 1 })
        })
    }

    fn read(
        &self,
        after: i64,
        to: i64,
        org: Option<OrgId>,
        limit: i32,
    ) -> BoxFuture<'_, Result<Vec<Arc<Passing>>>> {
        Box::pin(self.rows(after, to, org, limit))
    }
}
