//! Links to files: they end by themselves and cannot be guessed or changed.
//!
//! ```text
//! base64url( organisation 16 | file 16 | end, seconds since 1970, big-endian 8 | keyed hash of these 16 )
//! ```
//!
//! The key is the installation's (HMAC-SHA-256, cut to 128 bits), so every process of every service knows it, and it
//! survives rotations: links in messages that were sent keep working until they end.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::ids::{FileId, OrgId, Uuid};
use kernel::time::Timestamp;
use subtle::ConstantTimeEq as _;

use crate::db::Scope;
use crate::vault::ScopeKeys;
use crate::{Error, Result};

/// A link of this hour ends at the end of the next one: valid for one to two hours, and the same for all of this hour.
const PERIOD_S: i64 = 3600;
const SIGNED: usize = 16 + 16 + 8;
const MAC: usize = 16;

pub(super) fn make(keys: &ScopeKeys, home: Uuid, id: FileId, now: Timestamp) -> String {
    let ends = now.as_second().div_euclid(PERIOD_S).saturating_add(2).saturating_mul(PERIOD_S);
    let mut token = Vec::with_capacity(SIGNED + MAC);
    token.extend_from_slice(home.as_bytes());
    token.extend_from_slice(id.uuid().as_bytes());
    token.extend_from_slice(&ends.to_be_bytes());
    let mac = sign(keys, &token);
    token.extend_from_slice(&mac);
    URL_SAFE_NO_PAD.encode(token)
}

fn sign(keys: &ScopeKeys, signed: &[u8]) -> Vec<u8> {
    keys.index("platform.files link", &hex::encode(signed))
}

/// A link's token as it was read; nothing in it is true before it was checked.
pub(super) struct Token {
    home: Uuid,
    file: FileId,
    ends: i64,
    signed: [u8; SIGNED],
    mac: [u8; MAC],
}

impl Token {
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (signed, mac) = bytes.split_first_chunk::<SIGNED>()?;
        let (home, rest) = signed.split_first_chunk::<16>()?;
        let (file, ends) = rest.split_first_chunk::<16>()?;
        Some(Self {
            home: Uuid::from_bytes(*home),
            file: FileId::new(Uuid::from_bytes(*file)),
            ends: i64::from_be_bytes(ends.try_into().ok()?),
            signed: *signed,
            mac: mac.try_into().ok()?,
        })
    }

    /// The organisation, or nil.
    pub fn home(&self) -> Uuid {
        self.home
    }

    /// The scope to read in.
    pub fn scope(&self) -> Scope {
        if self.home.is_nil() { Scope::installation() } else { Scope::system(OrgId::new(self.home)) }
    }

    /// The file, if the token is ours and not over.
    pub fn check(&self, keys: &ScopeKeys, now: Timestamp) -> Result<FileId> {
        let ours: bool = sign(keys, &self.signed).ct_eq(&self.mac).into();
        if ours && now.as_second() < self.ends { Ok(self.file) } else { Err(Error::not_found("file")) }
    }

    /// How long it is still good for.
    pub fn remaining(&self, now: Timestamp) -> Duration {
        Duration::from_secs(u64::try_from(self.ends.saturating_sub(now.as_second())).unwrap_or(0))
    }
}
