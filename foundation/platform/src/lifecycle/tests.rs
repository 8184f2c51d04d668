//! Tasks and the order of a stop, in short real time (a paused clock would build tokio twice).

use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

type Record = Arc<Mutex<Vec<&'static str>>>;

fn note(record: &Record, what: &'static str) {
    record.lock().unwrap().push(what);
}

/// A task that ends when told and then says so.
fn obedient(lifecycle: &Lifecycle, stage: Stage, name: &'static str, record: &Record) {
    let record = Arc::clone(record);
    lifecycle.spawn(stage, name, TaskKind::Critical, move |stop| {
        let record = Arc::clone(&record);
        async move {
            stop.cancelled().await;
            note(&record, name);
            Ok::<_, Infallible>(())
        }
    });
}

#[tokio::test]
async fn stages_end_in_their_order_after_the_notice() {
    let lifecycle = Lifecycle::new();
    let record = Record::default();
    lifecycle.readiness().up("database");
    for (stage, name) in [
        (Stage::Database, "database"),
        (Stage::Workers, "workers"),
        (Stage::Accept, "accept"),
        (Stage::Sequencer, "sequencer"),
        (Stage::Http, "http"),
    ] {
        obedient(&lifecycle, stage, name, &record);
    }
    let pool = Arc::clone(&record);
    lifecycle.on_stop(Stage::Pools, "pool", move || async move {
        note(&pool, "pools");
        Ok::<_, Infallible>(())
    });
    assert!(lifecycle.readiness().is_ready());
    let begun = std::time::Instant::now();
    lifecycle.begin_drain(Duration::from_millis(50)).await;
    assert!(begun.elapsed() >= Duration::from_millis(50));
    assert!(!lifecycle.readiness().is_ready());
    assert_eq!(*record.lock().unwrap(), Vec::<&str>::new(), "work goes on while draining");
    assert_eq!(lifecycle.stop().await, []);
    assert_eq!(*record.lock().unwrap(), ["accept", "http", "workers", "sequencer", "pools", "database"]);
    assert_eq!(lifecycle.failure(), None);
}

#[tokio::test]
async fn a_stage_that_takes_too_long_is_named_and_dropped() {
    let lifecycle = Lifecycle::new();
    lifecycle.spawn(Stage::Workers, "deaf", TaskKind::Restart, |_stop| async {
        std::future::pending::<()>().await;
        Ok::<_, Infallible>(())
    });
    let begun = std::time::Instant::now();
    let deadline = Duration::from_millis(100);
    assert_eq!(lifecycle.stop_within(|_stage| deadline).await, [Stage::Workers]);
    assert!(begun.elapsed() >= deadline && begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn force_waits_for_the_database_only() {
    let lifecycle = Lifecycle::new();
    let record = Record::default();
    lifecycle.spawn(Stage::Http, "deaf", TaskKind::OneOff, |_stop| {
        std::future::pending::<Result<(), Infallible>>()
    });
    let stopped = Arc::clone(&record);
    lifecycle.on_stop(Stage::Database, "postgres", move || async move {
        pause(Duration::from_millis(100)).await;
        note(&stopped, "postgres");
        Ok::<_, Infallible>(())
    });
    lifecycle.force();
    lifecycle.begin_drain(Duration::from_secs(5)).await;
    let begun = std::time::Instant::now();
    assert_eq!(lifecycle.stop().await, [Stage::Http]);
    assert!(begun.elapsed() < Duration::from_secs(4));
    assert_eq!(*record.lock().unwrap(), ["postgres"]);
}

#[tokio::test]
async fn a_task_that_fails_or_panics_is_started_again() {
    let lifecycle = Lifecycle::new();
    let runs = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&runs);
    lifecycle.spawn(Stage::Workers, "flaky", TaskKind::Restart, move |stop| {
        let run = count.fetch_add(1, Ordering::SeqCst);
        async move {
            match run {
                0 => Err("first"),
                1 => panic!("second"),
                _ => {
                    stop.cancelled().await;
                    Ok(())
                }
            }
        }
    });
    let begun = std::time::Instant::now();
    while runs.load(Ordering::SeqCst) < 3 {
        pause(Duration::from_millis(10)).await;
    }
    assert!(begun.elapsed() >= Duration::from_millis(300), "100 ms and another 200 ms");
    assert_eq!(lifecycle.stop().await, []);
}

#[tokio::test]
async fn a_critical_task_takes_the_process_with_it() {
    for early_end in [true, false] {
        let lifecycle = Lifecycle::new();
        lifecycle.spawn(Stage::Http, "listener", TaskKind::Critical, move |_stop| async move {
            if early_end { Ok(()) } else { Err("address in use") }
        });
        lifecycle.stop_requested().await;
        let failure = lifecycle.failure().unwrap();
        assert!(failure.starts_with("listener: "), "{failure}");
    }
}

#[tokio::test]
async fn a_one_off_that_fails_harms_nobody() {
    let lifecycle = Lifecycle::new();
    lifecycle.spawn(Stage::Workers, "once", TaskKind::OneOff, |_stop| async { Err("no") });
    pause(Duration::from_millis(50)).await;
    assert_eq!(lifecycle.failure(), None);
    assert_eq!(lifecycle.stop().await, []);
}
