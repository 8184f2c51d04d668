//! Packages: added, found, changed, reported of, seen.

use contracts::calls::PackageOrder;
use kernel::time::SignedDuration;
use platform::Kind;
use platform::db::Scope;
use serde_json::{Value, json};
use testkit::http::Call;

use crate::world::{World, path, plain_order, strangers};

fn scan(world: &World, number: &str, token: &str, body: Value) -> Call {
    world.town.post(format!("/api/v1/packages/{number}/status"), body).bearer(token)
}

/// An order that the bakery's driver has: its path, and the numbers of its two packages.
async fn two_packages(world: &World) -> (String, [String; 2]) {
    let order = world.given_to(world.employ(&world.town.bakery.driver)).await;
    let now = world.read(&order).await;
    let number = |at: usize| now["packages"][at]["tracking_number"].as_str().unwrap().to_owned();
    (order, [number(0), number(1)])
}

#[tokio::test]
async fn a_package_alone_has_an_order_of_its_own() {
    let world = World::new().await;
    let mut body = plain_order();
    let (pickup, dropoff) = (body["pickup"].take(), body["dropoff"].take());
    let new = json!({ "package": { "description": "A cake", "weight_g": 900 }, "pickup": pickup, "dropoff": dropoff });
    let post = || world.town.post("/api/v1/packages", &new).bearer(&world.town.bakery.api_key).key("cake");
    let made = post().await.is(201);
    assert_eq!(post().await.is(201).body, made.body);
    let order = world.read(&format!("/api/v1/orders/{}", made.text("/order_id"))).await;
    assert_eq!(
        (&order["source"], &order["packages"][0]["description"]),
        (&json!("package"), &json!("A cake"))
    );
    let more = json!({ "package": { "barcode": "42" }, "order_id": made.text("/order_id") });
    let added =
        world.town.post("/api/v1/packages", &more).bearer(&world.town.bakery.manager.token).await.is(201);
    assert_eq!(added.text("/order_id"), made.text("/order_id"));
    let cases = [
        ("/dropoff", json!({ "package": {} })),
        (
            "/order_id",
            json!({ "package": {}, "order_id": made.text("/order_id"), "dropoff": new["dropoff"] }),
        ),
    ];
    for (pointer, body) in cases {
        let refused =
            world.town.post("/api/v1/packages", body).bearer(&world.town.bakery.manager.token).await;
        assert_eq!((refused.status, refused.text("/errors/0/pointer").as_str()), (422, pointer));
    }
    let florist = &world.town.florist.owner.token;
    world.town.post("/api/v1/packages", &more).bearer(florist).await.refused(404, "not_found");
    assert_eq!(world.town.subjects().await, ["order.created.v1", "order.updated.v1"]);
    for (query, wanted) in [
        ("barcode=42", 1),
        ("barcode=43", 0),
        ("status=pending", 2),
        ("status=delivered", 0),
        (&*format!("order={}", made.text("/order_id")), 2),
        (&*format!("tracking_number={}", &made.text("/tracking_number")[..9].to_lowercase()), 1),
    ] {
        let page = world.read(&format!("/api/v1/packages?{query}")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), wanted, "{query}");
    }
    world.town.finish().await;
}

#[tokio::test]
async fn anybody_with_the_number_sees_where_it_is_and_nothing_about_people() {
    let world = World::new().await;
    let (_, [number, _]) = two_packages(&world).await;
    let driver = &world.town.bakery.driver.token;
    let said =
        json!({ "status": "picked_up", "note": "Grace's bread", "position": { "lat": 60.17, "lon": 24.94 } });
    scan(&world, &number, driver, said).await.is(200);
    let path = format!("/api/v1/packages/{number}");
    let typed = format!("/api/v1/packages/{}-{}", number[..5].to_lowercase(), &number[5..]);
    let anybody = world.town.get(&typed).await.is(200);
    let shown = anybody.json();
    assert_eq!((&shown["status"], &shown["city"]), (&json!("picked_up"), &json!("Helsinki")));
    assert_eq!(shown["history"].as_array().unwrap().len(), 1);
    assert!(shown.get("package").is_none());
    for word in ["Grace", "position", "user_", "order_", "Hämeentie"] {
        assert!(!String::from_utf8_lossy(&anybody.body).contains(word), "{word}");
    }
    for token in strangers(&world.town.florist) {
        assert_eq!(world.town.get(&path).bearer(token).await.is(200).body, anybody.body);
    }
    let full = world.town.get(&path).bearer(driver).await.is(200);
    assert_eq!(full.text("/history/0/note"), "Grace's bread");
    assert_eq!(full.text("/package/tracking_number"), number);
    // One wrong character is no package.
    let last = if number.ends_with('0') { "1" } else { "0" };
    let wrong = format!("/api/v1/packages/{}{last}", &number[..13]);
    world.town.get(wrong).await.refused(404, "not_found");
    world.town.finish().await;
}

#[tokio::test]
async fn packages_change_before_the_pick_up_only() {
    let world = World::new().await;
    let (order, [first, second]) = two_packages(&world).await;
    let manager = &world.town.bakery.manager.token;
    let path = |number: &str| format!("/api/v1/packages/{number}");
    let lighter = json!({ "weight_g": 100, "barcode": null });
    let changed = world.town.patch(path(&second), &lighter).bearer(manager).if_match(1).await.is(200);
    assert_eq!((changed.version(), changed.json()["weight_g"].clone()), (2, json!(100)));
    world.town.patch(path(&second), &lighter).bearer(manager).if_match(1).await.refused(412, "stale");
    let florist = &world.town.florist.owner.token;
    world.town.patch(path(&second), &lighter).bearer(florist).if_match(2).await.refused(404, "not_found");
    let (_, event) = world.town.events().await.pop().unwrap();
    assert_eq!(
        (&event["changed"], &event["facts"]["load"]["weight_g"]),
        (&json!(["packages"]), &json!(1300))
    );
    world.town.delete(path(&first)).bearer(manager).await.is(204);
    world.town.delete(path(&second)).bearer(manager).await.refused(409, "last_package");
    world.town.get(path(&first)).await.refused(404, "not_found");
    world.step(&order, &world.town.bakery.driver, "picked_up").await.is(200);
    world.town.patch(path(&second), &lighter).bearer(manager).if_match(3).await.refused(409, "too_late");
    world.town.finish().await;
}

#[tokio::test]
async fn scans_of_all_packages_move_their_order() {
    let world = World::new().await;
    let (order, [first, second]) = two_packages(&world).await;
    let driver = &world.town.bakery.driver.token;
    let status = |word: &str| json!({ "status": word });
    scan(&world, &first, driver, status("picked_up")).await.is(200);
    assert_eq!(world.status(&order).await, "assigned");
    let summary = format!("{order}/summary");
    assert_eq!(world.status(&summary).await, "assigned");
    scan(&world, &second, driver, status("picked_up")).await.is(200);
    assert_eq!(world.status(&order).await, "picked_up");
    assert_eq!(world.status(&summary).await, "picked_up", "what was kept is taken back");
    scan(&world, &first, driver, status("picked_up")).await.is(200);
    scan(&world, &first, driver, status("pending")).await.refused(409, "illegal_scan");
    scan(&world, &first, driver, status("delivered")).await.is(200);
    let failed = scan(&world, &second, driver, status("delivery_failed")).await.is(200);
    assert_eq!(failed.text("/status"), "delivery_failed");
    let now = world.read(&order).await;
    assert_eq!((&now["status"], &now["outcome"]), (&json!("delivered"), &json!("partially_delivered")));
    assert_eq!(now["packages"][1]["status"], "delivery_failed");
    scan(&world, &second, driver, status("delivered")).await.refused(409, "illegal_scan");
    let moved: Vec<_> = world
        .town
        .events()
        .await
        .into_iter()
        .filter(|(subject, _)| subject == "order.status_changed.v1")
        .collect();
    assert_eq!(moved.last().unwrap().1["outcome"], "partially_delivered");
    assert_eq!(moved.len(), 3);
    world.town.finish().await;
}

#[tokio::test]
async fn a_package_of_an_order_that_nobody_has_cannot_be_picked_up() {
    let world = World::new().await;
    let order = path(&world.place(plain_order()).await);
    let now = world.read(&order).await;
    let number = now["packages"][0]["tracking_number"].as_str().unwrap();
    let device = &world.town.bakery.device_key;
    let refused =
        scan(&world, number, device, json!({ "status": "picked_up" })).await.refused(409, "illegal_scan");
    assert_eq!(refused.text("/order_status"), "created");
    scan(&world, number, device, json!({ "status": "on_hold" })).await.is(200);
    scan(&world, number, device, json!({ "status": "lost" })).await.refused(422, "invalid");
    world.town.finish().await;
}

#[tokio::test]
async fn a_device_key_may_report_and_nothing_else() {
    let world = World::new().await;
    let (order, [number, _]) = two_packages(&world).await;
    let device = world.town.bakery.key("dmd", &["report:packages"]);
    let body = json!({ "status": "picked_up" });
    scan(&world, &number, &device, body.clone()).await.is(200);
    scan(&world, &number, &world.town.bakery.key("dmd", &["report:positions"]), body.clone())
        .await
        .refused(403, "forbidden");
    scan(&world, &number, &world.town.florist.device_key, body.clone()).await.refused(404, "not_found");
    for path in [
        &*order,
        "/api/v1/orders",
        "/api/v1/packages",
        &*format!("{order}/events"),
        &*format!("{order}/proofs"),
    ] {
        world.town.get(path).bearer(&device).await.refused(403, "forbidden");
    }
    world.town.post(format!("{order}/status"), body.clone()).bearer(&device).await.refused(403, "forbidden");
    world.town.post("/api/v1/orders", plain_order()).bearer(&device).await.refused(403, "forbidden");
    // What a device reads is what anybody reads.
    let shown = world.town.get(format!("/api/v1/packages/{number}")).bearer(&device).await.is(200);
    assert!(shown.json().get("package").is_none());
    // An integration reports with the scope, a driver what the driver has.
    scan(
        &world,
        &number,
        &world.town.bakery.key("dmk", &["report:packages"]),
        json!({ "status": "in_transit" }),
    )
    .await
    .is(200);
    let other = world.town.driver(&world.town.bakery);
    world.employ(&other);
    scan(&world, &number, &other.token, json!({ "status": "delivered" })).await.refused(404, "not_found");
    world.town.finish().await;
}

#[tokio::test]
async fn places_where_a_package_was_seen_are_found_by_time_and_box() {
    let world = World::new().await;
    let (_, [number, _]) = two_packages(&world).await;
    let driver = &world.town.bakery.driver.token;
    let start = world.town.now();
    scan(
        &world,
        &number,
        driver,
        json!({ "status": "picked_up", "position": { "lat": 60.10, "lon": 24.90 } }),
    )
    .await
    .is(200);
    for minutes in 1..=3 {
        let position = json!({ "lat": 60.10 + f64::from(minutes) / 100.0, "lon": 24.90 });
        let at = start - SignedDuration::from_mins(i64::from(minutes));
        scan(&world, &number, driver, json!({ "status": "in_transit", "position": position, "at": at }))
            .await
            .is(200);
    }
    scan(&world, &number, driver, json!({ "status": "in_transit" })).await.is(200);
    let places = format!("/api/v1/packages/{number}/locations");
    let count = async |query: String| {
        world.read(&format!("{places}{query}")).await["items"].as_array().unwrap().len()
    };
    assert_eq!(count(String::new()).await, 4);
    assert_eq!(count("?within=60.105,24,60.125,25".to_owned()).await, 2);
    assert_eq!(count(format!("?until={start}")).await, 3);
    assert_eq!(count(format!("?from={}&until={start}", start - SignedDuration::from_mins(2))).await, 2);
    let page = world.read(&format!("{places}?limit=3")).await;
    let next = page["next_cursor"].as_str().unwrap();
    assert_eq!(count(format!("?limit=3&cursor={next}")).await, 1);
    let manager = &world.town.bakery.manager.token;
    world.town.get(format!("{places}?within=1,2,3")).bearer(manager).await.refused(422, "invalid");
    world.town.get(&places).bearer(&world.town.florist.owner.token).await.refused(404, "not_found");
    world.town.finish().await;
}

#[tokio::test]
async fn the_gateway_asks_which_order_a_package_belongs_to() {
    let world = World::new().await;
    let (order, [number, _]) = two_packages(&world).await;
    let (peers, scope) = (world.town.as_service("gateway"), Scope::installation());
    let ask = |number: &str| {
        let (peers, scope, call) = (&peers, &scope, PackageOrder { tracking_number: number.to_owned() });
        async move { peers.ask(scope, &call).await }
    };
    let found = ask(&number).await.unwrap();
    assert_eq!(found.org_id, world.town.bakery.id);
    assert_eq!(order, format!("/api/v1/orders/{}", found.order_id));
    assert_eq!(ask("P000000000000A").await.unwrap_err().kind(), Kind::NotFound);
    world.town.finish().await;
}
