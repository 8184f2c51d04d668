//! The log in the database passes the suite that every transport must pass.

use std::sync::Arc;

use platform::bus::{Batch, Log, Request, Source};
use platform::db::{BoxFuture, Tx};
use testkit::conformance::{Transport, event_source};
use testkit::demo::World;

struct InDatabase {
    source: Arc<dyn Source>,
}

impl Transport for InDatabase {
    fn source(&self) -> Arc<dyn Source> {
        Arc::clone(&self.source)
    }

    fn deliver<'a>(&'a self, world: &'a World) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            world.advance().await;
        })
    }

    fn deliver_again<'a>(&'a self, world: &'a World) -> BoxFuture<'a, ()> {
        Box::pin(world.sql("UPDATE bus.cursors SET last_offset = 0"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_a_transport() {
    Box::pin(event_source(async |_world: &World| InDatabase { source: Arc::new(Log) })).await;
}

/// A transport that drops every third event.
#[derive(Debug)]
struct Lossy;

impl Source for Lossy {
    fn receive<'a>(
        &'a self,
        tx: &'a mut Tx,
        request: Request,
    ) -> BoxFuture<'a, platform::Result<Option<Batch>>> {
        Box::pin(async move {
            let batch = Log.receive(tx, request).await?;
            Ok(batch.map(|mut batch| {
                batch.deliveries.retain(|delivery| delivery.offset % 3 != 0);
                batch
            }))
        })
    }

    fn settle<'a>(
        &'a self,
        tx: &'a mut Tx,
        request: Request,
        batch: &'a Batch,
    ) -> BoxFuture<'a, platform::Result<()>> {
        Log.settle(tx, request, batch)
    }

    fn acknowledge(&self, request: Request, batch: Batch) -> BoxFuture<'_, platform::Result<()>> {
        Log.acknowledge(request, batch)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[should_panic(expected = "each version once, in order")]
async fn a_transport_that_loses_events_does_not_pass() {
    Box::pin(event_source(async |_world: &World| InDatabase { source: Arc::new(Lossy) })).await;
}
