//! One transaction: row locks, buffered events, jobs and the audit row, committed together.

use contracts::Event;
use kernel::ids::{EventId, OrgId, Uuid};
use kernel::random::Random;
use kernel::time::Timestamp;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor};

use super::session::Session;
use super::{Db, Scope};
use crate::bus::Pending;
use crate::{Error, Result};

/// Proof that an aggregate's row is locked by this transaction, with the version that the change gives it.
///
/// Stores return it from `SELECT ... FOR UPDATE` or from the `INSERT`/`UPDATE ... RETURNING version` that took the
/// lock. Publishing needs one, which keeps "publish before lock" from compiling by accident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locked {
    key: Uuid,
    version: i64,
}

impl Locked {
    /// States that the row with this key is locked and will have this version.
    pub fn new(key: impl Into<Uuid>, version: i64) -> Self {
        Self { key: key.into(), version }
    }

    /// The version after the change.
    pub fn version(self) -> i64 {
        self.version
    }
}

/// A transaction within one scope. Dropping it rolls back.
#[derive(Debug)]
pub struct Tx {
    inner: Session,
    scope: Scope,
    db: Db,
    pub(crate) pending: Vec<Pending>,
    pub(crate) enqueued: usize,
    pub(crate) audited: usize,
    /// A key was created in this transaction: nothing that it reads may be cached before it has committed.
    pub(crate) made_keys: bool,
    after: AfterCommit,
}

/// What this process learns once the transaction has committed, and not before.
#[derive(Default)]
struct AfterCommit(Vec<Box<dyn FnOnce() + Send>>);

impl std::fmt::Debug for AfterCommit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to do", self.0.len())
    }
}

impl Tx {
    pub(super) fn new(inner: Session, scope: Scope, db: Db) -> Self {
        Self {
            inner,
            scope,
            db,
            pending: Vec::new(),
            enqueued: 0,
            audited: 0,
            made_keys: false,
            after: AfterCommit::default(),
        }
    }

    /// The connection inside the transaction, for stores.
    pub fn conn(&mut self) -> &mut PgConnection {
        self.inner.conn()
    }

    /// On whose behalf it runs.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The organisation, or a 403 where the caller has none.
    pub fn org(&self) -> Result<OrgId> {
        self.scope.org.ok_or_else(Error::forbidden)
    }

    /// Business time.
    pub fn now(&self) -> Timestamp {
        self.db.clock().now()
    }

    /// The source of identifiers and secrets.
    pub fn random(&self) -> &Random {
        self.db.random()
    }

    /// A new identifier.
    pub fn id<I: From<Uuid>>(&self) -> I {
        self.random().id(self.now())
    }

    /// The service that owns the connection.
    pub fn service(&self) -> &'static str {
        self.db.service()
    }

    /// Buffers an event of a locked aggregate; it is written just before the commit.
    pub fn publish<E: Event>(&mut self, aggregate: Locked, event: &E) -> Result<()> {
        let pending = Pending {
            event_id: self.id::<EventId>(),
            org: self.org()?,
            subject: E::SUBJECT,
            key: aggregate.key,
            version: aggregate.version,
            payload: serde_json::to_value(event)?,
            actor: self.scope.actor.clone(),
            trace: self.scope.trace.clone(),
            occurred_at: self.now(),
        };
        self.pending.push(pending);
        Ok(())
    }

    /// Moves the transaction into an organisation. For consumers, whose batches span several, and for sign-in and
    /// first run, which learn or create the organisation on the way.
    pub async fn enter(&mut self, org: OrgId) -> Result<()> {
        if self.scope.org != Some(org) {
            // A UUID prints as hexadecimal digits and hyphens: nothing to escape.
            self.statement(format!("SET LOCAL dropmate.org = '{}'", org.uuid())).await?;
            self.scope.org = Some(org);
        }
        Ok(())
    }

    /// Goes back to where the caller is, after a command that entered an organisation.
    pub(crate) async fn return_to(&mut self, org: Option<OrgId>) -> Result<()> {
        if self.scope.org != org {
            let org_text = org.map(|org| org.uuid().to_string()).unwrap_or_default();
            self.statement(format!("SET LOCAL dropmate.org = '{org_text}'")).await?;
            self.scope.org = org;
        }
        Ok(())
    }

    /// Does something in this process when, and only when, the transaction has committed: telling a memory, ringing a
    /// bell. What others must know is an event or a row.
    pub fn after_commit(&mut self, then: impl FnOnce() + Send + 'static) {
        self.after.0.push(Box::new(then));
    }

    /// Forgets what was buffered, after a rollback to the savepoint of a command.
    pub(crate) fn forget(&mut self) {
        self.pending.clear();
        self.enqueued = 0;
        self.audited = 0;
        self.after.0.clear();
    }

    /// Forgets the organisation after a rollback to a savepoint undid the `SET LOCAL`; the next `enter` sets it again.
    pub(crate) fn leave(&mut self) {
        self.scope.org = None;
    }

    pub(crate) fn set_caller(&mut self, actor: String, trace: Option<String>) {
        self.scope.actor = actor;
        self.scope.trace = trace;
    }

    /// Runs statements that carry no input.
    pub(crate) async fn statement(&mut self, sql: String) -> Result<()> {
        self.conn().execute(AssertSqlSafe(sql)).await?;
        Ok(())
    }

    /// Writes the buffered events and commits; then wakes this process's sequencer and workers.
    pub async fn commit(mut self) -> Result<()> {
        let events = std::mem::take(&mut self.pending);
        let any_events = !events.is_empty();
        if any_events {
            crate::bus::write_outbox(self.conn(), events).await?;
        }
        self.inner.commit().await?;
        if any_events {
            self.db.wake().ring_outbox();
        }
        if self.enqueued > 0 {
            self.db.wake().ring_jobs(self.db.service());
        }
        for then in self.after.0 {
            then();
        }
        Ok(())
    }

    /// Rolls back now instead of when dropped.
    pub async fn rollback(self) -> Result<()> {
        self.inner.rollback().await.map_err(Error::from)
    }
}
