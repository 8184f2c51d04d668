//! Settings: who sees and changes them, and what they do.

use kernel::time::SignedDuration;
use serde_json::{Value, json};

use crate::world::{SHOP, world};

const PATH: &str = "/api/v1/tracking/settings";

fn wanted() -> Value {
    json!({ "arrivals": "suggest", "retention_days": 2, "arriving_distance_m": 500, "show_driver": false,
        "show_position": false, "show_phone": false })
}

#[tokio::test]
async fn settings_have_a_default_and_are_replaced_whole() {
    let world = world().await;
    let manager = &world.town.bakery.manager.token;
    let default = world.town.get(PATH).bearer(manager).await.is(200);
    assert_eq!((default.version(), &default.json()["arrivals"]), (0, &json!("make")));
    let put = |version| world.town.put(PATH, wanted()).bearer(manager).if_match(version);
    assert_eq!(put(0).await.is(200).version(), 1);
    put(0).await.refused(412, "stale");
    assert_eq!(put(1).await.is(200).json(), wanted());
    assert_eq!(world.town.get(PATH).bearer(manager).await.is(200).version(), 2);
    assert_eq!(world.town.audited().await, ["put_tracking_settings", "put_tracking_settings"]);
    let foreign = world.town.get(PATH).bearer(&world.town.florist.owner.token).await.is(200);
    assert_eq!(foreign.version(), 0, "another organisation has its own");
    world.town.finish().await;
}

#[tokio::test]
async fn settings_are_refused_where_they_mean_nothing() {
    let world = world().await;
    let manager = &world.town.bakery.manager.token;
    world.town.put(PATH, wanted()).bearer(manager).await.refused(428, "precondition_required");
    world.town.get(PATH).bearer(&world.town.bakery.dispatcher.token).await.refused(403, "forbidden");
    for (field, value) in [
        ("retention_days", json!(0)),
        ("retention_days", json!(366)),
        ("arriving_distance_m", json!(49)),
        ("arrivals", json!("guess")),
        ("retention_days", json!(30.0)),
    ] {
        let mut body = wanted();
        body[field] = value;
        world.town.put(PATH, &body).bearer(manager).if_match(0).await.refused(422, "invalid");
    }
    world.town.finish().await;
}

#[tokio::test]
async fn the_history_is_kept_as_long_as_each_organisation_wants() {
    let world = world().await;
    let manager = &world.town.bakery.manager.token;
    world.town.put(PATH, wanted()).bearer(manager).if_match(0).await.is(200);
    world.at(SHOP).await.is(200);
    let foreign = json!({ "lat": SHOP.0, "lon": SHOP.1 });
    let path = format!("/api/v1/drivers/{}/location", world.foreign);
    world.town.post(path, &foreign).bearer(&world.town.florist.owner.token).await.is(200);
    let (all, days) = (
        "SELECT count(*) FROM tracking.positions",
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'tracking.positions'::regclass",
    );
    for (hours, left) in [(2 * 24, 2), (2 * 24, 1), (25 * 24, 1), (4 * 24, 0)] {
        world.town.pass(SignedDuration::from_hours(hours));
        world.town.settle().await;
        assert_eq!(world.town.count(all).await, left, "after {hours} more hours");
    }
    assert!(world.town.count(days).await < 20, "days that nobody keeps are gone");
    world.town.finish().await;
}
