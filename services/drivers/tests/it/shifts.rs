//! Shifts are planned, moved, told of, and taken back.

use kernel::time::SignedDuration;
use serde_json::{Value, json};
use testkit::http::Reply;
use testkit::service::Town;

use crate::world::{add, how_many, last, on_board, on_board_as, open};

async fn plan(town: &Town, driver: &str, from: &str, until: &str) -> Reply {
    let body = json!({ "driver_id": driver, "from": from, "until": until });
    town.post("/api/v1/shifts", body).bearer(&town.bakery.dispatcher.token).await
}

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_shift_is_planned_moved_and_taken_back() {
    let town = open().await;
    let driver = on_board(&town).await;
    let dispatcher = town.bakery.dispatcher.token.as_str();
    let breaks = json!([{ "from": "2026-11-21T12:00:00Z", "until": "2026-11-21T12:30:00Z" }]);
    let body = json!({ "driver_id": driver, "from": "2026-11-21T08:00:00Z", "until": "2026-11-21T16:00:00Z", "breaks": breaks });
    let made = town.post("/api/v1/shifts", body).bearer(dispatcher).await.is(201);
    assert_eq!((made.version(), &made.json()["breaks"]), (1, &breaks));
    let told = last(&town, "driver.updated.v1").await;
    assert_eq!(told["changed"], json!(["shifts"]));
    let shift = json!({ "shift_id": made.text("/id"), "from": "2026-11-21T08:00:00Z", "until": "2026-11-21T16:00:00Z",
                        "breaks": [["2026-11-21T12:00:00Z", "2026-11-21T12:30:00Z"]] });
    assert_eq!(told["facts"]["shifts"], json!([shift]));

    let path = format!("/api/v1/shifts/{}", made.text("/id"));
    let change = json!({ "until": "2026-11-21T17:00:00Z", "breaks": [] });
    let moved = town.patch(&path, change.clone()).bearer(dispatcher).if_match(1).await.is(200);
    assert_eq!(
        (moved.text("/from"), moved.text("/until")),
        ("2026-11-21T08:00:00Z".to_owned(), "2026-11-21T17:00:00Z".to_owned())
    );
    town.patch(&path, change).bearer(dispatcher).if_match(1).await.refused(412, "stale");
    town.delete(&path).bearer(dispatcher).await.is(204);
    town.delete(&path).bearer(dispatcher).await.refused(404, "not_found");
    assert_eq!(last(&town, "driver.updated.v1").await["facts"]["shifts"], json!([]));
    assert_eq!(town.audited().await[2..], ["create_shift", "update_shift", "delete_shift"]);
    town.finish().await;
}

#[tokio::test]
async fn shifts_of_one_driver_do_not_overlap() {
    let town = open().await;
    let (one, two) = (add(&town, &json!({})).await.text("/id"), add(&town, &json!({})).await.text("/id"));
    let first = plan(&town, &one, "2026-11-21T08:00:00Z", "2026-11-21T12:00:00Z").await.is(201).text("/id");
    let refused = plan(&town, &one, "2026-11-21T11:59:59Z", "2026-11-21T14:00:00Z").await;
    assert_eq!(refused.refused(409, "shift_overlaps").json()["shift_id"], json!(first));
    plan(&town, &one, "2026-11-21T07:00:00Z", "2026-11-21T13:00:00Z").await.refused(409, "shift_overlaps");
    plan(&town, &two, "2026-11-21T08:00:00Z", "2026-11-21T12:00:00Z").await.is(201);
    let next = plan(&town, &one, "2026-11-21T12:00:00Z", "2026-11-21T14:00:00Z").await.is(201).text("/id");
    let path = format!("/api/v1/shifts/{next}");
    let change = json!({ "from": "2026-11-21T11:00:00Z" });
    let call = town.patch(&path, change).bearer(&town.bakery.dispatcher.token).if_match(1);
    call.await.refused(409, "shift_overlaps");
    let itself = json!({ "until": "2026-11-21T13:00:00Z" });
    town.patch(&path, itself).bearer(&town.bakery.dispatcher.token).if_match(1).await.is(200);
    town.finish().await;
}

#[tokio::test]
async fn what_is_no_shift_is_refused_with_its_place() {
    let town = open().await;
    let driver = add(&town, &json!({})).await.text("/id");
    for (from, until, pointer) in [
        ("2026-11-21T08:00:00Z", "2026-11-21T08:00:00Z", "/until"),
        ("2026-11-21T08:00:00Z", "2026-11-22T00:00:01Z", "/until"),
        ("2029-11-21T08:00:00Z", "2029-11-21T09:00:00Z", "/from"),
        ("-008000-01-02T00:00:00Z", "-008000-01-02T01:00:00Z", "/from"),
        ("tomorrow", "2026-11-22T00:00:00Z", "/from"),
    ] {
        let refused = plan(&town, &driver, from, until).await.is(422);
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{refused}");
    }
    let body = json!({ "driver_id": driver, "from": "2026-11-21T08:00:00Z", "until": "2026-11-21T16:00:00Z",
                       "breaks": [{ "from": "2026-11-21T15:50:00Z", "until": "2026-11-21T16:10:00Z" }] });
    let refused = town.post("/api/v1/shifts", body).bearer(&town.bakery.manager.token).await.is(422);
    assert_eq!(refused.json()["errors"][0]["pointer"], "/breaks");
    plan(&town, "driver_01h455vb4pex5vsknk084sn02q", "2026-11-21T08:00:00Z", "2026-11-21T09:00:00Z")
        .await
        .refused(404, "not_found");
    assert_eq!(town.count("SELECT count(*) FROM drivers.shifts").await, 0);
    town.finish().await;
}

#[tokio::test]
async fn shifts_are_listed_by_driver_and_time_and_drivers_see_their_own() {
    let town = open().await;
    let mine = on_board(&town).await;
    let other = town.driver(&town.bakery);
    let theirs = on_board_as(&town, &town.bakery, &other).await;
    let day = |day: u8, hour: u8| format!("2026-11-{day}T{hour:02}:00:00Z");
    let a = plan(&town, &mine, &day(21, 8), &day(21, 12)).await.is(201).text("/id");
    let b = plan(&town, &theirs, &day(21, 10), &day(21, 14)).await.is(201).text("/id");
    let c = plan(&town, &mine, &day(22, 8), &day(22, 12)).await.is(201).text("/id");
    let list = async |query: &str, token: &str| {
        ids(&town.get(format!("/api/v1/shifts?{query}")).bearer(token).await.is(200).json())
    };
    let dispatcher = town.bakery.dispatcher.token.as_str();
    let all = [a.clone(), b.clone(), c.clone()];
    assert_eq!(list("", dispatcher).await, all);
    assert_eq!(list(&format!("driver_id={theirs}"), dispatcher).await, all[1..2]);
    assert_eq!(list("from=2026-11-21T12:00:00Z", dispatcher).await, all[1..]);
    assert_eq!(list("until=2026-11-21T10:00:00Z", dispatcher).await, all[..1]);
    assert_eq!(list("from=2026-11-21T12:00:00Z&until=2026-11-22T00:00:00Z", dispatcher).await, all[1..2]);
    assert_eq!(list("from=-008000-01-02T00:00:00Z", dispatcher).await, all);
    assert_eq!(list("", &town.bakery.driver.token).await, [a, c.clone()]);
    assert_eq!(list("", &other.token).await, all[1..2]);
    let first = town.get("/api/v1/shifts?limit=2").bearer(dispatcher).await.is(200);
    let rest = list(&format!("limit=2&cursor={}", first.text("/next_cursor")), dispatcher).await;
    assert_eq!(rest, std::slice::from_ref(&c));
    let path = format!("/api/v1/shifts/{c}");
    town.delete(&path).bearer(&town.bakery.driver.token).await.refused(403, "forbidden");
    town.delete(&path).bearer(&town.florist.owner.token).await.refused(404, "not_found");
    let change = json!({ "breaks": [] });
    town.patch(&path, change).bearer(&town.florist.owner.token).if_match(1).await.refused(404, "not_found");
    town.finish().await;
}

#[tokio::test]
async fn what_comes_within_a_week_is_told_when_the_day_has_come() {
    let town = open().await;
    let driver = add(&town, &json!({})).await.text("/id");
    // Ten days ahead: not yet among what events tell.
    let shift =
        plan(&town, &driver, "2026-11-30T08:00:00Z", "2026-11-30T12:00:00Z").await.is(201).text("/id");
    assert_eq!(last(&town, "driver.updated.v1").await["facts"]["shifts"], json!([]));
    town.pass(SignedDuration::from_hours(2 * 24));
    town.settle().await;
    assert_eq!(how_many(&town, "driver.updated.v1").await, 1);
    town.pass(SignedDuration::from_hours(2 * 24));
    town.settle().await;
    let told = last(&town, "driver.updated.v1").await;
    assert_eq!(
        (&told["changed"], &told["facts"]["shifts"][0]["shift_id"]),
        (&json!(["shifts"]), &json!(shift))
    );
    assert_eq!(how_many(&town, "driver.updated.v1").await, 2);
    town.pass(SignedDuration::from_hours(24));
    town.settle().await;
    assert_eq!(how_many(&town, "driver.updated.v1").await, 2, "once");
    town.finish().await;
}
