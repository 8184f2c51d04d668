//! The town of these stories: the bakery with a shop, a zone and drivers who can sign in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use contracts::calls::DriverOfUser;
use contracts::storefront::{ShopCreated, ShopFacts, ZoneCreated, ZoneFacts};
use kernel::ids::{DriverId, ShopId, UserId, ZoneId};
use serde_json::{Value, json};
use testkit::http::Reply;
use testkit::service::{Actor, FakePeer, Org, Stage, Town};

/// A town, with drivers that the drivers service knows.
pub(crate) struct World {
    pub town: Town,
    pub drivers: FakePeer,
    known: Arc<Mutex<BTreeMap<UserId, DriverId>>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let drivers = FakePeer::new("drivers");
        let known: Arc<Mutex<BTreeMap<UserId, DriverId>>> = Arc::default();
        let asked = Arc::clone(&known);
        drivers.on::<DriverOfUser, _>(move |call| {
            let driver = asked.lock().unwrap().get(&call.user_id).copied();
            driver.ok_or_else(|| platform::Error::not_found("driver"))
        });
        let town = Stage::new(orders::manifest(), orders::service).with(&drivers).open().await;
        Self { town, drivers, known }
    }

    /// Makes a signed-in person a driver.
    pub(crate) fn employ(&self, actor: &Actor) -> DriverId {
        let driver: DriverId = self.town.db.random.id(self.town.now());
        self.known.lock().unwrap().insert(actor.user, driver);
        driver
    }

    /// Somebody who drives without signing in.
    pub(crate) fn stranger(&self) -> DriverId {
        self.town.db.random.id(self.town.now())
    }

    /// The bakery's shop and its zone, as storefront tells of them.
    pub(crate) async fn shop(&self) -> (ShopId, ZoneId) {
        let (shop_id, zone_id): (ShopId, ZoneId) =
            (self.town.db.random.id(self.town.now()), self.town.db.random.id(self.town.now()));
        let org = self.town.bakery.id;
        self.town.publish(org, shop_id, 1, &ShopCreated { shop_id, facts: ShopFacts::example() }).await;
        self.town.publish(org, zone_id, 1, &ZoneCreated { zone_id, facts: ZoneFacts::example() }).await;
        self.town.settle().await;
        (shop_id, zone_id)
    }

    /// Places an order as the manager of the bakery.
    pub(crate) async fn place(&self, body: Value) -> Reply {
        self.town.post("/api/v1/orders", body).bearer(&self.town.bakery.manager.token).await.is(201)
    }

    /// An order that this driver has; its path.
    pub(crate) async fn given_to(&self, driver: DriverId) -> String {
        let mut body = plain_order();
        body["driver_id"] = json!(driver);
        path(&self.place(body).await)
    }

    /// Reports a step as somebody.
    pub(crate) async fn step(&self, order: &str, by: &Actor, status: &str) -> Reply {
        self.town.post(format!("{order}/status"), json!({ "status": status })).bearer(&by.token).await
    }

    /// What the manager reads at a path.
    pub(crate) async fn read(&self, path: &str) -> Value {
        self.town.get(path).bearer(&self.town.bakery.manager.token).await.is(200).json()
    }

    /// The status of an order.
    pub(crate) async fn status(&self, order: &str) -> String {
        self.read(order).await["status"].as_str().unwrap().to_owned()
    }
}

/// The path of an order that was placed.
pub(crate) fn path(placed: &Reply) -> String {
    format!("/api/v1/orders/{}", placed.text("/id"))
}

/// From one street to another.
pub(crate) fn plain_order() -> Value {
    json!({
        "pickup": { "street": "Aleksanterinkatu 52", "postcode": "00100", "city": "Helsinki",
                    "position": { "lat": 60.1699, "lon": 24.9384 } },
        "dropoff": { "street": "Hämeentie 5", "postcode": "00530", "city": "Helsinki",
                     "position": { "lat": 60.1741, "lon": 24.9501 },
                     "contact": { "name": "Grace Brewster Hopper", "phone": "+358401234567" },
                     "door": "B 12", "notes": "Ring twice." },
        "packages": [{ "description": "Rye bread", "weight_g": 1200, "volume_ml": 4000 },
                     { "description": "Buns", "weight_g": 300, "barcode": "6414893386488" }],
        "tags": ["breakfast"],
        "metadata": { "table": 7, "gift": true }
    })
}

/// Everybody of an organisation who may not see anything of another one, with their word for it.
pub(crate) fn strangers(org: &Org) -> [&str; 3] {
    [&org.owner.token, &org.dispatcher.token, &org.api_key]
}
