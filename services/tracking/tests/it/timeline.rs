//! The timeline: one row for every event that changed something.

use contracts::drivers::{DriverFacts, DriverUpdated};
use contracts::orders::{
    OrderAssigned, OrderCancelled, OrderStatus, OrderStatusChanged, OrderUpdated, ProofCaptured,
};
use kernel::ids::{ProofId, Uuid};

use crate::world::{World, facts, order, world};

fn updates(events: &[(String, serde_json::Value)]) -> Vec<&str> {
    let own = events.iter().filter(|(subject, _)| subject == "delivery.updated.v1");
    own.map(|(_, payload)| payload["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_step_is_a_row_and_an_event() {
    use OrderStatus as S;
    let world = world().await;
    world.create(1).await;
    world.assign(1, 2, world.driver).await;
    let steps = [
        S::Assigned,
        S::EnrouteToPickup,
        S::ArrivedAtPickup,
        S::PickedUp,
        S::EnrouteToDropoff,
        S::ArrivedAtDropoff,
        S::Delivered,
    ];
    for (version, pair) in (3..).zip(steps.windows(2)) {
        world.step(1, version, pair[0], pair[1], world.driver).await;
    }
    let mut expected = vec!["created"];
    expected.extend(steps.map(S::as_str));
    assert_eq!(world.kinds(1).await, expected);
    let events = world.town.events().await;
    assert_eq!(updates(&events), expected);
    world.town.finish().await;
}

#[tokio::test]
async fn an_event_that_is_heard_again_has_no_second_effect() {
    let world = world().await;
    world.create(1).await;
    world.create_again(1).await;
    world.assign(1, 3, world.driver).await;
    world.assign(1, 4, world.driver).await;
    let moved = OrderStatusChanged {
        driver_id: Some(world.driver),
        ..world.moved(1, OrderStatus::Assigned, OrderStatus::PickedUp)
    };
    for version in [6, 7, 5] {
        world.town.publish(world.town.bakery.id, order(1), version, &moved).await;
        world.town.settle().await;
    }
    assert_eq!(world.kinds(1).await, ["created", "assigned", "picked_up"]);
    world.town.finish().await;
}

impl World {
    async fn create_again(&self, number: u128) {
        let event = contracts::orders::OrderCreated {
            order_id: order(number),
            source: "api".to_owned(),
            facts: facts(number, self.town.now()),
            packages: Vec::new(),
        };
        self.town.publish(self.town.bakery.id, order(number), 2, &event).await;
        self.town.settle().await;
    }
}

#[tokio::test]
async fn hand_over_correction_proof_and_a_new_attempt_are_named() {
    let world = world().await;
    let other = world.another_driver(33).await;
    world.on_the_way(1).await;
    let carried = OrderAssigned {
        order_id: order(1),
        driver_id: other,
        previous: Some(world.driver),
        status: OrderStatus::EnrouteToDropoff,
        attempt: 1,
    };
    let bakery = world.town.bakery.id;
    world.town.publish(bakery, order(1), 5, &carried).await;
    let proof = ProofCaptured {
        order_id: order(1),
        proof_id: ProofId::new(Uuid::from_u128(5)),
        stop: "dropoff".to_owned(),
        kinds: vec!["photo".to_owned()],
        at: world.town.now(),
    };
    world.town.publish(bakery, order(1), 6, &proof).await;
    world.step(1, 7, OrderStatus::EnrouteToDropoff, OrderStatus::Failed, other).await;
    let again = OrderStatusChanged {
        driver_id: Some(other),
        attempt: 2,
        ..world.moved(1, OrderStatus::Failed, OrderStatus::Assigned)
    };
    world.town.publish(bakery, order(1), 8, &again).await;
    let corrected = OrderStatusChanged {
        driver_id: Some(other),
        attempt: 2,
        correction: true,
        ..world.moved(1, OrderStatus::Assigned, OrderStatus::EnrouteToDropoff)
    };
    world.town.publish(bakery, order(1), 9, &corrected).await;
    world.town.settle().await;
    let kinds = world.kinds(1).await;
    assert_eq!(kinds[4..], ["handed_over", "proof", "failed", "assigned", "corrected"]);
    let followed = world.followed(1).await;
    assert_eq!(
        (followed["attempt"].as_u64(), followed["driver_id"].as_str()),
        (Some(2), Some(&*other.to_string()))
    );
    world.town.finish().await;
}

#[tokio::test]
async fn an_order_before_the_beginning_of_the_log_is_not_followed() {
    let world = world().await;
    world.step(9, 4, OrderStatus::Assigned, OrderStatus::PickedUp, world.driver).await;
    let event = OrderCancelled {
        order_id: order(9),
        from: OrderStatus::Created,
        driver_id: None,
        reason: "other".to_owned(),
    };
    world.town.publish(world.town.bakery.id, order(9), 5, &event).await;
    let event = OrderUpdated { order_id: order(9), changed: vec![], facts: facts(9, world.town.now()) };
    world.town.publish(world.town.bakery.id, order(9), 6, &event).await;
    world.town.settle().await;
    assert_eq!(world.town.count("SELECT count(*) FROM tracking.orders").await, 0);
    world.page(9).await.refused(404, "not_found");
    world.town.finish().await;
}

#[tokio::test]
async fn staff_follow_every_order_and_drivers_their_own() {
    let world = world().await;
    let other = world.another_driver(33).await;
    world.create(1).await;
    world.create(2).await;
    world.assign(1, 2, world.driver).await;
    world.assign(2, 2, other).await;
    let path = |number| format!("/api/v1/orders/{}/tracking", order(number));
    let town = &world.town;
    let seen = town.get(path(1)).bearer(&town.bakery.driver.token).await.is(200);
    assert!(seen.json().get("link").is_none(), "the page shows the PIN that the driver is to be told");
    let seen = town.get(path(1)).bearer(&town.bakery.dispatcher.token).await.is(200);
    assert_eq!(seen.text("/link"), "https://dropmate.test/t/CDE000000001");
    town.get(path(2)).bearer(&town.bakery.driver.token).await.refused(404, "not_found");
    town.get(path(2)).bearer(&town.bakery.dispatcher.token).await.is(200);
    town.get(path(2)).bearer(&town.bakery.key("dmk", &["tracking:read"])).await.is(200);
    town.get(path(2)).bearer(&town.bakery.customer.token).await.refused(403, "forbidden");
    town.get(path(1)).bearer(&town.florist.owner.token).await.refused(404, "not_found");
    town.get(path(1)).bearer(&town.florist.driver.token).await.refused(404, "not_found");
    world.town.finish().await;
}

#[tokio::test]
async fn who_drives_for_an_account_can_change() {
    let world = world().await;
    let other = world.another_driver(33).await;
    let token = world.town.bakery.driver.token.clone();
    let update = |driver_id, user_id| DriverUpdated {
        driver_id,
        changed: vec!["user".to_owned()],
        facts: DriverFacts { user_id, ..DriverFacts::example() },
    };
    let (bakery, user) = (world.town.bakery.id, world.town.bakery.driver.user);
    world.town.publish(bakery, world.driver, 3, &update(world.driver, None)).await;
    world.town.publish(bakery, world.driver, 2, &update(world.driver, Some(user))).await;
    world.town.publish(bakery, other, 2, &update(other, Some(user))).await;
    world.town.settle().await;
    let get = |driver| world.town.get(format!("/api/v1/drivers/{driver}/devices")).bearer(&token);
    get(other).await.is(200);
    get(world.driver).await.refused(404, "not_found");
    world.town.finish().await;
}
