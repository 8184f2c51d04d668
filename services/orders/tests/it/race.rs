//! Dispatchers, managers and drivers at the same orders at the same time: never two drivers on one order, never an order or
//! an acknowledged move lost. What happened is read from the history and from the log, not from the answers.

use std::collections::BTreeMap;

use futures::future::join_all;
use kernel::ids::{DriverId, OrderId, Uuid};
use kernel::random::Random;
use serde_json::{Value, json};
use testkit::Proof;
use testkit::http::Call;
use testkit::service::Actor;

use crate::world::{World, path, plain_order};

/// What each of them does with each order.
const TRIES: usize = 5;
/// What a driver may report.
const STEPS: [&str; 7] = [
    "enroute_to_pickup",
    "arrived_at_pickup",
    "picked_up",
    "enroute_to_dropoff",
    "arrived_at_dropoff",
    "delivered",
    "failed",
];

/// Somebody at work.
#[derive(Clone, Copy)]
enum Who<'a> {
    Dispatcher(&'a str),
    Manager(&'a str),
    Driver(&'a Actor),
}

/// What somebody does next with an order.
fn act(world: &World, random: &Random, who: Who<'_>, order: &str, drivers: &[DriverId]) -> Call {
    let pick = |bound: usize| usize::try_from(random.below(bound as u64)).unwrap();
    let one = || json!(drivers[pick(drivers.len())]);
    let post = |verb: &str, body: Value, token: &str| {
        let call = world.town.client.post(format!("{order}/{verb}")).bearer(token);
        if body.is_null() { call } else { call.json(&body) }
    };
    match who {
        Who::Dispatcher(token) => match pick(4) {
            0 | 1 => post("assign", json!({ "driver_id": one() }), token),
            2 => post("assign", json!({ "driver_id": one(), "instead_of": one() }), token),
            _ => post("unassign", Value::Null, token),
        },
        Who::Manager(token) => match pick(8) {
            0 => post("cancel", json!({ "reason": "other" }), token),
            1 => post("handover", json!({ "to_driver_id": one() }), token),
            2 => post("reattempt", Value::Null, token),
            3 => post("unassign", Value::Null, token),
            _ => post("assign", json!({ "driver_id": one(), "instead_of": one() }), token),
        },
        Who::Driver(actor) => match pick(8) {
            0 => post("handover", json!({ "to_driver_id": one() }), &actor.token),
            step => post("status", json!({ "status": STEPS[step - 1] }), &actor.token),
        },
    }
}

/// One entry of the history.
#[derive(sqlx::FromRow)]
struct Entry {
    order_id: Uuid,
    seq: i32,
    kind: String,
    from_status: String,
    to_status: String,
    driver_id: Option<Uuid>,
    by: String,
}

/// What the history of an order comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Fold {
    seq: i32,
    status: String,
    holder: Option<Uuid>,
}

impl Fold {
    /// Goes on by one entry, if it may follow; `driver_of` is which driver a label is.
    fn after(&self, entry: &Entry, driver_of: &BTreeMap<String, Uuid>) -> Self {
        let place = format!("{} {} {}", entry.order_id, entry.seq, entry.kind);
        assert_eq!(entry.seq, self.seq + 1, "{place}: a gap");
        if entry.seq == 1 {
            assert_eq!(
                (&*entry.kind, &*entry.to_status, entry.driver_id),
                ("created", "created", None),
                "{place}"
            );
        } else {
            assert_eq!(entry.from_status, self.status, "{place}: another history");
        }
        if let Some(driver) = driver_of.get(&entry.by) {
            assert_eq!(self.holder, Some(*driver), "{place}: by a driver who did not have it");
        }
        match &*entry.kind {
            "assigned" => {
                assert_eq!((self.holder, &*self.status), (None, "created"), "{place}: somebody had it");
                assert!(entry.driver_id.is_some(), "{place}");
            }
            "reassigned" | "handed_over" => {
                assert!(self.holder.is_some() && self.holder != entry.driver_id, "{place}: from nobody");
                assert!(entry.driver_id.is_some(), "{place}");
            }
            "unassigned" => {
                assert!(self.holder.is_some(), "{place}: from nobody");
                assert_eq!((entry.driver_id, &*entry.to_status), (None, "created"), "{place}");
            }
            _ => assert_eq!(entry.driver_id, self.holder, "{place}: it changed hands on the way"),
        }
        Self { seq: entry.seq, status: entry.to_status.clone(), holder: entry.driver_id }
    }
}

/// The histories of all orders, folded.
async fn folded(world: &World, driver_of: &BTreeMap<String, Uuid>) -> BTreeMap<Uuid, Fold> {
    let sql = "SELECT order_id, seq, kind, from_status, to_status, driver_id, by FROM orders.events ORDER BY order_id, seq";
    let entries: Vec<Entry> = sqlx::query_as(sql).fetch_all(&mut world.town.db.admin().await).await.unwrap();
    let mut folds: BTreeMap<Uuid, Fold> = BTreeMap::new();
    for entry in entries {
        let fold = folds.entry(entry.order_id).or_default();
        *fold = fold.after(&entry, driver_of);
    }
    folds
}

/// A row as it is now.
#[derive(sqlx::FromRow)]
struct Now {
    id: Uuid,
    version: i64,
    status: String,
    driver_id: Option<Uuid>,
}

#[tokio::test]
async fn proof_order_race() {
    let proof = Proof::new("order race");
    let count = proof.size(50, 500);
    let world = World::new().await;
    let bakery = &world.town.bakery;
    let people = [bakery.driver.clone(), world.town.driver(bakery)];
    let drivers: Vec<DriverId> =
        people.iter().map(|actor| world.employ(actor)).chain([world.stranger()]).collect();
    let driver_of: BTreeMap<String, Uuid> =
        people.iter().zip(&drivers).map(|(actor, driver)| (actor.user.to_string(), driver.uuid())).collect();
    let team = [
        Who::Dispatcher(&bakery.dispatcher.token),
        Who::Dispatcher(&bakery.api_key),
        Who::Manager(&bakery.manager.token),
        Who::Manager(&bakery.owner.token),
        Who::Driver(&people[0]),
        Who::Driver(&people[1]),
    ];
    let mut orders = Vec::new();
    for _ in 0..count {
        orders.push(path(&world.place(plain_order()).await));
    }
    // All of them take the orders in the same sequence, each with their own draws: they meet at each order.
    let work = team.iter().enumerate().map(|(seed, who)| {
        let (world, orders, drivers) = (&world, &orders, &drivers);
        let random = Random::seeded(seed as u64 + 1);
        async move {
            let mut moved: BTreeMap<usize, i64> = BTreeMap::new();
            for (at, order) in orders.iter().enumerate() {
                for _ in 0..TRIES {
                    let reply = act(world, &random, *who, order, drivers).await;
                    assert!(matches!(reply.status, 200 | 404 | 409), "{reply}");
                    if reply.status == 200 && reply.json()["moved"] == true {
                        *moved.entry(at).or_default() += 1;
                    }
                }
            }
            moved
        }
    });
    let moved = join_all(work).await;
    world.town.settle().await;

    let folds = folded(&world, &driver_of).await;
    assert_eq!(folds.len(), count);
    let rows: Vec<Now> = sqlx::query_as("SELECT id, version, status, driver_id FROM orders.orders")
        .fetch_all(&mut world.town.db.admin().await)
        .await
        .unwrap();
    assert_eq!(rows.len(), count);
    let mut log: BTreeMap<Uuid, Vec<i64>> = BTreeMap::new();
    let sql = "SELECT key, version FROM bus.log WHERE subject LIKE 'order.%' ORDER BY \"offset\"";
    let told: Vec<(Uuid, i64)> =
        sqlx::query_as(sql).fetch_all(&mut world.town.db.admin().await).await.unwrap();
    for (key, version) in told {
        log.entry(key).or_default().push(version);
    }
    let (mut changes, mut hands) = (0, 0);
    for row in rows {
        let fold = &folds[&row.id];
        assert_eq!((&fold.status, fold.holder), (&row.status, row.driver_id), "{}", row.id);
        // Every acknowledged move is one version, one entry, and was told in its place.
        let order = format!("/api/v1/orders/{}", OrderId::new(row.id));
        let at = orders.iter().position(|one| *one == order).unwrap();
        let acknowledged: i64 = moved.iter().map(|by| by.get(&at).copied().unwrap_or(0)).sum();
        assert_eq!(row.version, 1 + acknowledged, "{order}");
        assert_eq!(i64::from(fold.seq), row.version, "{order}");
        let mut versions = log.remove(&row.id).unwrap();
        assert!(versions.is_sorted(), "{order}: {versions:?}");
        versions.dedup();
        assert_eq!(versions, (1..=row.version).collect::<Vec<_>>(), "{order}");
        changes += acknowledged;
        hands += usize::from(row.driver_id.is_some());
    }
    assert!(changes > i64::try_from(count).unwrap(), "they met: {changes}");
    proof.report(&format!(
        "{count} orders, 6 people, {} commands, {changes} moves, {hands} orders with a driver at the end, 0 with two, 0 lost",
        count * team.len() * TRIES
    ));
    world.town.finish().await;
}
