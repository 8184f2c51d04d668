//! Jobs: done when the change is, once at a time, tried again as their error says, given up loudly.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kernel::time::{Clock, SignedDuration};
use platform::db::Scope;
use platform::jobs::{self, EnqueueOptions, Enqueued, Job, JobError, JobKind, Schedule, Spec, Worker};
use platform::lifecycle::pause;
use platform::{Error, Kind};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::demo::World;

/// Does what its number says.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Note {
    number: u32,
    unique: Option<String>,
}

impl Job for Note {
    const NAME: &'static str = "demo.write_note";
    const MAX_ATTEMPTS: i16 = 3;
    const TIMEOUT: Duration = Duration::from_millis(300);
    fn unique_key(&self) -> Option<String> {
        self.unique.clone()
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Urgent {}

impl Job for Urgent {
    const NAME: &'static str = "demo.do_at_once";
    const PRIORITY: i16 = 10;
}

fn note(number: u32) -> Note {
    Note { number, unique: None }
}

type Done = Arc<Mutex<Vec<u32>>>;

/// Notes down what it did; `outcome` decides how an attempt ends.
fn kind(done: &Done, outcome: fn(u32, i16) -> Result<(), JobError>) -> JobKind {
    let done = Arc::clone(done);
    JobKind::new::<Note, _>(move |context, note| {
        let done = Arc::clone(&done);
        Box::pin(async move {
            done.lock().unwrap().push(note.number);
            outcome(note.number, context.attempt)
        })
    })
}

fn worker(world: &World, kind: JobKind) -> Worker {
    Worker::new(world.db.clone(), vec![kind], Vec::new(), 4)
}

async fn enqueue(world: &World, note: &Note) -> Enqueued {
    let mut tx = world.db.begin(&Scope::system(world.org())).await.unwrap();
    let enqueued = tx.enqueue(note).await.unwrap();
    tx.commit().await.unwrap();
    enqueued
}

const DEAD: &str = "SELECT count(*) FROM platform.jobs WHERE state = 'dead'";
const QUEUED: &str = "SELECT count(*) FROM platform.jobs WHERE state = 'queued'";
/// The leases of workers that died run out.
const EXPIRE: &str =
    "UPDATE platform.jobs SET lease_until = now() - interval '1 second' WHERE state = 'running'";

#[tokio::test]
async fn a_job_exists_exactly_when_the_change_does() {
    let world = World::new().await;
    let done = Done::default();
    let worker = worker(&world, kind(&done, |_, _| Ok(())));
    let mut tx = world.db.begin(&Scope::system(world.org())).await.unwrap();
    tx.enqueue(&note(1)).await.unwrap();
    assert_eq!(worker.drain().await.unwrap(), 0, "not before the commit");
    tx.rollback().await.unwrap();
    assert_eq!(worker.drain().await.unwrap(), 0);
    enqueue(&world, &note(2)).await;
    assert_eq!(worker.drain().await.unwrap(), 1);
    assert_eq!(*done.lock().unwrap(), [2]);
    world.test.assert_nothing_left().await;
}

#[tokio::test]
async fn a_unique_key_is_queued_once() {
    let world = World::new().await;
    let done = Done::default();
    let worker = worker(&world, kind(&done, |_, _| Ok(())));
    let unique = Note { number: 1, unique: Some("one".to_owned()) };
    assert!(matches!(enqueue(&world, &unique).await, Enqueued::New(_)));
    assert_eq!(enqueue(&world, &unique).await, Enqueued::Already);
    assert_eq!(worker.drain().await.unwrap(), 1);
    assert!(matches!(enqueue(&world, &unique).await, Enqueued::New(_)), "what is done is not in the way");
    worker.drain().await.unwrap();
}

#[tokio::test]
async fn the_error_decides_when_it_is_tried_again() {
    let world = World::new().await;
    let done = Done::default();
    let worker = worker(
        &world,
        kind(&done, |number, attempt| match (number, attempt) {
            (1, 1) => Err(JobError::Retry(Error::internal("later"))),
            (2, 1) => Err(JobError::RetryAfter(Duration::from_hours(1), Error::internal("in an hour"))),
            (3, _) => Err(JobError::GiveUp(Error::internal("never"))),
            (4, 1) => Err(Error::unavailable("carrier").into()),
            (5, _) => Err(Error::new(Kind::Invalid, "invalid", "no").into()),
            (6, _) => panic!("six"),
            _ => Ok(()),
        }),
    );
    for number in 1..=6 {
        enqueue(&world, &note(number)).await;
    }
    assert_eq!(worker.drain().await.unwrap(), 6);
    assert_eq!(world.count(DEAD).await, 2, "given up and refused");
    assert_eq!(worker.drain().await.unwrap(), 0, "nothing is due yet");
    world.test.clock.advance(SignedDuration::from_secs(4));
    assert_eq!(worker.drain().await.unwrap(), 3, "1, 4 and 6 after a few seconds");
    world.test.clock.advance(SignedDuration::from_secs(10));
    assert_eq!(worker.drain().await.unwrap(), 1, "6 again, more slowly");
    assert_eq!(world.count(DEAD).await, 3, "three attempts were all it had");
    world.test.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(worker.drain().await.unwrap(), 1, "2 after the hour that was asked for");
    let queues = jobs::queues(&world.system, world.test.clock.now()).await.unwrap();
    assert_eq!((queues.len(), queues[0].dead, queues[0].depth), (1, 3, 0));
    world.test.clock.advance(SignedDuration::from_hours(24 * 8));
    assert_eq!(jobs::purge(&world.system, world.test.clock.now()).await.unwrap(), 3, "the dead stay");
    assert_eq!(world.count(DEAD).await, 3);
}

#[tokio::test]
async fn a_job_that_takes_too_long_is_cancelled_and_tried_again() {
    let world = World::new().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let tokens = Arc::clone(&told);
    let slow = JobKind::new::<Note, _>(move |context, _note| {
        let tokens = Arc::clone(&tokens);
        Box::pin(async move {
            tokens.lock().unwrap().push(context.cancel.clone());
            if context.attempt == 1 {
                std::future::pending::<()>().await;
            }
            Ok(())
        })
    });
    let worker = worker(&world, slow);
    enqueue(&world, &note(1)).await;
    let begun = Instant::now();
    assert_eq!(worker.drain().await.unwrap(), 1);
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(told.lock().unwrap()[0].is_cancelled(), "what it started is told to stop");
    world.test.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(worker.drain().await.unwrap(), 1);
    world.test.assert_nothing_left().await;
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_changes_nothing() {
    let world = World::new().await;
    let admin = Arc::new(tokio::sync::Mutex::new(world.test.admin().await));
    let paused = {
        let admin = Arc::clone(&admin);
        JobKind::new::<Note, _>(move |context, _note| {
            let admin = Arc::clone(&admin);
            Box::pin(async move {
                // While it is paused its lease ends and another worker takes the job.
                sqlx::query(
                    "UPDATE platform.jobs SET lease_token = gen_random_uuid(), attempts = 2 WHERE id = $1",
                )
                .bind(context.id.uuid())
                .execute(&mut *admin.lock().await)
                .await
                .unwrap();
                Ok(())
            })
        })
    };
    enqueue(&world, &note(1)).await;
    worker(&world, paused).drain().await.unwrap();
    let untouched =
        "SELECT count(*) FROM platform.jobs WHERE state = 'running' AND attempts = 2 AND finished_at IS NULL";
    assert_eq!(world.count(untouched).await, 1);
}

/// A worker claims and dies: its future is dropped in the middle of the job.
async fn die_with_it(world: &World, done: &Done) {
    let started = Arc::clone(done);
    let stuck = JobKind::new::<Note, _>(move |_context, note| {
        started.lock().unwrap().push(note.number);
        Box::pin(std::future::pending())
    });
    let before = done.lock().unwrap().len();
    let dying = worker(world, stuck);
    let died = async {
        while done.lock().unwrap().len() == before {
            pause(Duration::from_millis(2)).await;
        }
    };
    tokio::select! { _ = dying.drain() => unreachable!("it never ends"), () = died => {} }
}

#[tokio::test]
async fn the_job_of_a_worker_that_died_is_done_by_another_and_not_for_ever() {
    let world = World::new().await;
    let done = Done::default();
    let healthy = worker(&world, kind(&done, |_, _| Ok(())));
    enqueue(&world, &note(1)).await;
    die_with_it(&world, &done).await;
    assert_eq!(healthy.drain().await.unwrap(), 0, "the lease still holds");
    world.sql(EXPIRE).await;
    assert_eq!(healthy.drain().await.unwrap(), 1);
    // One that kills every worker is given up.
    enqueue(&world, &note(2)).await;
    for _ in 0..3 {
        die_with_it(&world, &done).await;
        world.sql(EXPIRE).await;
    }
    assert_eq!(healthy.drain().await.unwrap(), 0);
    assert_eq!(world.count(DEAD).await, 1);
}

#[tokio::test]
async fn two_lost_jobs_with_one_unique_key_do_not_stop_the_workers() {
    let world = World::new().await;
    let done = Done::default();
    let healthy = worker(&world, kind(&done, |_, _| Ok(())));
    for number in 1..=2 {
        enqueue(&world, &Note { number, unique: Some("one".to_owned()) }).await;
        die_with_it(&world, &done).await;
        world.test.clock.advance(SignedDuration::from_secs(1));
    }
    enqueue(&world, &note(3)).await;
    world.sql(EXPIRE).await;
    done.lock().unwrap().clear();
    healthy.drain().await.unwrap_or_else(|error| panic!("{}", error.chain()));
    let mut ran = done.lock().unwrap().clone();
    ran.sort_unstable();
    assert_eq!(ran, [2, 3], "the newer one is run, the older one is done with it");
    world.test.assert_nothing_left().await;
}

/// A job fails and goes back to its queue while somebody enqueues another one with the same unique key, unseen so far.
#[tokio::test]
async fn a_job_that_fails_gives_way_to_one_that_is_enqueued_in_the_same_moment() {
    let world = World::new().await;
    let unique = |number| Note { number, unique: Some("one".to_owned()) };
    let (running, beside) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let failing = {
        let (running, beside) = (Arc::clone(&running), Arc::clone(&beside));
        JobKind::new::<Note, _>(move |_context, note| {
            let (running, beside) = (Arc::clone(&running), Arc::clone(&beside));
            Box::pin(async move {
                if note.number == 1 {
                    running.notify_one();
                    beside.notified().await;
                }
                Err(JobError::Retry(Error::internal("not yet")))
            })
        })
    };
    enqueue(&world, &unique(1)).await;
    let mut tx = world.db.begin(&Scope::system(world.org())).await.unwrap();
    let worker = worker(&world, failing);
    let enqueuing = async {
        running.notified().await;
        assert!(matches!(tx.enqueue(&unique(2)).await.unwrap(), Enqueued::New(_)));
        beside.notify_one();
        // The end of the first is being recorded: it waits for what becomes of the second.
        while world.count(WAITING).await == 0 {
            pause(Duration::from_millis(2)).await;
        }
        tx.commit().await.unwrap();
    };
    let (drained, ()) = tokio::join!(worker.drain(), enqueuing);
    drained.unwrap();
    let ends = "SELECT count(*) FROM platform.jobs WHERE state = 'cancelled' AND attempts = 1 AND lease_token IS NULL";
    assert_eq!(world.count(ends).await, 1, "the first has given way");
    assert_eq!(world.count("SELECT count(*) FROM platform.jobs WHERE state = 'running'").await, 0);
}

/// Statements that wait for another transaction.
const WAITING: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

fn hourly() -> Vec<Schedule> {
    vec![Schedule::new(Spec::Cron("0 * * * * UTC"), &note(7)).unwrap()]
}

#[tokio::test]
async fn a_schedule_has_one_leader_and_makes_up_a_missed_time_once() {
    let world = World::new().await;
    let done = Done::default();
    let workers: Vec<Worker> = (0..6)
        .map(|_| Worker::new(world.db.clone(), vec![kind(&done, |_, _| Ok(()))], hourly(), 2))
        .collect();
    for worker in &workers {
        worker.declare().await.unwrap();
    }
    let everybody = async || {
        for result in futures::future::join_all(workers.iter().map(Worker::drain)).await {
            result.unwrap();
        }
        std::mem::take(&mut *done.lock().unwrap()).len()
    };
    assert_eq!(everybody().await, 0, "not before its time");
    for _ in 0..3 {
        world.test.clock.advance(SignedDuration::from_hours(1));
        assert_eq!(everybody().await, 1, "six workers, one run");
    }
    world.test.clock.advance(SignedDuration::from_hours(30));
    assert_eq!(everybody().await, 1, "thirty missed times are made up once");
    assert_eq!(everybody().await, 0);
    world.test.assert_nothing_left().await;
}

#[tokio::test]
async fn urgent_jobs_come_first_and_later_ones_wait_for_their_time() {
    let world = World::new().await;
    let done = Done::default();
    let urgent = {
        let done = Arc::clone(&done);
        JobKind::new::<Urgent, _>(move |_context, _job| {
            done.lock().unwrap().push(99);
            Box::pin(async { Ok(()) })
        })
    };
    let worker = Worker::new(world.db.clone(), vec![kind(&done, |_, _| Ok(())), urgent], Vec::new(), 1);
    let mut tx = world.db.begin(&Scope::system(world.org())).await.unwrap();
    let later = tx.now() + SignedDuration::from_mins(5);
    tx.enqueue_with(&note(1), EnqueueOptions { run_at: Some(later) }).await.unwrap();
    tx.enqueue(&note(2)).await.unwrap();
    tx.enqueue(&Urgent {}).await.unwrap();
    tx.commit().await.unwrap();
    worker.drain().await.unwrap();
    assert_eq!(*done.lock().unwrap(), [99, 2]);
    world.test.clock.advance(SignedDuration::from_mins(5));
    worker.drain().await.unwrap();
    assert_eq!(*done.lock().unwrap(), [99, 2, 1]);
}

#[tokio::test]
async fn a_worker_that_is_told_to_stop_finishes_what_runs_and_begins_nothing() {
    let world = World::new().await;
    let (stop, ran) = (CancellationToken::new(), Arc::new(AtomicU32::new(0)));
    let last = {
        let (stop, ran) = (stop.clone(), Arc::clone(&ran));
        JobKind::new::<Note, _>(move |context, _note| {
            let (stop, ran) = (stop.clone(), Arc::clone(&ran));
            Box::pin(async move {
                stop.cancel();
                assert!(context.cancel.is_cancelled());
                pause(Duration::from_millis(20)).await;
                ran.fetch_add(1, Ordering::Relaxed);
                Ok(())
            })
        })
    };
    for number in 0..5 {
        enqueue(&world, &note(number)).await;
    }
    Worker::new(world.db.clone(), vec![last], Vec::new(), 1).run(stop).await;
    assert_eq!(ran.load(Ordering::Relaxed), 1);
    assert_eq!(world.count(QUEUED).await, 4);
    assert_eq!(world.count("SELECT count(*) FROM platform.jobs WHERE state = 'done'").await, 1);
}

#[tokio::test]
async fn two_workers_never_run_the_same_job() {
    let world = World::new().await;
    let done = Done::default();
    for number in 0..60 {
        enqueue(&world, &note(number)).await;
    }
    let workers: Vec<Worker> = (0..4).map(|_| worker(&world, kind(&done, |_, _| Ok(())))).collect();
    futures::future::join_all(workers.iter().map(Worker::drain)).await;
    let mut ran = done.lock().unwrap().clone();
    ran.sort_unstable();
    assert_eq!(ran, (0..60).collect::<Vec<_>>());
    world.test.assert_nothing_left().await;
}

#[tokio::test]
async fn a_worker_runs_no_more_at_a_time_than_it_was_told() {
    let world = World::new().await;
    let (running, peak, stop) =
        (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)), CancellationToken::new());
    let busy = {
        let (running, peak, stop, ran) =
            (Arc::clone(&running), Arc::clone(&peak), stop.clone(), AtomicU32::new(0));
        JobKind::new::<Note, _>(move |_context, _note| {
            let (running, peak, stop) = (Arc::clone(&running), Arc::clone(&peak), stop.clone());
            let last = ran.fetch_add(1, Ordering::Relaxed) == 29;
            Box::pin(async move {
                peak.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                pause(Duration::from_millis(3)).await;
                running.fetch_sub(1, Ordering::Relaxed);
                if last {
                    stop.cancel();
                }
                Ok(())
            })
        })
    };
    for number in 0..30 {
        enqueue(&world, &note(number)).await;
    }
    Worker::new(world.db.clone(), vec![busy], Vec::new(), 3).run(stop).await;
    assert_eq!(peak.load(Ordering::Relaxed), 3);
    world.test.assert_nothing_left().await;
}

#[tokio::test]
async fn a_running_job_goes_on_while_its_worker_waits_for_a_connection() {
    let world = World::new().await;
    let (started, go, finished) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (at_start, at_go, at_end) = (Arc::clone(&started), Arc::clone(&go), Arc::clone(&finished));
    let kind = JobKind::new::<Urgent, _>(move |_context, _job| {
        let (started, go, finished) = (Arc::clone(&at_start), Arc::clone(&at_go), Arc::clone(&at_end));
        Box::pin(async move {
            started.notify_one();
            go.notified().await;
            finished.notify_one();
            Ok(())
        })
    });
    let mut tx = world.db.begin(&Scope::system(world.org())).await.unwrap();
    tx.enqueue(&Urgent {}).await.unwrap();
    tx.commit().await.unwrap();
    let cancel = CancellationToken::new();
    let working = worker(&world, kind).run(cancel.clone());
    let watching = async {
        started.notified().await;
        let mut held = Vec::new();
        for _ in 0..world.db.pool().options().get_max_connections() {
            held.push(world.db.pool().acquire().await.unwrap());
        }
        // It looks for work again by itself, and stands in the line for a connection.
        pause(Duration::from_secs(1)).await;
        go.notify_one();
        let went_on = tokio::time::timeout(Duration::from_secs(2), finished.notified()).await;
        drop(held);
        cancel.cancel();
        went_on.expect("the job stood still");
    };
    tokio::join!(working, watching);
}
