//! Sessions whose access tokens must no longer be accepted although they have not expired.
//!
//! An access token lives 15 minutes; a lost phone or a stolen refresh token must be cut off sooner. Revoked session
//! ids are few and short-lived, so each process keeps them in memory and reads the new ones from the database once a
//! second ([`Revocations::refresh`] is driven by the runtime). The process that revokes knows at once.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use kernel::ids::SessionId;
use kernel::time::Timestamp;

/// The set of revoked sessions, shared by all verifiers of a process.
#[derive(Debug, Clone, Default)]
pub struct Revocations {
    until: Arc<RwLock<HashMap<SessionId, Timestamp>>>,
}

impl Revocations {
    /// Adds a session; it is forgotten after `until`, when its last access token has expired anyway.
    pub fn add(&self, session: SessionId, until: Timestamp) {
        self.until.write().unwrap_or_else(PoisonError::into_inner).insert(session, until);
    }

    /// Whether tokens of this session are refused.
    pub fn contains(&self, session: SessionId) -> bool {
        self.until.read().unwrap_or_else(PoisonError::into_inner).contains_key(&session)
    }

    /// Forgets the sessions whose tokens have all expired.
    pub fn forget_expired(&self, now: Timestamp) {
        self.until.write().unwrap_or_else(PoisonError::into_inner).retain(|_, until| *until > now);
    }

    /// Reads what other processes revoked.
    pub async fn refresh(&self, pool: &sqlx::PgPool, now: Timestamp) -> crate::Result<()> {
        let rows: Vec<(kernel::ids::Uuid, jiff_sqlx::Timestamp)> =
            sqlx::query_as("SELECT session_id, until FROM platform.revoked_sessions($1)")
                .bind(jiff_sqlx::Timestamp::from(now))
                .fetch_all(pool)
                .await?;
        for (session, until) in rows {
            self.add(SessionId::new(session), until.to_jiff());
        }
        self.forget_expired(now);
        Ok(())
    }
    /// Deletes the rows that no process needs any more.
    pub async fn purge(system: &crate::db::SystemDb, now: Timestamp) -> crate::Result<u64> {
        let done = sqlx::query("DELETE FROM platform.revocations WHERE until <= $1")
            .bind(jiff_sqlx::Timestamp::from(now))
            .execute(system.pool())
            .await?;
        Ok(done.rows_affected())
    }
}
