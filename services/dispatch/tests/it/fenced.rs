//! Two processes on one queue, and one that was stopped while it decided.

use serde_json::json;

use crate::world::World;

/// Step by step: the lease is taken by one, another finds it taken; when it has passed on, the first writes nothing.
#[tokio::test]
async fn a_reconciler_that_was_overtaken_writes_nothing() {
    let world = World::new().await;
    world.policy(json!({ "strategy": "nearest" })).await;
    let mut admin = world.town.db.admin().await;
    // Somebody holds the lease and does not come back.
    sqlx::query(
        "UPDATE dispatch.policies SET fence = fence + 1, lease_until = clock_timestamp() + interval '1 hour'",
    )
    .execute(&mut admin)
    .await
    .unwrap();
    world.driver(1.0).await;
    let order = world.order(0.0, 2.0).await;
    assert_eq!(world.told(), [], "nobody decides while somebody else may");
    assert_eq!(world.queue().await, [(order.to_string(), "waiting".to_owned())]);
    // Its time is over.
    sqlx::query("UPDATE dispatch.policies SET lease_until = '-infinity'").execute(&mut admin).await.unwrap();
    world.town.pass(kernel::time::SignedDuration::from_secs(10));
    world.town.settle().await;
    assert_eq!(world.told().len(), 1);
    world.town.finish().await;
}

/// While it decides (it asks for positions), somebody else takes the lease: the decision is thrown away.
#[tokio::test]
async fn a_decision_of_an_old_holder_is_thrown_away() {
    let world = World::new().await;
    world.policy(json!({ "strategy": "nearest" })).await;
    world.driver(1.0).await;
    let options = world.town.db.admin_options();
    let overtaken = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let done = std::sync::Arc::clone(&overtaken);
    world.tracking.on::<contracts::calls::LastPositions, _>(move |_| {
        if !done.swap(true, std::sync::atomic::Ordering::SeqCst) {
            let options = options.clone();
            // A runtime of its own: the answer is made in between.
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async move {
                    let mut admin = sqlx::ConnectOptions::connect(&options).await.unwrap();
                    sqlx::query("UPDATE dispatch.policies SET fence = fence + 1")
                        .execute(&mut admin)
                        .await
                        .unwrap();
                });
            })
            .join()
            .unwrap();
        }
        Ok(contracts::calls::Positions { positions: Vec::new() })
    });
    let order = world.order(0.0, 2.0).await;
    assert!(overtaken.load(std::sync::atomic::Ordering::SeqCst));
    assert_eq!(world.town.count("SELECT count(*) FROM dispatch.decisions").await, 0, "nothing was written");
    assert_eq!(world.queue().await, [(order.to_string(), "waiting".to_owned())]);
    let mut admin = world.town.db.admin().await;
    sqlx::query("UPDATE dispatch.policies SET lease_until = '-infinity'").execute(&mut admin).await.unwrap();
    world.town.pass(kernel::time::SignedDuration::from_secs(20));
    world.town.finish().await;
}

/// Who comes while somebody decides is not told to come back: the one who decides looks once more, at the same moment.
#[tokio::test]
async fn who_comes_while_somebody_decides_is_seen_to_at_once() {
    const ROUNDS: &str = "SELECT fence FROM dispatch.policies";
    let world = World::new().await;
    world.policy(json!({ "strategy": "nearest" })).await;
    let options = world.town.db.admin_options();
    world.tracking.on::<contracts::calls::LastPositions, _>(move |_| {
        let options = options.clone();
        // What another worker does that finds the lease taken.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let mut admin = sqlx::ConnectOptions::connect(&options).await.unwrap();
                let ask = "UPDATE dispatch.policies SET again = true WHERE lease_until >= clock_timestamp()";
                let asked = sqlx::query(ask).execute(&mut admin).await.unwrap();
                assert_eq!(asked.rows_affected(), 1, "somebody decides");
            });
        })
        .join()
        .unwrap();
        Ok(contracts::calls::Positions { positions: Vec::new() })
    });
    world.driver(1.0).await;
    let before = world.town.count(ROUNDS).await;
    world.order(0.0, 2.0).await;
    assert_eq!(world.town.count(ROUNDS).await, before + 2, "the round of the order, and another one");
    assert_eq!(world.town.count("SELECT count(*) FROM dispatch.policies WHERE again").await, 0);
    world.town.finish().await;
}

/// The one who finds the lease taken leaves nothing to be tried again, and the holder a word.
#[tokio::test]
async fn who_finds_the_lease_taken_leaves_word() {
    let world = World::new().await;
    world.policy(json!({ "strategy": "nearest" })).await;
    let mut admin = world.town.db.admin().await;
    let take =
        "UPDATE dispatch.policies SET fence = fence + 1, lease_until = clock_timestamp() + interval '1 hour'";
    sqlx::query(take).execute(&mut admin).await.unwrap();
    world.order(0.0, 2.0).await;
    assert_eq!(world.town.count("SELECT count(*) FROM dispatch.policies WHERE again").await, 1);
    let waiting = "SELECT count(*) FROM platform.jobs WHERE name = 'dispatch.reconcile' AND state <> 'done'";
    assert_eq!(world.town.count(waiting).await, 0);
    sqlx::query("UPDATE dispatch.policies SET lease_until = '-infinity'").execute(&mut admin).await.unwrap();
    world.town.pass(kernel::time::SignedDuration::from_secs(10));
    world.town.finish().await;
}
