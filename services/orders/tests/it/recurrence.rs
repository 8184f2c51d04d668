//! Orders that come back: by the wall clock, once each, whatever happens in between.

use contracts::storefront::{ShopDeleted, ShopFacts, ShopUpdated};
use futures::future::join;
use kernel::ids::{CustomerId, ShopId, Uuid};
use kernel::time::{SignedDuration, Timestamp};
use platform::db::Scope;
use platform::vault::Subject;
use serde_json::{Value, json};
use testkit::http::Reply;

use crate::world::{World, strangers};

const PATH: &str = "/api/v1/recurring-orders";

/// Bread, every day at eight; today is Friday, 20 November 2026, 12:00 UTC.
fn bread() -> Value {
    json!({
        "name": "Bread for the café",
        "time_zone": "Europe/Helsinki",
        "rrule": "FREQ=DAILY",
        "starts_at": "2026-11-21T08:00",
        "template": {
            "pickup": { "street": "Aleksanterinkatu 52", "postcode": "00100", "city": "Helsinki", "window_until_min": 10 },
            "dropoff": { "street": "Hämeentie 5", "postcode": "00530", "city": "Helsinki",
                         "position": { "lat": 60.1741, "lon": 24.9501 },
                         "contact": { "name": "Grace Brewster Hopper", "phone": "+358401234567" },
                         "door": "B 12", "notes": "Ring twice.", "window_from_min": 15, "window_until_min": 45 },
            "packages": [{ "description": "Rye bread", "weight_g": 1200 }],
            "ready_after_min": -5, "priority": 2, "tags": ["bread"], "metadata": { "table": 7 },
            "cash": { "amount_minor": 1250, "currency": "EUR" }
        }
    })
}

fn with(changes: impl std::borrow::Borrow<Value>) -> Value {
    let mut body = bread();
    for (name, value) in changes.borrow().as_object().unwrap() {
        if value.is_null() {
            body.as_object_mut().unwrap().remove(name);
        } else {
            body[name] = value.clone();
        }
    }
    body
}

async fn make(world: &World, body: Value) -> Reply {
    let owner = world.town.again(&world.town.bakery.manager);
    world.town.post(PATH, body).bearer(&owner.token).await.is(201)
}

fn path(made: &Reply) -> String {
    format!("{PATH}/{}", made.text("/id"))
}

/// What a manager with a fresh token reads.
async fn read(world: &World, path: &str) -> Value {
    let manager = world.town.again(&world.town.bakery.manager);
    world.town.get(path).bearer(&manager.token).await.is(200).json()
}

async fn items(world: &World, path: &str) -> Vec<Value> {
    read(world, path).await["items"].as_array().unwrap().clone()
}

/// Business time goes on to a moment, and what is due is done.
async fn until(world: &World, moment: &str) {
    let moment: Timestamp = moment.parse().unwrap();
    world.town.pass(moment.duration_since(world.town.now()));
    world.town.settle().await;
}

fn texts<'a>(items: &'a [Value], field: &str) -> Vec<&'a str> {
    items.iter().map(|item| item[field].as_str().unwrap()).collect()
}

#[tokio::test]
async fn each_occurrence_has_its_order_an_hour_before() {
    let world = World::new().await;
    let made = make(&world, bread()).await;
    assert_eq!(made.header("location"), path(&made));
    assert_eq!(made.text("/next_at"), "2026-11-21T05:00:00Z");
    assert_eq!(made.text("/upcoming/0/local"), "2026-11-21T08:00:00");
    let kept = read(&world, &path(&made)).await;
    assert_eq!(kept, made.json());
    assert_eq!(kept["template"]["dropoff"], bread()["template"]["dropoff"]);
    assert_eq!(kept["template"]["cash"], bread()["template"]["cash"]);
    until(&world, "2026-11-21T04:59:00Z").await;
    assert!(items(&world, "/api/v1/orders").await.is_empty());
    until(&world, "2026-11-21T05:01:00Z").await;
    let orders = items(&world, "/api/v1/orders").await;
    assert_eq!(orders.len(), 1);
    let order = &orders[0];
    assert_eq!(
        (&order["source"], &order["status"], &order["priority"]),
        (&json!("recurrence"), &json!("created"), &json!(2))
    );
    assert_eq!(order["ready_at"], "2026-11-21T05:55:00Z");
    assert_eq!(order["pickup"]["window"], json!({ "until": "2026-11-21T06:10:00Z" }));
    assert_eq!(
        order["dropoff"]["window"],
        json!({ "from": "2026-11-21T06:15:00Z", "until": "2026-11-21T06:45:00Z" })
    );
    assert_eq!(order["dropoff"]["contact_name"], "Grace Brewster Hopper");
    assert_eq!((&order["tags"], &order["metadata"]), (&json!(["bread"]), &json!({ "table": 7 })));
    assert_eq!(order["packages"][0]["weight_g"], 1200);
    let past = items(&world, &format!("{}/occurrences", path(&made))).await;
    assert_eq!(
        (&past[0]["occurs_at"], &past[0]["state"], &past[0]["order_id"]),
        (&json!("2026-11-21T06:00:00Z"), &json!("created"), &order["id"])
    );
    assert_eq!(read(&world, &path(&made)).await["next_at"], "2026-11-22T05:00:00Z");
    assert_eq!(world.town.subjects().await, ["order.created.v1"]);
    assert_eq!(
        world.town.audited().await,
        ["create_recurring_order", "create_due_order", "record_occurrence"]
    );
    // Whoever made the rule has placed the order.
    let by = world.town.count(
        "SELECT count(*) FROM orders.orders o JOIN orders.recurrences r ON r.created_by = o.created_by",
    );
    assert_eq!(by.await, 1);
    world.town.finish().await;
}

#[tokio::test]
async fn wall_clock_times_stay_across_daylight_saving_and_midnight() {
    let world = World::new().await;
    let cases = [
        (
            "Europe/Helsinki",
            "2026-12-31T00:15",
            ["2026-12-30T22:15:00Z", "2026-12-31T22:15:00Z", "2027-01-01T22:15:00Z"],
        ),
        (
            "America/New_York",
            "2027-03-13T02:30",
            ["2027-03-13T07:30:00Z", "2027-03-14T07:30:00Z", "2027-03-15T06:30:00Z"],
        ),
        (
            "Europe/Helsinki",
            "2027-03-27T03:30",
            ["2027-03-27T01:30:00Z", "2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z"],
        ),
        (
            "Europe/Helsinki",
            "2027-10-30T03:30",
            ["2027-10-30T00:30:00Z", "2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"],
        ),
        (
            "America/New_York",
            "2027-11-06T01:30",
            ["2027-11-06T05:30:00Z", "2027-11-07T05:30:00Z", "2027-11-08T06:30:00Z"],
        ),
    ];
    for (time_zone, starts_at, wanted) in cases {
        let made =
            make(&world, with(json!({ "time_zone": time_zone, "starts_at": starts_at, "lead_minutes": 0 })))
                .await;
        let upcoming = made.json()["upcoming"].as_array().unwrap().clone();
        assert_eq!(texts(&upcoming[..3], "at"), wanted, "{time_zone} {starts_at}");
        for day in wanted {
            until(&world, day).await;
        }
        let past = items(&world, &format!("{}/occurrences", path(&made))).await;
        let past: Vec<_> = texts(&past, "occurs_at").into_iter().rev().take(3).collect();
        assert_eq!(past, wanted, "{time_zone} {starts_at}");
        let manager = world.town.again(&world.town.bakery.manager);
        world.town.delete(path(&made)).bearer(&manager.token).await.is(204);
        world.town.get(path(&made)).bearer(&manager.token).await.refused(404, "not_found");
    }
    // They stay when their rule is gone.
    let orders = world.town.count("SELECT count(*) FROM orders.orders").await;
    assert_eq!(orders, 15);
    world.town.finish().await;
}

#[tokio::test]
async fn a_rule_ends_and_a_long_lead_makes_several_at_once() {
    let world = World::new().await;
    let week = with(json!({ "rrule": "FREQ=DAILY;COUNT=3", "lead_minutes": 10_080 }));
    let made = make(&world, week).await;
    until(&world, "2026-11-20T12:01:30Z").await;
    assert_eq!(items(&world, "/api/v1/orders").await.len(), 3);
    let now = read(&world, &path(&made)).await;
    assert!(now.get("next_at").is_none() && now["upcoming"] == json!([]), "{now}");
    let ends = make(&world, with(json!({ "rrule": "FREQ=WEEKLY;BYDAY=MO,FR;UNTIL=20261127" }))).await;
    let upcoming = ends.json()["upcoming"].as_array().unwrap().clone();
    assert_eq!(texts(&upcoming, "at"), ["2026-11-23T06:00:00Z", "2026-11-27T06:00:00Z"]);
    let ends = make(&world, with(json!({ "ends_at": "2026-11-22T08:00" }))).await;
    assert_eq!(ends.json()["upcoming"].as_array().unwrap().len(), 2);
    world.town.finish().await;
}

#[tokio::test]
async fn two_workers_at_once_and_a_second_look_make_one_order() {
    let world = World::new().await;
    let made = make(&world, bread()).await;
    for day in 21..25 {
        let due: Timestamp = format!("2026-11-{day}T05:00:01Z").parse().unwrap();
        world.town.pass(due.duration_since(world.town.now()));
        join(world.town.settle(), world.town.settle()).await;
        // The same occurrence is due once more, as if the time had not been moved on.
        let again = "UPDATE orders.recurrences SET next_occurs_at = next_occurs_at - interval '1 day', next_at = next_at - interval '1 day'";
        sqlx::query(again).execute(&mut world.town.db.admin().await).await.unwrap();
        world.town.pass(SignedDuration::from_mins(1));
        join(world.town.settle(), world.town.settle()).await;
    }
    assert_eq!(items(&world, "/api/v1/orders").await.len(), 4);
    assert_eq!(items(&world, &format!("{}/occurrences", path(&made))).await.len(), 4);
    world.town.finish().await;
}

#[tokio::test]
async fn an_order_that_was_not_committed_is_made_once_more() {
    let world = World::new().await;
    let made = make(&world, bread()).await;
    // The last statement of the step fails: nothing of it may stay.
    let broken = "ALTER TABLE orders.recurrences ADD CONSTRAINT broken CHECK (version < 2) NOT VALID";
    sqlx::query(broken).execute(&mut world.town.db.admin().await).await.unwrap();
    until(&world, "2026-11-21T05:01:00Z").await;
    assert!(items(&world, "/api/v1/orders").await.is_empty());
    assert!(items(&world, &format!("{}/occurrences", path(&made))).await.is_empty());
    let mended = "ALTER TABLE orders.recurrences DROP CONSTRAINT broken";
    sqlx::query(mended).execute(&mut world.town.db.admin().await).await.unwrap();
    until(&world, "2026-11-21T05:30:00Z").await;
    assert_eq!(items(&world, "/api/v1/orders").await.len(), 1);
    world.town.finish().await;
}

#[tokio::test]
async fn after_a_downtime_what_is_long_over_is_recorded_and_not_made() {
    let world = World::new().await;
    let made = make(&world, bread()).await;
    // Three days later, an hour and a half after the third occurrence.
    until(&world, "2026-11-23T07:30:00Z").await;
    let past = items(&world, &format!("{}/occurrences", path(&made))).await;
    assert_eq!(texts(&past, "state"), ["created", "skipped", "skipped"]);
    assert_eq!(past[1]["reason"], "missed");
    assert_eq!(items(&world, "/api/v1/orders").await.len(), 1);
    // More than two hours after it there is none.
    until(&world, "2026-11-24T08:00:01Z").await;
    assert_eq!(items(&world, "/api/v1/orders").await.len(), 1);
    // Half a year later: all in the past, and the next one comes.
    until(&world, "2027-05-20T12:00:00Z").await;
    assert_eq!(items(&world, "/api/v1/orders").await.len(), 1);
    assert_eq!(read(&world, &path(&made)).await["next_at"], "2027-05-21T04:00:00Z");
    assert_eq!(
        world.town.count("SELECT count(*) FROM orders.occurrences WHERE state = 'skipped'").await,
        180
    );
    world.town.finish().await;
}

#[tokio::test]
async fn a_paused_one_makes_nothing_and_goes_on_from_now() {
    let world = World::new().await;
    let made = make(&world, with(json!({ "paused": true }))).await;
    assert!(made.json().get("next_at").is_none());
    until(&world, "2026-11-23T12:00:00Z").await;
    let manager = world.town.again(&world.town.bakery.manager);
    let change =
        |body: Value, version| world.town.patch(path(&made), body).bearer(&manager.token).if_match(version);
    let resumed = change(json!({ "paused": false }), 1).await.is(200);
    assert_eq!(resumed.text("/next_at"), "2026-11-24T05:00:00Z");
    change(json!({ "paused": true }), 1).await.refused(412, "stale");
    let later = change(json!({ "lead_minutes": 30, "name": "Buns" }), 2).await.is(200);
    assert_eq!(
        (later.text("/next_at"), later.text("/name")),
        ("2026-11-24T05:30:00Z".to_owned(), "Buns".to_owned())
    );
    let moved = change(json!({ "starts_at": "2026-11-23T15:00", "rrule": "FREQ=WEEKLY" }), 3).await.is(200);
    assert_eq!(moved.text("/next_at"), "2026-11-23T12:30:00Z");
    assert_eq!(moved.json()["template"], made.json()["template"]);
    until(&world, "2026-11-23T12:31:00Z").await;
    assert_eq!(items(&world, "/api/v1/orders").await.len(), 1);
    assert!(items(&world, &format!("{}/occurrences", path(&made))).await.len() == 1);
    world.town.finish().await;
}

/// A rule of the bakery's shop, in its place and on its clock.
async fn of_shop(world: &World, shop: ShopId) -> Reply {
    let mut body = with(json!({ "time_zone": null, "shop_id": shop }));
    body["template"].as_object_mut().unwrap().remove("pickup");
    make(world, body).await
}

#[tokio::test]
async fn a_shop_gives_its_place_and_its_clock_and_is_followed() {
    let world = World::new().await;
    let (shop, _) = world.shop().await;
    let made = of_shop(&world, shop).await;
    assert_eq!(
        (made.text("/time_zone"), made.text("/next_at")),
        ("Europe/Helsinki".to_owned(), "2026-11-21T05:00:00Z".to_owned())
    );
    let facts = ShopFacts { time_zone: "America/New_York".to_owned(), ..ShopFacts::example() };
    world.town.publish(world.town.bakery.id, shop, 2, &ShopUpdated { shop_id: shop, facts }).await;
    world.town.settle().await;
    let moved = read(&world, &path(&made)).await;
    assert_eq!(
        (&moved["time_zone"], &moved["next_at"]),
        (&json!("America/New_York"), &json!("2026-11-21T12:00:00Z"))
    );
    until(&world, "2026-11-21T12:01:00Z").await;
    let orders = items(&world, "/api/v1/orders").await;
    assert_eq!(
        (&orders[0]["pickup"]["street"], &orders[0]["number"]),
        (&json!("Aleksanterinkatu 52"), &json!("A-001"))
    );
    world.town.finish().await;
}

#[tokio::test]
async fn a_refused_order_is_recorded_and_keeps_the_others_going() {
    let world = World::new().await;
    let (shop, _) = world.shop().await;
    let refused = of_shop(&world, shop).await;
    let other = make(&world, bread()).await;
    world.town.publish(world.town.bakery.id, shop, 2, &ShopDeleted { shop_id: shop }).await;
    world.town.settle().await;
    until(&world, "2026-11-21T05:01:00Z").await;
    assert_eq!(items(&world, "/api/v1/orders").await.len(), 1);
    assert_eq!(items(&world, &format!("{}/occurrences", path(&other))).await[0]["state"], "created");
    let past = items(&world, &format!("{}/occurrences", path(&refused))).await;
    assert_eq!(
        (&past[0]["state"], &past[0]["reason"]),
        (&json!("failed"), &json!("/shop_id there is no such shop"))
    );
    let now = read(&world, &path(&refused)).await;
    assert_eq!((&now["last_error"], &now["next_at"]), (&past[0]["reason"], &json!("2026-11-22T05:00:00Z")));
    until(&world, "2026-11-22T05:01:00Z").await;
    assert_eq!(items(&world, "/api/v1/orders").await.len(), 2);
    world.town.finish().await;
}

#[tokio::test]
async fn when_the_customer_is_erased_nothing_about_them_is_left_and_nothing_is_made() {
    let world = World::new().await;
    let customer = CustomerId::new(Uuid::from_u128(77));
    let mut body = bread();
    body["template"]["customer_id"] = json!(customer);
    let made = make(&world, body).await;
    let org = world.town.bakery.id;
    let mut tx = world.town.ground.db.begin(&Scope::system(org)).await.unwrap();
    world.town.ground.vault.destroy(&mut tx, Subject::of_org(org, customer)).await.unwrap();
    tx.commit().await.unwrap();
    until(&world, "2026-11-21T05:01:00Z").await;
    assert!(items(&world, "/api/v1/orders").await.is_empty());
    let now = read(&world, &path(&made)).await;
    assert!(now.get("template").is_none() && now.get("next_at").is_none(), "{now}");
    assert_eq!((&now["paused"], now["last_error"].is_string()), (&json!(true), true));
    // Somebody else may have it.
    let manager = world.town.again(&world.town.bakery.manager);
    let change = |body: Value| world.town.patch(path(&made), body).bearer(&manager.token).if_match(2);
    change(json!({ "paused": false })).await.refused(422, "invalid");
    let again = change(json!({ "paused": false, "template": bread()["template"] })).await.is(200);
    // What was refused and is not over yet is made up for.
    assert_eq!(again.text("/next_at"), "2026-11-21T05:00:00Z");
    until(&world, "2026-11-21T05:03:00Z").await;
    assert_eq!(items(&world, "/api/v1/orders").await.len(), 1);
    let past = items(&world, &format!("{}/occurrences", path(&made))).await;
    assert_eq!(texts(&past, "state"), ["created"]);
    let now = read(&world, &path(&made)).await;
    assert_eq!((now.get("last_error"), &now["next_at"]), (None, &json!("2026-11-22T05:00:00Z")));
    world.town.finish().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_at_its_field() {
    let world = World::new().await;
    let (shop, _) = world.shop().await;
    let manager = &world.town.bakery.manager.token;
    let mut backward = bread();
    backward["template"]["dropoff"]["window_from_min"] = json!(60);
    let mut pin = bread();
    pin["template"]["proof"] = json!({ "pickup": { "pin": "required" } });
    let mut nowhere = bread();
    nowhere["template"].as_object_mut().unwrap().remove("pickup");
    for (body, pointer) in [
        (with(json!({ "rrule": "FREQ=HOURLY" })), "/rrule"),
        (with(json!({ "rrule": "FREQ=DAILY;BYHOUR=8,9" })), "/rrule"),
        (with(json!({ "rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30" })), "/rrule"),
        (with(json!({ "rrule": "FREQ=DAILY;COUNT=2", "starts_at": "2026-11-01T08:00" })), "/rrule"),
        (with(json!({ "rrule": "every day" })), "/rrule"),
        (with(json!({ "time_zone": "Mars/Olympus" })), "/time_zone"),
        (with(json!({ "time_zone": null })), "/time_zone"),
        (with(json!({ "shop_id": shop })), "/time_zone"),
        (with(json!({ "shop_id": "shop_01h455vb4pex5vsknk084sn02q", "time_zone": null })), "/shop_id"),
        (with(json!({ "starts_at": "2026-02-30T08:00" })), "/starts_at"),
        (with(json!({ "starts_at": "2026-11-21T08:00Z" })), "/starts_at"),
        (with(json!({ "lead_minutes": 10_081 })), "/lead_minutes"),
        (backward, "/template/dropoff/window_until_min"),
        (pin, "/template/proof/pickup/pin"),
        (nowhere, "/template/pickup"),
    ] {
        let reply = world.town.post(PATH, &body).bearer(manager).await.refused(422, "invalid");
        assert_eq!(reply.text("/errors/0/pointer"), pointer, "{body}");
    }
    assert_eq!(world.town.count("SELECT count(*) FROM orders.recurrences").await, 0);
    world.town.finish().await;
}

#[tokio::test]
async fn a_rule_can_be_looked_at_first() {
    let world = World::new().await;
    let manager = &world.town.bakery.manager.token;
    let asked = json!({ "time_zone": "Europe/Helsinki", "rrule": "FREQ=MONTHLY;BYDAY=-1FR", "starts_at": "2026-01-01T18:00", "count": 2 });
    let times = world.town.post(format!("{PATH}/preview"), &asked).bearer(manager).await.is(200);
    let times = times.json()["occurrences"].as_array().unwrap().clone();
    assert_eq!(texts(&times, "local"), ["2026-11-27T18:00:00", "2026-12-25T18:00:00"]);
    assert_eq!(texts(&times, "at"), ["2026-11-27T16:00:00Z", "2026-12-25T16:00:00Z"]);
    let over = json!({ "time_zone": "UTC", "rrule": "FREQ=DAILY;COUNT=1", "starts_at": "2026-01-01T18:00" });
    let none = world.town.post(format!("{PATH}/preview"), &over).bearer(manager).await.is(200);
    assert_eq!(none.json()["occurrences"], json!([]));
    world.town.finish().await;
}

#[tokio::test]
async fn another_organisation_finds_nothing_and_a_key_makes_one() {
    let world = World::new().await;
    let manager = &world.town.bakery.manager.token;
    let send = || world.town.post(PATH, bread()).bearer(manager).key("bread");
    let first = send().await.is(201);
    assert_eq!(send().await.is(201).body, first.body);
    let one = path(&first);
    for token in strangers(&world.town.florist) {
        world.town.get(&one).bearer(token).await.refused(404, "not_found");
        world.town.get(format!("{one}/occurrences")).bearer(token).await.refused(404, "not_found");
        world.town.delete(&one).bearer(token).await.refused(404, "not_found");
        world
            .town
            .patch(&one, json!({ "paused": true }))
            .bearer(token)
            .if_match(1)
            .await
            .refused(404, "not_found");
        assert_eq!(world.town.get(PATH).bearer(token).await.is(200).json()["items"], json!([]));
    }
    let second = make(&world, with(json!({ "name": "Buns" }))).await;
    let page = read(&world, &format!("{PATH}?limit=1")).await;
    assert_eq!(page["items"][0]["id"], second.json()["id"]);
    assert!(page["items"][0].get("upcoming").is_none());
    let next =
        read(&world, &format!("{PATH}?limit=1&cursor={}", page["next_cursor"].as_str().unwrap())).await;
    assert_eq!((&next["items"][0]["id"], next.get("next_cursor")), (&first.json()["id"], None));
    world.town.finish().await;
}
