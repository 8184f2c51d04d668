//! A request that is sent again gets the stored answer; its effect happens once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kernel::ids::{OrgId, Uuid};
use kernel::time::SignedDuration;
use platform::audit::Entry;
use platform::db::{Db, PoolOptions, Scope, Tx};
use platform::idempotency::{Answer, Call, Key, purge};
use platform::{Error, Kind};
use testkit::Proof;
use tokio::task::JoinSet;

use crate::demo::{World, change, insert};

const OPERATION: &str = "demo_create_account";

fn call(scope: Scope, key: &str, body: &[u8]) -> Call {
    let key = Key::new(key, Key::fingerprint("POST", "/accounts", body)).unwrap();
    Call { key: Some(key), ..Call::new(scope, OPERATION) }
}

async fn create(tx: &mut Tx) -> platform::Result<Answer> {
    let id: Uuid = tx.random().uuid_v7(tx.now());
    insert(tx, id).await;
    change(tx, id, 1).await?;
    tx.audit(Entry::new(OPERATION, "account", id)).await?;
    Ok(Answer::json(201, &serde_json::json!({ "id": id }))?
        .with_header("location", format!("/accounts/{id}")))
}

async fn run(db: &Db, call: &Call) -> platform::Result<Answer> {
    call.run(db, |tx| Box::pin(create(tx))).await
}

const ACCOUNTS: &str = "SELECT count(*) FROM demo.accounts";

fn replayed(answer: &Answer) -> bool {
    answer.headers.iter().any(|(name, value)| name == "idempotency-replayed" && value == "true")
}

/// The answer as it was given the first time.
fn original(mut answer: Answer) -> Answer {
    answer.headers.retain(|(name, _)| name != "idempotency-replayed");
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_idempotency() {
    let proof = Proof::new("idempotency");
    let keys = proof.size(8, 500);
    let world = World::new().await;
    let org = world.org();
    let db = world.test.db_with("demo", PoolOptions { max_connections: 32, ..PoolOptions::default() });
    let (mut again, mut running) = (0, 0);
    for number in 0..keys {
        let call = Arc::new(call(Scope::system(org), &format!("key-{number}"), b"{}"));
        let start = Arc::new(tokio::sync::Barrier::new(64));
        let mut requests = JoinSet::new();
        for _ in 0..64 {
            let (db, call, start) = (db.clone(), Arc::clone(&call), Arc::clone(&start));
            requests.spawn(async move {
                start.wait().await;
                run(&db, &call).await
            });
        }
        let results = requests.join_all().await;
        let fresh: Vec<&Answer> = results.iter().flatten().filter(|answer| !replayed(answer)).collect();
        assert_eq!(fresh.len(), 1, "key {number}: exactly one request did it");
        for result in &results {
            match result {
                Ok(answer) if replayed(answer) => {
                    assert_eq!(&original(answer.clone()), fresh[0]);
                    again += 1;
                }
                Ok(_) => {}
                Err(error) => {
                    assert_eq!(
                        (error.kind(), error.code()),
                        (Kind::Conflict, "idempotency_running"),
                        "{}",
                        error.chain()
                    );
                    running += 1;
                }
            }
        }
        let later = run(&db, &call).await.unwrap();
        assert!(
            replayed(&later) && &original(later) == fresh[0],
            "and afterwards it is always the stored one"
        );
    }
    assert_eq!(world.count(ACCOUNTS).await, i64::from(keys));
    assert_eq!(world.count("SELECT count(*) FROM bus.outbox").await, i64::from(keys), "one event each");
    assert_eq!(
        world.count("SELECT count(*) FROM platform.audit_entries").await,
        i64::from(keys),
        "one audit row each"
    );
    world.advance().await;
    proof.report(&format!(
        "{keys} keys x 64 parallel requests: {keys} effects, {again} stored answers, {running} told that it is running"
    ));
}

/// How the answer is stored. `Apart` is the mutant.
#[derive(Clone, Copy, PartialEq)]
enum Store {
    Inside,
    Apart,
}

/// A request whose connection dies behind the effect, sent again until it is answered; how often its effect happened.
async fn killed_in_the_middle(store: Store) -> i64 {
    let world = World::new().await;
    let scope = Scope::system(world.org());
    let call = call(scope.clone(), "k", b"{}");
    let tries = Arc::new(AtomicU64::new(0));
    for _ in 0..2 {
        let (tries, db, scope) = (Arc::clone(&tries), world.db.clone(), scope.clone());
        let _answer = call
            .run(&world.db, move |tx| {
                let (tries, db, scope) = (Arc::clone(&tries), db.clone(), scope.clone());
                Box::pin(async move {
                    let answer = if store == Store::Inside {
                        create(tx).await?
                    } else {
                        // The effect commits by itself; the answer would be stored in another transaction.
                        let mut own = db.begin(&scope).await?;
                        let answer = create(&mut own).await?;
                        own.commit().await?;
                        tx.audit(Entry::new(OPERATION, "account", "mutant")).await?;
                        answer
                    };
                    if tries.fetch_add(1, Ordering::Relaxed) == 0 {
                        sqlx::query("SELECT pg_terminate_backend(pg_backend_pid())")
                            .execute(tx.conn())
                            .await
                            .ok();
                    }
                    Ok(answer)
                })
            })
            .await;
    }
    assert_eq!(tries.load(Ordering::Relaxed), 2, "the first time nothing was stored");
    assert!(replayed(&run(&world.db, &call).await.unwrap()), "the second time it was");
    world.count(ACCOUNTS).await
}

#[tokio::test]
async fn a_request_that_is_killed_in_the_middle_happens_once() {
    assert_eq!(killed_in_the_middle(Store::Inside).await, 1);
}

#[tokio::test]
async fn mutant_that_stores_the_answer_apart_from_the_effect_does_it_twice() {
    assert_eq!(killed_in_the_middle(Store::Apart).await, 2);
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused() {
    let world = World::new().await;
    let scope = Scope::system(world.org());
    run(&world.db, &call(scope.clone(), "k", b"{}")).await.unwrap();
    let error = run(&world.db, &call(scope, "k", b"{\"other\":1}")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Invalid, "idempotency_mismatch"));
    assert_eq!(world.count(ACCOUNTS).await, 1);
}

#[tokio::test]
async fn another_tenant_another_caller_and_another_operation_have_keys_of_their_own() {
    let world = World::new().await;
    let mine = Scope::system(world.org());
    let first = run(&world.db, &call(mine.clone(), "k", b"{}")).await.unwrap();
    let theirs = call(Scope::system(world.org()), "k", b"{\"secret\":1}");
    let second = run(&world.db, &theirs).await.unwrap();
    assert!(
        !replayed(&second) && second.body != first.body,
        "nothing is learnt, not even that the key was used"
    );
    let colleague = Scope { actor: "user_2".to_owned(), ..mine.clone() };
    assert!(!replayed(&run(&world.db, &call(colleague, "k", b"{}")).await.unwrap()));
    let other = Call { operation: "demo_other", ..call(mine.clone(), "k", b"{}") };
    assert!(!replayed(&run(&world.db, &other).await.unwrap()));
    assert!(replayed(&run(&world.db, &call(mine, "k", b"{}")).await.unwrap()));
    assert_eq!(world.count(ACCOUNTS).await, 4);
}

#[tokio::test]
async fn while_the_first_is_running_the_second_is_told_at_once() {
    let world = World::new().await;
    let scope = Scope::system(world.org());
    let call = Arc::new(call(scope, "k", b"{}"));
    let (entered, goes_on) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let slow = {
        let (call, db) = (Arc::clone(&call), world.db.clone());
        let (entered, goes_on) = (Arc::clone(&entered), Arc::clone(&goes_on));
        async move {
            call.run(&db, |tx| {
                let (entered, goes_on) = (Arc::clone(&entered), Arc::clone(&goes_on));
                Box::pin(async move {
                    entered.notify_one();
                    goes_on.notified().await;
                    create(tx).await
                })
            })
            .await
        }
    };
    let second = async {
        entered.notified().await;
        let begun = std::time::Instant::now();
        let error = run(&world.db, &call).await.unwrap_err();
        goes_on.notify_one();
        (error, begun.elapsed())
    };
    let (first, (error, waited)) = tokio::join!(slow, second);
    assert_eq!((first.unwrap().status, error.code()), (201, "idempotency_running"));
    assert!(error.retry_after().is_some());
    assert!(waited < std::time::Duration::from_secs(1), "{waited:?}");
}

/// Runs a command that does something and then ends like this; the number of times it ran.
async fn ends_with(
    world: &World,
    key: &str,
    error: fn() -> Error,
    times: u32,
) -> (u64, Vec<platform::Result<Answer>>) {
    let call = call(Scope::system(OrgId::new(Uuid::from_u128(1))), key, b"{}");
    let ran = Arc::new(AtomicU64::new(0));
    let mut results = Vec::new();
    for _ in 0..times {
        let ran = Arc::clone(&ran);
        results.push(
            call.run(&world.db, move |tx| {
                let ran = Arc::clone(&ran);
                Box::pin(async move {
                    ran.fetch_add(1, Ordering::Relaxed);
                    create(tx).await?;
                    Err(error())
                })
            })
            .await,
        );
    }
    (ran.load(Ordering::Relaxed), results)
}

#[tokio::test]
async fn a_decided_refusal_is_stored_and_its_effects_are_not() {
    let world = World::new().await;
    let refusal = || Error::new(Kind::Conflict, "already_closed", "The account is closed.");
    let (ran, results) = ends_with(&world, "k", refusal, 3).await;
    assert_eq!(ran, 1);
    assert_eq!(results[0].as_ref().unwrap_err().code(), "already_closed");
    for later in &results[1..] {
        let answer = later.as_ref().unwrap();
        assert!(replayed(answer));
        assert_eq!(answer.status, 409);
        assert!(String::from_utf8_lossy(&answer.body).contains("already_closed"));
    }
    assert_eq!(world.count(ACCOUNTS).await, 0);
    assert_eq!(world.count("SELECT count(*) FROM bus.outbox").await, 0);
    assert_eq!(world.count("SELECT count(*) FROM platform.audit_entries").await, 0);
}

#[tokio::test]
async fn a_failure_and_what_the_caller_can_mend_are_not_stored() {
    let world = World::new().await;
    for (key, error) in [
        ("internal", (|| Error::internal("broken")) as fn() -> Error),
        ("away", || Error::unavailable("carrier")),
        ("throttled", || Error::new(Kind::TooMany, "too_many", "Slow down.")),
        ("forbidden", Error::forbidden),
        ("anonymous", Error::unauthenticated),
    ] {
        let (ran, results) = ends_with(&world, key, error, 2).await;
        assert_eq!(ran, 2, "{key}");
        assert!(results.iter().all(Result::is_err), "{key}");
    }
    assert_eq!(world.count("SELECT count(*) FROM platform.idempotency_keys").await, 0);
    assert_eq!(world.count(ACCOUNTS).await, 0);
}

#[tokio::test]
async fn a_command_that_enters_an_organisation_keeps_its_key_where_the_caller_is() {
    let world = World::new().await;
    let org = world.org();
    let call = call(Scope::installation(), "first-run", b"{}");
    let mut answers = Vec::new();
    for _ in 0..2 {
        let answer = call
            .run(&world.db, |tx| {
                Box::pin(async move {
                    tx.enter(org).await?;
                    create(tx).await
                })
            })
            .await;
        answers.push(answer.unwrap_or_else(|error| panic!("{}", error.chain())));
    }
    assert!(!replayed(&answers[0]) && replayed(&answers[1]));
    assert_eq!(world.count(ACCOUNTS).await, 1);
    assert_eq!(world.count("SELECT count(*) FROM bus.outbox").await, 1);
    let nil = "SELECT count(*) FROM platform.idempotency_keys WHERE org_id = '00000000-0000-0000-0000-000000000000'";
    assert_eq!(world.count(nil).await, 1);
}

#[tokio::test]
async fn an_operation_without_an_audit_row_fails_and_leaves_nothing() {
    let world = World::new().await;
    let call = call(Scope::system(world.org()), "k", b"{}");
    let silent = call.run(&world.db, |tx| {
        Box::pin(async move {
            let id: Uuid = tx.random().uuid_v7(tx.now());
            insert(tx, id).await;
            Ok(Answer::empty(204))
        })
    });
    assert_eq!(silent.await.unwrap_err().kind(), Kind::Internal);
    assert_eq!(world.count(ACCOUNTS).await, 0);
}

#[tokio::test]
async fn answers_are_kept_for_72_hours() {
    let world = World::new().await;
    let call = call(Scope::system(world.org()), "k", b"{}");
    run(&world.db, &call).await.unwrap();
    let now = || kernel::time::Clock::now(&world.test.clock);
    world.test.clock.advance(SignedDuration::from_hours(72));
    assert_eq!(purge(&world.system, now()).await.unwrap(), 0);
    assert!(replayed(&run(&world.db, &call).await.unwrap()));
    world.test.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(purge(&world.system, now()).await.unwrap(), 1);
    assert!(!replayed(&run(&world.db, &call).await.unwrap()), "after that it is a new request");
}
