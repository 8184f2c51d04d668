//! Keys per scope and per subject: fetched in the running transaction, cached for a minute, used without I/O.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use kernel::ids::{OrgId, SubjectId, Uuid};
use kernel::random::Random;
use sqlx::Row;
use zeroize::Zeroizing;

use super::MasterKey;
use super::seal::{self, Place, Private};
use crate::db::Tx;
use crate::{Error, Kind, Result};

/// The longest a key is used without asking the database whether it still exists.
const CACHED: Duration = Duration::from_mins(1);
/// How long a destroyed key is kept out of the cache: longer than any transaction that could still see it.
const BARRED: Duration = Duration::from_mins(10);
/// Subjects kept in memory at a time.
const MAX_CACHED: usize = 10_000;

type Key = Zeroizing<[u8; 32]>;

/// Whose key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject {
    scope: Uuid,
    id: Uuid,
}

impl Subject {
    /// A person known to one organisation.
    pub fn of_org(org: OrgId, subject: impl Into<Uuid>) -> Self {
        Self { scope: org.uuid(), id: subject.into() }
    }

    /// A person known to the installation (a user who can sign in).
    pub fn of_installation(subject: impl Into<Uuid>) -> Self {
        Self { scope: Uuid::nil(), id: subject.into() }
    }

    /// The subject's identifier.
    pub fn id(&self) -> SubjectId {
        SubjectId::new(self.id)
    }
}

/// A key of one subject, ready to seal and open.
#[derive(Clone)]
pub struct SubjectKey {
    scope: Uuid,
    key: Arc<Key>,
    random: Random,
}

impl std::fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SubjectKey")
    }
}

impl SubjectKey {
    /// Seals a text for one place.
    pub fn seal(&self, place: Place, text: &Private) -> Result<Vec<u8>> {
        seal::seal(&self.key, &place.associated(self.scope), text.reveal().as_bytes(), &self.random)
    }

    /// Opens what was sealed for this place.
    pub fn open(&self, place: Place, value: &[u8]) -> Result<Private> {
        let bytes = seal::open(&self.key, &place.associated(self.scope), value)?;
        String::from_utf8(bytes).map(Private::from).map_err(Error::internal)
    }
}

/// The keys of one organisation (or of the installation) that are not about a subject.
#[derive(Clone)]
pub struct ScopeKeys {
    key: Arc<Key>,
    scope: Uuid,
    random: Random,
}

impl std::fmt::Debug for ScopeKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ScopeKeys")
    }
}

impl ScopeKeys {
    /// A keyed hash for equality search, 16 bytes: `column` separates uses, the value is already normalised.
    pub fn index(&self, column: &str, normalised: &str) -> Vec<u8> {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&**self.key)
            .unwrap_or_else(|_| unreachable!("HMAC accepts keys of any length"));
        mac.update(b"index\0");
        mac.update(column.as_bytes());
        mac.update(b"\0");
        mac.update(normalised.as_bytes());
        mac.finalize().into_bytes()[..16].to_vec()
    }

    /// Seals a secret of the organisation itself (a signing key, a provider's token).
    pub fn seal(&self, place: Place, secret: &[u8]) -> Result<Vec<u8>> {
        seal::seal(&self.key, &place.associated(self.scope), secret, &self.random)
    }

    /// Opens such a secret.
    pub fn open(&self, place: Place, value: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        seal::open(&self.key, &place.associated(self.scope), value).map(Zeroizing::new)
    }
}

struct Cached {
    key: Arc<Key>,
    read_at: Instant,
}

/// Hands out keys.
#[derive(Clone)]
pub struct Vault {
    master: Arc<MasterKey>,
    random: Random,
    scopes: Arc<Mutex<HashMap<Uuid, Cached>>>,
    subjects: Arc<Mutex<Subjects>>,
}

/// The cached keys of subjects, and the subjects whose keys must not be cached.
#[derive(Default)]
struct Subjects {
    keys: HashMap<Subject, Cached>,
    /// Destroyed, perhaps in a transaction that has not committed: a reader that still sees the key must not bring it
    /// back into the cache.
    barred: HashMap<Subject, Instant>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("master", &self.master).finish_non_exhaustive()
    }
}

impl Vault {
    /// A vault under the installation's master key.
    pub fn new(master: MasterKey, random: Random) -> Self {
        Self { master: Arc::new(master), random, scopes: Arc::default(), subjects: Arc::default() }
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
        self.find(tx, subject, true).await?.ok_or_else(|| Error::internal("a new subject key was not found"))
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
        let mut subjects = lock(&self.subjects);
        subjects.keys.remove(&subject);
        subjects.barred.retain(|_, since| since.elapsed() < BARRED);
        subjects.barred.insert(subject, Instant::now());
    }

    fn remember_subject(&self, subject: Subject, key: Arc<Key>) {
        let mut subjects = lock(&self.subjects);
        if subjects.barred.get(&subject).is_none_or(|since| since.elapsed() > BARRED) {
            remember(&mut subjects.keys, subject, key);
        }
    }

    async fn find(&self, tx: &mut Tx, subject: Subject, create: bool) -> Result<Option<SubjectKey>> {
        check_scope(tx, subject.scope)?;
        let hit = cached(&mut lock(&self.subjects).keys, &subject);
        if let Some(key) = hit {
            return Ok(Some(self.subject_key(subject, key)));
        }
        let scope = self.scope(tx, subject.scope).await?;
        let stored = fetch(tx, subject.scope, subject.id).await?;
        match stored {
            Some(Stored { destroyed: true, .. }) if create => Err(erased()),
            Some(Stored { subject: Some(wrapped), .. }) => {
                let key = Arc::new(unwrap(&scope.key, &aad_subject(subject), &wrapped)?);
                if !tx.made_keys {
                    self.remember_subject(subject, Arc::clone(&key));
                }
                Ok(Some(self.subject_key(subject, key)))
            }
            _ if create => self.create_subject(tx, &scope, subject).await.map(Some),
            _ => Ok(None),
        }
    }

    async fn create_subject(&self, tx: &mut Tx, scope: &ScopeKeys, subject: Subject) -> Result<SubjectKey> {
        tx.made_keys = true;
        let fresh: Key = Zeroizing::new(self.random.bytes());
        let wrapped = seal::seal(&scope.key, &aad_subject(subject), &*fresh, &self.random)?;
        sqlx::query("SELECT platform.vault_put_subject($1, $2, $3)")
            .bind(subject.scope)
            .bind(subject.id)
            .bind(wrapped)
            .execute(tx.conn())
            .await?;
        // Another transaction may have been first: use what is stored, and do not cache what has not committed.
        let stored = fetch(tx, subject.scope, subject.id).await?;
        if stored.as_ref().is_some_and(|stored| stored.destroyed) {
            return Err(erased());
        }
        let stored = stored.and_then(|stored| stored.subject);
        let wrapped = stored.ok_or_else(|| Error::internal("a new subject key was not stored"))?;
        let key = unwrap(&scope.key, &aad_subject(subject), &wrapped)?;
        Ok(self.subject_key(subject, Arc::new(key)))
    }

    async fn scope(&self, tx: &mut Tx, scope: Uuid) -> Result<ScopeKeys> {
        check_scope(tx, scope)?;
        let hit = cached(&mut lock(&self.scopes), &scope);
        if let Some(key) = hit {
            return Ok(self.scope_keys(scope, key));
        }
        if let Some(stored) = fetch(tx, scope, Uuid::nil()).await? {
            let key = Arc::new(self.unwrap_scope(scope, &stored)?);
            if !tx.made_keys {
                remember(&mut lock(&self.scopes), scope, Arc::clone(&key));
            }
            return Ok(self.scope_keys(scope, key));
        }
        tx.made_keys = true;
        let fresh: Key = Zeroizing::new(self.random.bytes());
        let wrapped = seal::seal(self.master.bytes(), &aad_scope(scope), &*fresh, &self.random)?;
        sqlx::query("SELECT platform.vault_put_scope($1, $2, $3)")
            .bind(scope)
            .bind(wrapped)
            .bind(self.master.id())
            .execute(tx.conn())
            .await?;
        let stored = fetch(tx, scope, Uuid::nil()).await?;
        let stored = stored.ok_or_else(|| Error::internal("a new organisation key was not stored"))?;
        Ok(self.scope_keys(scope, Arc::new(self.unwrap_scope(scope, &stored)?)))
    }

    fn unwrap_scope(&self, scope: Uuid, stored: &Stored) -> Result<Key> {
        if stored.key_id != self.master.id() {
            return Err(Error::internal(format!(
                "the database was sealed with master key {}, this process has {}",
                stored.key_id,
                self.master.id()
            )));
        }
        unwrap(self.master.bytes(), &aad_scope(scope), &stored.scope)
    }

    fn subject_key(&self, subject: Subject, key: Arc<Key>) -> SubjectKey {
        SubjectKey { scope: subject.scope, key, random: self.random.clone() }
    }

    fn scope_keys(&self, scope: Uuid, key: Arc<Key>) -> ScopeKeys {
        ScopeKeys { key, scope, random: self.random.clone() }
    }
}

/// The ids of the master keys under which the database's keys are wrapped: one, or none on an empty installation.
pub async fn master_key_ids(system: &crate::db::SystemDb) -> Result<Vec<String>> {
    let ids = sqlx::query_scalar("SELECT DISTINCT key_id FROM platform.vault_scope_keys ORDER BY 1")
        .fetch_all(system.pool())
        .await?;
    Ok(ids)
}

struct Stored {
    scope: Vec<u8>,
    key_id: String,
    subject: Option<Vec<u8>>,
    destroyed: bool,
}

async fn fetch(tx: &mut Tx, scope: Uuid, subject: Uuid) -> Result<Option<Stored>> {
    let row = sqlx::query("SELECT * FROM platform.vault_get($1, $2)")
        .bind(scope)
        .bind(subject)
        .fetch_optional(tx.conn())
        .await?;
    row.map(|row| {
        Ok(Stored {
            scope: row.try_get("scope_wrapped")?,
            key_id: row.try_get("scope_key_id")?,
            subject: row.try_get("subject_wrapped")?,
            destroyed: row.try_get::<Option<bool>, _>("subject_destroyed")?.unwrap_or(false),
        })
    })
    .transpose()
}

fn erased() -> Error {
    Error::new(Kind::Conflict, "erased", "This person's data was erased.")
}

fn unwrap(key: &[u8; 32], associated: &[u8], wrapped: &[u8]) -> Result<Key> {
    let bytes = Zeroizing::new(seal::open(key, associated, wrapped)?);
    let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(Error::internal)?;
    Ok(Zeroizing::new(bytes))
}

fn aad_scope(scope: Uuid) -> Vec<u8> {
    format!("dropmate\0scope key\0{scope}").into_bytes()
}

fn aad_subject(subject: Subject) -> Vec<u8> {
    format!("dropmate\0subject key\0{}\0{}", subject.scope, subject.id).into_bytes()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The database refuses the keys of another organisation; a key that is cached is refused here.
fn check_scope(tx: &Tx, scope: Uuid) -> Result<()> {
    if scope.is_nil() || tx.scope().org.is_some_and(|org| org.uuid() == scope) {
        return Ok(());
    }
    Err(Error::internal("keys of another organisation"))
}

fn cached<K: Eq + std::hash::Hash>(cache: &mut HashMap<K, Cached>, key: &K) -> Option<Arc<Key>> {
    let hit = cache.get(key)?;
    if hit.read_at.elapsed() < CACHED {
        return Some(Arc::clone(&hit.key));
    }
    cache.remove(key);
    None
}

fn remember<K: Eq + std::hash::Hash>(cache: &mut HashMap<K, Cached>, key: K, value: Arc<Key>) {
    if cache.len() >= MAX_CACHED {
        cache.retain(|_, entry| entry.read_at.elapsed() < CACHED);
        if cache.len() >= MAX_CACHED {
            cache.clear();
        }
    }
    cache.insert(key, Cached { key: value, read_at: Instant::now() });
}
