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
use contracts::tracking::EtaWindow;
use kernel::geo::Position;
use kernel::ids::{DriverId, OrderId};
use kernel::time::{SignedDuration, Timestamp};
use platform::Result;
use platform::db::{Scope, Tx};

use super::notices;
use crate::context::Tracking;
use crate::domain::delivery::Delivery;
use crate::domain::eta;
use crate::domain::geofence::{self, Seen};
use crate::domain::timeline::Notice;
use crate::store::drivers::Driver;
use crate::store::settings::Settings;
use crate::store::{deliveries, drivers, routes, settings};

/// From an older position nothing is expected.
const USEFUL: SignedDuration = SignedDuration::from_mins(30);

/// A window, and the version of the order for which it was calculated.
type Windows = BTreeMap<OrderId, (i64, EtaWindow)>;

struct View {
    driver: Driver,
    seen: Seen,
    orders: Vec<Delivery>,
    route: Vec<RouteStop>,
    settings: Settings,
}

/// Looks at everything that a driver has to do. `again`: something other than the position has changed.
pub async fn follow(tracking: &Tracking, scope: &Scope, driver: DriverId, again: bool) -> Result<()> {
    let now = tracking.db().clock().now();
    let mut tx = tracking.db().read(scope).await?;
    let view = view(&mut tx, driver).await?;
    tx.rollback().await?;
    let Some(view) = view.filter(|view| now.duration_since(view.seen.at) <= USEFUL) else {
        return Ok(());
    };
    let due = again || view.orders.iter().any(|order| eta::is_due(order, now));
    let windows = if due { windows(tracking, &view, now).await? } else { Windows::new() };
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

async fn view(tx: &mut Tx, driver: DriverId) -> Result<Option<View>> {
    let Some(driver) = drivers::find(tx, driver).await? else { return Ok(None) };
    let Some((at, last)) = driver.last.clone() else { return Ok(None) };
    let orders = deliveries::of_driver(tx, driver.id).await?;
    if orders.is_empty() {
        return Ok(None);
    }
    let route = routes::of_driver(tx, driver.id).await?;
    let settings = settings::find(tx).await?;
    let seen = Seen { driver_id: driver.id, at, position: last.position, accuracy_m: last.accuracy_m };
    Ok(Some(View { driver, seen, orders, route, settings }))
}

/// The expected times of everything that the driver has. When nobody can say how long the ways take, there are none.
async fn windows(tracking: &Tracking, view: &View, now: Timestamp) -> Result<Windows> {
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
    let leg = |from: usize, to: usize| matrix.leg(from, to.checked_sub(1)?);
    let windows = eta::forecast(&halts, leg, &matrix.source, now);
    let version =
        |id: OrderId| view.orders.iter().find(|order| order.order_id == id).map(|order| order.version);
    Ok(windows.into_iter().filter_map(|(id, window)| Some((id, (version(id)?, window)))).collect())
}

async fn look(
    tx: &mut Tx,
    id: OrderId,
    seen: &Seen,
    window: Option<&(i64, EtaWindow)>,
    settings: &Settings,
) -> Result<()> {
    let Some(mut delivery) = deliveries::lock(tx, id).await? else { return Ok(()) };
    if delivery.driver_id != Some(seen.driver_id) {
        return Ok(());
    }
    let before = delivery.clone();
    let now = tx.now();
    let found = decide(&mut delivery, seen, window, settings, now);
    if delivery != before {
        notices::write(tx, &mut delivery, found, settings.arrivals).await?;
    }
    Ok(())
}

/// What a position, and a window that was calculated for this version of the order, mean for it.
fn decide(
    delivery: &mut Delivery,
    seen: &Seen,
    window: Option<&(i64, EtaWindow)>,
    settings: &Settings,
    now: Timestamp,
) -> Vec<Notice> {
    let mut found = match window {
        Some((version, window)) if *version == delivery.version => eta::take(delivery, window.clone(), now),
        _ => Vec::new(),
    };
    let distance = u32::try_from(settings.arriving_distance_m).unwrap_or_default();
    found.extend(geofence::look(delivery, seen, distance));
    found
}
