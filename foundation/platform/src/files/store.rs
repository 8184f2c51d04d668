//! Where contents are: a folder, or an object store.

use bytes::Bytes;

use super::ObjectName;
use crate::Result;
use crate::db::BoxFuture;

/// The largest content that is stored or read: a store that holds something larger was changed by somebody else.
pub const MAX_CONTENT: usize = 64 * 1024 * 1024;

/// Where contents are. Errors are 503 when the store is away or full; nothing is retried by the caller.
pub trait FileStore: std::fmt::Debug + Send + Sync {
    /// Writes a content. Under its name it is there complete or not at all, and it is durable when this returns. Putting
    /// the same name again replaces it.
    fn put<'a>(&'a self, name: &'a ObjectName, content: Bytes) -> BoxFuture<'a, Result<()>>;

    /// Reads a content; `None` when there is none.
    fn get<'a>(&'a self, name: &'a ObjectName) -> BoxFuture<'a, Result<Option<Bytes>>>;

    /// Deletes a content; one that is not there is deleted.
    fn delete<'a>(&'a self, name: &'a ObjectName) -> BoxFuture<'a, Result<()>>;

    /// Whether the store can be reached and lets this process in. Changes nothing.
    fn reach(&self) -> BoxFuture<'_, Result<()>>;
}
