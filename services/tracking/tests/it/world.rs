//! A town with drivers, and the other services as far as tracking calls them.

use contracts::calls::{
    DriverCard, DriverCards, HandOverPin, OrderState, ReportStep, ShownPin, StepReported,
};
use contracts::dispatch::{RouteChanged, RouteStop};
use contracts::drivers::{DriverCreated, DriverFacts};
use contracts::orders::{
    OrderAssigned, OrderCreated, OrderFacts, OrderStatus, OrderStatusChanged, StopFacts,
};
use contracts::storefront::{ShopCreated, ShopFacts};
use kernel::geo::Position;
use kernel::ids::{DriverId, OrderId, RouteId, ShopId, StopId, Uuid};
use kernel::time::{SignedDuration, Timestamp};
use kernel::travel::{Matrix, Profile, RoadWay, StraightLine};
use platform::db::BoxFuture;
use platform::service::{Ground, Service};
use platform::travel::{Straight, TravelTimes};
use serde_json::{Value, json};
use testkit::http::Reply;
use testkit::service::{FakePeer, Org, Stage, Town};

/// The pick-up, in the middle of Helsinki.
pub(crate) const SHOP: (f64, f64) = (60.1699, 24.9384);
/// The drop-off, 1.7 km north-east of it.
pub(crate) const DOOR: (f64, f64) = (60.1841, 24.9501);
/// Metres of a degree of latitude.
pub(crate) const DEGREE_M: f64 = 111_195.0;

/// Roads with one corner on each way: half of it on a main street, half on side streets. West of the town there are none.
#[derive(Debug)]
pub(crate) struct Streets;

impl Streets {
    fn is_there(place: Position) -> bool {
        place.lon() > 24.8
    }
}

impl TravelTimes for Streets {
    fn matrix<'a>(
        &'a self,
        profile: Profile,
        origins: &'a [Position],
        destinations: &'a [Position],
        leaving: Timestamp,
    ) -> BoxFuture<'a, platform::Result<Matrix>> {
        Box::pin(async move {
            let mut matrix = Straight::default().matrix(profile, origins, destinations, leaving).await?;
            "roads".clone_into(&mut matrix.source);
            Ok(matrix)
        })
    }

    fn ways<'a>(
        &'a self,
        profile: Profile,
        places: &'a [Position],
        _leaving: Timestamp,
    ) -> BoxFuture<'a, platform::Result<Vec<Option<RoadWay>>>> {
        let way = |pair: &[Position]| {
            let corner = Position::new(pair[0].lat(), pair[1].lon()).ok()?;
            let half = f64::from(StraightLine::usual(profile).leg(pair[0], pair[1]).duration_s) / 2.0;
            let there = pair.iter().all(|place| Self::is_there(*place));
            there.then(|| RoadWay { line: vec![corner], class_s: vec![half, half, 0.0] })
        };
        Box::pin(std::future::ready(Ok(places.windows(2).map(way).collect())))
    }
}

pub(crate) struct World {
    pub(crate) town: Town,
    pub(crate) orders: FakePeer,
    pub(crate) drivers: FakePeer,
    /// The bakery's driver, who signs in as `town.bakery.driver`.
    pub(crate) driver: DriverId,
    /// The florist's.
    pub(crate) foreign: DriverId,
}

/// A world in which both organisations have a driver and the bakery has a shop.
pub(crate) async fn world() -> World {
    in_town(Stage::new(tracking::manifest(), tracking::service)).await
}

/// The same on this stage.
pub(crate) async fn in_town<F>(stage: Stage<F>) -> World
where
    F: FnOnce(&Ground) -> platform::Result<Service>,
{
    let (orders, drivers) = (FakePeer::new("orders"), FakePeer::new("drivers"));
    orders.on::<ReportStep, _>(|step| {
        let stands =
            OrderState { status: step.status, driver_id: Some(step.driver_id), attempt: 1, version: 9 };
        Ok(StepReported { moved: true, state: stands })
    });
    orders.on::<HandOverPin, _>(|_| Ok(ShownPin { pin: Some("4071".to_owned()) }));
    drivers.on::<DriverCards, _>(|asked| {
        let card = |driver_id| DriverCard {
            driver_id,
            first_name: Some("Ada".to_owned()),
            vehicle: Some(Profile::Bicycle),
            vehicle_description: Some("red bicycle".to_owned()),
            plate: None,
        };
        Ok(asked.driver_ids.into_iter().map(card).collect())
    });
    let town = stage.with(&orders).with(&drivers).open().await;
    let driver = DriverId::new(Uuid::from_u128(30));
    let foreign = DriverId::new(Uuid::from_u128(31));
    let world = World { town, orders, drivers, driver, foreign };
    world.hire(&world.town.bakery, driver).await;
    world.hire(&world.town.florist, foreign).await;
    let shop = ShopCreated { shop_id: shop_id(), facts: ShopFacts::example() };
    world.town.publish(world.town.bakery.id, shop_id(), 1, &shop).await;
    world.town.settle().await;
    world
}

pub(crate) fn shop_id() -> ShopId {
    ShopId::new(Uuid::from_u128(10))
}

pub(crate) fn order(number: u128) -> OrderId {
    OrderId::new(Uuid::from_u128(number))
}

/// The code of the page of an order.
pub(crate) fn code(number: u128) -> String {
    format!("CDE{number:09}")
}

pub(crate) fn facts(number: u128, placed_at: Timestamp) -> OrderFacts {
    let stop = |(lat, lon): (f64, f64)| StopFacts {
        position: Position::new(lat, lon).ok(),
        from: None,
        until: None,
        service_s: 120,
    };
    OrderFacts {
        tracking_code: code(number),
        pickup: stop(SHOP),
        dropoff: stop(DOOR),
        ready_at: None,
        placed_at,
        ..OrderFacts::example()
    }
}

/// So many metres north of a place.
pub(crate) fn north_of((lat, lon): (f64, f64), metres: f64) -> (f64, f64) {
    (lat + metres / DEGREE_M, lon)
}

impl World {
    /// The steps that orders was told of since the last look; the page asks it for the PIN besides.
    pub(crate) fn steps(&self) -> Vec<serde_json::Value> {
        let told = self.orders.told().into_iter().map(|call| call.body);
        told.filter(|body| body["status"].is_string()).collect()
    }

    async fn hire(&self, org: &Org, driver_id: DriverId) {
        let facts = DriverFacts { user_id: Some(org.driver.user), ..DriverFacts::example() };
        self.town.publish(org.id, driver_id, 1, &DriverCreated { driver_id, facts }).await;
    }

    /// A further driver of the bakery, without an account.
    pub(crate) async fn another_driver(&self, number: u128) -> DriverId {
        let driver_id = DriverId::new(Uuid::from_u128(number));
        let facts = DriverFacts { user_id: None, ..DriverFacts::example() };
        self.town.publish(self.town.bakery.id, driver_id, 1, &DriverCreated { driver_id, facts }).await;
        self.town.settle().await;
        driver_id
    }

    /// The path of a driver's location.
    pub(crate) fn location(driver: DriverId) -> String {
        format!("/api/v1/drivers/{driver}/location")
    }

    /// The bakery's driver reports to be somewhere, now.
    pub(crate) async fn at(&self, (lat, lon): (f64, f64)) -> Reply {
        let at = self.town.now();
        self.report(&json!({ "lat": lat, "lon": lon, "at": at, "accuracy_m": 8.0 })).await
    }

    /// The bakery's driver reports.
    pub(crate) async fn report(&self, body: &Value) -> Reply {
        let driver = self.town.again(&self.town.bakery.driver);
        self.town.post(Self::location(self.driver), body).bearer(&driver.token).await
    }

    /// An order of the bakery, created and heard of.
    pub(crate) async fn create(&self, number: u128) {
        self.create_with(number, facts(number, self.town.now())).await;
    }

    pub(crate) async fn create_with(&self, number: u128, facts: OrderFacts) {
        let event =
            OrderCreated { order_id: order(number), source: "api".to_owned(), facts, packages: Vec::new() };
        self.town.publish(self.town.bakery.id, order(number), 1, &event).await;
        self.town.settle().await;
    }

    /// The order is given to a driver: two events of one version, as orders publishes them.
    pub(crate) async fn assign(&self, number: u128, version: i64, driver_id: DriverId) {
        let event = OrderAssigned {
            order_id: order(number),
            driver_id,
            previous: None,
            status: OrderStatus::Assigned,
            attempt: 1,
        };
        self.town.publish(self.town.bakery.id, order(number), version, &event).await;
        self.step(number, version, OrderStatus::Created, OrderStatus::Assigned, driver_id).await;
    }

    /// The order moves.
    pub(crate) async fn step(
        &self,
        number: u128,
        version: i64,
        from: OrderStatus,
        to: OrderStatus,
        driver: DriverId,
    ) {
        let event = OrderStatusChanged { driver_id: Some(driver), ..self.moved(number, from, to) };
        self.town.publish(self.town.bakery.id, order(number), version, &event).await;
        self.town.settle().await;
    }

    pub(crate) fn moved(&self, number: u128, from: OrderStatus, to: OrderStatus) -> OrderStatusChanged {
        OrderStatusChanged {
            order_id: order(number),
            from,
            to,
            driver_id: None,
            attempt: 1,
            at: self.town.now(),
            position: None,
            outcome: None,
            failure_reason: None,
            correction: false,
        }
    }

    /// An order that the bakery's driver carries towards the door.
    pub(crate) async fn on_the_way(&self, number: u128) {
        self.create(number).await;
        self.assign(number, 2, self.driver).await;
        self.step(number, 3, OrderStatus::Assigned, OrderStatus::PickedUp, self.driver).await;
        self.step(number, 4, OrderStatus::PickedUp, OrderStatus::EnrouteToDropoff, self.driver).await;
    }

    /// The bakery's driver has this route: orders with `pickup` or `dropoff`.
    pub(crate) async fn route(&self, version: i64, stops: &[(u128, &str)]) {
        let stop = |(number, kind): &(u128, &str)| RouteStop {
            stop_id: StopId::new(Uuid::from_u128(*number)),
            order_id: order(*number),
            kind: (*kind).to_owned(),
            locked: false,
        };
        let route_id = RouteId::new(Uuid::from_u128(42));
        let stops = stops.iter().map(stop).collect();
        let event = RouteChanged { route_id, driver_id: self.driver, stops };
        self.town.publish(self.town.bakery.id, route_id, version, &event).await;
        self.town.settle().await;
    }

    /// The customer's page.
    pub(crate) async fn page(&self, number: u128) -> Reply {
        self.town.get(format!("/api/v1/track/{}", code(number))).await
    }

    /// How the bakery follows an order.
    pub(crate) async fn followed(&self, number: u128) -> Value {
        let manager = self.town.again(&self.town.bakery.manager);
        let path = format!("/api/v1/orders/{}/tracking", order(number));
        self.town.get(path).bearer(&manager.token).await.is(200).json()
    }

    /// The kinds of an order's timeline, oldest first.
    pub(crate) async fn kinds(&self, number: u128) -> Vec<String> {
        let rows = self.followed(number).await["timeline"].as_array().cloned().unwrap_or_default();
        rows.iter().map(|row| row["kind"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Passes the night in which everybody learns.
    pub(crate) async fn learn(&self) {
        let now = self.town.now();
        let day = 86_400;
        let night = 3 * 3_600 + 21 * 60;
        let until = (night - now.as_second()).rem_euclid(day);
        self.pass(until);
        self.town.settle().await;
    }

    /// The driver stands somewhere while handing an order over at an address.
    pub(crate) async fn hand_over(&self, number: u128, address: (f64, f64), stands: (f64, f64)) {
        let dropoff = StopFacts {
            position: Position::new(address.0, address.1).ok(),
            ..facts(number, self.town.now()).dropoff
        };
        self.create_with(number, OrderFacts { dropoff, ..facts(number, self.town.now()) }).await;
        self.assign(number, 2, self.driver).await;
        self.step(number, 3, OrderStatus::Assigned, OrderStatus::EnrouteToDropoff, self.driver).await;
        self.pass(600);
        self.at(stands).await.is(200);
        self.pass(5);
        self.step(number, 4, OrderStatus::EnrouteToDropoff, OrderStatus::Delivered, self.driver).await;
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.town.pass(SignedDuration::from_secs(seconds));
    }
}
