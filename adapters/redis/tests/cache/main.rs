//! Shared memory against a real server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conformance;
mod outage;

use std::sync::Arc;
use std::time::Duration;

use redis_adapter::Redis;
use testkit::RedisServer;
use tokio_util::sync::CancellationToken;

/// One process: its connection, watched until the value is dropped.
pub(crate) struct Process {
    pub redis: Redis,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Process {
    pub(crate) async fn of(server: &RedisServer) -> Self {
        Self { redis: Redis::open(&server.url().into()).await.unwrap(), task: None }
    }

    /// Begins to watch, when everything has been made that uses the connection, and waits until it is used.
    pub(crate) async fn watch(&mut self) {
        let (redis, there) = (self.redis.clone(), Arc::new(tokio::sync::Notify::new()));
        let told = Arc::clone(&there);
        #[expect(clippy::disallowed_methods, reason = "the task ends with the test")]
        let task = tokio::spawn(async move {
            redis
                .watch(CancellationToken::new(), move |state| {
                    if state.is_ok() {
                        told.notify_one();
                    }
                })
                .await;
        });
        self.task = Some(task);
        tokio::time::timeout(Duration::from_secs(10), there.notified()).await.unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
