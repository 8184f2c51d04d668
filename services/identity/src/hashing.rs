//! Passwords and PINs: argon2id with 19 MiB, two passes, one lane (OWASP Password Storage), few at a time.
//!
//! A hash takes 65 ms of a core and 19 MiB; without a limit, two hundred sign-ins at once would take the machine. Who
//! finds the queue too long is told to come again (503), before any hash is computed.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, PasswordHash};
use kernel::random::Random;
use platform::telemetry::metrics::{AUTH_HASH_WAIT, AUTH_HASHES_RUNNING};
use platform::vault::Private;
use platform::{Error, Kind, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The longest a sign-in waits for its turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// Hashes and verifies, a few at a time.
#[derive(Clone)]
pub struct Hasher {
    turns: Arc<Semaphore>,
    random: Random,
    /// A hash that no secret has: verifying against it takes as long as against a real one.
    nobody: Arc<str>,
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher")
    }
}

impl Hasher {
    /// A hasher that runs at most `concurrency` at a time.
    pub fn new(concurrency: usize, random: Random) -> Self {
        let nobody = hash(&Private::from(random.code(32)), &random.bytes::<16>()).unwrap_or_default();
        Self { turns: Arc::new(Semaphore::new(concurrency.max(1))), random, nobody: nobody.into() }
    }

    /// The hash of a new secret.
    pub async fn hash(&self, secret: Private) -> Result<String> {
        let salt = self.random.bytes::<16>();
        self.in_turn(move || counted(|| hash(&secret, &salt))).await
    }

    /// Whether the secret fits the stored hash. Without a hash it takes just as long and is false.
    pub async fn verify(&self, stored: Option<String>, secret: Private) -> Result<bool> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.to_string());
        let fits = self.in_turn(move || counted(|| verify(&stored, &secret))).await?;
        Ok(known && fits)
    }

    /// Does other work that keeps a core busy (judging a password) in the same queue, off the threads that answer.
    pub async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let waiting = std::time::Instant::now();
        let turn = self.turn().await?;
        metrics::histogram!(AUTH_HASH_WAIT).record(waiting.elapsed().as_secs_f64());
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        done.await.map_err(Error::internal)?
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned());
        match turn.await {
            Ok(permit) => permit.map_err(Error::internal),
            Err(_elapsed) => Err(Error::new(
                Kind::Unavailable,
                "busy",
                "Too many people are signing in at the moment. Try again in a few seconds.",
            )
            .with_retry_after(Duration::from_secs(2))),
        }
    }
}

/// Shows how many hashes are computed at this moment.
fn counted<T>(work: impl FnOnce() -> T) -> T {
    metrics::gauge!(AUTH_HASHES_RUNNING).increment(1.0);
    let result = work();
    metrics::gauge!(AUTH_HASHES_RUNNING).decrement(1.0);
    result
}

fn hash(secret: &Private, salt: &[u8]) -> Result<String> {
    let hash = Argon2::default()
        .hash_password_with_salt(secret.reveal().as_bytes(), salt)
        .map_err(|error| Error::internal(error.to_string()))?;
    Ok(hash.to_string())
}

fn verify(stored: &str, secret: &Private) -> Result<bool> {
    let stored = PasswordHash::new(stored).map_err(|error| Error::internal(error.to_string()))?;
    Ok(Argon2::default().verify_password(secret.reveal().as_bytes(), &stored).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_secret_fits() {
        let hasher = Hasher::new(2, Random::seeded(1));
        let stored = hasher.hash("correct horse".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(hasher.verify(Some(stored.clone()), "correct horse".into()).await.unwrap());
        for wrong in ["", " ", "correct horse ", "Correct horse", "\0"] {
            assert!(!hasher.verify(Some(stored.clone()), wrong.into()).await.unwrap(), "{wrong:?}");
        }
        assert!(!hasher.verify(None, "correct horse".into()).await.unwrap());
    }
}
