//! Files in an object store that speaks S3 (MinIO, Garage, Ceph, AWS and others).
//!
//! One bucket for one installation. Objects are named by the platform (`service/organisation/file`), never overwritten by
//! something else, and need no listing: the database knows what is there. The login needs to read, write and delete
//! objects of the bucket and to list it, and nothing more.

mod address;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStoreExt as _, RetryConfig};
use platform::Error;
use platform::db::BoxFuture;
use platform::files::{FileStore, MAX_CONTENT, ObjectName};
use secrecy::SecretString;

pub use address::{Address, AddressError};

/// A request waits so long for the store, all tries together; then it is answered with 503.
const PATIENCE: Duration = Duration::from_secs(12);
/// One try.
const TRY: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(3);

/// A bucket. Cloning shares the connections.
#[derive(Clone)]
pub struct Bucket {
    store: AmazonS3,
    shown: String,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bucket({})", self.shown)
    }
}

impl Bucket {
    /// A bucket at `https://key:secret@host/region`. Nothing is asked yet.
    pub fn open(url: &SecretString, bucket: &str) -> Result<Self, AddressError> {
        let address = Address::parse(url)?;
        let shown = format!("{bucket} at {}", address.endpoint());
        let client = ClientOptions::new()
            .with_timeout(TRY)
            .with_connect_timeout(CONNECT)
            .with_allow_http(address.is_plain());
        let retry =
            RetryConfig { backoff: BackoffConfig::default(), max_retries: 3, retry_timeout: PATIENCE };
        let store = AmazonS3Builder::new()
            .with_endpoint(address.endpoint())
            .with_region(address.region())
            .with_bucket_name(bucket)
            .with_access_key_id(address.key())
            .with_secret_access_key(address.secret())
            // `host/bucket/object`: the form that every store understands, and that needs no name per bucket.
            .with_virtual_hosted_style_request(false)
            .with_client_options(client)
            .with_retry(retry)
            .build()
            .map_err(|error| AddressError::Store(error.to_string()))?;
        Ok(Self { store, shown })
    }

    async fn read(&self, name: &ObjectName) -> Result<Option<Bytes>, Error> {
        let found = match self.store.get(&path(name)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return self.absent().await,
            Err(error) => return Err(away(error)),
        };
        if found.meta.size > u64::try_from(MAX_CONTENT).unwrap_or(u64::MAX) {
            return Err(Error::internal(format!(
                "{name} in {} is larger than anything that is stored",
                self.shown
            )));
        }
        found.bytes().await.map(Some).map_err(away)
    }

    /// A bucket that is not there answers like an object that is not there.
    async fn absent(&self) -> Result<Option<Bytes>, Error> {
        self.bucket_is_there().await.map(|()| None)
    }

    /// Asks for the list of objects under a name that nobody has: the one request that tells a missing bucket and a
    /// wrong login from a missing object.
    async fn bucket_is_there(&self) -> Result<(), Error> {
        use futures::TryStreamExt as _;
        use object_store::ObjectStore as _;
        match self.store.list(Some(&Path::from("dropmate-reach"))).try_next().await {
            Ok(_) => Ok(()),
            Err(error) => Err(away(error)),
        }
    }
}

fn path(name: &ObjectName) -> Path {
    let [service, home] = name.folders();
    Path::from_iter([service, home, name.leaf()])
}

fn away(error: object_store::Error) -> Error {
    Error::unavailable("file store").with_source(error)
}

impl FileStore for Bucket {
    fn put<'a>(&'a self, name: &'a ObjectName, content: Bytes) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.store.put(&path(name), content.into()).await.map_err(away)?;
            Ok(())
        })
    }

    fn get<'a>(&'a self, name: &'a ObjectName) -> BoxFuture<'a, Result<Option<Bytes>, Error>> {
        Box::pin(self.read(name))
    }

    fn delete<'a>(&'a self, name: &'a ObjectName) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            match self.store.delete(&path(name)).await {
                Ok(()) => Ok(()),
                Err(object_store::Error::NotFound { .. }) => self.bucket_is_there().await,
                Err(error) => Err(away(error)),
            }
        })
    }

    fn reach(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.bucket_is_there())
    }
}
