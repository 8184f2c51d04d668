//! A bakery and a florist with a shop front.

use kernel::time::SignedDuration;
use serde_json::{Value, json};
use testkit::http::Reply;
use testkit::service::{Stage, Town};

/// The service in its world.
pub async fn open() -> Town {
    Stage::new(storefront::manifest(), storefront::service).open().await
}

/// A shop in the centre of Helsinki that is always open.
pub fn bakery() -> Value {
    json!({
        "name": "Ada's Bakery", "street": "Aleksanterinkatu 52", "postcode": "00100", "city": "Helsinki",
        "country": "FI", "position": { "lat": 60.1699, "lon": 24.9384 }, "phone": "+358912345678",
        "time_zone": "Europe/Helsinki", "currency": "EUR", "preparation_minutes": 15, "service_minutes": 2,
    })
}

/// The value with other members.
pub fn with(mut value: Value, members: &Value) -> Value {
    for (name, member) in members.as_object().unwrap() {
        value[name] = member.clone();
    }
    value
}

/// Adds the bakery's shop; its identifier.
pub async fn shop(town: &Town) -> String {
    shop_like(town, &json!({})).await.text("/id")
}

/// Adds a shop that differs from the bakery's.
pub async fn shop_like(town: &Town, members: &Value) -> Reply {
    later(town);
    town.post("/api/v1/shops", with(bakery(), members)).bearer(&town.bakery.manager.token).await.is(201)
}

/// A square of this many degrees around the bakery's shop.
pub fn square(half: f64) -> Value {
    let round = |degrees: f64| (degrees * 1e4).round() / 1e4;
    let corner =
        |south: f64, west: f64| json!({ "lat": round(60.1699 + south), "lon": round(24.9384 + west) });
    json!([corner(-half, -half), corner(-half, half), corner(half, half), corner(half, -half)])
}

/// A zone for all shops.
pub fn zone(name: &str, half: f64) -> Value {
    json!({ "name": name, "area": square(half), "fee_minor": 390, "minimum_minor": 1500, "currency": "EUR" })
}

/// Adds a zone.
pub async fn add_zone(town: &Town, body: &Value) -> Reply {
    later(town);
    town.post("/api/v1/zones", body.clone()).bearer(&town.bakery.manager.token).await.is(201)
}

/// Identifiers are in the order of time from one millisecond to the next, not within one.
fn later(town: &Town) {
    town.pass(SignedDuration::from_millis(2));
}
