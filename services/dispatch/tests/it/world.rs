//! A bakery with drivers and orders, told to dispatch as events, and an `orders` that agrees until it is told otherwise.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use contracts::calls::{AssignOrder, Assigned, LastPositions, Positions};
use contracts::drivers::{Availability, DriverAvailabilityChanged, DriverCreated, DriverFacts};
use contracts::orders::{
    OrderAssigned, OrderCreated, OrderFacts, OrderStatus, OrderStatusChanged, StopFacts,
};
use contracts::tracking::DriverLocation;
use kernel::geo::Position;
use kernel::ids::{DriverId, OrderId};
use kernel::load::Load;
use platform::{Error, Kind};
use serde_json::{Value, json};
use testkit::service::{Actor, FakePeer, Stage, Town};

/// A place this many kilometres north of the bakery.
pub fn place(km: f64) -> Position {
    Position::new(60.0 + km / 111.195, 25.0).unwrap()
}

/// The bakery's dispatch.
pub struct World {
    pub town: Town,
    pub orders: FakePeer,
    pub tracking: FakePeer,
    positions: Arc<Mutex<BTreeMap<DriverId, Position>>>,
    versions: Mutex<BTreeMap<OrderId, i64>>,
}

/// A driver with an account.
#[derive(Debug, Clone)]
pub struct Driver {
    pub id: DriverId,
    pub actor: Actor,
}

impl World {
    /// Nobody works, nothing is open, people decide.
    pub async fn new() -> Self {
        let (orders, tracking) = (FakePeer::new("orders"), FakePeer::new("tracking"));
        let positions: Arc<Mutex<BTreeMap<DriverId, Position>>> = Arc::default();
        let seen = Arc::clone(&positions);
        tracking.on::<LastPositions, _>(move |_| {
            let at = "2026-11-20T12:00:00Z".parse().unwrap();
            let one = |(driver_id, position): (&DriverId, &Position)| DriverLocation {
                driver_id: *driver_id,
                position: *position,
                device_at: at,
                server_at: at,
                accuracy_m: None,
                speed_m_s: None,
                heading_deg: None,
                battery: None,
            };
            Ok(Positions { positions: seen.lock().unwrap().iter().map(one).collect() })
        });
        orders.on::<AssignOrder, _>(|_| Ok(Assigned { version: 2 }));
        let stage = Stage::new(dispatch::manifest(), dispatch::service).with(&orders).with(&tracking);
        Self { town: stage.open().await, orders, tracking, positions, versions: Mutex::default() }
    }

    /// Sets the policy; what is not named is as usual.
    pub async fn policy(&self, wanted: Value) {
        let town = &self.town;
        let now = town.get("/api/v1/dispatch/policy").bearer(&town.bakery.owner.token).await.is(200);
        let mut policy = now.json();
        for (name, value) in wanted.as_object().unwrap() {
            policy[name] = value.clone();
        }
        let put = town.put("/api/v1/dispatch/policy", policy).if_match(now.version());
        put.bearer(&town.bakery.owner.token).await.is(200);
        town.settle().await;
    }

    /// Somebody who takes orders, so many kilometres from the bakery.
    pub async fn driver(&self, km: f64) -> Driver {
        self.driver_with(km, |_| ()).await
    }

    /// The same, otherwise.
    pub async fn driver_with(&self, km: f64, change: impl FnOnce(&mut DriverFacts)) -> Driver {
        let town = &self.town;
        let actor = town.driver(&town.bakery);
        let id: DriverId = town.db.random.id(town.now());
        let mut facts = DriverFacts { user_id: Some(actor.user), home: None, ..DriverFacts::example() };
        change(&mut facts);
        town.publish(town.bakery.id, id, 1, &DriverCreated { driver_id: id, facts }).await;
        self.positions.lock().unwrap().insert(id, place(km));
        self.says(id, 2, Availability::Available).await;
        Driver { id, actor }
    }

    /// A driver says something else.
    pub async fn says(&self, id: DriverId, version: i64, to: Availability) {
        let (town, from) = (&self.town, Availability::OffDuty);
        let event = DriverAvailabilityChanged { driver_id: id, from, to, at: town.now() };
        town.publish(town.bakery.id, id, version, &event).await;
        town.settle().await;
    }

    /// An order from here to there, ready now.
    pub async fn order(&self, from_km: f64, to_km: f64) -> OrderId {
        self.order_with(from_km, to_km, |_| ()).await
    }

    /// The same, otherwise.
    pub async fn order_with(
        &self,
        from_km: f64,
        to_km: f64,
        change: impl FnOnce(&mut OrderFacts),
    ) -> OrderId {
        let town = &self.town;
        let id: OrderId = town.db.random.id(town.now());
        let stop = |km| StopFacts { position: Some(place(km)), from: None, until: None, service_s: 60 };
        let mut facts = OrderFacts {
            pickup: stop(from_km),
            dropoff: stop(to_km),
            zone_id: None,
            ready_at: None,
            load: Load::default(),
            placed_at: town.now(),
            ..OrderFacts::example()
        };
        change(&mut facts);
        let source = "api".to_owned();
        let event = OrderCreated { order_id: id, source, facts, packages: Vec::new() };
        town.publish(town.bakery.id, id, self.version(id), &event).await;
        town.settle().await;
        id
    }

    fn version(&self, id: OrderId) -> i64 {
        let mut versions = self.versions.lock().unwrap();
        let version = versions.entry(id).or_default();
        *version += 1;
        *version
    }

    /// Orders says who has it.
    pub async fn assigned(&self, order_id: OrderId, driver: &Driver) {
        let (town, version) = (&self.town, self.version(order_id));
        let event = OrderAssigned {
            order_id,
            driver_id: driver.id,
            previous: None,
            status: OrderStatus::Assigned,
            attempt: 1,
        };
        town.publish(town.bakery.id, order_id, version, &event).await;
        let moved = self.step(order_id, OrderStatus::Created, OrderStatus::Assigned, Some(driver.id));
        town.publish(town.bakery.id, order_id, version, &moved).await;
        town.settle().await;
    }

    /// Orders says where it is.
    pub async fn moved(&self, id: OrderId, from: OrderStatus, to: OrderStatus, driver: Option<&Driver>) {
        let version = self.version(id);
        let event = self.step(id, from, to, driver.map(|driver| driver.id));
        self.town.publish(self.town.bakery.id, id, version, &event).await;
        self.town.settle().await;
    }

    /// Orders begins a second attempt with the same driver.
    pub async fn again(&self, id: OrderId, driver: &Driver) {
        let version = self.version(id);
        let moved = self.step(id, OrderStatus::Failed, OrderStatus::Assigned, Some(driver.id));
        let moved = OrderStatusChanged { attempt: 2, ..moved };
        self.town.publish(self.town.bakery.id, id, version, &moved).await;
        self.town.settle().await;
    }

    fn step(
        &self,
        order_id: OrderId,
        from: OrderStatus,
        to: OrderStatus,
        driver_id: Option<DriverId>,
    ) -> OrderStatusChanged {
        OrderStatusChanged {
            order_id,
            from,
            to,
            driver_id,
            attempt: 1,
            at: self.town.now(),
            position: None,
            outcome: None,
            failure_reason: None,
            correction: false,
        }
    }

    /// From now on orders refuses every assignment.
    pub fn orders_refuses(&self) {
        self.orders.on::<AssignOrder, _>(|_| {
            Err(Error::new(Kind::Conflict, "illegal_step", "Somebody else has it."))
        });
    }

    /// Who orders was told should have which order, since the last look.
    pub fn told(&self) -> Vec<(OrderId, DriverId)> {
        let parse = |body: Value| {
            let call: AssignOrder = serde_json::from_value(body).unwrap();
            (call.order_id, call.driver_id)
        };
        self.orders.told().into_iter().map(|told| parse(told.body)).collect()
    }

    /// The queue as a dispatcher sees it: order and state.
    pub async fn queue(&self) -> Vec<(String, String)> {
        let page = self.get("/api/v1/dispatch/queue").await;
        let row = |row: &Value| {
            (row["order_id"].as_str().unwrap().to_owned(), row["state"].as_str().unwrap().to_owned())
        };
        page["items"].as_array().unwrap().iter().map(row).collect()
    }

    /// What a dispatcher reads there.
    pub async fn get(&self, path: &str) -> Value {
        let dispatcher = self.town.again(&self.town.bakery.dispatcher);
        self.town.get(path).bearer(&dispatcher.token).await.is(200).json()
    }

    /// Offers that a driver sees, newest first.
    pub async fn offers_of(&self, driver: &Driver) -> Vec<Value> {
        let actor = self.town.again(&driver.actor);
        let page = self.town.get("/api/v1/offers?open=true").bearer(&actor.token).await.is(200).json();
        page["items"].as_array().unwrap().clone()
    }

    /// A driver answers an offer.
    pub fn answer(&self, driver: &Driver, offer: &Value, answer: &str, body: &Value) -> testkit::http::Call {
        let path = format!("/api/v1/offers/{}/{answer}", offer["id"].as_str().unwrap());
        let actor = self.town.again(&driver.actor);
        let call = self.town.client.post(path).bearer(&actor.token);
        if *body == json!(null) { call } else { call.json(body) }
    }

    /// The kinds and orders of a driver's stops.
    pub async fn stops(&self, driver: &Driver) -> Vec<(String, String)> {
        let page = self.get(&format!("/api/v1/routes?driver={}", driver.id)).await;
        let Some(route) = page["items"].as_array().unwrap().first().cloned() else { return Vec::new() };
        let stop = |stop: &Value| {
            (stop["kind"].as_str().unwrap().to_owned(), stop["order_id"].as_str().unwrap().to_owned())
        };
        route["stops"].as_array().unwrap().iter().map(stop).collect()
    }
}
