//! Changing keys while they are used.
//!
//! | key | what changes | when the old one is gone |
//! |---|---|---|
//! | installation | what wraps each organisation's key | at once; a backup made before still needs it |
//! | organisation | what wraps the keys of its subjects | at once |
//! | subject | what seals its values | when all values are sealed anew (`reseal`) |
//!
//! The first two are one transaction: wrapped keys are small and few. Nobody who holds an older key in memory is
//! disturbed, because what they wrap stays the same; who wants to wrap something new with one is told and fetches anew. Each
//! change has its entry in the audit trail.

use kernel::ids::{OrgId, Uuid};
use kernel::time::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgConnection;
use zeroize::Zeroizing;

use super::keys::Vault;
use super::master::MasterKey;
use super::scope::ScopeKey;
use super::seal;
use super::stored::{self, StoredScope, aad_data, aad_scope, aad_subject, unwrap};
use super::subject::{Key, Subject};
use crate::audit::{Entry, OPERATOR};
use crate::db::{Scope, SystemDb, SystemTx, Tx};
use crate::{Error, Result};

/// How long a new version of a subject's key is known before it seals: longer than any process caches the one before.
const PUBLISHED_S: i32 = 120;

impl Vault {
    /// Wraps the key of every scope under this installation key, at this business time. How many were wrapped by another
    /// one before.
    pub async fn rotate_installation(
        &self,
        system: &SystemDb,
        to: &MasterKey,
        at: Timestamp,
    ) -> Result<usize> {
        let mut tx = system.begin().await?;
        // Nobody makes a key under the old one meanwhile; readers go on.
        sqlx::query("LOCK TABLE platform.vault_scope_keys IN SHARE ROW EXCLUSIVE MODE")
            .execute(tx.conn())
            .await?;
        let rows =
            sqlx::query("SELECT scope, wrapped, key_id FROM platform.vault_scope_keys WHERE key_id <> $1")
                .bind(to.id())
                .fetch_all(tx.conn())
                .await?;
        for row in &rows {
            let scope: Uuid = row.try_get("scope")?;
            let from = self.ring().find(row.try_get("key_id")?)?;
            let key = unwrap(from.bytes(), &aad_scope(scope), row.try_get("wrapped")?)?;
            let wrapped = seal::seal(to.bytes(), &aad_scope(scope), &*key, self.random())?;
            sqlx::query("UPDATE platform.vault_scope_keys SET wrapped = $2, key_id = $3 WHERE scope = $1")
                .bind(scope)
                .bind(wrapped)
                .bind(to.id())
                .execute(tx.conn())
                .await?;
        }
        if !rows.is_empty() {
            let entry = Entry::new("vault.rotate_installation", "installation_key", to.id());
            self.note(&mut tx, None, at, entry).await?;
        }
        tx.commit().await?;
        Ok(rows.len())
    }

    /// Gives an organisation (or the installation) a new key that wraps the keys of its subjects; how many there were.
    /// Search hashes stay: they are made with a key of their own from the first rotation on.
    pub async fn rotate_scope(&self, system: &SystemDb, org: Option<OrgId>, at: Timestamp) -> Result<usize> {
        let scope = org.map_or(Uuid::nil(), OrgId::uuid);
        let mut tx = system.begin().await?;
        let stored = lock_scope(tx.conn(), scope).await?.ok_or_else(|| Error::not_found("key"))?;
        let old = stored.unwrap(self.ring(), scope)?;
        let new: Key = Zeroizing::new(self.random().bytes());
        self.store_scope(tx.conn(), scope, &stored.key_id, &old, &new).await?;
        let rows = sqlx::query(
            "SELECT subject_id, version, wrapped FROM platform.vault_subject_keys WHERE scope = $1 AND wrapped IS NOT NULL",
        )
        .bind(scope)
        .fetch_all(tx.conn())
        .await?;
        for row in &rows {
            let subject = Subject { scope, id: row.try_get("subject_id")? };
            let key = unwrap(&old.wrapping, &aad_subject(subject), row.try_get("wrapped")?)?;
            let wrapped = seal::seal(&new, &aad_subject(subject), &*key, self.random())?;
            sqlx::query(
                "UPDATE platform.vault_subject_keys SET wrapped = $4 WHERE scope = $1 AND subject_id = $2 AND version = $3",
            )
            .bind(scope)
            .bind(subject.id)
            .bind(row.try_get::<i16, _>("version")?)
            .bind(wrapped)
            .execute(tx.conn())
            .await?;
        }
        let name = org.map_or_else(|| "installation".to_owned(), |org| org.to_string());
        self.note(&mut tx, org, at, Entry::new("vault.rotate_organization", "organization_key", name))
            .await?;
        tx.commit().await?;
        self.forget_scope(scope);
        Ok(rows.len())
    }

    /// What an operator did, in the same transaction.
    async fn note(&self, tx: &mut SystemTx, org: Option<OrgId>, at: Timestamp, entry: Entry) -> Result<()> {
        let scope =
            Scope { actor: OPERATOR.to_owned(), ..org.map_or_else(Scope::installation, Scope::system) };
        tx.audit(self.random().id(at), at, &scope, entry).await
    }

    async fn store_scope(
        &self,
        conn: &mut PgConnection,
        scope: Uuid,
        master: &str,
        old: &ScopeKey,
        new: &Key,
    ) -> Result<()> {
        let master = self.ring().find(master)?;
        let wrapped = seal::seal(master.bytes(), &aad_scope(scope), &**new, self.random())?;
        let data = seal::seal(new, &aad_data(scope), &*old.data, self.random())?;
        sqlx::query(
            "UPDATE platform.vault_scope_keys SET wrapped = $2, data_wrapped = $3, version = version + 1 WHERE scope = $1",
        )
        .bind(scope)
        .bind(wrapped)
        .bind(data)
        .execute(conn)
        .await?;
        Ok(())
    }

    /// Gives a subject the next version of its key. It seals two minutes from now; the services then seal anew what the
    /// one before has sealed. False when there is no key, or when it is between two versions already.
    pub async fn rotate_subject(&self, tx: &mut Tx, subject: Subject) -> Result<bool> {
        let Some(present) = self.existing(tx, subject).await? else { return Ok(false) };
        let newest = present.versions.iter().map(|version| version.number).max().unwrap_or(1);
        let next = i16::try_from(newest + 1).map_err(Error::internal)?;
        let scope = self.scope(tx, subject.scope).await?;
        let fresh: Key = Zeroizing::new(self.random().bytes());
        let wrapped = seal::seal(&scope.key.wrapping, &aad_subject(subject), &*fresh, self.random())?;
        tx.made_keys = true;
        let made: bool = sqlx::query_scalar("SELECT platform.vault_next_subject($1, $2, $3, $4, $5, $6)")
            .bind(subject.scope)
            .bind(subject.id)
            .bind(wrapped)
            .bind(next)
            .bind(scope.key.version)
            .bind(PUBLISHED_S)
            .fetch_one(tx.conn())
            .await?;
        if made {
            tx.audit(Entry::new("vault.rotate_person", "subject_key", subject.id())).await?;
        }
        self.forget_scope(subject.scope);
        Ok(made)
    }
}

async fn lock_scope(conn: &mut PgConnection, scope: Uuid) -> Result<Option<StoredScope>> {
    let row = sqlx::query(
        "SELECT wrapped, key_id, version, data_wrapped FROM platform.vault_scope_keys WHERE scope = $1 FOR UPDATE",
    )
    .bind(scope)
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(stored::StoredScope {
            wrapped: row.try_get("wrapped")?,
            key_id: row.try_get("key_id")?,
            version: row.try_get("version")?,
            data: row.try_get("data_wrapped")?,
        })
    })
    .transpose()
}
