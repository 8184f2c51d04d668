//! What other services ask.

use contracts::calls::{DriverCards, DriverOfUser};
use kernel::ids::{DriverId, UserId, Uuid};
use kernel::travel::Profile;
use platform::Kind;
use platform::db::Scope;
use platform::vault::Subject;
use serde_json::json;

use crate::world::{NAME, add, on_board, open, vehicle};

#[tokio::test]
async fn a_card_holds_what_a_customer_may_know() {
    let town = open().await;
    let bike = vehicle(&town, "cargo_bike").await;
    let mine: DriverId = on_board(&town).await.parse().unwrap();
    let path = format!("/api/v1/drivers/{mine}");
    let change = json!({ "vehicle_id": bike });
    town.patch(path, change).bearer(&town.bakery.manager.token).if_match(2).await.is(200);
    let plain: DriverId = add(&town, &json!({ "phone": "+358409999999" })).await.text("/id").parse().unwrap();
    let nobody = DriverId::new(Uuid::from_u128(7));
    let peers = town.as_service("tracking");
    let ask = DriverCards { driver_ids: vec![plain, nobody, mine] };
    let cards = peers.ask(&Scope::system(town.bakery.id), &ask).await.unwrap();
    assert_eq!(cards.len(), 2, "who is not there is left out");
    assert_eq!((cards[0].driver_id, cards[0].first_name.as_deref(), cards[0].vehicle), (plain, None, None));
    assert_eq!(cards[1].first_name.as_deref(), NAME.split(' ').next());
    assert_eq!((cards[1].vehicle, cards[1].plate.as_deref()), (Some(Profile::CargoBike), Some("ABC-123")));
    assert_eq!(cards[1].vehicle_description.as_deref(), Some("red, with a basket"));
    assert_eq!(peers.ask(&Scope::system(town.florist.id), &ask).await.unwrap(), []);
    let many = DriverCards { driver_ids: vec![nobody; 101] };
    let refused = peers.ask(&Scope::system(town.bakery.id), &many).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Invalid);
    town.finish().await;
}

#[tokio::test]
async fn after_an_erasure_a_driver_has_no_name() {
    let town = open().await;
    let id: DriverId = on_board(&town).await.parse().unwrap();
    let scope = Scope::system(town.bakery.id);
    let mut tx = town.ground.db.begin(&scope).await.unwrap();
    town.ground.vault.destroy(&mut tx, Subject::of_org(town.bakery.id, id)).await.unwrap();
    tx.commit().await.unwrap();
    let cards = town.as_service("tracking").ask(&scope, &DriverCards { driver_ids: vec![id] }).await.unwrap();
    assert_eq!(cards[0].first_name, None);
    let manager = town.bakery.manager.token.as_str();
    let list = town.get("/api/v1/drivers").bearer(manager).await.is(200).json();
    assert_eq!((list["items"][0].get("name"), list["items"][0].get("phone")), (None, None));
    // What is not personal still changes; nothing personal can be written any more.
    let path = format!("/api/v1/drivers/{id}");
    town.patch(&path, json!({ "skills": ["a"] })).bearer(manager).if_match(2).await.is(200);
    town.patch(&path, json!({ "name": "Eve" })).bearer(manager).if_match(3).await.refused(409, "erased");
    town.finish().await;
}

#[tokio::test]
async fn an_account_is_one_driver_or_none() {
    let town = open().await;
    let id: DriverId = on_board(&town).await.parse().unwrap();
    let peers = town.as_service("orders");
    let ask = |user_id: UserId| DriverOfUser { user_id };
    let user = town.bakery.driver.user;
    assert_eq!(peers.ask(&Scope::system(town.bakery.id), &ask(user)).await.unwrap(), id);
    let refused = peers.ask(&Scope::system(town.florist.id), &ask(user)).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::NotFound);
    let refused = peers.ask(&Scope::system(town.bakery.id), &ask(town.bakery.owner.user)).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::NotFound);
    town.finish().await;
}
