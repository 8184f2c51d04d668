//! Routes follow the orders, and people change them.

use contracts::orders::OrderStatus::{
    ArrivedAtDropoff, Assigned, Delivered, EnrouteToDropoff, EnrouteToPickup, Failed, PickedUp, Returned,
    Returning,
};
use serde_json::{Value, json};

use crate::world::{Driver, World};

async fn route_of(world: &World, driver: &Driver) -> Value {
    world.get(&format!("/api/v1/routes?driver={}", driver.id)).await["items"][0].clone()
}

fn kinds(stops: &[(String, String)]) -> Vec<&str> {
    stops.iter().map(|(kind, _)| kind.as_str()).collect()
}

#[tokio::test]
async fn stops_come_and_go_with_the_order() {
    let world = World::new().await;
    let driver = world.driver(0.0).await;
    let order = world.order(1.0, 2.0).await;
    world.assigned(order, &driver).await;
    assert_eq!(kinds(&world.stops(&driver).await), ["pickup", "dropoff"]);
    world.moved(order, Assigned, EnrouteToPickup, Some(&driver)).await;
    assert_eq!(route_of(&world, &driver).await["stops"][0]["locked"], true, "the driver has set out for it");
    world.moved(order, EnrouteToPickup, PickedUp, Some(&driver)).await;
    assert_eq!(kinds(&world.stops(&driver).await), ["dropoff"]);
    world.moved(order, PickedUp, EnrouteToDropoff, Some(&driver)).await;
    world.moved(order, EnrouteToDropoff, ArrivedAtDropoff, Some(&driver)).await;
    world.moved(order, ArrivedAtDropoff, Delivered, Some(&driver)).await;
    assert_eq!(world.stops(&driver).await, []);
    assert_eq!(world.town.count("SELECT count(*) FROM dispatch.orders").await, 0, "forgotten");
    let changes = world.town.subjects().await.iter().filter(|subject| *subject == "route.changed.v1").count();
    assert_eq!(changes, 5, "one for each change of the stops, none for what changes nothing");
    world.town.finish().await;
}

#[tokio::test]
async fn what_could_not_be_delivered_goes_back() {
    let world = World::new().await;
    let driver = world.driver(0.0).await;
    let order = world.order(1.0, 2.0).await;
    world.assigned(order, &driver).await;
    world.moved(order, Assigned, PickedUp, Some(&driver)).await;
    world.moved(order, PickedUp, Failed, Some(&driver)).await;
    assert_eq!(world.stops(&driver).await, [], "it is not decided yet what follows");
    world.moved(order, Failed, Returning, Some(&driver)).await;
    assert_eq!(kinds(&world.stops(&driver).await), ["return"]);
    world.moved(order, Returning, Returned, Some(&driver)).await;
    assert_eq!(world.stops(&driver).await, []);
    world.town.finish().await;
}

#[tokio::test]
async fn another_attempt_needs_no_further_pick_up() {
    let world = World::new().await;
    let driver = world.driver(0.0).await;
    let order = world.order(1.0, 2.0).await;
    world.assigned(order, &driver).await;
    world.moved(order, Assigned, PickedUp, Some(&driver)).await;
    world.moved(order, PickedUp, Failed, Some(&driver)).await;
    world.again(order, &driver).await;
    assert_eq!(kinds(&world.stops(&driver).await), ["dropoff"]);
    world.town.finish().await;
}

#[tokio::test]
async fn further_orders_are_put_where_they_lie_on_the_way() {
    let world = World::new().await;
    let driver = world.driver(0.0).await;
    let long = world.order(1.0, 9.0).await;
    world.assigned(long, &driver).await;
    let short = world.order(3.0, 5.0).await;
    world.assigned(short, &driver).await;
    let expected = [("pickup", long), ("pickup", short), ("dropoff", short), ("dropoff", long)];
    assert_eq!(world.stops(&driver).await, expected.map(|(kind, id)| (kind.to_owned(), id.to_string())));
    world.town.finish().await;
}

#[tokio::test]
async fn a_handed_over_order_moves_to_the_other_route() {
    let world = World::new().await;
    let (first, second) = (world.driver(0.0).await, world.driver(1.0).await);
    let order = world.order(1.0, 2.0).await;
    world.assigned(order, &first).await;
    world.moved(order, Assigned, PickedUp, Some(&first)).await;
    world.moved(order, PickedUp, PickedUp, Some(&second)).await;
    assert_eq!(world.stops(&first).await, []);
    assert_eq!(kinds(&world.stops(&second).await), ["dropoff"]);
    world.town.finish().await;
}

#[tokio::test]
async fn a_dispatcher_changes_the_order_of_the_stops() {
    let world = World::new().await;
    let driver = world.driver(0.0).await;
    let (a, b) = (world.order(1.0, 2.0).await, world.order(3.0, 4.0).await);
    world.assigned(a, &driver).await;
    world.assigned(b, &driver).await;
    let route = route_of(&world, &driver).await;
    let ids: Vec<&str> =
        route["stops"].as_array().unwrap().iter().map(|stop| stop["id"].as_str().unwrap()).collect();
    let (path, version) =
        (format!("/api/v1/routes/{}", route["id"].as_str().unwrap()), route["version"].as_i64().unwrap());
    let town = &world.town;
    let reorder = |ids: Vec<&str>, version| {
        town.patch(path.clone(), json!({ "stops": ids }))
            .if_match(version)
            .bearer(&town.bakery.dispatcher.token)
    };
    reorder(vec![ids[1], ids[0], ids[2], ids[3]], version).await.refused(409, "route_order");
    reorder(vec![ids[0], ids[1]], version).await.refused(422, "invalid");
    reorder(vec![ids[0], ids[2], ids[1], ids[3]], version - 1).await.refused(412, "stale");
    let after = reorder(vec![ids[0], ids[2], ids[1], ids[3]], version).await.is(200);
    assert_eq!(after.json()["stops"][1]["id"], ids[2]);
    // One stop, to a place, and locked there.
    let stop = format!("{path}/stops/{}", ids[2]);
    let locked = town.patch(stop, json!({ "place": 0, "locked": true })).if_match(after.version());
    let locked = locked.bearer(&town.bakery.dispatcher.token).await.is(200);
    assert_eq!(
        (&locked.json()["stops"][0]["id"], &locked.json()["stops"][0]["locked"]),
        (&json!(ids[2]), &json!(true))
    );
    reorder(vec![ids[0], ids[2], ids[1], ids[3]], locked.version()).await.refused(409, "route_order");
    assert_eq!(world.town.audited().await, ["update_route", "update_route_stop"]);
    // Drivers look, and do not touch; nobody else sees it.
    let own = town.get(path.clone()).bearer(&driver.actor.token).await.is(200);
    assert_eq!(own.version(), locked.version());
    let other = world.driver(5.0).await;
    town.get(path.clone()).bearer(&other.actor.token).await.refused(404, "not_found");
    town.get(path.clone()).bearer(&town.florist.manager.token).await.refused(404, "not_found");
    world.town.finish().await;
}

#[tokio::test]
async fn a_whole_route_is_given_to_another_driver() {
    let world = World::new().await;
    let (from, to) = (world.driver(0.0).await, world.driver(1.0).await);
    let (a, b) = (world.order(1.0, 2.0).await, world.order(3.0, 4.0).await);
    world.assigned(a, &from).await;
    world.assigned(b, &from).await;
    world.orders.told();
    let id = route_of(&world, &from).await["id"].as_str().unwrap().to_owned();
    let town = &world.town;
    let call = town.post(format!("/api/v1/routes/{id}/move"), json!({ "driver_id": to.id }));
    let reply = call.bearer(&town.bakery.dispatcher.token).await.is(200).json();
    assert_eq!(reply["orders"].as_array().unwrap().len(), 2);
    assert!(reply["orders"].as_array().unwrap().iter().all(|row| row["moved"] == true));
    let mut told = world.told();
    told.sort();
    let mut expected = vec![(a, to.id), (b, to.id)];
    expected.sort();
    assert_eq!(told, expected);
    world.orders_refuses();
    let call = town.post(format!("/api/v1/routes/{id}/move"), json!({ "driver_id": to.id }));
    let reply = call.bearer(&town.bakery.dispatcher.token).await.is(200).json();
    assert_eq!(
        (&reply["orders"][0]["moved"], &reply["orders"][0]["code"]),
        (&json!(false), &json!("illegal_step"))
    );
    let nobody = json!({ "driver_id": "driver_01h455vb4pex5vsknk084sn02q" });
    let call = town.post(format!("/api/v1/routes/{id}/move"), nobody);
    call.bearer(&town.bakery.dispatcher.token).await.refused(422, "invalid");
    world.town.finish().await;
}
