//! The key of one data subject, in one or (between two rotations) two versions.

use std::sync::Arc;
use std::time::Instant;

use kernel::ids::{OrgId, SubjectId, Uuid};
use kernel::random::Random;
use zeroize::Zeroizing;

use super::seal::{self, Place, Private};
use crate::{Error, Result};

pub(super) type Key = Zeroizing<[u8; 32]>;

/// Whose key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject {
    pub(super) scope: Uuid,
    pub(super) id: Uuid,
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

    /// The organisation that knows the subject; `None` for the installation.
    pub fn org(&self) -> Option<OrgId> {
        (!self.scope.is_nil()).then(|| OrgId::new(self.scope))
    }
}

/// One version of a subject's key.
pub(super) struct Version {
    pub number: u16,
    pub key: Key,
    /// Every process has heard of it by then.
    pub usable_from: Instant,
}

/// The key of one subject, ready to seal and open.
#[derive(Clone)]
pub struct SubjectKey {
    pub(super) scope: Uuid,
    /// Oldest first; never empty.
    pub(super) versions: Arc<[Version]>,
    pub(super) random: Random,
}

impl std::fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SubjectKey")
    }
}

impl SubjectKey {
    /// Seals a text for one place.
    pub fn seal(&self, place: Place, text: &Private) -> Result<Vec<u8>> {
        let version = self.sealing();
        let associated = place.associated(self.scope);
        seal::seal_version(&version.key, version.number, &associated, text.reveal().as_bytes(), &self.random)
    }

    /// Opens what was sealed for this place.
    pub fn open(&self, place: Place, value: &[u8]) -> Result<Private> {
        let number = seal::version_of(value)?;
        let version = self.versions.iter().find(|version| version.number == number).ok_or_else(|| {
            Error::internal(format!("a value is sealed with version {number} of a key, which is not there"))
        })?;
        let bytes = seal::open(&version.key, &place.associated(self.scope), value)?;
        String::from_utf8(bytes).map(Private::from).map_err(Error::internal)
    }

    /// The version that seals now.
    pub fn version(&self) -> u16 {
        self.sealing().number
    }

    /// The newest that every process knows.
    fn sealing(&self) -> &Version {
        let now = Instant::now();
        let usable = self.versions.iter().rev().find(|version| version.usable_from <= now);
        usable.unwrap_or(&self.versions[0])
    }
}
