//! Hands out keys: fetched in the running transaction, cached for a minute, used without I/O.

use std::sync::Arc;

use kernel::ids::Uuid;
use kernel::random::Random;
use zeroize::Zeroizing;

use super::cache::Cache;
use super::master::{MasterKey, MasterKeys, Ring};
use super::scope::{ScopeKey, ScopeKeys};
use super::seal;
use super::stored::{self, StoredScope, StoredSubject, aad_scope, aad_subject};
use super::subject::{Key, Subject, SubjectKey};
use crate::db::Tx;
use crate::{Error, Kind, Result};

/// How often a rotation that runs at the same moment may make us begin again.
const TRIES: usize = 3;

/// Hands out keys.
#[derive(Clone)]
pub struct Vault {
    ring: Arc<Ring>,
    random: Random,
    cache: Cache,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("ring", &self.ring).finish_non_exhaustive()
    }
}

impl Vault {
    /// A vault under one installation key.
    pub fn new(master: MasterKey, random: Random) -> Self {
        Self::on(Ring::of(master), random)
    }

    /// A vault under the installation keys of a source, which is asked again when the database names another one.
    pub fn with_keys(source: Arc<dyn MasterKeys>, random: Random) -> Result<Self> {
        Ok(Self::on(Ring::from(source)?, random))
    }

    fn on(ring: Ring, random: Random) -> Self {
        Self { ring: Arc::new(ring), random, cache: Cache::default() }
    }

    /// The keys of the transaction's organisation.
    pub async fn org(&self, tx: &mut Tx) -> Result<ScopeKeys> {
        let scope = tx.org()?.uuid();
        self.scope(tx, scope).await
    }

    /// The keys of the installation.
    pub async fn installation(&self, tx: &mut Tx) -> Result<ScopeKeys> {
        self.scope(tx, Uuid::nil()).await
    }

    /// The key of a subject; created with its first use.
    pub async fn subject(&self, tx: &mut Tx, subject: Subject) -> Result<SubjectKey> {
        for _ in 0..TRIES {
            if let Some(key) = self.find(tx, subject, true).await? {
                return Ok(key);
            }
            let scope = self.scope(tx, subject.scope).await?;
            if !self.make_subject(tx, &scope.key, subject).await? {
                self.cache.forget_scope(subject.scope);
            }
        }
        Err(Error::internal("a new subject key was not found"))
    }

    /// The key of a subject that must exist; `None` once it was destroyed (the person was erased).
    pub async fn existing(&self, tx: &mut Tx, subject: Subject) -> Result<Option<SubjectKey>> {
        self.find(tx, subject, false).await
    }

    /// Destroys a subject's key in this transaction; what it sealed is unreadable from the commit on in this process,
    /// and within 60 seconds in others. A subject without a key gets none afterwards either. False when it was destroyed
    /// before.
    pub async fn destroy(&self, tx: &mut Tx, subject: Subject) -> Result<bool> {
        // The mark of the destruction hangs on the scope's key.
        self.scope(tx, subject.scope).await?;
        let destroyed: bool = sqlx::query_scalar("SELECT platform.vault_destroy_subject($1, $2)")
            .bind(subject.scope)
            .bind(subject.id)
            .fetch_one(tx.conn())
            .await?;
        self.forget(subject);
        Ok(destroyed)
    }

    /// Drops a cached key, when its destruction became known, and does not cache it again for a while.
    pub fn forget(&self, subject: Subject) {
        self.cache.bar(subject);
    }

    async fn find(&self, tx: &mut Tx, subject: Subject, refuse_erased: bool) -> Result<Option<SubjectKey>> {
        check_scope(tx, subject.scope)?;
        if let Some(versions) = self.cache.subject(subject) {
            return Ok(Some(self.subject_key(subject, versions)));
        }
        let Some((scope, stored)) = stored::read(tx, subject.scope, subject.id).await? else {
            return Ok(None);
        };
        let versions = match stored {
            StoredSubject::Versions(versions) => versions,
            StoredSubject::Destroyed if refuse_erased => return Err(erased()),
            StoredSubject::Destroyed | StoredSubject::Absent => return Ok(None),
        };
        let scope = self.unwrapped(tx, subject.scope, &scope)?;
        let versions: Arc<[_]> =
            versions.iter().map(|version| version.unwrap(&scope, subject)).collect::<Result<_>>()?;
        // What a transaction made itself is not cached before it has committed.
        if !tx.made_keys {
            self.cache.keep_subject(subject, Arc::clone(&versions));
        }
        Ok(Some(self.subject_key(subject, versions)))
    }

    /// False when the scope's key was rotated meanwhile. Another transaction may be first: then its key is stored.
    async fn make_subject(&self, tx: &mut Tx, scope: &ScopeKey, subject: Subject) -> Result<bool> {
        tx.made_keys = true;
        let fresh: Key = Zeroizing::new(self.random.bytes());
        let wrapped = seal::seal(&scope.wrapping, &aad_subject(subject), &*fresh, &self.random)?;
        stored::make_subject(tx, subject, wrapped, scope.version).await
    }

    pub(super) async fn scope(&self, tx: &mut Tx, scope: Uuid) -> Result<ScopeKeys> {
        check_scope(tx, scope)?;
        for _ in 0..TRIES {
            if let Some(key) = self.cache.scope(scope) {
                return Ok(self.scope_keys(scope, key));
            }
            if let Some((stored, _)) = stored::read(tx, scope, Uuid::nil()).await? {
                let key = self.unwrapped(tx, scope, &stored)?;
                return Ok(self.scope_keys(scope, key));
            }
            self.make_scope(tx, scope).await?;
        }
        Err(Error::internal("a new organisation key was not stored"))
    }

    async fn make_scope(&self, tx: &mut Tx, scope: Uuid) -> Result<()> {
        tx.made_keys = true;
        let master = self.ring.current()?;
        let fresh: Key = Zeroizing::new(self.random.bytes());
        let wrapped = seal::seal(master.bytes(), &aad_scope(scope), &*fresh, &self.random)?;
        if !stored::make_scope(tx, scope, wrapped, master.id()).await?
            && let Some(id) = stored::key_id(tx).await?
        {
            self.ring.follow(&id)?;
        }
        Ok(())
    }

    /// The cached key if it is what is stored, else the stored one unwrapped.
    fn unwrapped(&self, tx: &Tx, scope: Uuid, stored: &StoredScope) -> Result<Arc<ScopeKey>> {
        let known = self.cache.scope(scope).filter(|key| key.version == stored.version);
        if let Some(key) = known {
            return Ok(key);
        }
        let key = Arc::new(stored.unwrap(&self.ring, scope)?);
        if !tx.made_keys {
            self.cache.keep_scope(scope, Arc::clone(&key));
        }
        Ok(key)
    }

    pub(super) fn random(&self) -> &Random {
        &self.random
    }

    pub(super) fn ring(&self) -> &Ring {
        &self.ring
    }

    pub(super) fn forget_scope(&self, scope: Uuid) {
        self.cache.forget_scope(scope);
    }

    fn subject_key(&self, subject: Subject, versions: Arc<[super::subject::Version]>) -> SubjectKey {
        SubjectKey { scope: subject.scope, versions, random: self.random.clone() }
    }

    fn scope_keys(&self, scope: Uuid, key: Arc<ScopeKey>) -> ScopeKeys {
        ScopeKeys { key, scope, random: self.random.clone() }
    }
}

fn erased() -> Error {
    Error::new(Kind::Conflict, "erased", "This person's data was erased.")
}

/// The database refuses the keys of another organisation; a key that is cached is refused here.
fn check_scope(tx: &Tx, scope: Uuid) -> Result<()> {
    if scope.is_nil() || tx.scope().org.is_some_and(|org| org.uuid() == scope) {
        return Ok(());
    }
    Err(Error::internal("keys of another organisation"))
}
