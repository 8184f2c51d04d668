//! What the commands of identity work with, handed in by the runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kernel::time::SignedDuration;
use platform::auth::{Revocations, StaticKeys};
use platform::db::Db;
use platform::files::Files;
use platform::http::rate_limit::RateLimiter;
use platform::mail::Mailer;
use platform::vault::Vault;

use crate::hashing::Hasher;
use crate::keys::SigningKeys;
use crate::relying_party::RelyingParty;

/// What an administrator decides.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address under which people reach the installation, without a slash at the end; also the issuer of tokens.
    pub public_url: String,
    /// Whether customers may register by themselves.
    pub open_registration: bool,
    /// Shortest password, in characters.
    pub password_min_length: usize,
    /// Whether cookies need HTTPS (off only where the public address is plain HTTP).
    pub secure_cookies: bool,
    /// How long a key signs access tokens before the next one takes over.
    pub key_rotation: SignedDuration,
}

/// What the runtime hands in.
#[derive(Clone)]
pub struct Deps {
    /// The service's connection.
    pub db: Db,
    /// Keys for sealed columns.
    pub vault: Vault,
    /// Photos and logos.
    pub files: Files,
    /// Where messages go.
    pub mailer: Arc<dyn Mailer>,
    /// Limits guessing.
    pub limiter: Arc<dyn RateLimiter>,
    /// The published keys, shared with the process's verifier.
    pub published: StaticKeys,
    /// Revoked sessions, shared with the process's verifier.
    pub revocations: Revocations,
    /// Decisions of the administrator.
    pub settings: Settings,
    /// Most password hashes at a time.
    pub hash_concurrency: usize,
}

/// The service's context; cheap to clone.
#[derive(Clone)]
pub struct Identity {
    inner: Arc<Inner>,
}

struct Inner {
    deps: Deps,
    hasher: Hasher,
    keys: SigningKeys,
    relying_party: RelyingParty,
    keys_taken_back: AtomicU64,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity")
    }
}

impl Identity {
    /// The context for these dependencies.
    pub fn new(deps: Deps) -> Self {
        let hasher = Hasher::new(deps.hash_concurrency, deps.db.random().clone());
        let keys = SigningKeys::new(deps.settings.public_url.clone(), deps.published.clone());
        let relying_party = RelyingParty::of(&deps.settings.public_url);
        let keys_taken_back = AtomicU64::new(0);
        Self { inner: Arc::new(Inner { deps, hasher, keys, relying_party, keys_taken_back }) }
    }

    /// The service's connection.
    pub fn db(&self) -> &Db {
        &self.inner.deps.db
    }

    /// Keys for sealed columns.
    pub fn vault(&self) -> &Vault {
        &self.inner.deps.vault
    }

    /// Photos and logos.
    pub fn files(&self) -> &Files {
        &self.inner.deps.files
    }

    /// Where messages go.
    pub fn mailer(&self) -> &dyn Mailer {
        &*self.inner.deps.mailer
    }

    /// Limits guessing.
    pub fn limiter(&self) -> &dyn RateLimiter {
        &*self.inner.deps.limiter
    }

    /// Revoked sessions of this process.
    pub fn revocations(&self) -> &Revocations {
        &self.inner.deps.revocations
    }

    /// Decisions of the administrator.
    pub fn settings(&self) -> &Settings {
        &self.inner.deps.settings
    }

    /// Hashes passwords and PINs.
    pub fn hasher(&self) -> &Hasher {
        &self.inner.hasher
    }

    /// Signs access tokens.
    pub fn keys(&self) -> &SigningKeys {
        &self.inner.keys
    }

    /// What passkeys are bound to.
    pub fn relying_party(&self) -> &RelyingParty {
        &self.inner.relying_party
    }

    /// How many API keys this process has taken back; what was remembered before is asked for again.
    pub fn keys_taken_back(&self) -> u64 {
        self.inner.keys_taken_back.load(Ordering::SeqCst)
    }

    /// A key was taken back.
    pub fn forget_keys(&self) {
        self.inner.keys_taken_back.fetch_add(1, Ordering::SeqCst);
    }

    /// A link of the public address.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.settings().public_url)
    }
}
