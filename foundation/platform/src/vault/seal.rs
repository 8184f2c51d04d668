//! One sealed value: version of the key, nonce, ciphertext with tag; the place is authenticated.

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use kernel::ids::Uuid;
use kernel::random::Random;
use secrecy::{ExposeSecret, SecretString};

use crate::{Error, Result};

/// Version 1 of a key: nonce and ciphertext follow.
const FIRST: u8 = 1;
/// A later version of a key: its number (big-endian, 2 bytes), nonce and ciphertext follow.
const LATER: u8 = 2;
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

pub(crate) fn seal(key: &[u8; 32], associated: &[u8], plain: &[u8], random: &Random) -> Result<Vec<u8>> {
    seal_version(key, 1, associated, plain, random)
}

/// Seals with a numbered version of a key. The number needs no authentication: another version does not open the value.
pub(super) fn seal_version(
    key: &[u8; 32],
    version: u16,
    associated: &[u8],
    plain: &[u8],
    random: &Random,
) -> Result<Vec<u8>> {
    let nonce = random.bytes::<NONCE_LEN>();
    let sealed = cipher(key)
        .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: associated })
        .map_err(|_opaque| Error::internal("sealing failed"))?;
    let mut value = Vec::with_capacity(3 + NONCE_LEN + sealed.len());
    if version == 1 {
        value.push(FIRST);
    } else {
        value.push(LATER);
        value.extend_from_slice(&version.to_be_bytes());
    }
    value.extend_from_slice(&nonce);
    value.extend_from_slice(&sealed);
    Ok(value)
}

/// Which version of its key sealed a value.
pub(super) fn version_of(value: &[u8]) -> Result<u16> {
    split(value).map(|(version, _)| version)
}

pub(crate) fn open(key: &[u8; 32], associated: &[u8], value: &[u8]) -> Result<Vec<u8>> {
    let (_, rest) = split(value)?;
    let (nonce, sealed) = rest.split_at_checked(NONCE_LEN).ok_or_else(refused)?;
    let nonce: [u8; NONCE_LEN] = nonce.try_into().map_err(|_length| refused())?;
    cipher(key)
        .decrypt(&Nonce::from(nonce), Payload { msg: sealed, aad: associated })
        .map_err(|_opaque| refused())
}

/// The version of the key, and nonce with ciphertext.
fn split(value: &[u8]) -> Result<(u16, &[u8])> {
    match value {
        [FIRST, rest @ ..] => Ok((1, rest)),
        [LATER, high, low, rest @ ..] => Ok((u16::from_be_bytes([*high, *low]), rest)),
        _ => Err(refused()),
    }
}

fn refused() -> Error {
    Error::internal("a sealed value does not open: wrong key, wrong place or damaged")
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
