//! One sealed value: version, nonce, ciphertext with tag; the place is authenticated.

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use kernel::ids::Uuid;
use kernel::random::Random;
use secrecy::{ExposeSecret, SecretString};

use crate::{Error, Result};

const VERSION: u8 = 1;
const NONCE_LEN: usize = 12;

/// Where a sealed value lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// `schema.table`.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row's identifier.
    pub row: Uuid,
}

impl Place {
    /// A place.
    pub fn new(table: &'static str, column: &'static str, row: impl Into<Uuid>) -> Self {
        Self { table, column, row: row.into() }
    }

    /// The associated data. Lengths are unambiguous because names hold no NUL.
    pub(super) fn associated(&self, scope: Uuid) -> Vec<u8> {
        format!("dropmate\0{scope}\0{}\0{}\0{}", self.table, self.column, self.row).into_bytes()
    }
}

/// Personal data in clear, on its way through the program. It has no `Display` and no `Serialize`; its `Debug` says
/// nothing. Whoever needs the text says so with [`Private::reveal`].
#[derive(Clone)]
pub struct Private(SecretString);

impl Private {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for Private {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[private]")
    }
}

impl PartialEq for Private {
    fn eq(&self, other: &Self) -> bool {
        self.reveal() == other.reveal()
    }
}

impl Eq for Private {}

impl From<&str> for Private {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Private {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

pub(super) fn seal(key: &[u8; 32], associated: &[u8], plain: &[u8], random: &Random) -> Result<Vec<u8>> {
    let nonce = random.bytes::<NONCE_LEN>();
    let sealed = cipher(key)
        .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: associated })
        .map_err(|_opaque| Error::internal("sealing failed"))?;
    let mut value = Vec::with_capacity(1 + NONCE_LEN + sealed.len());
    value.push(VERSION);
    value.extend_from_slice(&nonce);
    value.extend_from_slice(&sealed);
    Ok(value)
}

pub(super) fn open(key: &[u8; 32], associated: &[u8], value: &[u8]) -> Result<Vec<u8>> {
    let refused = || Error::internal("a sealed value does not open: wrong key, wrong place or damaged");
    let (version, rest) = value.split_first().ok_or_else(refused)?;
    if *version != VERSION || rest.len() < NONCE_LEN {
        return Err(refused());
    }
    let (nonce, sealed) = rest.split_at(NONCE_LEN);
    let nonce: [u8; NONCE_LEN] = nonce.try_into().map_err(|_length| refused())?;
    cipher(key)
        .decrypt(&Nonce::from(nonce), Payload { msg: sealed, aad: associated })
        .map_err(|_opaque| refused())
}

fn cipher(key: &[u8; 32]) -> Aes256GcmSiv {
    Aes256GcmSiv::new(&(*key).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORG: Uuid = Uuid::from_u128(1);

    fn place(table: &'static str, column: &'static str, row: u128) -> Place {
        Place::new(table, column, Uuid::from_u128(row))
    }

    #[test]
    fn opens_only_where_it_was_sealed() {
        let random = Random::seeded(1);
        let home = place("identity.users", "name", 7);
        let sealed = seal(&[9; 32], &home.associated(ORG), b"Ada", &random).unwrap();
        assert_eq!(open(&[9; 32], &home.associated(ORG), &sealed).unwrap(), b"Ada");
        for elsewhere in [
            place("identity.users", "name", 8),
            place("identity.users", "phone", 7),
            place("x.users", "name", 7),
        ] {
            assert!(open(&[9; 32], &elsewhere.associated(ORG), &sealed).is_err());
        }
        assert!(
            open(&[9; 32], &home.associated(Uuid::from_u128(2)), &sealed).is_err(),
            "another organisation"
        );
        assert!(open(&[8; 32], &home.associated(ORG), &sealed).is_err(), "another key");
    }

    #[test]
    fn refuses_every_single_damaged_byte() {
        let random = Random::seeded(2);
        let aad = place("t", "c", 1).associated(ORG);
        let sealed = seal(&[1; 32], &aad, b"+49 30 1234567", &random).unwrap();
        for index in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[index] ^= 1;
            assert!(open(&[1; 32], &aad, &damaged).is_err(), "byte {index}");
        }
        for len in 0..sealed.len() {
            assert!(open(&[1; 32], &aad, &sealed[..len]).is_err(), "length {len}");
        }
    }

    #[test]
    fn equal_values_do_not_look_equal() {
        let random = Random::seeded(3);
        let aad = place("t", "c", 1).associated(ORG);
        assert_ne!(
            seal(&[1; 32], &aad, b"x", &random).unwrap(),
            seal(&[1; 32], &aad, b"x", &random).unwrap()
        );
    }

    #[test]
    fn private_values_do_not_show_in_debug_output() {
        assert_eq!(format!("{:?}", Some(Private::new("Ada"))), "Some([private])");
    }
}
