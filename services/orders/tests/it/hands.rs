//! Who has an order: assigning, taking away, handing over, and everybody at once.

use contracts::calls::{AssignOrder, ReportStep, UnassignOrder};
use contracts::orders::OrderStatus;
use futures::future::join_all;
use kernel::geo::Position;
use kernel::ids::{DriverId, OrderId};
use platform::db::Scope;
use serde_json::json;
use testkit::http::Call;

use crate::world::{World, path, plain_order};

fn assign(world: &World, order: &str, driver: DriverId, instead_of: Option<DriverId>) -> Call {
    let body = json!({ "driver_id": driver, "instead_of": instead_of });
    world.town.post(format!("{order}/assign"), body).bearer(&world.town.bakery.dispatcher.token)
}

fn id_of(order: &str) -> OrderId {
    order.rsplit('/').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_dispatcher_gives_takes_and_gives_again() {
    let world = World::new().await;
    let (ada, bob) = (world.stranger(), world.stranger());
    let order = path(&world.place(plain_order()).await);
    assert_eq!(assign(&world, &order, ada, None).await.is(200).text("/order/driver_id"), ada.to_string());
    assert_eq!(assign(&world, &order, ada, None).await.is(200).json()["moved"], false);
    let taken = assign(&world, &order, bob, None).await.refused(409, "order_taken");
    assert_eq!(taken.json()["state"]["driver_id"], json!(ada));
    let instead = assign(&world, &order, bob, Some(ada)).await.is(200);
    assert_eq!(instead.text("/order/driver_id"), bob.to_string());
    assert_eq!(assign(&world, &order, bob, Some(ada)).await.is(200).json()["moved"], false);
    let unassign =
        || world.town.client.post(format!("{order}/unassign")).bearer(&world.town.bakery.manager.token);
    assert_eq!(unassign().await.is(200).text("/order/status"), "created");
    assert_eq!(unassign().await.is(200).json()["moved"], false);
    assign(&world, &order, bob, Some(ada)).await.refused(409, "illegal_step");
    let assigned: Vec<_> =
        world.town.events().await.into_iter().filter(|(subject, _)| subject == "order.assigned.v1").collect();
    assert_eq!(assigned.len(), 2);
    assert_eq!((&assigned[1].1["previous"], &assigned[1].1["driver_id"]), (&json!(ada), &json!(bob)));
    let florist = &world.town.florist.owner.token;
    let body = json!({ "driver_id": ada });
    world.town.post(format!("{order}/assign"), body).bearer(florist).await.refused(404, "not_found");
    world.town.finish().await;
}

#[tokio::test]
async fn a_carried_order_is_handed_over_and_keeps_its_status() {
    let world = World::new().await;
    let driver = &world.town.bakery.driver;
    let (ada, bob) = (world.employ(driver), world.stranger());
    let order = world.given_to(ada).await;
    let hand_over = |token: &str| {
        world.town.post(format!("{order}/handover"), json!({ "to_driver_id": bob })).bearer(token)
    };
    hand_over(&driver.token).await.refused(409, "illegal_step");
    world.step(&order, driver, "enroute_to_dropoff").await.refused(409, "illegal_step");
    world.step(&order, driver, "picked_up").await.is(200);
    world.step(&order, driver, "enroute_to_dropoff").await.is(200);
    hand_over(&world.town.driver(&world.town.bakery).token).await.refused(404, "not_found");
    let over = hand_over(&driver.token).await.is(200);
    assert_eq!(
        (over.text("/order/status"), over.text("/order/driver_id")),
        ("enroute_to_dropoff".to_owned(), bob.to_string())
    );
    // It is not theirs any more.
    world.step(&order, driver, "delivered").await.refused(404, "not_found");
    world.town.get(&order).bearer(&driver.token).await.refused(404, "not_found");
    let (subject, event) = world.town.events().await.pop().unwrap();
    assert_eq!((subject.as_str(), &event["status"]), ("order.assigned.v1", &json!("enroute_to_dropoff")));
    world.town.finish().await;
}

#[tokio::test]
async fn of_two_dispatchers_at_once_one_wins_and_the_other_is_told_who() {
    let world = World::new().await;
    for _ in 0..10 {
        let order = path(&world.place(plain_order()).await);
        let drivers: Vec<DriverId> = (0..4).map(|_| world.stranger()).collect();
        let calls = drivers.iter().map(|driver| assign(&world, &order, *driver, None).send());
        let replies = join_all(calls).await;
        let won: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
        assert_eq!(won.len(), 1);
        let has = won[0].text("/order/driver_id");
        for lost in replies.iter().filter(|reply| reply.status != 200) {
            assert_eq!(lost.code(), "order_taken");
            assert_eq!(lost.text("/driver_id"), has);
        }
        assert_eq!(world.read(&order).await["driver_id"], json!(has));
    }
    let subjects = world.town.subjects().await;
    assert_eq!(subjects.iter().filter(|subject| *subject == "order.assigned.v1").count(), 10);
    world.town.finish().await;
}

#[tokio::test]
async fn dispatchers_managers_and_the_driver_at_once_never_lose_an_order() {
    let world = World::new().await;
    let driver = &world.town.bakery.driver;
    let ada = world.employ(driver);
    let manager = &world.town.bakery.manager.token;
    for round in 0..8 {
        let order = world.given_to(ada).await;
        let bob = world.stranger();
        let calls = [
            assign(&world, &order, bob, Some(ada)),
            assign(&world, &order, world.stranger(), None),
            world.town.client.post(format!("{order}/unassign")).bearer(manager),
            world.town.post(format!("{order}/cancel"), json!({ "reason": "other" })).bearer(manager),
            world
                .town
                .post(format!("{order}/status"), json!({ "status": "picked_up" }))
                .bearer(&driver.token),
            world
                .town
                .post(format!("{order}/status"), json!({ "status": "enroute_to_pickup" }))
                .bearer(&driver.token),
        ];
        let replies = join_all(calls.map(Call::send)).await;
        assert!(replies.iter().all(|reply| matches!(reply.status, 200 | 404 | 409)), "{round}: {replies:?}");
        let now = world.read(&order).await;
        let history = world.read(&format!("{order}/events")).await;
        let history = history["items"].as_array().unwrap();
        // The history is one chain that ends where the order stands.
        for (before, after) in history.iter().zip(&history[1..]) {
            assert_eq!(before["to"], after["from"], "{round}: {history:?}");
        }
        assert_eq!(history.last().unwrap()["to"], now["status"]);
        let moved =
            replies.iter().filter(|reply| reply.status == 200 && reply.json()["moved"] == true).count();
        assert_eq!(history.len(), 2 + moved, "{round}");
        assert_eq!(now["version"], json!(2 + moved));
    }
    world.town.finish().await;
}

#[tokio::test]
async fn dispatch_gives_and_takes_by_key() {
    let world = World::new().await;
    let order = path(&world.place(plain_order()).await);
    let (ada, bob) = (world.stranger(), world.stranger());
    let (peers, scope) = (world.town.as_service("dispatch"), Scope::system(world.town.bakery.id));
    let give = |driver_id, instead_of, attempt| AssignOrder {
        order_id: id_of(&order),
        driver_id,
        instead_of,
        attempt,
    };
    let first = peers.tell(&scope, "decision-1", &give(ada, None, 1)).await.unwrap();
    assert_eq!(first.version, 2);
    assert_eq!(peers.tell(&scope, "decision-1", &give(ada, None, 1)).await.unwrap(), first);
    let refused = peers.tell(&scope, "decision-2", &give(bob, None, 1)).await.unwrap_err();
    assert_eq!((refused.code(), &refused.extensions()["state"]["driver_id"]), ("order_taken", &json!(ada)));
    let again = peers.tell(&scope, "decision-2", &give(bob, None, 1)).await.unwrap_err();
    assert_eq!(again.extensions()["state"], refused.extensions()["state"]);
    let stale = peers.tell(&scope, "decision-3", &give(bob, Some(ada), 2)).await.unwrap_err();
    assert_eq!(stale.code(), "other_attempt");
    let take = |driver_id| UnassignOrder { order_id: id_of(&order), driver_id };
    let not_theirs = peers.tell(&scope, "take-1", &take(bob)).await.unwrap_err();
    assert_eq!(not_theirs.code(), "order_taken");
    assert_eq!(peers.tell(&scope, "take-2", &take(ada)).await.unwrap().version, 3);
    let florist = Scope::system(world.town.florist.id);
    let foreign = peers.tell(&florist, "take-3", &take(ada)).await.unwrap_err();
    assert_eq!(foreign.kind(), platform::Kind::NotFound);
    world.town.finish().await;
}

#[tokio::test]
async fn arrivals_by_position_are_never_refused() {
    let world = World::new().await;
    let driver = &world.town.bakery.driver;
    let ada = world.employ(driver);
    let order = world.given_to(ada).await;
    let (peers, scope) = (world.town.as_service("tracking"), Scope::system(world.town.bakery.id));
    let report = |driver_id, status| ReportStep {
        order_id: id_of(&order),
        driver_id,
        status,
        at: world.town.now(),
        position: Position::new(60.1699, 24.9384).unwrap(),
    };
    let arrived = peers.tell(&scope, "a", &report(ada, OrderStatus::ArrivedAtPickup)).await.unwrap();
    assert_eq!((arrived.moved, arrived.state.status), (true, OrderStatus::ArrivedAtPickup));
    let cases = [
        (ada, OrderStatus::ArrivedAtPickup),
        (ada, OrderStatus::ArrivedAtDropoff),
        (ada, OrderStatus::PickedUp),
        (world.stranger(), OrderStatus::ArrivedAtPickup),
    ];
    for (number, (driver, status)) in cases.into_iter().enumerate() {
        let said = peers.tell(&scope, &format!("b{number}"), &report(driver, status)).await.unwrap();
        assert_eq!((said.moved, said.state.status), (false, OrderStatus::ArrivedAtPickup));
    }
    world.town.finish().await;
}
