//! Values that may be lost at any time and are then made again.
//!
//! - A cache never fails: what it cannot find or reach is not there.
//! - A value ends when the clock that was handed in says so. Whoever changes what a value was made from deletes it; a
//!   process that could not be told sees the old value until its end, so ends are short (seconds to minutes).
//! - [`Loading`] lets one caller of a process make a missing value while the others wait for it.

mod loading;
mod memory;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use kernel::ids::OrgId;

use crate::db::BoxFuture;

pub use loading::Loading;
pub use memory::MemoryCache;
pub(crate) use memory::ends;

/// The name of a value: what it is, whose it is, which one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    namespace: &'static str,
    org: Option<OrgId>,
    name: String,
}

impl Key {
    /// A value of one organisation.
    pub fn of(namespace: &'static str, org: OrgId, name: impl fmt::Display) -> Self {
        Self { namespace, org: Some(org), name: name.to_string() }
    }

    /// A value of the installation.
    pub fn global(namespace: &'static str, name: impl fmt::Display) -> Self {
        Self { namespace, org: None, name: name.to_string() }
    }

    /// What kind of value, for metrics.
    pub fn namespace(&self) -> &'static str {
        self.namespace
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.org {
            Some(org) => write!(f, "{}:{}:{}", self.namespace, org.uuid(), self.name),
            None => write!(f, "{}::{}", self.namespace, self.name),
        }
    }
}

/// Keeps bytes for a while.
pub trait Cache: Send + Sync + fmt::Debug {
    /// The value, if it is there and has not ended.
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Option<Bytes>>;
    /// Keeps a value for so long at most.
    fn put<'a>(&'a self, key: &'a Key, value: Bytes, ttl: Duration) -> BoxFuture<'a, ()>;
    /// Forgets a value.
    fn delete<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, ()>;
}
