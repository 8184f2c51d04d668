//! Event transports: what every [`Source`] must do, whatever carries the events.
//!
//! The crate of a transport implements [`Transport`] for its test set-up and calls [`event_source`]. The runner's inbox
//! makes effects happen once; what is proven here is that the transport and the runner together lose nothing, keep the
//! order per key, and survive every repetition.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kernel::time::SignedDuration;
use platform::bus::{Batch, Request, Runner, Source};
use platform::db::{BoxFuture, Tx};
use platform::{Error, Result};

use crate::demo::{World, consumer};

/// A transport under test.
pub trait Transport: Send + Sync {
    /// What consumers read from.
    fn source(&self) -> Arc<dyn Source>;
    /// Makes everything that has been committed so far arrive at consumers.
    fn deliver<'a>(&'a self, world: &'a World) -> BoxFuture<'a, ()>;
    /// Makes everything that was delivered so far arrive again.
    fn deliver_again<'a>(&'a self, world: &'a World) -> BoxFuture<'a, ()>;
}

/// Runs the whole suite; `make` sets the transport up for a fresh world.
pub async fn event_source<T, F>(make: F)
where
    T: Transport,
    F: AsyncFn(&World) -> T,
{
    each_event_has_one_effect_in_the_order_of_its_key(&make).await;
    what_arrives_again_has_no_second_effect(&make).await;
    a_lost_acknowledgement_changes_nothing(&make).await;
    instances_share_the_work(&make).await;
    a_failing_event_parks_its_key_and_no_other(&make).await;
}

async fn run(runner: &Runner) {
    while runner.run_batch(0).await.expect("a batch").moved {}
}

async fn set_up<T: Transport>(make: &impl AsyncFn(&World) -> T) -> (World, T, Runner) {
    let world = World::new().await;
    let runner = Runner::new(world.db.clone(), consumer());
    runner.declare().await.expect("a declared consumer");
    let transport = make(&world).await;
    let runner = Runner::over(transport.source(), world.db.clone(), consumer());
    (world, transport, runner)
}

async fn each_event_has_one_effect_in_the_order_of_its_key<T: Transport>(make: &impl AsyncFn(&World) -> T) {
    let (world, transport, runner) = set_up(make).await;
    let org = world.org();
    let accounts = [world.account(org).await, world.account(org).await, world.account(org).await];
    for _ in 0..50 {
        for account in accounts {
            world.change(org, account, 1).await;
        }
    }
    transport.deliver(&world).await;
    run(&runner).await;
    let effects = world.effects().await;
    for account in accounts {
        let versions: Vec<i64> =
            effects.iter().filter(|(key, _)| *key == account).map(|(_, version)| *version).collect();
        assert_eq!(versions, (2..=51).collect::<Vec<i64>>(), "each version once, in order");
    }
    assert_eq!(effects.len(), 150);
}

async fn what_arrives_again_has_no_second_effect<T: Transport>(make: &impl AsyncFn(&World) -> T) {
    let (world, transport, runner) = set_up(make).await;
    let org = world.org();
    let account = world.account(org).await;
    for _ in 0..20 {
        world.change(org, account, 1).await;
    }
    transport.deliver(&world).await;
    run(&runner).await;
    let first = world.effects().await;
    for _ in 0..3 {
        transport.deliver_again(&world).await;
        run(&runner).await;
    }
    assert_eq!(world.effects().await, first);
    assert_eq!(first.len(), 20);
}

/// A source whose first acknowledgements are lost: the process dies between the commit and telling the broker.
#[derive(Debug)]
struct Forgetful {
    inner: Arc<dyn Source>,
    left: AtomicUsize,
}

impl Source for Forgetful {
    fn receive<'a>(&'a self, tx: &'a mut Tx, request: Request) -> BoxFuture<'a, Result<Option<Batch>>> {
        self.inner.receive(tx, request)
    }

    fn settle<'a>(&'a self, tx: &'a mut Tx, request: Request, batch: &'a Batch) -> BoxFuture<'a, Result<()>> {
        self.inner.settle(tx, request, batch)
    }

    fn acknowledge(&self, request: Request, batch: Batch) -> BoxFuture<'_, Result<()>> {
        let lost =
            self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if lost {
            return Box::pin(async { Err(Error::unavailable("broker")) });
        }
        self.inner.acknowledge(request, batch)
    }
}

async fn a_lost_acknowledgement_changes_nothing<T: Transport>(make: &impl AsyncFn(&World) -> T) {
    let (world, transport, _) = set_up(make).await;
    let org = world.org();
    let account = world.account(org).await;
    for _ in 0..10 {
        world.change(org, account, 1).await;
    }
    transport.deliver(&world).await;
    let source = Arc::new(Forgetful { inner: transport.source(), left: AtomicUsize::new(1) });
    let runner = Runner::over(source, world.db.clone(), consumer());
    assert!(runner.run_batch(0).await.is_err(), "the acknowledgement was lost, after the commit");
    assert!(!world.effects().await.is_empty(), "the effects had committed");
    transport.deliver_again(&world).await;
    run(&runner).await;
    let versions: Vec<i64> = world.effects().await.into_iter().map(|(_, version)| version).collect();
    assert_eq!(versions, (2..=11).collect::<Vec<i64>>());
}

async fn instances_share_the_work<T: Transport>(make: &impl AsyncFn(&World) -> T) {
    let (world, transport, first) = set_up(make).await;
    let second = Runner::over(transport.source(), world.db.clone(), consumer());
    let org = world.org();
    let accounts = [world.account(org).await, world.account(org).await];
    for _ in 0..200 {
        for account in accounts {
            world.change(org, account, 1).await;
        }
    }
    transport.deliver(&world).await;
    futures::join!(run(&first), run(&second), run(&first), run(&second));
    run(&first).await;
    let effects = world.effects().await;
    for account in accounts {
        let versions: Vec<i64> =
            effects.iter().filter(|(key, _)| *key == account).map(|(_, version)| *version).collect();
        assert_eq!(versions, (2..=201).collect::<Vec<i64>>(), "each version once, in order");
    }
}

async fn a_failing_event_parks_its_key_and_no_other<T: Transport>(make: &impl AsyncFn(&World) -> T) {
    let (world, transport, runner) = set_up(make).await;
    let org = world.org();
    let (bad, good) = (world.account(org).await, world.account(org).await);
    world.change(org, bad, -1).await;
    world.change(org, bad, 1).await;
    world.change(org, good, 1).await;
    transport.deliver(&world).await;
    run(&runner).await;
    assert_eq!(world.effects().await, vec![(good, 2)]);
    world.test.clock.advance(SignedDuration::from_hours(1));
    assert!(runner.run_deferred().await.expect("the slow lane"), "the failed event is tried again");
    transport.deliver_again(&world).await;
    run(&runner).await;
    assert_eq!(world.effects().await, vec![(good, 2)], "what waits behind a failed event goes on waiting");
}
