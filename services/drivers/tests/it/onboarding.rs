//! Members of the organisation become drivers, and stop being drivers.

use contracts::calls::PersonOf;
use contracts::identity::UserCreated;
use kernel::ids::Uuid;
use kernel::time::SignedDuration;
use platform::auth::OnBehalf;
use platform::{Error, Kind};
use serde_json::json;

use crate::world::{
    NAME, PHONE, change_role, how_many, identity, join, last, on_board, open, open_with, say,
};

#[tokio::test]
async fn somebody_who_joins_as_a_driver_gets_a_profile_with_a_name() {
    let peer = identity();
    let town = open_with(&peer).await;
    let id = on_board(&town).await;
    let me = town.get("/api/v1/drivers/me").bearer(&town.bakery.driver.token).await.is(200);
    assert_eq!((me.text("/name"), me.text("/phone")), (NAME.to_owned(), PHONE.to_owned()));
    assert_eq!((me.text("/availability"), me.json()["active"].clone()), ("off_duty".to_owned(), json!(true)));
    assert_eq!(me.text("/user_id"), town.bakery.driver.user.to_string());
    let told = peer.told();
    assert_eq!((told.len(), told[0].on_behalf), (1, OnBehalf::System(Some(town.bakery.id))));
    let events = town.events().await;
    let subjects: Vec<_> = events.iter().map(|(subject, _)| subject.as_str()).collect();
    assert_eq!(subjects, ["driver.created.v1", "driver.updated.v1"]);
    assert_eq!(events[0].1["facts"]["user_id"], json!(town.bakery.driver.user));
    assert_eq!(events[1].1["changed"], json!(["name", "phone"]));
    assert_eq!(events[1].1["driver_id"], json!(id));
    assert!(!format!("{events:?}").contains("Hopper"), "names do not travel in events");
    assert_eq!(town.audited().await, ["drivers.onboarding", "drivers.learn_person"]);
    town.finish().await;
}

#[tokio::test]
async fn nothing_personal_is_stored_in_clear() {
    let town = open().await;
    on_board(&town).await;
    let sql = "SELECT count(*) FROM drivers.drivers d WHERE d::text LIKE '%Hopper%' OR d::text LIKE '%401234567%'
                  OR encode(d.name, 'escape') LIKE '%Hopper%' OR encode(d.phone, 'escape') LIKE '%401234567%'";
    assert_eq!(town.count(sql).await, 0);
    let sql = "SELECT count(*) FROM platform.jobs WHERE payload::text LIKE '%Hopper%'";
    assert_eq!(town.count(sql).await, 0);
    town.finish().await;
}

#[tokio::test]
async fn the_same_news_twice_has_one_effect() {
    let town = open().await;
    let user = town.bakery.driver.user;
    on_board(&town).await;
    // The same membership told again under another event, and the same role once more.
    join(&town, town.bakery.id, user, "driver").await;
    change_role(&town, town.bakery.id, user, "driver", Some("driver")).await;
    assert_eq!(town.count("SELECT count(*) FROM drivers.drivers").await, 1);
    assert_eq!(how_many(&town, "driver.created.v1").await, 1);
    assert_eq!(how_many(&town, "driver.updated.v1").await, 1);
    town.finish().await;
}

#[tokio::test]
async fn one_person_is_another_driver_in_another_organisation() {
    let town = open().await;
    let user = town.bakery.driver.user;
    join(&town, town.bakery.id, user, "driver").await;
    join(&town, town.florist.id, user, "driver").await;
    assert_eq!(town.count("SELECT count(DISTINCT org_id) FROM drivers.drivers").await, 2);
    assert_eq!(how_many(&town, "driver.created.v1").await, 2);
    town.finish().await;
}

#[tokio::test]
async fn other_roles_are_no_drivers() {
    let peer = identity();
    let town = open_with(&peer).await;
    for role in ["owner", "manager", "dispatcher", "customer"] {
        join(&town, town.bakery.id, town.driver(&town.bakery).user, role).await;
    }
    change_role(&town, town.bakery.id, town.bakery.manager.user, "manager", Some("owner")).await;
    change_role(&town, town.bakery.id, town.bakery.driver.user, "driver", None).await;
    assert_eq!(town.count("SELECT count(*) FROM drivers.drivers").await, 0);
    assert_eq!(peer.told(), []);
    town.finish().await;
}

#[tokio::test]
async fn who_is_a_driver_no_more_is_off_duty_and_comes_back_as_the_same() {
    let town = open().await;
    let (id, user) = (on_board(&town).await, town.bakery.driver.user);
    say(&town, &id, "available", &town.bakery.driver.token).await.is(200);
    town.pass(SignedDuration::from_secs(1));
    change_role(&town, town.bakery.id, user, "driver", Some("dispatcher")).await;
    let path = format!("/api/v1/drivers/{id}");
    let gone = town.get(&path).bearer(&town.bakery.manager.token).await.is(200);
    assert_eq!(
        (gone.text("/availability"), gone.json()["active"].clone()),
        ("off_duty".to_owned(), json!(false))
    );
    let updated = last(&town, "driver.updated.v1").await;
    assert_eq!((&updated["changed"], &updated["facts"]["active"]), (&json!(["active"]), &json!(false)));
    let said = last(&town, "driver.availability_changed.v1").await;
    assert_eq!((&said["from"], &said["to"]), (&json!("available"), &json!("off_duty")));
    say(&town, &id, "available", &town.bakery.dispatcher.token).await.refused(409, "driver_inactive");

    let before = town.subjects().await.len();
    change_role(&town, town.bakery.id, user, "dispatcher", None).await;
    assert_eq!(town.subjects().await.len(), before, "left as something else");
    change_role(&town, town.bakery.id, user, "customer", Some("driver")).await;
    let back = town.get(&path).bearer(&town.bakery.manager.token).await.is(200);
    assert_eq!((back.json()["active"].clone(), back.text("/name")), (json!(true), NAME.to_owned()));
    change_role(&town, town.bakery.id, user, "driver", None).await;
    join(&town, town.bakery.id, user, "driver").await;
    let again = town.get(&path).bearer(&town.bakery.manager.token).await.is(200);
    assert_eq!(again.json()["active"], true, "joined anew");
    assert_eq!(town.count("SELECT count(*) FROM drivers.drivers").await, 1);
    town.finish().await;
}

#[tokio::test]
async fn while_identity_is_away_the_driver_has_no_name_and_gets_it_later() {
    let peer = identity();
    peer.away(true);
    let town = open_with(&peer).await;
    join(&town, town.bakery.id, town.bakery.driver.user, "driver").await;
    let me = || town.get("/api/v1/drivers/me").bearer(&town.bakery.driver.token);
    assert_eq!(me().await.is(200).json().get("name"), None, "works without a name");
    for _ in 0..3 {
        town.pass(SignedDuration::from_secs(60));
        town.settle().await;
    }
    assert_eq!(me().await.is(200).json().get("name"), None);
    peer.away(false);
    town.pass(SignedDuration::from_secs(600));
    town.settle().await;
    assert_eq!(me().await.is(200).text("/name"), NAME);
    assert_eq!(peer.told().len(), 1);
    town.finish().await;
}

#[tokio::test]
async fn somebody_whom_identity_does_not_know_stays_without_a_name() {
    let peer = identity();
    peer.on(|_asked: PersonOf| Err(Error::not_found("person")));
    let town = open_with(&peer).await;
    let id = on_board(&town).await;
    let found = town.get(format!("/api/v1/drivers/{id}")).bearer(&town.bakery.owner.token).await.is(200);
    assert_eq!(found.json().get("name"), None);
    assert_eq!(how_many(&town, "driver.updated.v1").await, 0);
    town.finish().await;
}

#[tokio::test]
async fn what_a_manager_wrote_meanwhile_stays() {
    let peer = identity();
    peer.on(|_asked: PersonOf| Err(Error::new(Kind::TooMany, "too_many", "Later.")));
    let town = open_with(&peer).await;
    let id = on_board(&town).await;
    let change = json!({ "name": "Amazing Grace" });
    let path = format!("/api/v1/drivers/{id}");
    town.patch(&path, change).bearer(&town.bakery.manager.token).if_match(1).await.is(200);
    let peer_knows = |_asked: PersonOf| {
        Ok(contracts::calls::Person { name: NAME.to_owned(), phone: Some(PHONE.to_owned()) })
    };
    peer.on(peer_knows);
    town.pass(SignedDuration::from_secs(600));
    town.settle().await;
    let found = town.get(&path).bearer(&town.bakery.manager.token).await.is(200);
    assert_eq!((found.text("/name"), found.json().get("phone")), ("Amazing Grace".to_owned(), None));
    town.finish().await;
}

#[tokio::test]
async fn an_event_that_is_delivered_twice_is_heard_once() {
    let town = open().await;
    let event = UserCreated { user_id: town.bakery.driver.user, role: "driver".to_owned() };
    let membership: Uuid = town.db.random.uuid_v7(town.now());
    town.publish(town.bakery.id, membership, 1, &event).await;
    town.settle().await;
    // The consumer is set back to the start of the log, as after a restore.
    let rewind =
        "WITH back AS (UPDATE bus.cursors SET last_offset = 0 RETURNING 1) SELECT count(*) FROM back";
    assert!(town.count(rewind).await > 0);
    town.settle().await;
    assert_eq!(town.count("SELECT count(*) FROM drivers.drivers").await, 1);
    assert_eq!(how_many(&town, "driver.created.v1").await, 1);
    town.finish().await;
}

#[tokio::test]
async fn names_and_numbers_are_in_no_log_and_no_audit() {
    let town = open().await;
    let id = on_board(&town).await;
    let manager = town.bakery.manager.token.as_str();
    let found = town.get("/api/v1/drivers?phone=%2B358401234567").bearer(manager).await.is(200);
    assert_eq!(found.text("/items/0/id"), id);
    let path = format!("/api/v1/drivers/{id}");
    let change = json!({ "notes": "Limps after the accident." });
    town.patch(&path, change).bearer(manager).if_match(2).await.is(200);
    town.patch(&path, json!({ "phone": "Hopper" })).bearer(manager).if_match(3).await.is(422);
    town.settle().await;
    let logged = town.logs.text();
    assert!(!logged.is_empty(), "the house is heard");
    for word in ["Hopper", "401234567", "Limps"] {
        assert!(!logged.contains(word), "{word} was logged");
    }
    let sql = "SELECT count(*) FROM platform.audit_entries WHERE detail::text ~ 'Hopper|401234567|Limps'";
    assert_eq!(town.count(sql).await, 0);
    let sql = "SELECT count(*) FROM bus.log WHERE payload::text ~ 'Hopper|401234567|Limps'";
    assert_eq!(town.count(sql).await, 0);
    town.finish().await;
}
