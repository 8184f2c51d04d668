//! The customer's page.

use contracts::calls::TrackedOrder;
use contracts::orders::{OrderCancelled, OrderStatus, OrderStatusChanged};
use contracts::storefront::{ShopDeleted, ShopFacts, ShopUpdated};
use kernel::time::SignedDuration;
use platform::Kind;
use platform::db::Scope;
use serde_json::json;

use crate::world::{DOOR, SHOP, code, facts, north_of, order, shop_id, world};

#[tokio::test]
async fn whoever_knows_the_code_sees_the_delivery() {
    let world = world().await;
    world.on_the_way(1).await;
    world.at(north_of(DOOR, 800.0)).await.is(200);
    world.pass(5);
    let page = world.page(1).await.is(200).json();
    assert_eq!((&page["state"], &page["status"]), (&json!("active"), &json!("enroute_to_dropoff")));
    assert_eq!(page["message"], "Your order is on the way to you.");
    assert_eq!(
        page["shop"],
        json!({ "name": "Ada's Bakery", "phone": "+358912345678", "time_zone": "Europe/Helsinki" })
    );
    assert_eq!(
        page["driver"],
        json!({ "first_name": "Ada", "vehicle": "bicycle", "vehicle_description": "red bicycle" })
    );
    assert_eq!(page["position"]["age_s"], 5);
    assert!(page["eta"]["expected"].is_string());
    assert_eq!(page["timeline"].as_array().unwrap().len(), 4);
    let typed = world.town.get("/api/v1/track/cdeoooooooo1").await.is(200);
    assert_eq!(typed.json()["number"], page["number"], "as people type it");
    world.town.get("/api/v1/track/NOSUCHCODE").await.refused(404, "not_found");
    world.town.finish().await;
}

#[tokio::test]
async fn the_page_works_without_the_couriers_name_and_remembers_it() {
    let world = world().await;
    world.on_the_way(1).await;
    world.drivers.away(true);
    assert!(world.page(1).await.is(200).json()["driver"].is_null());
    world.drivers.away(false);
    assert_eq!(world.page(1).await.is(200).json()["driver"]["first_name"], "Ada");
    world.drivers.away(true);
    assert_eq!(world.page(1).await.is(200).json()["driver"]["first_name"], "Ada");
    assert_eq!(world.drivers.told().len(), 1, "asked once");
    world.pass(301);
    assert!(world.page(1).await.is(200).json()["driver"].is_null());
    world.town.finish().await;
}

#[tokio::test]
async fn the_pin_is_shown_until_the_order_is_over_and_missed_while_orders_is_away() {
    let world = world().await;
    world.on_the_way(1).await;
    let pin = || async { world.page(1).await.is(200).json().get("pin").cloned() };
    assert_eq!(pin().await, Some(json!("4071")));
    world.orders.away(true);
    assert_eq!(pin().await, None, "the page works without it");
    world.orders.away(false);
    assert_eq!(pin().await, Some(json!("4071")), "nothing was remembered");
    world.step(1, 5, OrderStatus::EnrouteToDropoff, OrderStatus::Delivered, world.driver).await;
    assert_eq!(pin().await, None);
    world.town.finish().await;
}

#[tokio::test]
async fn the_courier_is_shown_to_the_next_customer_only() {
    let world = world().await;
    world.on_the_way(1).await;
    world.on_the_way(2).await;
    world.at(SHOP).await.is(200);
    world.route(1, &[(1, "dropoff"), (2, "dropoff")]).await;
    let shown = |number| {
        let world = &world;
        async move { world.page(number).await.is(200).json()["position"].is_object() }
    };
    assert_eq!((shown(1).await, shown(2).await), (true, false));
    world.route(2, &[(2, "dropoff"), (1, "dropoff")]).await;
    assert_eq!((shown(1).await, shown(2).await), (false, true));
    world.step(2, 5, OrderStatus::EnrouteToDropoff, OrderStatus::Delivered, world.driver).await;
    assert_eq!((shown(1).await, shown(2).await), (true, false));
    world.town.finish().await;
}

#[tokio::test]
async fn an_organisation_decides_what_its_customers_see() {
    let world = world().await;
    world.on_the_way(1).await;
    world.at(SHOP).await.is(200);
    let settings = json!({ "arrivals": "make", "retention_days": 30, "arriving_distance_m": 300, "show_driver": false,
        "show_position": false, "show_phone": false });
    let manager = &world.town.bakery.manager.token;
    world.town.put("/api/v1/tracking/settings", settings).bearer(manager).if_match(0).await.is(200);
    let page = world.page(1).await.is(200).json();
    assert!(page["driver"].is_null() && page["position"].is_null() && page["shop"]["phone"].is_null());
    assert_eq!(page["shop"]["name"], "Ada's Bakery");
    assert!(world.drivers.told().is_empty());
    world.town.finish().await;
}

#[tokio::test]
async fn a_cancelled_order_is_a_sentence_and_not_an_error() {
    let world = world().await;
    world.create(1).await;
    let bakery = world.town.bakery.id;
    let event = OrderCancelled {
        order_id: order(1),
        from: OrderStatus::Created,
        driver_id: None,
        reason: "customer".to_owned(),
    };
    world.town.publish(bakery, order(1), 2, &event).await;
    let moved = world.moved(1, OrderStatus::Created, OrderStatus::Cancelled);
    world.town.publish(bakery, order(1), 2, &moved).await;
    world.town.settle().await;
    let page = world.page(1).await.is(200).json();
    assert_eq!(
        (&page["state"], &page["message"]),
        (&json!("cancelled"), &json!("This order was cancelled."))
    );
    assert!(page["status"].is_null() && page["timeline"] == json!([]));
    world.town.finish().await;
}

#[tokio::test]
async fn a_link_grows_old_and_is_gone() {
    let world = world().await;
    world.on_the_way(1).await;
    world.step(1, 5, OrderStatus::EnrouteToDropoff, OrderStatus::Delivered, world.driver).await;
    let page = world.page(1).await.is(200).json();
    assert_eq!(page["state"], "finished");
    assert!(page["driver"].is_null() && page["position"].is_null() && page["eta"].is_null());
    world.town.pass(SignedDuration::from_hours(8 * 24));
    let page = world.page(1).await.is(200).json();
    assert_eq!((&page["state"], &page["timeline"]), (&json!("expired"), &json!([])));
    assert!(page["message"].as_str().unwrap().contains("expired"));
    world.town.pass(SignedDuration::from_hours(23 * 24));
    world.page(1).await.refused(404, "not_found");
    world.town.finish().await;
}

#[tokio::test]
async fn what_failed_says_so_until_it_comes_back() {
    let world = world().await;
    world.on_the_way(1).await;
    world.step(1, 5, OrderStatus::EnrouteToDropoff, OrderStatus::Failed, world.driver).await;
    let page = world.page(1).await.is(200).json();
    assert_eq!((&page["state"], &page["status"]), (&json!("active"), &json!("failed")));
    world.step(1, 6, OrderStatus::Failed, OrderStatus::Returning, world.driver).await;
    let returned = OrderStatusChanged {
        driver_id: Some(world.driver),
        ..world.moved(1, OrderStatus::Returning, OrderStatus::Returned)
    };
    world.town.publish(world.town.bakery.id, order(1), 7, &returned).await;
    world.town.settle().await;
    let page = world.page(1).await.is(200).json();
    assert_eq!(page["message"], "Your order could not be delivered and was brought back.");
    assert_eq!(page["state"], "finished");
    world.town.finish().await;
}

#[tokio::test]
async fn the_page_follows_the_shop_and_a_changed_code() {
    let world = world().await;
    world.create(1).await;
    let bakery = world.town.bakery.id;
    let facts_of_shop = ShopFacts { name: "Ada & Co".to_owned(), phone: None, ..ShopFacts::example() };
    let update = ShopUpdated { shop_id: shop_id(), facts: facts_of_shop };
    world.town.publish(bakery, shop_id(), 2, &update).await;
    world.town.publish(bakery, shop_id(), 3, &ShopDeleted { shop_id: shop_id() }).await;
    let event = contracts::orders::OrderUpdated {
        order_id: order(1),
        changed: vec!["tracking_code".to_owned()],
        facts: facts(77, world.town.now()),
    };
    world.town.publish(bakery, order(1), 2, &event).await;
    world.town.settle().await;
    world.page(1).await.refused(404, "not_found");
    let page = world.town.get(format!("/api/v1/track/{}", code(77))).await.is(200).json();
    assert_eq!(page["shop"], json!({ "name": "Ada & Co", "time_zone": "Europe/Helsinki" }));
    world.town.finish().await;
}

#[tokio::test]
async fn an_order_that_is_called_off_on_the_way_is_cancelled_for_the_customer() {
    let world = world().await;
    world.on_the_way(1).await;
    world.at(SHOP).await.is(200);
    let bakery = world.town.bakery.id;
    let event = OrderCancelled {
        order_id: order(1),
        from: OrderStatus::EnrouteToDropoff,
        driver_id: Some(world.driver),
        reason: "merchant".to_owned(),
    };
    world.town.publish(bakery, order(1), 5, &event).await;
    world.step(1, 5, OrderStatus::EnrouteToDropoff, OrderStatus::Returning, world.driver).await;
    let page = world.page(1).await.is(200).json();
    assert_eq!(page["state"], "cancelled");
    assert!(page["position"].is_null() && page["eta"].is_null() && page["driver"].is_null());
    world.town.finish().await;
}

#[tokio::test]
async fn an_order_without_a_shop_and_without_a_driver_has_a_page_as_well() {
    let world = world().await;
    let facts = contracts::orders::OrderFacts { shop_id: None, ..facts(1, world.town.now()) };
    world.create_with(1, facts).await;
    let page = world.page(1).await.is(200).json();
    assert_eq!((&page["state"], &page["status"]), (&json!("active"), &json!("created")));
    assert!(page["shop"].is_null() && page["driver"].is_null());
    assert!(world.drivers.told().is_empty());
    world.town.finish().await;
}

#[tokio::test]
async fn two_organisations_have_pages_of_their_own() {
    let world = world().await;
    world.create(1).await;
    let florist = world.town.florist.id;
    let event = contracts::orders::OrderCreated {
        order_id: order(2),
        source: "api".to_owned(),
        facts: facts(2, world.town.now()),
        packages: Vec::new(),
    };
    world.town.publish(florist, order(2), 1, &event).await;
    world.town.settle().await;
    assert_eq!(world.page(1).await.is(200).json()["shop"]["name"], "Ada's Bakery");
    assert!(world.page(2).await.is(200).json()["shop"].is_null(), "the florist has no such shop");
    let bakery = &world.town.bakery.owner.token;
    let path = format!("/api/v1/orders/{}/tracking", order(2));
    world.town.get(path).bearer(bakery).await.refused(404, "not_found");
    world.town.finish().await;
}

#[tokio::test]
async fn a_damaged_code_is_a_code_that_nobody_knows() {
    let world = world().await;
    for code in ["%00", "%F0%9F%8D%9E", "....", "CDE000000001%20x", "x".repeat(300).as_str()] {
        let reply = world.town.get(format!("/api/v1/track/{code}")).await;
        assert_eq!(reply.status, 404, "{reply}");
    }
    world.town.get("/api/v1/track/CDE000000001?token=x").await.refused(422, "invalid");
    world.town.finish().await;
}

#[tokio::test]
async fn the_gateway_asks_whose_a_code_is_while_the_page_is_worth_following() {
    let world = world().await;
    world.on_the_way(1).await;
    let (peers, scope) = (world.town.as_service("gateway"), Scope::installation());
    let ask = |code: String| {
        let (peers, scope) = (&peers, &scope);
        async move { peers.ask(scope, &TrackedOrder { code }).await }
    };
    let found = ask(code(1)).await.unwrap();
    assert_eq!((found.org_id, found.order_id), (world.town.bakery.id, order(1)));
    assert_eq!(ask("NOSUCHCODE".to_owned()).await.unwrap_err().kind(), Kind::NotFound);
    world.town.finish().await;
}
