//! The installation's master key: 32 bytes that never enter the database, and its predecessors.

use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretBox};
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// The key that wraps all scope keys.
pub struct MasterKey {
    id: String,
    bytes: SecretBox<[u8; 32]>,
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MasterKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl MasterKey {
    /// A key; its id is the first 8 bytes of its SHA-256, so that a wrong key is named instead of guessed.
    pub fn new(bytes: [u8; 32]) -> Self {
        let id = hex::encode(&Sha256::digest(bytes)[..8]);
        Self { id, bytes: SecretBox::new(Box::new(bytes)) }
    }

    /// What the database remembers of it.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        self.bytes.expose_secret()
    }
}

/// Where the keys come from; asked again when the database names one that is not known yet.
pub trait MasterKeys: Send + Sync {
    /// All that can open, the one that wraps first.
    fn load(&self) -> Result<Vec<MasterKey>>;
}

/// The keys of this process. The first wraps; a rotation elsewhere makes another one the first.
pub(super) struct Ring {
    keys: Mutex<Vec<Arc<MasterKey>>>,
    source: Option<Arc<dyn MasterKeys>>,
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ring").field("keys", &self.ids()).finish_non_exhaustive()
    }
}

impl Ring {
    /// One key that never changes.
    pub fn of(key: MasterKey) -> Self {
        Self { keys: Mutex::new(vec![Arc::new(key)]), source: None }
    }

    /// Keys from a source.
    pub fn from(source: Arc<dyn MasterKeys>) -> Result<Self> {
        let ring = Self { keys: Mutex::default(), source: Some(source) };
        ring.reload()?;
        Ok(ring)
    }

    /// The key that wraps.
    pub fn current(&self) -> Result<Arc<MasterKey>> {
        self.lock().first().cloned().ok_or_else(|| Error::internal("there is no installation key"))
    }

    /// The key of this id, which the database uses.
    pub fn find(&self, id: &str) -> Result<Arc<MasterKey>> {
        if let Some(key) = self.known(id) {
            return Ok(key);
        }
        self.reload()?;
        self.known(id).ok_or_else(|| {
            let known = self.ids().join(", ");
            Error::internal(format!("the database was sealed with master key {id}, this process has {known}"))
        })
    }

    /// From now on this one wraps: the database said so.
    pub fn follow(&self, id: &str) -> Result<()> {
        let key = self.find(id)?;
        let mut keys = self.lock();
        keys.retain(|known| known.id() != id);
        keys.insert(0, key);
        Ok(())
    }

    fn known(&self, id: &str) -> Option<Arc<MasterKey>> {
        self.lock().iter().find(|key| key.id() == id).cloned()
    }

    fn reload(&self) -> Result<()> {
        if let Some(source) = &self.source {
            let loaded = source.load()?;
            *self.lock() = loaded.into_iter().map(Arc::new).collect();
        }
        Ok(())
    }

    fn ids(&self) -> Vec<String> {
        self.lock().iter().map(|key| key.id().to_owned()).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<MasterKey>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
