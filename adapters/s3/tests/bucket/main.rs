//! A bucket, on a real server of the protocol.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use bytes::Bytes;
use kernel::ids::{FileId, Uuid};
use platform::Kind;
use platform::files::{FileStore, ObjectName};
use s3::Bucket;
use testkit::S3Server;
use testkit::s3::BUCKET;

fn open(server: &S3Server, bucket: &str) -> Bucket {
    Bucket::open(&server.url().into(), bucket).unwrap()
}

fn name() -> ObjectName {
    ObjectName::new("demo", Uuid::from_u128(1), FileId::new(Uuid::from_u128(2)))
}

#[tokio::test]
async fn a_bucket_behaves_like_every_file_store() {
    let server = tokio::sync::Mutex::new(S3Server::start().await.unwrap());
    testkit::conformance::file_store(async || {
        let mut server = server.lock().await;
        server.restart().await.unwrap();
        Arc::new(open(&server, BUCKET)) as Arc<dyn FileStore>
    })
    .await;
}

#[tokio::test]
async fn objects_have_the_names_that_the_platform_gave_them() {
    let server = S3Server::start().await.unwrap();
    open(&server, BUCKET).put(&name(), Bytes::from_static(b"content")).await.unwrap();
    assert_eq!(server.names().await.unwrap(), [name().to_string()]);
    assert_eq!(server.object(&name().to_string()).await.unwrap(), b"content");
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_not_an_empty_one() {
    let server = S3Server::start().await.unwrap();
    let bucket = open(&server, "another");
    assert_eq!(bucket.get(&name()).await.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(bucket.put(&name(), Bytes::from_static(b"x")).await.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(bucket.reach().await.unwrap_err().kind(), Kind::Unavailable);
}

#[tokio::test]
async fn a_store_that_is_away_is_said_to_be_and_found_again() {
    let mut server = S3Server::start().await.unwrap();
    let bucket = open(&server, BUCKET);
    server.kill();
    assert_eq!(bucket.put(&name(), Bytes::from_static(b"x")).await.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(bucket.get(&name()).await.unwrap_err().kind(), Kind::Unavailable);
    server.restart().await.unwrap();
    bucket.put(&name(), Bytes::from_static(b"x")).await.unwrap();
    assert_eq!(bucket.get(&name()).await.unwrap(), Some(Bytes::from_static(b"x")));
}
