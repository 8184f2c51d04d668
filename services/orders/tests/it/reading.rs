//! Finding and reading orders: filters, pages, who sees what, summaries.

use serde_json::json;

use crate::world::{World, path, plain_order, strangers};

async fn found(world: &World, query: &str) -> usize {
    world.read(&format!("/api/v1/orders?{query}")).await["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn orders_are_found_by_everything_that_people_know() {
    let world = World::new().await;
    let (shop, _) = world.shop().await;
    let customer = "customer_01h455vb4pex5vsknk084sn02q";
    let driver = world.stranger();
    let mut body = plain_order();
    body["shop_id"] = json!(shop);
    body["customer_id"] = json!(customer);
    body["driver_id"] = json!(driver);
    world.place(body).await;
    world
        .place(json!({
            "pickup": { "street": "Other Street 1", "postcode": "1", "city": "Espoo" },
            "dropoff": { "street": "Hämeenlinnantie 2", "postcode": "2", "city": "Vantaa" }
        }))
        .await;
    let cases = [
        ("status=created", 1),
        ("status=created,assigned", 2),
        ("status=canceled", 0),
        (&*format!("driver={driver}"), 1),
        (&*format!("shop={shop}"), 1),
        (&*format!("customer={customer}"), 1),
        ("number=A-001", 1),
        ("number=D-001", 1),
        ("street=h%C3%A4meen", 2),
        ("street=H%C3%A4meentie", 1),
        ("city=helsinki", 1),
        ("city=espoo", 1),
        ("tag=breakfast", 1),
        ("tag=lunch", 0),
        ("metadata=table%3D7", 1),
        ("metadata=gift%3Dtrue", 1),
        ("metadata=table%3D8", 0),
        ("phone=%2B358401234567", 1),
        ("phone=4567", 1),
        ("phone=4568", 0),
        ("name=hopper", 1),
        ("name=Hop", 1),
        ("name=brewster", 1),
        ("name=opper", 0),
        ("from=2020-01-01T00:00:00Z&until=2020-01-02T00:00:00Z", 0),
        ("from=2020-01-01T00:00:00Z", 2),
    ];
    for (query, wanted) in cases {
        assert_eq!(found(&world, query).await, wanted, "{query}");
    }
    for bad in ["status=flying", "phone=12", "limit=0", "tag=a%20b", "no_such=1"] {
        let reply =
            world.town.get(format!("/api/v1/orders?{bad}")).bearer(&world.town.bakery.owner.token).await;
        assert_eq!(reply.status, 422, "{bad}: {reply}");
    }
    world.town.finish().await;
}

#[tokio::test]
async fn pages_hold_every_order_once_newest_first() {
    let world = World::new().await;
    for _ in 0..5 {
        world.place(plain_order()).await;
    }
    let (mut numbers, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.read(&format!("/api/v1/orders?limit=2{cursor}")).await;
        numbers.extend(
            page["items"].as_array().unwrap().iter().map(|one| one["number"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(numbers, ["D-005", "D-004", "D-003", "D-002", "D-001"]);
    let bad = world.town.get("/api/v1/orders?cursor=AAAA").bearer(&world.town.bakery.owner.token).await;
    bad.refused(400, "invalid_cursor");
    world.town.finish().await;
}

#[tokio::test]
async fn orders_are_counted_by_where_they_stand_and_everybody_counts_what_they_see() {
    let world = World::new().await;
    let bakery = &world.town.bakery;
    world.given_to(world.employ(&bakery.driver)).await;
    world.place(plain_order()).await;
    world.town.post("/api/v1/orders", plain_order()).bearer(&bakery.customer.token).await.is(201);
    let counts = async |query: &str, token: &str| {
        let read = world.town.get(format!("/api/v1/orders/counts{query}")).bearer(token).await;
        read.is(200).json()["counts"].clone()
    };
    let all = counts("", &bakery.manager.token).await;
    assert_eq!((&all["created"], &all["assigned"], &all["delivered"]), (&json!(2), &json!(1), &json!(0)));
    assert_eq!(all.as_object().unwrap().len(), 12, "every status is named");
    let some = counts("?status=assigned,delivered", &bakery.manager.token).await;
    assert_eq!(some, json!({ "assigned": 1, "delivered": 0 }));
    let none = counts("?until=2020-01-01T00:00:00Z", &bakery.manager.token).await;
    assert_eq!((&none["created"], &none["assigned"]), (&json!(0), &json!(0)));
    for (token, created, assigned) in [
        (&bakery.driver.token, 0, 1),
        (&bakery.customer.token, 1, 0),
        (&world.town.florist.owner.token, 0, 0),
    ] {
        let own = counts("", token).await;
        assert_eq!((&own["created"], &own["assigned"]), (&json!(created), &json!(assigned)));
    }
    for bad in ["status=flying", "driver=x", "number=A-001"] {
        let read = world.town.get(format!("/api/v1/orders/counts?{bad}")).bearer(&bakery.owner.token).await;
        assert_eq!(read.status, 422, "{bad}: {read}");
    }
    world.town.finish().await;
}

#[tokio::test]
async fn drivers_see_what_they_have_and_customers_what_they_placed() {
    let world = World::new().await;
    let bakery = &world.town.bakery;
    let order = world.given_to(world.employ(&bakery.driver)).await;
    let own = world.town.post("/api/v1/orders", plain_order()).bearer(&bakery.customer.token).await.is(201);
    let own = path(&own);
    let list = |token: &str| world.town.get("/api/v1/orders").bearer(token);
    for (token, sees, not) in [(&bakery.driver.token, &order, &own), (&bakery.customer.token, &own, &order)] {
        let items = list(token).await.is(200).json()["items"].clone();
        assert_eq!(items.as_array().unwrap().len(), 1);
        for part in ["", "/summary"] {
            world.town.get(format!("{sees}{part}")).bearer(token).await.is(200);
            world.town.get(format!("{not}{part}")).bearer(token).await.refused(404, "not_found");
        }
    }
    world.town.get(format!("{order}/events")).bearer(&bakery.driver.token).await.is(200);
    world.town.get(format!("{own}/events")).bearer(&bakery.driver.token).await.refused(404, "not_found");
    // Somebody with the role who is no driver yet has nothing.
    let new = world.town.driver(bakery);
    assert_eq!(list(&new.token).await.is(200).json()["items"], json!([]));
    for token in strangers(&world.town.florist) {
        for part in ["", "/summary", "/events"] {
            world.town.get(format!("{order}{part}")).bearer(token).await.refused(404, "not_found");
        }
        assert_eq!(list(token).await.is(200).json()["items"], json!([]));
    }
    world.town.finish().await;
}

#[tokio::test]
async fn who_a_driver_is_is_asked_once_in_five_minutes_and_503_when_nobody_answers() {
    let world = World::new().await;
    let driver = &world.town.bakery.driver;
    let order = world.given_to(world.employ(driver)).await;
    world.drivers.away(true);
    world.town.get(&order).bearer(&driver.token).await.refused(503, "unavailable");
    world.drivers.away(false);
    for _ in 0..3 {
        world.town.get(&order).bearer(&driver.token).await.is(200);
    }
    assert_eq!(world.drivers.told().len(), 1);
    world.drivers.away(true);
    world.step(&order, driver, "picked_up").await.is(200);
    world.drivers.away(false);
    world.town.pass(kernel::time::SignedDuration::from_mins(6));
    world.town.get(&order).bearer(&driver.token).await.is(200);
    assert_eq!(world.drivers.told().len(), 1);
    world.town.finish().await;
}

#[tokio::test]
async fn a_summary_follows_every_change_and_says_nothing_about_people() {
    let world = World::new().await;
    let driver = &world.town.bakery.driver;
    let order = world.given_to(world.employ(driver)).await;
    let summary = || world.town.get(format!("{order}/summary")).bearer(&world.town.bakery.manager.token);
    let first = summary().await.is(200);
    assert_eq!(first.text("/status"), "assigned");
    for word in ["Grace", "358401234567", "B 12", "Ring"] {
        assert!(!String::from_utf8_lossy(&first.body).contains(word), "{word}");
    }
    world.step(&order, driver, "picked_up").await.is(200);
    let second = summary().await.is(200);
    assert_eq!(second.text("/status"), "picked_up");
    assert!(second.version() > first.version());
    let known = summary().header("if-none-match", &format!("\"{}\"", second.version())).await;
    assert_eq!(known.status, 304);
    world.town.finish().await;
}

#[tokio::test]
async fn a_known_version_is_not_sent_again() {
    let world = World::new().await;
    let order = path(&world.place(plain_order()).await);
    let call =
        world.town.get(&order).bearer(&world.town.bakery.manager.token).header("if-none-match", "\"1\"");
    assert_eq!(call.await.status, 304);
    world.town.finish().await;
}
