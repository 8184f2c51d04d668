//! Routes: what a change of an order does to them, and what people do.

use contracts::dispatch::{RouteChanged, RouteStop};
use kernel::ids::{DriverId, OrderId, RouteId, StopId};
use kernel::travel::{Profile, StraightLine};
use platform::audit::Entry;
use platform::db::Tx;
use platform::{Error, Kind, Result};

use crate::domain::insertion::{self, Planned, StopKind};
use crate::store::drivers;
use crate::store::orders::{self, Known};
use crate::store::routes::{self, Route, Stop};

/// Writes a locked route and says so.
async fn save(tx: &mut Tx, mut route: Route) -> Result<Route> {
    let (locked, at) = routes::write(tx, &route).await?;
    (route.version, route.updated_at) = (locked.version(), at);
    let stop = |stop: &Stop| RouteStop {
        stop_id: stop.id,
        order_id: stop.order_id,
        kind: stop.kind.as_str().to_owned(),
        locked: stop.locked,
    };
    let stops = route.stops.iter().map(stop).collect();
    tx.publish(locked, &RouteChanged { route_id: route.id, driver_id: route.driver_id, stops })?;
    Ok(route)
}

/// Takes the stops of an order that are not wanted any more out of every route but the one of `keep`, and out of that one
/// those that are not in `kinds`.
pub async fn remove(tx: &mut Tx, order: OrderId, keep: Option<(DriverId, &[StopKind])>) -> Result<()> {
    for driver in routes::drivers_of_order(tx, order).await? {
        let mut route = routes::lock_of(tx, driver).await?;
        let wanted = keep.filter(|(keep, _)| *keep == driver).map_or(&[][..], |(_, kinds)| kinds);
        let before = route.stops.len();
        route.stops.retain(|stop| stop.order_id != order || wanted.contains(&stop.kind));
        if route.stops.len() != before {
            save(tx, route).await?;
        }
    }
    Ok(())
}

/// Puts the stops of an order into the route of its driver, where they make it least longer. Those that are there stay.
pub async fn insert(tx: &mut Tx, driver: DriverId, order: &Known, kinds: &[StopKind]) -> Result<()> {
    let mut route = routes::lock_of(tx, driver).await?;
    let there = |kind: &StopKind| {
        route.stops.iter().any(|stop| stop.order_id == order.order_id && stop.kind == *kind)
    };
    let missing: Vec<StopKind> = kinds.iter().copied().filter(|kind| !there(kind)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let known = drivers::find(tx, driver).await?;
    let facts = known.map(|driver| driver.facts);
    let profile =
        facts.as_ref().and_then(|facts| facts.vehicle.as_ref()).map_or(Profile::Foot, |one| one.profile);
    let planned = planned(tx, &route).await?;
    let new: Vec<Planned> = missing.iter().map(|kind| plan(order, *kind, false)).collect();
    let start = facts.and_then(|facts| facts.home).filter(|_| planned.is_empty());
    let (_, places) = insertion::insert(start, &planned, &new, &StraightLine::usual(profile));
    for (kind, place) in missing.into_iter().zip(places) {
        let stop = Stop { id: tx.id::<StopId>(), order_id: order.order_id, kind, locked: false };
        route.stops.insert(place, stop);
    }
    save(tx, route).await?;
    Ok(())
}

/// The driver has set out for a stop: it comes first and keeps its place.
pub async fn set_out(tx: &mut Tx, driver: DriverId, order: OrderId, kind: StopKind) -> Result<()> {
    let mut route = routes::lock_of(tx, driver).await?;
    let Some(place) = route.stops.iter().position(|stop| stop.order_id == order && stop.kind == kind) else {
        return Ok(());
    };
    if place == 0 && route.stops[0].locked {
        return Ok(());
    }
    let mut stop = route.stops.remove(place);
    stop.locked = true;
    route.stops.insert(0, stop);
    save(tx, route).await?;
    Ok(())
}

async fn planned(tx: &mut Tx, route: &Route) -> Result<Vec<Planned>> {
    let mut planned = Vec::with_capacity(route.stops.len());
    for stop in &route.stops {
        let order = orders::find(tx, stop.order_id).await?;
        planned.push(match order {
            Some(order) => plan(&order, stop.kind, stop.locked),
            None => Planned { order_id: stop.order_id, kind: stop.kind, position: None, locked: stop.locked },
        });
    }
    Ok(planned)
}

fn plan(order: &Known, kind: StopKind, locked: bool) -> Planned {
    let end = match kind {
        StopKind::Pickup | StopKind::Return => &order.facts.pickup,
        StopKind::Dropoff => &order.facts.dropoff,
    };
    Planned { order_id: order.order_id, kind, position: end.position, locked }
}

/// What a person wants of a route.
#[derive(Debug, Clone)]
pub enum Change {
    /// The stops in this order.
    Order(Vec<StopId>),
    /// One stop at this place, and whether it keeps it; what is absent stays.
    Stop {
        /// Which.
        stop: StopId,
        /// Counted from 0.
        place: Option<usize>,
        /// Whether it keeps its place.
        locked: Option<bool>,
    },
}

/// Changes a route, if the caller has seen its present version.
pub async fn change(
    tx: &mut Tx,
    id: RouteId,
    wanted: &Change,
    action: &'static str,
    seen: impl Fn(i64) -> Result<()> + Send,
) -> Result<Route> {
    let before = routes::lock(tx, id).await?.ok_or_else(|| Error::not_found("route"))?;
    seen(before.version)?;
    let mut route = before.clone();
    let order = match wanted {
        Change::Order(ids) => places(&route, ids)?,
        Change::Stop { stop, place, locked } => {
            let from = route.stops.iter().position(|one| one.id == *stop);
            let from = from.ok_or_else(|| Error::not_found("stop"))?;
            // A stop that is moved by hand may be moved although it was locked; others keep their places.
            route.stops[from].locked = false;
            let mut order: Vec<usize> = (0..route.stops.len()).collect();
            order.remove(from);
            order.insert(place.unwrap_or(from).min(order.len()), from);
            let locked = locked.unwrap_or(before.stops[from].locked);
            check(tx, &route, &order).await?;
            route.stops[from].locked = locked;
            order
        }
    };
    if let Change::Order(_) = wanted {
        check(tx, &route, &order).await?;
    }
    route.stops = order.iter().map(|&from| route.stops[from].clone()).collect();
    let after = save(tx, route).await?;
    tx.audit(Entry::new(action, "route", id).before(&before)?.after(&after)?).await?;
    Ok(after)
}

fn places(route: &Route, ids: &[StopId]) -> Result<Vec<usize>> {
    let place = |id: &StopId| route.stops.iter().position(|stop| stop.id == *id);
    let places: Option<Vec<usize>> = ids.iter().map(place).collect();
    places.ok_or_else(|| Error::invalid_field("/stops", insertion::OrderError::Other.to_string()))
}

async fn check(tx: &mut Tx, route: &Route, order: &[usize]) -> Result<()> {
    let planned = planned(tx, route).await?;
    insertion::check_order(&planned, order).map_err(|refusal| match refusal {
        insertion::OrderError::Other => Error::invalid_field("/stops", refusal.to_string()),
        insertion::OrderError::Backwards | insertion::OrderError::Locked => {
            Error::new(Kind::Conflict, "route_order", refusal.to_string())
        }
    })
}
