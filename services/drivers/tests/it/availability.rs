//! What drivers say, how late it may come, and who may say it.

use kernel::time::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use testkit::http::Reply;
use testkit::service::Town;

use crate::world::{how_many, last, on_board, open, say};

async fn say_at(town: &Town, id: &str, word: &str, at: Timestamp) -> Reply {
    let body = json!({ "availability": word, "at": at });
    town.put(format!("/api/v1/drivers/{id}/availability"), body).bearer(&town.bakery.dispatcher.token).await
}

fn minutes_ago(town: &Town, minutes: i64) -> Timestamp {
    town.now() - SignedDuration::from_mins(minutes)
}

#[tokio::test]
async fn every_change_is_allowed_and_told() {
    let town = open().await;
    let id = on_board(&town).await;
    let me = town.bakery.driver.token.as_str();
    let words = ["off_duty", "available", "busy", "on_break"];
    let (mut changes, mut available) = (0, 0);
    for from in words {
        for to in words {
            for word in [from, to] {
                let before = town.get("/api/v1/drivers/me").bearer(me).await.is(200);
                let said = say(&town, &id, word, me).await.is(200);
                assert_eq!(
                    (said.text("/availability"), said.json()["taken"].clone()),
                    (word.to_owned(), json!(true))
                );
                if before.text("/availability") == word {
                    assert_eq!(said.version(), before.version(), "{from} -> {to}: nothing changes");
                    assert_eq!(said.text("/since"), before.text("/availability_since"));
                } else {
                    assert_eq!(said.version(), before.version() + 1);
                    changes += 1;
                    available += usize::from(word == "available");
                }
            }
        }
    }
    assert_eq!(how_many(&town, "driver.availability_changed.v1").await, changes);
    assert_eq!(how_many(&town, "driver.available.v1").await, available);
    let lines = town.count("SELECT count(*) FROM drivers.availability_changes WHERE taken").await;
    assert_eq!(usize::try_from(lines).unwrap(), changes);
    town.finish().await;
}

#[tokio::test]
async fn going_on_duty_is_told_in_two_ways() {
    let town = open().await;
    let id = on_board(&town).await;
    let at = minutes_ago(&town, 0);
    town.pass(SignedDuration::from_secs(5));
    say_at(&town, &id, "available", at).await.is(200);
    let changed = last(&town, "driver.availability_changed.v1").await;
    assert_eq!(changed["driver_id"], json!(id));
    assert_eq!((&changed["from"], &changed["to"]), (&json!("off_duty"), &json!("available")));
    assert_eq!(changed["at"], json!(at), "by the clock of the device");
    assert_eq!(last(&town, "driver.available.v1").await, json!({ "driver_id": id, "at": at }));
    assert_eq!(town.audited().await.last().unwrap(), "set_driver_availability");
    town.finish().await;
}

#[tokio::test]
async fn an_older_tap_changes_nothing_and_is_noted() {
    let town = open().await;
    let id = on_board(&town).await;
    town.pass(SignedDuration::from_hours(1));
    let town_of = town.refreshed(&town.bakery);
    let tap = async |word: &str, minutes: i64| {
        let body = json!({ "availability": word, "at": minutes_ago(&town, minutes) });
        town.put(format!("/api/v1/drivers/{id}/availability"), body)
            .bearer(&town_of.driver.token)
            .await
            .is(200)
    };
    assert_eq!(tap("available", 30).await.json()["taken"], true);
    assert_eq!(tap("busy", 10).await.json()["taken"], true);
    let late = tap("off_duty", 20).await;
    assert_eq!((late.text("/availability"), late.json()["taken"].clone()), ("busy".to_owned(), json!(false)));
    // The same again at a later time counts as heard: what was said before it comes too late.
    assert_eq!(tap("busy", 5).await.json()["taken"], true);
    assert_eq!(tap("on_break", 7).await.json()["taken"], false);
    assert_eq!(how_many(&town, "driver.availability_changed.v1").await, 2);
    assert_eq!(town.count("SELECT count(*) FROM drivers.availability_changes WHERE NOT taken").await, 2);
    let sql =
        "SELECT count(*) FROM drivers.availability_changes WHERE from_word = 'busy' AND to_word = 'off_duty'";
    assert_eq!(town.count(sql).await, 1);
    town.finish().await;
}

#[tokio::test]
async fn the_devices_clock_is_believed_within_limits() {
    let town = open().await;
    let id = on_board(&town).await;
    for minutes in [-2, 72 * 60 + 1, 1_000_000] {
        let refused = say_at(&town, &id, "available", minutes_ago(&town, minutes)).await.is(422);
        assert_eq!(refused.json()["errors"][0]["pointer"], "/at");
    }
    let old = say_at(&town, &id, "available", minutes_ago(&town, 72 * 60 - 1)).await.is(200);
    assert_eq!(old.json()["taken"], false, "from before the profile was made");
    let ahead = say_at(&town, &id, "available", town.now() + SignedDuration::from_secs(30)).await.is(200);
    let since: Timestamp = ahead.text("/since").parse().unwrap();
    assert!(since <= town.now(), "a clock that is ahead says now");
    let next = say(&town, &id, "busy", &town.bakery.dispatcher.token).await.is(200);
    assert_eq!(next.json()["taken"], true, "and does not keep others from saying something");
    let bad: [Value; 4] = [
        json!({ "availability": "asleep" }),
        json!({}),
        json!({ "availability": "busy", "at": "now" }),
        json!({ "availability": "busy", "why": "lunch" }),
    ];
    for body in bad {
        let path = format!("/api/v1/drivers/{id}/availability");
        town.put(path, body).bearer(&town.bakery.driver.token).await.is(422);
    }
    town.finish().await;
}

#[tokio::test]
async fn dispatchers_say_it_for_anybody_and_customers_for_nobody() {
    let town = open().await;
    let id = on_board(&town).await;
    say(&town, &id, "available", &town.bakery.dispatcher.token).await.is(200);
    say(&town, &id, "busy", &town.bakery.manager.token).await.is(200);
    say(&town, &id, "on_break", &town.bakery.api_key).await.is(200);
    say(&town, &id, "off_duty", &town.bakery.customer.token).await.refused(403, "forbidden");
    let nobody = "driver_01h455vb4pex5vsknk084sn02q";
    say(&town, nobody, "available", &town.bakery.dispatcher.token).await.refused(404, "not_found");
    let actors = town.count("SELECT count(DISTINCT actor) FROM drivers.availability_changes").await;
    assert_eq!(actors, 3);
    town.finish().await;
}

#[tokio::test]
async fn a_repeated_tap_with_its_key_is_one() {
    let town = open().await;
    let id = on_board(&town).await;
    let path = format!("/api/v1/drivers/{id}/availability");
    let body = json!({ "availability": "available" });
    let call = || town.put(&path, body.clone()).bearer(&town.bakery.driver.token).key("tap");
    let first = call().await.is(200);
    say(&town, &id, "busy", &town.bakery.driver.token).await.is(200);
    assert_eq!(call().await.is(200).json(), first.json());
    let now = town.get("/api/v1/drivers/me").bearer(&town.bakery.driver.token).await.is(200);
    assert_eq!(now.text("/availability"), "busy");
    town.finish().await;
}
