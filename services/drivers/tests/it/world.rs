//! A bakery and a florist with drivers, and an identity that knows their names.

use contracts::calls::{Person, PersonOf};
use contracts::identity::{UserCreated, UserRoleChanged};
use kernel::ids::{OrgId, UserId, Uuid};
use kernel::time::SignedDuration;
use serde_json::{Value, json};
use testkit::http::Reply;
use testkit::service::{Actor, FakePeer, Org, Stage, Town};

/// What identity answers about everybody.
pub const NAME: &str = "Grace Brewster Hopper";
/// Everybody's number.
pub const PHONE: &str = "+358401234567";

/// An identity that knows everybody as Grace.
pub fn identity() -> FakePeer {
    let peer = FakePeer::new("identity");
    peer.on(|_asked: PersonOf| Ok(Person { name: NAME.to_owned(), phone: Some(PHONE.to_owned()) }));
    peer
}

/// The service in its world.
pub async fn open() -> Town {
    open_with(&identity()).await
}

/// The service with this identity.
pub async fn open_with(identity: &FakePeer) -> Town {
    Stage::new(drivers::manifest(), drivers::service).with(identity).open().await
}

/// Somebody joins an organisation.
pub async fn join(town: &Town, org: OrgId, user: UserId, role: &str) {
    let membership: Uuid = town.db.random.uuid_v7(town.now());
    town.publish(org, membership, 1, &UserCreated { user_id: user, role: role.to_owned() }).await;
    town.settle().await;
}

/// Somebody's role changes.
pub async fn change_role(town: &Town, org: OrgId, user: UserId, from: &str, to: Option<&str>) {
    let membership: Uuid = town.db.random.uuid_v7(town.now());
    let event = UserRoleChanged { user_id: user, from: from.to_owned(), to: to.map(str::to_owned) };
    town.publish(org, membership, 2, &event).await;
    town.settle().await;
}

/// The bakery's driver, as a profile; the identifier.
pub async fn on_board(town: &Town) -> String {
    on_board_as(town, &town.bakery, &town.bakery.driver).await
}

/// A driver of an organisation, as a profile; the identifier.
pub async fn on_board_as(town: &Town, org: &Org, actor: &Actor) -> String {
    join(town, org.id, actor.user, "driver").await;
    town.get("/api/v1/drivers/me").bearer(&actor.token).await.is(200).text("/id")
}

/// Adds a driver without an account.
pub async fn add(town: &Town, body: &Value) -> Reply {
    // Identifiers are in the order of time from one millisecond to the next, not within one.
    town.pass(SignedDuration::from_millis(2));
    town.post("/api/v1/drivers", body.clone()).bearer(&town.bakery.manager.token).await.is(201)
}

/// Adds a vehicle of this type; the identifier.
pub async fn vehicle(town: &Town, kind: &str) -> String {
    town.pass(SignedDuration::from_millis(2));
    let body = json!({ "type": kind, "description": "red, with a basket", "plate": "ABC-123",
                       "capacity": { "weight_g": 15_000 } });
    town.post("/api/v1/vehicles", body).bearer(&town.bakery.manager.token).await.is(201).text("/id")
}

/// Says what a driver does.
pub async fn say(town: &Town, id: &str, word: &str, token: &str) -> Reply {
    town.put(format!("/api/v1/drivers/{id}/availability"), json!({ "availability": word }))
        .bearer(token)
        .await
}

/// The last event with this subject.
pub async fn last(town: &Town, subject: &str) -> Value {
    let events = town.events().await;
    events.into_iter().rev().find(|(known, _)| known == subject).unwrap_or_else(|| panic!("no {subject}")).1
}

/// How many events with this subject there are.
pub async fn how_many(town: &Town, subject: &str) -> usize {
    town.subjects().await.iter().filter(|known| *known == subject).count()
}
