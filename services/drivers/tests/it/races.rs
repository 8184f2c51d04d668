//! Two at once: one waits for the other, and sees what it did.

use kernel::time::SignedDuration;
use serde_json::json;

use crate::world::{add, how_many, join, on_board, open, vehicle};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_overlapping_shifts_one_is_planned() {
    let town = open().await;
    let driver = add(&town, &json!({})).await.text("/id");
    let plan = |from: &str, until: &str| {
        let body = json!({ "driver_id": driver, "from": from, "until": until });
        town.post("/api/v1/shifts", body).bearer(&town.bakery.dispatcher.token).send()
    };
    let (one, two) = tokio::join!(
        plan("2026-11-21T08:00:00Z", "2026-11-21T12:00:00Z"),
        plan("2026-11-21T11:00:00Z", "2026-11-21T15:00:00Z"),
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{one}\n{two}");
    assert_eq!(town.count("SELECT count(*) FROM drivers.shifts").await, 1);
    town.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vehicle_is_taken_or_removed_and_never_both() {
    let town = open().await;
    let manager = town.bakery.manager.token.as_str();
    for _ in 0..5 {
        let bike = vehicle(&town, "bicycle").await;
        let driver = add(&town, &json!({})).await.text("/id");
        let take = town.patch(format!("/api/v1/drivers/{driver}"), json!({ "vehicle_id": bike }));
        let remove = town.delete(format!("/api/v1/vehicles/{bike}")).bearer(manager);
        let (taken, removed) = tokio::join!(take.bearer(manager).if_match(1).send(), remove.send());
        let outcome = (taken.status, removed.status);
        assert!([(200, 409), (404, 204)].contains(&outcome), "{taken}\n{removed}");
    }
    town.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_changes_of_one_version_one_is_stale() {
    let town = open().await;
    let driver = add(&town, &json!({})).await.text("/id");
    let change = |skill: &str| {
        let call = town.patch(format!("/api/v1/drivers/{driver}"), json!({ "skills": [skill] }));
        call.bearer(&town.bakery.manager.token).if_match(1).send()
    };
    let (one, two) = tokio::join!(change("a"), change("b"));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    assert_eq!(how_many(&town, "driver.updated.v1").await, 1);
    town.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn taps_at_once_are_told_in_the_order_of_their_versions() {
    let town = open().await;
    let driver = on_board(&town).await;
    let say = |word: &str| {
        let path = format!("/api/v1/drivers/{driver}/availability");
        town.put(path, json!({ "availability": word })).bearer(&town.bakery.driver.token).send()
    };
    let (one, two, three) = tokio::join!(say("available"), say("busy"), say("on_break"));
    assert_eq!([one.status, two.status, three.status], [200; 3]);
    let mut from = json!("off_duty");
    for (subject, event) in town.events().await {
        if subject == "driver.availability_changed.v1" {
            assert_eq!(event["from"], from, "each begins where the one before ended");
            from = event["to"].clone();
        }
    }
    let now = town.get("/api/v1/drivers/me").bearer(&town.bakery.driver.token).await.is(200);
    assert_eq!(json!(now.text("/availability")), from);
    town.finish().await;
}

#[tokio::test]
async fn a_day_with_many_due_drivers_looks_at_each_in_its_organisation() {
    let town = open().await;
    let licence = json!({ "kind": "driving_licence", "expires_on": "2026-11-20", "required": true });
    for org in [&town.bakery, &town.florist] {
        for _ in 0..2 {
            let body = json!({ "name": "Ada" });
            let id = town.post("/api/v1/drivers", body).bearer(&org.owner.token).await.is(201).text("/id");
            let path = format!("/api/v1/drivers/{id}/documents");
            town.post(path, licence.clone()).bearer(&org.owner.token).await.is(201);
        }
    }
    join(&town, town.bakery.id, town.bakery.driver.user, "driver").await;
    let before = how_many(&town, "driver.updated.v1").await;
    town.pass(SignedDuration::from_hours(24));
    town.settle().await;
    assert_eq!(how_many(&town, "driver.updated.v1").await, before + 4);
    assert_eq!(town.count("SELECT count(*) FROM drivers.drivers WHERE documents_lapsed").await, 4);
    let daily = town.audited().await.into_iter().filter(|action| action == "drivers.daily").count();
    assert_eq!(daily, 4);
    town.finish().await;
}
