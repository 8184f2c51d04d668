//! What a driver's position means for what the driver has to do: expected times, arrivals.
//!
//! 1. read: the driver, the orders, the route;
//! 2. ask how long the ways take, with no transaction open;
//! 3. write: lock each order, decide on what it is now, save, publish.
//!
//! Between 1 and 3 an order may change: then the window that was calculated for it is dropped, and the event that changed it
//! asks for another look.

use std::collections::BTreeMap;

use contracts::dispatch::RouteStop;
use kernel::geo::Position;
use kernel::ids::{DriverId, OrderId};
use kernel::time::{SignedDuration, Timestamp};
use platform::Result;
use platform::db::{Scope, Tx};

use super::learn::{self, Lore};
use super::notices;
use crate::context::Tracking;
use crate::domain::delivery::Delivery;
use crate::domain::eta::{self, Forecast, Halt, Said, Way};
use crate::domain::geofence::{self, Seen};
use crate::domain::learned::Learned;
use crate::domain::timeline::Notice;
use crate::domain::way::ROADS;
use crate::store::drivers::Driver;
use crate::store::settings::Settings;
use crate::store::{deliveries, drivers, routes, settings};

/// From an older position nothing is expected.
const USEFUL: SignedDuration = SignedDuration::from_mins(30);

/// What was calculated for an order.
#[derive(Debug, Clone)]
struct Expected {
    /// The version of the order for which it was.
    version: i64,
    forecast: Forecast,
    /// The way to the driver's next stop, where that is one of this order's.
    way: Option<Way>,
}

type Windows = BTreeMap<OrderId, Expected>;

struct View {
    driver: Driver,
    seen: Seen,
    orders: Vec<Delivery>,
    route: Vec<RouteStop>,
    settings: Settings,
    /// Read where expected times are due.
    lore: Option<Lore>,
}

/// Looks at everything that a driver has to do. `again`: something other than the position has changed.
pub async fn follow(tracking: &Tracking, scope: &Scope, driver: DriverId, again: bool) -> Result<()> {
    let now = tracking.db().clock().now();
    let mut tx = tracking.db().read(scope).await?;
    let view = view(tracking, &mut tx, driver, again).await?;
    tx.rollback().await?;
    let Some(view) = view else { return Ok(()) };
    let windows = match &view.lore {
        Some(lore) => windows(tracking, &view, lore, now).await?,
        None => Windows::new(),
    };
    let concerned = concerned(&view, &windows, now);
    if concerned.is_empty() {
        return Ok(());
    }
    let (seen, settings) = (view.seen, view.settings);
    tracking
        .db()
        .run(scope, move |tx| {
            let (concerned, windows, settings) = (concerned.clone(), windows.clone(), settings.clone());
            Box::pin(async move {
                for id in concerned {
                    look(tx, id, &seen, windows.get(&id), &settings).await?;
                }
                Ok(())
            })
        })
        .await
}

/// The orders about which there is something to write, as far as can be told without their locks: most positions change
/// nothing.
fn concerned(view: &View, windows: &Windows, now: Timestamp) -> Vec<OrderId> {
    let changes = |order: &&Delivery| {
        let mut after = (*order).clone();
        decide(&mut after, &view.seen, windows.get(&order.order_id), &view.settings, now);
        after != **order
    };
    view.orders.iter().filter(changes).map(|order| order.order_id).collect()
}

async fn view(tracking: &Tracking, tx: &mut Tx, driver: DriverId, again: bool) -> Result<Option<View>> {
    let now = tx.now();
    let Some(driver) = drivers::find(tx, driver).await? else { return Ok(None) };
    let Some((at, last)) = driver.last.clone() else { return Ok(None) };
    if now.duration_since(at) > USEFUL {
        return Ok(None);
    }
    let orders = deliveries::of_driver(tx, driver.id).await?;
    if orders.is_empty() {
        return Ok(None);
    }
    let route = routes::of_driver(tx, driver.id).await?;
    let settings = settings::find(tx).await?;
    let seen = Seen { driver_id: driver.id, at, position: last.position, accuracy_m: last.accuracy_m };
    let due = again || orders.iter().any(|order| eta::is_due(order, now));
    let lore = if due { Some(learn::lore(tracking, tx, driver.id).await?) } else { None };
    Ok(Some(View { driver, seen, orders, route, settings, lore }))
}

/// The expected times of everything that the driver has. When nobody can say how long the ways take, there are none.
async fn windows(tracking: &Tracking, view: &View, lore: &Lore, now: Timestamp) -> Result<Windows> {
    let halts = eta::plan(&view.orders, &view.route);
    if halts.is_empty() {
        return Ok(Windows::new());
    }
    let places: Vec<Position> =
        std::iter::once(view.seen.position).chain(halts.iter().map(|halt| halt.position)).collect();
    let (origins, destinations) = (places.get(..halts.len()), places.get(1..));
    let (Some(origins), Some(destinations)) = (origins, destinations) else { return Ok(Windows::new()) };
    let travel = tracking.ground().travel.matrix(view.driver.profile, origins, destinations, now).await;
    let matrix = match travel {
        Ok(matrix) => matrix,
        Err(error) => {
            tracing::warn!(cause = error.chain(), "no travel times: expected times stay as they are");
            return Ok(Windows::new());
        }
    };
    // Destinations begin behind the first place.
    let legs = (0..halts.len()).map_while(|index| matrix.leg(index, index));
    let learned =
        Learned { model: &lore.model, shift: lore.shift, clocks: &lore.clocks, profile: view.driver.profile };
    let said: Vec<Said> = legs.map(|leg| Said { leg, class_s: None }).collect();
    let count = if matrix.source == ROADS { useful_ways(view, &halts, &learned) } else { 0 };
    let said = with_classes(tracking, said, &places, count, &learned, now).await;
    let way = halts.first().zip(said.first());
    let way = way.map(|(halt, first)| eta::first_way(halt, first, &matrix.source, &learned, now));
    let forecasts = eta::forecast(&halts, &said, &matrix.source, &learned, now);
    let expected = |forecast: Forecast| {
        let order = view.orders.iter().find(|order| order.order_id == forecast.order_id)?;
        let way = way.clone().filter(|way| way.order_id == forecast.order_id);
        Some((order.order_id, Expected { version: order.version, forecast, way }))
    };
    Ok(forecasts.into_iter().filter_map(expected).collect())
}

/// Of how many ways the kinds of road matter: of all where something was learned about them, else of the first where the driver has
/// just set out, so that something will be.
fn useful_ways(view: &View, halts: &[Halt], learned: &Learned<'_>) -> usize {
    if learned.knows_roads() {
        return halts.len();
    }
    let first = halts.first().and_then(|halt| {
        let order = view.orders.iter().find(|order| order.order_id == halt.order_id)?;
        Some(learn::has_set_out(order, halt.stop()))
    });
    usize::from(first.unwrap_or(false))
}

/// Adds what kinds of road the first ways take.
async fn with_classes(
    tracking: &Tracking,
    mut said: Vec<Said>,
    places: &[Position],
    count: usize,
    learned: &Learned<'_>,
    now: Timestamp,
) -> Vec<Said> {
    if count == 0 {
        return said;
    }
    let places: Vec<Position> = places.iter().take(count + 1).copied().collect();
    match tracking.ground().travel.ways(learned.profile, &places, now).await {
        Ok(ways) => {
            for (way, road) in said.iter_mut().zip(ways) {
                way.class_s = road.map(|road| road.class_s);
            }
        }
        Err(error) => tracing::warn!(cause = error.chain(), "it is not known which roads the ways take"),
    }
    said
}

async fn look(
    tx: &mut Tx,
    id: OrderId,
    seen: &Seen,
    expected: Option<&Expected>,
    settings: &Settings,
) -> Result<()> {
    let Some(mut delivery) = deliveries::lock(tx, id).await? else { return Ok(()) };
    if delivery.driver_id != Some(seen.driver_id) {
        return Ok(());
    }
    let before = delivery.clone();
    let now = tx.now();
    let found = decide(&mut delivery, seen, expected, settings, now);
    if delivery == before {
        return Ok(());
    }
    notices::write(tx, &mut delivery, found, settings.arrivals).await?;
    let Some(expected) = expected.filter(|expected| expected.version == before.version) else {
        return Ok(());
    };
    let said = (&expected.forecast, expected.way.as_ref());
    learn::said(tx, &before, &delivery, seen.driver_id, seen.at, said).await
}

/// What a position, and a window that was calculated for this version of the order, mean for it.
fn decide(
    delivery: &mut Delivery,
    seen: &Seen,
    expected: Option<&Expected>,
    settings: &Settings,
    now: Timestamp,
) -> Vec<Notice> {
    let mut found = match expected {
        Some(expected) if expected.version == delivery.version => {
            eta::take(delivery, expected.forecast.window.clone(), now)
        }
        _ => Vec::new(),
    };
    let distance = u32::try_from(settings.arriving_distance_m).unwrap_or_default();
    found.extend(geofence::look(delivery, seen, distance));
    found
}
