//! Chance as a parameter: identifiers, codes and secrets are drawn from a [`Random`] that was handed in.
//!
//! The product seeds it once from the operating system; a test seeds it with a number and gets the same
//! identifiers, codes and jitter every time. ChaCha20 is a cryptographic generator, so one source serves both.

use std::sync::{Arc, Mutex, PoisonError};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use uuid::Uuid;

use crate::time::Timestamp;

/// Crockford base 32 in upper case: no I, L, O, U, so that people can read codes aloud.
const CODE_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A shared source of randomness. Cloning shares the same stream.
#[derive(Clone)]
pub struct Random {
    rng: Arc<Mutex<ChaCha20Rng>>,
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random")
    }
}

impl Random {
    /// A repeatable stream, for tests and simulations.
    pub fn seeded(seed: u64) -> Self {
        Self { rng: Arc::new(Mutex::new(ChaCha20Rng::seed_from_u64(seed))) }
    }

    /// The product's stream, seeded with 32 bytes from the operating system.
    pub fn from_entropy(seed: [u8; 32]) -> Self {
        Self { rng: Arc::new(Mutex::new(ChaCha20Rng::from_seed(seed))) }
    }

    fn with<T>(&self, draw: impl FnOnce(&mut ChaCha20Rng) -> T) -> T {
        // A panic while drawing leaves a generator that is still usable: poisoning carries no meaning here.
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        draw(&mut rng)
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.with(|rng| rng.fill_bytes(&mut bytes));
        bytes
    }

    /// A uniformly distributed number below `bound` (0 when `bound` is 0).
    pub fn below(&self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // Rejection keeps the distribution even: the last, incomplete block of the range is drawn again.
        let limit = u64::MAX - u64::MAX % bound;
        loop {
            let draw = self.with(Rng::next_u64);
            if draw < limit {
                return draw % bound;
            }
        }
    }

    /// A fraction in `[0, 1)`, for jitter.
    pub fn fraction(&self) -> f64 {
        let bits = u32::try_from(self.with(Rng::next_u64) >> 32).unwrap_or(0);
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }

    /// A UUID of version 7 for the given moment (RFC 9562, section 5.7): ordered by millisecond, then random.
    pub fn uuid_v7(&self, now: Timestamp) -> Uuid {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes::<10>()).into_uuid()
    }

    /// A typed identifier for the given moment.
    pub fn id<I: From<Uuid>>(&self, now: Timestamp) -> I {
        I::from(self.uuid_v7(now))
    }

    /// A code of `len` upper-case Crockford characters, 5 bits each: 12 of them are 60 random bits.
    pub fn code(&self, len: usize) -> String {
        (0..len)
            .map(|_| {
                let index = usize::try_from(self.below(32)).unwrap_or(0);
                char::from(CODE_ALPHABET[index])
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same() {
        let (a, b) = (Random::seeded(7), Random::seeded(7));
        assert_eq!(a.bytes::<16>(), b.bytes::<16>());
        assert_eq!(a.code(12), b.code(12));
        assert_ne!(a.code(12), a.code(12));
    }

    #[test]
    fn identifiers_order_by_time() {
        let random = Random::seeded(1);
        let early = random.uuid_v7("2026-11-20T12:00:00.000Z".parse().unwrap());
        let late = random.uuid_v7("2026-11-20T12:00:00.001Z".parse().unwrap());
        assert!(early < late);
        assert_eq!(early.get_version_num(), 7);
    }

    #[test]
    fn below_stays_below_and_reaches_every_value() {
        let random = Random::seeded(3);
        let mut seen = [false; 7];
        for _ in 0..500 {
            seen[usize::try_from(random.below(7)).unwrap()] = true;
        }
        assert_eq!(seen, [true; 7]);
        assert_eq!(random.below(0), 0);
    }
}
