//! Idempotency keys: a request that is sent again gets the stored answer, and its effect happens once.
//!
//! [`Call::run`] is the one way in which an operation changes data:
//!
//! 1. one message to PostgreSQL: `BEGIN`, the organisation, the claim of the key, a savepoint;
//! 2. the command;
//! 3. its answer is stored under the key, its audit row and its events are written, and everything commits together.
//!
//! | situation | answer |
//! |---|---|
//! | key unknown | the command runs |
//! | the same request is still running | 409 `idempotency_running` |
//! | the same key and request were answered | the stored answer, with `Idempotency-Replayed: true` |
//! | the same key, another request | 422 `idempotency_mismatch` |
//! | the command refuses (4xx that was decided on the state) | rolled back to the savepoint, the refusal is stored |
//! | the command fails (5xx) | rolled back; nothing is stored, the request may be sent again |
//!
//! Answers may hold names, numbers and secrets that are shown once: the body is sealed with the scope's key and bound to
//! its caller, operation and key.
//!
//! The claim is an advisory lock that is tried, never waited for; the row is written with its answer in the same
//! transaction, so a row is never seen half done. Keys are kept 72 hours. The scope of a key is organisation,
//! principal and operation: another tenant's key is another key.

use kernel::ids::Uuid;
use kernel::time::SignedDuration;
use sha2::{Digest, Sha256};
use sqlx::Row;

use crate::db::{BoxFuture, Db, Scope, ToSqlx, Tx};
use crate::vault::{Place, ScopeKeys};
use crate::{Error, Kind, Result};

/// How long an answer is kept.
pub const KEPT: SignedDuration = SignedDuration::from_hours(72);
/// Longest key that is accepted.
pub const MAX_KEY_LEN: usize = 255;
/// How often a transaction is run again after a serialization failure or a deadlock.
const MAX_TRIES: u32 = 5;

/// An answer independent of the transport: what is stored under a key and sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers that belong to the answer (`content-type`, `etag`, `location`), in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A JSON answer.
    pub fn json<T: serde::Serialize>(status: u16, body: &T) -> Result<Self> {
        Ok(Self {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: serde_json::to_vec(body)?,
        })
    }

    /// The problem document of a refusal, as it is stored under a key.
    fn refusal(error: &Error) -> Result<Self> {
        Ok(Self {
            status: error.kind().status(),
            headers: vec![("content-type".to_owned(), "application/problem+json".to_owned())],
            body: serde_json::to_vec(&crate::http::problem::document(error, None))?,
        })
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// Adds the version of the object as its `ETag`.
    pub fn versioned(self, version: i64) -> Self {
        self.with_header("etag", format!("\"{version}\""))
    }

    /// Adds a header.
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// A key as the client sent it, with the fingerprint of the request it came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    text: String,
    fingerprint: [u8; 32],
}

impl Key {
    /// Accepts 1 to 255 visible ASCII characters.
    pub fn new(text: &str, fingerprint: [u8; 32]) -> Result<Self> {
        let visible = text.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
        if text.is_empty() || text.len() > MAX_KEY_LEN || !visible {
            return Err(Error::new(
                Kind::Malformed,
                "idempotency_key",
                "An Idempotency-Key is 1 to 255 visible ASCII characters.",
            ));
        }
        Ok(Self { text: text.to_owned(), fingerprint })
    }

    /// The fingerprint of a request: method, path with query, and body.
    pub fn fingerprint(method: &str, target: &str, body: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [method.as_bytes(), target.as_bytes(), body] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

/// One call of a mutating operation: who calls what, with which key.
#[derive(Debug, Clone)]
pub struct Call {
    /// Organisation, caller, trace.
    pub scope: Scope,
    /// The operation id of the OpenAPI document; also the action of the audit row.
    pub operation: &'static str,
    /// The client's key, if it sent one.
    pub key: Option<Key>,
}

impl Call {
    /// A call without a key.
    pub fn new(scope: Scope, operation: &'static str) -> Self {
        Self { scope, operation, key: None }
    }

    /// Runs the command once, stores its answer, commits.
    pub async fn run<F>(&self, db: &Db, mut command: F) -> Result<Answer>
    where
        F: for<'t> FnMut(&'t mut Tx) -> BoxFuture<'t, Result<Answer>> + Send,
    {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.run_once(db, &mut command).await {
                Err(error) if error.is_transient() && tries < MAX_TRIES => {
                    tracing::debug!(tries, operation = self.operation, "transaction is run again");
                }
                other => return other,
            }
        }
    }

    async fn run_once<F>(&self, db: &Db, command: &mut F) -> Result<Answer>
    where
        F: for<'t> FnMut(&'t mut Tx) -> BoxFuture<'t, Result<Answer>> + Send,
    {
        let mut tx = match db.begin_with(&self.scope, "BEGIN", &self.claim()).await {
            Ok(tx) => tx,
            Err(error) => return self.claimed(db, error).await,
        };
        match command(&mut tx).await {
            Ok(answer) => {
                if tx.audited == 0 {
                    return Err(Error::internal(format!("{} wrote no audit row", self.operation)));
                }
                self.store(db, &mut tx, &answer).await?;
                tx.commit().await?;
                Ok(answer)
            }
            Err(refusal) if self.key.is_some() && is_decided(&refusal) => {
                tx.statement("ROLLBACK TO SAVEPOINT command".to_owned()).await?;
                tx.forget();
                tx.return_to(self.scope.org).await?;
                let answer = Answer::refusal(&refusal)?;
                self.store(db, &mut tx, &answer).await?;
                tx.commit().await?;
                Err(refusal)
            }
            Err(error) => {
                // Now, not when dropped: whoever sends the request again at once must not find it "still running".
                tx.rollback().await.ok();
                Err(error)
            }
        }
    }

    /// The statements behind `BEGIN`. Only literals: labels and operation ids come from code, keys are visible ASCII.
    fn claim(&self) -> String {
        self.key.as_ref().map_or_else(String::new, |key| {
            format!(
                "SELECT platform.idempotency_claim('{}', '{}', '{}', '\\x{}'); SAVEPOINT command",
                quote(&self.scope.actor),
                quote(self.operation),
                quote(&key.text),
                hex::encode(key.fingerprint),
            )
        })
    }

    /// What the claim found, when it was not "go on".
    async fn claimed(&self, db: &Db, error: Error) -> Result<Answer> {
        match error.sqlstate().as_deref() {
            Some("DM001") => Err(Error::new(
                Kind::Conflict,
                "idempotency_running",
                "A request with this Idempotency-Key is still running.",
            )
            .with_retry_after(std::time::Duration::from_secs(1))),
            Some("DM003") => Err(Error::new(
                Kind::Invalid,
                "idempotency_mismatch",
                "This Idempotency-Key was used with another request.",
            )),
            Some("DM002") => self.stored(db).await,
            _ => Err(error),
        }
    }

    async fn stored(&self, db: &Db) -> Result<Answer> {
        let Some(key) = &self.key else { return Err(Error::internal("an answer without a key")) };
        let mut tx = db.read(&self.scope).await?;
        let row = sqlx::query(
            "SELECT status, headers, body FROM platform.idempotency_keys
              WHERE org_id = platform.org_or_installation() AND service = platform.service()
                AND principal = $1 AND operation = $2 AND key = $3",
        )
        .bind(&self.scope.actor)
        .bind(self.operation)
        .bind(&key.text)
        .fetch_one(tx.conn())
        .await?;
        let keys = self.keys(&mut tx, db).await?;
        tx.rollback().await?;
        let body = keys.open(self.place(key), &row.try_get::<Vec<u8>, _>("body")?)?;
        let headers: serde_json::Value = row.try_get("headers")?;
        let status: i16 = row.try_get("status")?;
        let answer = Answer {
            status: u16::try_from(status).unwrap_or(500),
            headers: serde_json::from_value(headers)?,
            body: body.to_vec(),
        };
        Ok(answer.with_header("idempotency-replayed", "true"))
    }

    /// The keys of the caller's organisation, or of the installation for callers outside of any.
    async fn keys(&self, tx: &mut Tx, db: &Db) -> Result<ScopeKeys> {
        match self.scope.org {
            Some(_) => db.vault()?.org(tx).await,
            None => db.vault()?.installation(tx).await,
        }
    }

    fn place(&self, key: &Key) -> Place {
        let owner = Key::fingerprint(&self.scope.actor, self.operation, key.text.as_bytes());
        let row: [u8; 16] = std::array::from_fn(|index| owner[index]);
        Place::new("platform.idempotency_keys", "body", Uuid::from_bytes(row))
    }

    async fn store(&self, db: &Db, tx: &mut Tx, answer: &Answer) -> Result<()> {
        let Some(key) = &self.key else { return Ok(()) };
        let now = tx.now().to_sqlx();
        // The command may have entered another organisation (first run); the key stays in the caller's scope.
        tx.return_to(self.scope.org).await?;
        let org = self.scope.org.map(kernel::ids::OrgId::uuid).unwrap_or_default();
        let sealed = self.keys(tx, db).await?.seal(self.place(key), &answer.body)?;
        sqlx::query(
            "INSERT INTO platform.idempotency_keys
                 (org_id, principal, operation, key, fingerprint, status, headers, body, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(org)
        .bind(&self.scope.actor)
        .bind(self.operation)
        .bind(&key.text)
        .bind(key.fingerprint.as_slice())
        .bind(i16::try_from(answer.status).unwrap_or(500))
        .bind(serde_json::to_value(&answer.headers)?)
        .bind(sealed)
        .bind(now)
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

/// A refusal that was decided on the state and would be decided again: stored. What the caller can mend without a new
/// key (401, 403, 429) and our own failures are not.
fn is_decided(error: &Error) -> bool {
    matches!(error.kind(), Kind::NotFound | Kind::Conflict | Kind::Stale | Kind::Invalid)
}

fn quote(text: &str) -> String {
    text.replace('\'', "''")
}

/// Deletes answers older than 72 hours of this organisation's scope. Called by the purge job across organisations.
pub async fn purge(system: &crate::db::SystemDb, now: kernel::time::Timestamp) -> Result<u64> {
    let before = now.checked_sub(KEPT).unwrap_or(now);
    let done = sqlx::query("DELETE FROM platform.idempotency_keys WHERE created_at < $1")
        .bind(before.to_sqlx())
        .execute(system.pool())
        .await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_visible_ascii() {
        assert!(Key::new("order-42'; DROP", [0; 32]).is_err(), "a space is not visible");
        assert!(Key::new("order-42';--", [0; 32]).is_ok());
        assert!(Key::new("", [0; 32]).is_err());
        assert!(Key::new("ü", [0; 32]).is_err());
        assert!(Key::new(&"k".repeat(256), [0; 32]).is_err());
    }

    #[test]
    fn fingerprints_do_not_run_together() {
        assert_ne!(Key::fingerprint("POST", "/a", b"bc"), Key::fingerprint("POST", "/ab", b"c"));
    }

    #[test]
    fn a_quote_cannot_leave_its_literal() {
        assert_eq!(quote("a'b"), "a''b");
    }
}
