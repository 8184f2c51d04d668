//! JetStream passes the suite that every transport must pass.

use std::sync::Arc;

use nats::{JetStream, Relay};
use platform::bus::Source;
use platform::db::BoxFuture;
use testkit::NatsServer;
use testkit::conformance::{Transport, event_source};
use testkit::demo::World;
use tokio::sync::Mutex;

use crate::support;

struct OverNats<'a> {
    server: &'a NatsServer,
    stream: String,
    source: Arc<JetStream>,
    relay: Mutex<Relay>,
}

impl Transport for OverNats<'_> {
    fn source(&self) -> Arc<dyn Source> {
        Arc::clone(&self.source) as Arc<dyn Source>
    }

    fn deliver<'a>(&'a self, world: &'a World) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            world.advance().await;
            self.relay.lock().await.drain().await.unwrap();
        })
    }

    fn deliver_again<'a>(&'a self, world: &'a World) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            // The broker has forgotten what was acknowledged, and the database where the consumer was.
            let stream = support::admin(self.server).await.get_stream(&self.stream).await.unwrap();
            let names: Vec<String> =
                futures::TryStreamExt::try_collect(stream.consumer_names()).await.unwrap();
            for name in names {
                stream.delete_consumer(&name).await.unwrap();
            }
            world.sql("UPDATE bus.cursors SET last_offset = 0").await;
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jetstream_is_a_transport() {
    let server = NatsServer::start().unwrap();
    let sources = std::sync::Mutex::new(Vec::new());
    Box::pin(event_source(async |world: &World| {
        let stream = support::fresh_stream();
        let broker = support::broker(&server, &stream, world).await;
        let source = support::patient(&broker);
        sources.lock().unwrap().push(Arc::clone(&source));
        let relay = Mutex::new(support::relay(&broker, world));
        OverNats { server: &server, stream, source, relay }
    }))
    .await;
    for source in sources.into_inner().unwrap() {
        let seen = source.seen();
        assert!(seen.broker > 0 && seen.log == 0, "everything came through the broker: {seen:?}");
    }
}
