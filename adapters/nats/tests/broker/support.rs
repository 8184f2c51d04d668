//! A broker, its relay and its consumers' transport, on a test's world.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nats::{Broker, JetStream, Options, Relay};
use platform::bus::{Runner, Source};
use testkit::NatsServer;
use testkit::demo::{World, consumer};

static STREAMS: AtomicU32 = AtomicU32::new(0);

/// A name that no other test of this process uses on its server.
pub(crate) fn fresh_stream() -> String {
    format!("dropmate{}", STREAMS.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn options(server: &NatsServer, stream: &str) -> Options {
    Options {
        url: server.url().into(),
        monitoring: Some(server.monitoring_url()),
        stream: stream.to_owned(),
        replicas: 1,
    }
}

pub(crate) async fn broker(server: &NatsServer, stream: &str, world: &World) -> Broker {
    Broker::open(options(server, stream), world.test.wake.clone()).await.unwrap()
}

pub(crate) fn relay(broker: &Broker, world: &World) -> Relay {
    broker.relay(world.system.clone(), &world.test.random)
}

/// A transport that does not help itself from the log because the broker is slow.
pub(crate) fn patient(broker: &Broker) -> Arc<JetStream> {
    Arc::new(broker.source().patient(Duration::from_hours(1)))
}

pub(crate) fn runner(world: &World, source: &Arc<JetStream>) -> Runner {
    Runner::over(Arc::clone(source) as Arc<dyn Source>, world.db.clone(), consumer())
}

/// Runs until there is nothing to do; how many events had their effect.
pub(crate) async fn run(runner: &Runner) -> usize {
    let mut handled = 0;
    loop {
        let progress = runner.run_batch(0).await.unwrap();
        handled += progress.handled;
        if !progress.moved {
            return handled;
        }
    }
}

/// The server as an administrator sees it.
pub(crate) async fn admin(server: &NatsServer) -> async_nats::jetstream::Context {
    let (user, password) = server.login();
    let options = async_nats::ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned());
    async_nats::jetstream::new(options.connect(server.address()).await.unwrap())
}

/// The offsets in the stream, in its order, and whether each is at its own sequence.
pub(crate) async fn offsets(server: &NatsServer, stream: &str) -> Vec<i64> {
    let stream = admin(server).await.get_stream(stream).await.unwrap();
    let state = stream.cached_info().state.clone();
    let mut offsets = Vec::new();
    for sequence in state.first_sequence..=state.last_sequence {
        let message = stream.get_raw_message(sequence).await.unwrap();
        let offset = message.headers.get("offset").unwrap().as_str().parse().unwrap();
        assert_eq!(i64::try_from(sequence).unwrap(), offset);
        offsets.push(offset);
    }
    offsets
}
