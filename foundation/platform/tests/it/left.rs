//! What is left to do at a moment: time may move on only when it is nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kernel::time::{Clock, SignedDuration};
use platform::bus::Runner;
use platform::clock::left::Left;
use platform::db::Scope;
use platform::jobs::{EnqueueOptions, Job, JobKind, Schedule, Spec, Worker};
use serde::{Deserialize, Serialize};

use crate::demo::{World, consumer};

#[derive(Debug, Serialize, Deserialize)]
struct Look {}

impl Job for Look {
    const NAME: &'static str = "demo.look";
}

async fn left(world: &World) -> (bool, bool) {
    let left = Left::at(&world.system, world.test.clock.now()).await.unwrap();
    let (events, jobs) = (left.outbox || !left.consumers.is_empty(), !left.jobs.is_empty());
    assert_eq!(left.is_nothing(), !events && !jobs);
    (events, jobs)
}

#[tokio::test]
async fn an_event_is_left_until_its_consumer_has_seen_it() {
    let world = World::new().await;
    let runner = Runner::new(world.db.clone(), consumer());
    runner.declare().await.unwrap();
    let (org, nothing) = (world.org(), (false, false));
    assert_eq!(left(&world).await, nothing);
    let account = world.account(org).await;
    world.change(org, account, 1).await;
    assert_eq!(left(&world).await, (true, false), "it waits for the log");
    world.advance().await;
    assert_eq!(left(&world).await, (true, false), "it waits for its consumer");
    let waits = Left::at(&world.system, world.test.clock.now()).await.unwrap();
    assert_eq!(waits.to_string(), "consumer demo.effects");
    runner.run_batch(0).await.unwrap();
    assert_eq!(left(&world).await, nothing);
}

#[tokio::test]
async fn a_job_is_left_when_it_is_due_and_while_it_runs() {
    let world = World::new().await;
    let (system, clock) = (world.system.clone(), world.test.clock.clone());
    let seen = Arc::new(AtomicBool::new(false));
    let running = Arc::clone(&seen);
    let kind = JobKind::new::<Look, _>(move |_context, _look| {
        let (system, now, running) = (system.clone(), clock.now(), Arc::clone(&running));
        Box::pin(async move {
            running.store(!Left::at(&system, now).await?.jobs.is_empty(), Ordering::Relaxed);
            Ok(())
        })
    });
    let hourly = Schedule::new(Spec::Cron("0 * * * * UTC"), &Look {}).unwrap();
    let worker = Worker::new(world.db.clone(), vec![kind], vec![hourly], 4);
    let run_at = Some(world.test.clock.now().checked_add(SignedDuration::from_mins(2)).unwrap());
    let mut tx = world.db.begin(&Scope::system(world.org())).await.unwrap();
    tx.enqueue_with(&Look {}, EnqueueOptions { run_at }).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(left(&world).await, (false, false), "its time has not come");
    world.test.clock.advance(SignedDuration::from_mins(2));
    assert_eq!(left(&world).await, (false, true));
    assert_eq!(worker.drain().await.unwrap(), 1);
    assert!(seen.load(Ordering::Relaxed), "it was left while it ran");
    assert_eq!(left(&world).await, (false, false));
    worker.declare().await.unwrap();
    world.test.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(left(&world).await, (false, true), "a schedule has come");
    assert_eq!(worker.drain().await.unwrap(), 1);
    assert_eq!(left(&world).await, (false, false));
}
