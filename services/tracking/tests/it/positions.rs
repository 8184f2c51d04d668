//! Positions: what is kept, what is not, and who may see them.

use contracts::calls::LastPositions;
use contracts::tracking::DriverLocation;
use kernel::random::Random;
use kernel::time::{SignedDuration, Timestamp};
use platform::db::Scope;
use platform::live::Topic;
use serde_json::{Value, json};

use crate::world::{DOOR, SHOP, World, north_of, world};

fn statuses(results: &Value) -> Vec<String> {
    let results = results["results"].as_array().unwrap();
    results.iter().map(|one| one["reason"].as_str().or(one["status"].as_str()).unwrap().to_owned()).collect()
}

async fn history(world: &World) -> Vec<Value> {
    let dispatcher = world.town.again(&world.town.bakery.dispatcher);
    let path = format!("/api/v1/drivers/{}/locations?limit=200", world.driver);
    let page = world.town.get(path).bearer(&dispatcher.token).await.is(200).json();
    page["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_driver_reports_and_everybody_of_the_organisation_sees_where() {
    let world = world().await;
    let accepted = world.at(SHOP).await.is(200).json();
    assert_eq!(statuses(&accepted), ["accepted"]);
    world.pass(7);
    let manager = &world.town.bakery.manager.token;
    let seen = world.town.get(World::location(world.driver)).bearer(manager).await.is(200).json();
    assert_eq!((seen["lat"].as_f64(), seen["lon"].as_f64()), (Some(SHOP.0), Some(SHOP.1)));
    assert_eq!(seen["age_s"], 7);
    let topic = Topic { name: DriverLocation::TOPIC, org: world.town.bakery.id };
    let live = world.town.ground.live.get(topic, &world.driver.to_string()).await.unwrap();
    let live: DriverLocation = serde_json::from_slice(&live.value.unwrap()).unwrap();
    assert_eq!((live.driver_id, live.accuracy_m), (world.driver, Some(8.0)));
    world.pass(11 * 60);
    let later = world.town.again(&world.town.bakery.manager);
    let written = world.town.get(World::location(world.driver)).bearer(&later.token).await.is(200).json();
    assert!(written["age_s"].as_i64().unwrap() > 600, "from the history");
    world.town.finish().await;
}

#[tokio::test]
async fn each_position_is_answered_by_itself() {
    let world = world().await;
    let now = world.town.now();
    let ago = |seconds: i64| now.checked_sub(SignedDuration::from_secs(seconds)).unwrap();
    let good = json!({ "lat": SHOP.0, "lon": SHOP.1, "at": ago(30), "sequence": 1 });
    let batch = json!([
        good,
        good,
        { "lat": SHOP.0, "lon": SHOP.1, "at": ago(30), "sequence": 2 },
        { "lat": "north" },
        { "lat": 0.0, "lon": 0.0 },
        { "lat": SHOP.0, "lon": SHOP.1, "at": ago(20), "accuracy_m": 900 },
        { "lat": SHOP.0, "lon": SHOP.1, "at": ago(73 * 3600) },
        { "lat": DOOR.0, "lon": DOOR.1, "at": ago(25) },
        { "lat": SHOP.0, "lon": SHOP.1, "at": ago(-600) },
    ]);
    let results = world.report(&batch).await.is(207).json();
    let expected = [
        "accepted",
        "duplicate",
        "accepted",
        "invalid",
        "no_fix",
        "inaccurate",
        "too_old",
        "too_fast",
        "accepted",
    ];
    assert_eq!(statuses(&results), expected);
    let kept = history(&world).await;
    assert_eq!(kept.len(), 3);
    let ahead: Vec<&Value> = kept.iter().filter(|row| row["clock_ahead"] == true).collect();
    assert_eq!(ahead.len(), 1);
    assert_ne!(ahead[0]["at"], ahead[0]["device_at"]);
    let again = world.report(&batch).await.is(207).json();
    let repeated = statuses(&again).into_iter().filter(|status| status == "accepted").count();
    assert_eq!(repeated, 0, "{again}");
    assert_eq!(history(&world).await.len(), 3);
    world.town.finish().await;
}

#[tokio::test]
async fn what_is_no_report_at_all_is_refused() {
    let world = world().await;
    let driver = &world.town.bakery.driver.token;
    let post = |body: &str| {
        let call = world.town.client.post(World::location(world.driver)).bearer(driver);
        call.header("content-type", "application/json").body(body.to_owned())
    };
    post("{").await.refused(400, "invalid_json");
    post("7").await.refused(422, "invalid");
    post("[]").await.refused(422, "invalid");
    let many = json!(vec![json!({ "lat": 1, "lon": 1 }); 501]).to_string();
    post(&many).await.refused(422, "invalid");
    let text = world.town.client.post(World::location(world.driver)).bearer(driver).body("lat=1");
    text.await.refused(415, "unsupported_media_type");
    let unknown = "/api/v1/drivers/driver_00000000000000000000000001/location";
    let manager = &world.town.bakery.manager.token;
    world.town.post(unknown, json!({ "lat": 1, "lon": 1 })).bearer(manager).await.refused(404, "not_found");
    world.town.get(World::location(world.driver)).bearer(manager).await.refused(404, "not_found");
    world.town.finish().await;
}

#[tokio::test]
async fn drivers_handle_their_own_positions_and_nobody_sees_another_organisations() {
    let world = world().await;
    let other = world.another_driver(33).await;
    let body = json!({ "lat": SHOP.0, "lon": SHOP.1 });
    let town = &world.town;
    let post = |driver, token: &str| town.post(World::location(driver), &body).bearer(token);
    post(other, &town.bakery.driver.token).await.refused(404, "not_found");
    post(world.foreign, &town.bakery.owner.token).await.refused(404, "not_found");
    post(world.driver, &town.florist.device_key).await.refused(404, "not_found");
    post(world.driver, &town.bakery.customer.token).await.refused(403, "forbidden");
    post(world.driver, &town.bakery.key("dmd", &["report:packages"])).await.refused(403, "forbidden");
    post(other, &town.bakery.dispatcher.token).await.is(200);
    post(world.driver, &town.bakery.key("dmd", &["report:positions"])).await.is(200);
    for path in [World::location(other), format!("/api/v1/drivers/{other}/locations")] {
        town.get(path.clone()).bearer(&town.bakery.driver.token).await.refused(404, "not_found");
        town.get(path.clone()).bearer(&town.florist.owner.token).await.refused(404, "not_found");
        town.get(path).bearer(&town.bakery.key("dmk", &["tracking:read"])).await.is(200);
    }
    town.get(World::location(world.driver)).bearer(&town.bakery.driver.token).await.is(200);
    world.town.finish().await;
}

#[tokio::test]
async fn the_history_is_read_in_pages_and_by_time() {
    let world = world().await;
    let now = world.town.now();
    let track: Vec<Value> = (0..25)
        .map(|index: i32| {
            let at = now.checked_sub(SignedDuration::from_secs(i64::from(index) * 60)).unwrap();
            let (lat, lon) = north_of(SHOP, f64::from(index) * 100.0);
            json!({ "lat": lat, "lon": lon, "at": at })
        })
        .collect();
    world.report(&json!(track)).await.is(207);
    let token = &world.town.bakery.manager.token;
    let base = format!("/api/v1/drivers/{}/locations", world.driver);
    let (mut seen, mut path) = (Vec::new(), format!("{base}?limit=10"));
    loop {
        let page = world.town.get(path).bearer(token).await.is(200).json();
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|row| row["at"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{base}?limit=10&cursor={cursor}");
    }
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!((seen.len(), &seen), (25, &sorted));
    let from = now.checked_sub(SignedDuration::from_secs(250)).unwrap();
    let part = world.town.get(format!("{base}?from={from}&until={now}")).bearer(token).await.is(200).json();
    assert_eq!(part["items"].as_array().unwrap().len(), 4);
    for bad in ["from=2026-01-01T00:00:00Z", "until=1969-01-01T00:00:00Z", "from=yesterday", "limit=0"] {
        world.town.get(format!("{base}?{bad}")).bearer(token).await.refused(422, "invalid");
    }
    world.town.get(format!("{base}?cursor=x")).bearer(token).await.refused(400, "invalid_cursor");
    world.town.finish().await;
}

#[tokio::test]
async fn positions_that_come_late_do_not_move_the_driver_back() {
    let world = world().await;
    world.at(DOOR).await.is(200);
    let earlier = world.town.now().checked_sub(SignedDuration::from_mins(30)).unwrap();
    world.report(&json!({ "lat": SHOP.0, "lon": SHOP.1, "at": earlier })).await.is(200);
    let token = &world.town.bakery.manager.token;
    let seen = world.town.get(World::location(world.driver)).bearer(token).await.is(200).json();
    assert_eq!(seen["lat"].as_f64(), Some(DOOR.0));
    assert_eq!(history(&world).await.len(), 2);
    world.town.finish().await;
}

#[tokio::test]
async fn services_ask_where_drivers_were_last_seen() {
    let world = world().await;
    world.at(SHOP).await.is(200);
    let peers = world.town.as_service("dispatch");
    let ask = |org, driver_ids| {
        let (peers, scope) = (peers.clone(), Scope::system(org));
        async move { peers.ask(&scope, &LastPositions { driver_ids }).await.unwrap().positions }
    };
    let bakery = world.town.bakery.id;
    assert_eq!(ask(bakery, vec![]).await.len(), 1);
    assert_eq!(ask(bakery, vec![world.driver]).await[0].driver_id, world.driver);
    assert!(ask(world.town.florist.id, vec![world.driver]).await.is_empty());
    world.pass(30 * 60);
    assert_eq!(ask(bakery, vec![world.driver]).await.len(), 1, "from what was written down");
    assert_eq!(ask(bakery, vec![]).await.len(), 1);
    world.pass(31 * 60);
    assert!(ask(bakery, vec![world.driver]).await.is_empty(), "too long ago");
    world.town.finish().await;
}

#[tokio::test]
async fn many_who_report_at_once_are_all_answered() {
    let world = world().await;
    let now = world.town.now();
    let reports = (0..60).map(|index: i32| {
        let at = now.checked_sub(SignedDuration::from_secs(i64::from(index))).unwrap();
        let (lat, lon) = north_of(SHOP, f64::from(index % 7));
        let body = json!([{ "lat": lat, "lon": lon, "at": at }, { "lat": lat, "lon": lon, "at": at }]);
        let world = &world;
        async move { world.report(&body).await.is(207).json() }
    });
    for results in futures::future::join_all(reports).await {
        assert_eq!(statuses(&results), ["accepted", "duplicate"]);
    }
    assert_eq!(history(&world).await.len(), 60);
    world.town.finish().await;
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_nobody_waiting() {
    let world = world().await;
    let now = world.town.now();
    let report = |index: i64| {
        let at = now.checked_sub(SignedDuration::from_secs(index)).unwrap();
        let world = &world;
        async move { world.report(&json!({ "lat": SHOP.0, "lon": SHOP.1, "at": at })).await }
    };
    // Whoever leads is dropped after a few polls, at another place each time.
    for steps in 0..12_i64 {
        let mut leader = Box::pin(report(1_000 + steps));
        for _ in 0..steps {
            if futures::poll!(&mut leader).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let follower = report(steps);
        drop(leader);
        follower.await.is(200);
    }
    assert!(history(&world).await.len() >= 12);
    world.town.finish().await;
}

/// What the history says, without when it was received.
fn shape(history: &[Value]) -> Vec<(String, String, String, bool)> {
    let text = |row: &Value, name: &str| row[name].to_string();
    history
        .iter()
        .map(|row| {
            (text(row, "lat"), text(row, "device_at"), text(row, "sequence"), row["clock_ahead"] == true)
        })
        .collect()
}

#[tokio::test]
async fn the_history_does_not_depend_on_the_order_or_the_repetition_of_messages() {
    let mut seen = Vec::new();
    for seed in 0..4 {
        let world = world().await;
        let random = Random::seeded(seed);
        let now = world.town.now().as_second();
        let mut points: Vec<Value> = (0..60)
            .map(|index: i32| {
                let at = Timestamp::from_second(now - 3_600 + i64::from(index) * 10).unwrap();
                let (lat, lon) = north_of(SHOP, f64::from(index) * 40.0);
                json!({ "lat": lat, "lon": lon, "at": at, "sequence": index })
            })
            .collect();
        if seed > 0 {
            points.extend(points.clone());
            for index in (1..points.len()).rev() {
                let other = random.below(u64::try_from(index).unwrap() + 1);
                points.swap(index, usize::try_from(other).unwrap());
            }
        }
        for batch in points.chunks(7) {
            world.report(&json!(batch)).await.is(207);
        }
        seen.push(shape(&history(&world).await));
        world.town.finish().await;
    }
    assert_eq!(seen[0].len(), 60);
    assert!(seen.iter().all(|one| *one == seen[0]), "the same history from every order");
}

#[tokio::test]
async fn a_position_of_a_clock_that_is_days_ahead_is_kept_once_also_when_its_day_comes() {
    let world = world().await;
    let day = SignedDuration::from_hours(24);
    let ahead = world.town.now().checked_add(SignedDuration::from_hours(10 * 24)).unwrap();
    let report = json!({ "lat": SHOP.0, "lon": SHOP.1, "at": ahead });
    world.report(&report).await.is(200);
    let elsewhere = "SELECT count(*) FROM tracking.positions_default";
    assert_eq!(world.town.count(elsewhere).await, 1);
    assert_eq!(history(&world).await[0]["clock_ahead"], true);
    world.town.pass(day);
    assert_eq!(statuses(&world.report(&report).await.is(200).json()), ["duplicate"], "a day later");
    for _ in 0..9 {
        world.town.pass(day);
        world.town.settle().await;
    }
    assert_eq!(world.town.count(elsewhere).await, 0, "its day has a partition now");
    assert_eq!(world.town.count("SELECT count(*) FROM tracking.positions").await, 1);
    assert_eq!(statuses(&world.report(&report).await.is(200).json()), ["duplicate"], "when its day has come");
    world.town.finish().await;
}

#[tokio::test]
async fn an_impossible_way_is_refused_also_when_it_comes_late_or_again() {
    let world = world().await;
    let now = world.town.now();
    let ago = |seconds: i64| now.checked_sub(SignedDuration::from_secs(seconds)).unwrap();
    let at = |place: (f64, f64), seconds| json!({ "lat": place.0, "lon": place.1, "at": ago(seconds) });
    world.report(&at(SHOP, 600)).await.is(200);
    world.report(&at(SHOP, 1)).await.is(200);
    let wild = at(north_of(SHOP, 5_000.0), 590);
    for _ in 0..2 {
        assert_eq!(statuses(&world.report(&wild).await.is(200).json()), ["too_fast"]);
    }
    let slow = at(north_of(SHOP, 500.0), 540);
    assert_eq!(statuses(&world.report(&slow).await.is(200).json()), ["accepted"]);
    world.town.finish().await;
}

#[tokio::test]
async fn where_a_driver_was_last_seen_is_forgotten_with_the_history() {
    let world = world().await;
    world.at(SHOP).await.is(200);
    world.town.pass(SignedDuration::from_hours(30 * 24));
    world.town.settle().await;
    let manager = world.town.again(&world.town.bakery.manager);
    world.town.get(World::location(world.driver)).bearer(&manager.token).await.is(200);
    world.town.pass(SignedDuration::from_hours(3 * 24));
    world.town.settle().await;
    let manager = world.town.again(&world.town.bakery.manager);
    world.town.get(World::location(world.driver)).bearer(&manager.token).await.refused(404, "not_found");
    assert_eq!(world.town.count("SELECT count(*) FROM tracking.positions").await, 0);
    world.town.finish().await;
}
