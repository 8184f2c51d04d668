//! Looking at an organisation: what is open, who is there, and how far they are apart. First the rows, in one transaction;
//! then, with none open, positions and ways are asked for.

use std::collections::{BTreeMap, BTreeSet};

use contracts::calls::LastPositions;
use kernel::geo::Position;
use kernel::ids::{DriverId, OrderId, ZoneId};
use kernel::load::Load;
use kernel::time::Timestamp;
use kernel::travel::{Factors, Leg, Profile, StraightLine};
use platform::Result;
use platform::db::{Scope, Tx};

use crate::context::Dispatch;
use crate::domain::insertion::StopKind;
use crate::domain::policy::Policy;
use crate::domain::snapshot::{DriverNow, OpenOrder, Snapshot};
use crate::store::orders::Known;
use crate::store::routes::Route;
use crate::store::{drivers, factors, offers, orders, policies, routes, zones};

/// Most drivers that are looked at, and most orders at once: the rest is looked at in the next round.
pub const MOST_ORDERS: i64 = 200;
const MOST_ROUTES: i64 = 10_000;

/// What the database knows.
#[derive(Debug, Clone)]
pub struct Rows {
    /// When.
    pub at: Timestamp,
    /// What the organisation wants.
    pub policy: Policy,
    /// What is to be decided.
    pub open: Vec<Known>,
    drivers: Vec<drivers::Known>,
    held: Vec<Known>,
    asked: Vec<(DriverId, OrderId)>,
    refused: BTreeMap<OrderId, BTreeSet<DriverId>>,
    pools: BTreeMap<ZoneId, Vec<DriverId>>,
    routes: BTreeMap<DriverId, Route>,
    factors: Factors,
}

/// Reads what is needed to decide about these orders.
pub async fn read(tx: &mut Tx, open: Vec<Known>) -> Result<Rows> {
    let attempts: Vec<(OrderId, u16)> = open.iter().map(|order| (order.order_id, order.attempt)).collect();
    let routes = routes::list(tx, None, None, MOST_ROUTES).await?;
    Ok(Rows {
        at: tx.now(),
        policy: policies::find(tx).await?.0,
        drivers: drivers::all(tx).await?,
        held: orders::with_drivers(tx).await?,
        asked: offers::open_by_driver(tx).await?,
        refused: offers::refused(tx, &attempts).await?,
        pools: zones::pools(tx).await?,
        routes: routes.into_iter().map(|route| (route.driver_id, route)).collect(),
        factors: factors::find(tx).await?,
        open,
    })
}

/// Completes it with positions and ways. Drivers whose position cannot be found out are where they begin their day.
pub async fn complete(dispatch: &Dispatch, scope: &Scope, rows: &Rows) -> Result<Snapshot> {
    let positions = positions(dispatch, scope, rows).await;
    let drivers: Vec<DriverNow> = rows.drivers.iter().map(|driver| rows.driver(driver, &positions)).collect();
    let orders: Vec<OpenOrder> = rows.open.iter().map(|order| rows.order(order)).collect();
    let (ways, source) = ways(dispatch, rows, &drivers, &orders).await?;
    Ok(Snapshot { at: rows.at, policy: rows.policy.clone(), orders, drivers, ways, source })
}

async fn positions(dispatch: &Dispatch, scope: &Scope, rows: &Rows) -> BTreeMap<DriverId, Position> {
    if rows.open.is_empty() || rows.drivers.is_empty() {
        return BTreeMap::new();
    }
    let asked = LastPositions { driver_ids: Vec::new() };
    match dispatch.ground().peers.ask(scope, &asked).await {
        Ok(found) => found.positions.into_iter().map(|one| (one.driver_id, one.position)).collect(),
        Err(error) => {
            tracing::warn!(
                cause = error.chain(),
                "positions could not be asked for; drivers are taken to be where they begin"
            );
            BTreeMap::new()
        }
    }
}

async fn ways(
    dispatch: &Dispatch,
    rows: &Rows,
    drivers: &[DriverNow],
    orders: &[OpenOrder],
) -> Result<(BTreeMap<(DriverId, OrderId), Leg>, String)> {
    let to: Vec<(OrderId, Position)> =
        orders.iter().filter_map(|order| Some((order.order_id, order.pickup?))).collect();
    let targets: Vec<Position> = to.iter().map(|(_, position)| *position).collect();
    let (mut ways, mut source) = (BTreeMap::new(), String::new());
    for profile in Profile::ALL {
        let starting = drivers.iter().filter(|driver| driver.profile() == profile);
        let from: Vec<(DriverId, Position)> =
            starting.filter_map(|driver| Some((driver.driver_id, driver.start()?.0))).collect();
        if from.is_empty() || targets.is_empty() {
            continue;
        }
        let origins: Vec<Position> = from.iter().map(|(_, position)| *position).collect();
        let matrix = dispatch.ground().travel.matrix(profile, &origins, &targets, rows.at).await?;
        let matrix = rows.factors.correct(matrix, profile, rows.at);
        for (row, (driver, _)) in from.iter().enumerate() {
            for (column, (order, _)) in to.iter().enumerate() {
                if let Some(leg) = matrix.leg(row, column) {
                    ways.insert((*driver, *order), leg);
                }
            }
        }
        source = matrix.source;
    }
    Ok((ways, source))
}

impl Rows {
    fn order(&self, order: &Known) -> OpenOrder {
        let facts = &order.facts;
        let pool = facts.zone_id.and_then(|zone| self.pools.get(&zone)).cloned().unwrap_or_default();
        OpenOrder {
            order_id: order.order_id,
            attempt: order.attempt,
            pickup: facts.pickup.position,
            load: facts.load,
            skills: facts.skills.clone(),
            pool,
            priority: facts.priority,
            until: facts.dropoff.until,
            placed_at: facts.placed_at,
            refused: self.refused.get(&order.order_id).cloned().unwrap_or_default(),
            round: order.round,
        }
    }

    fn driver(&self, driver: &drivers::Known, positions: &BTreeMap<DriverId, Position>) -> DriverNow {
        let id = driver.driver_id;
        let held = self.held.iter().filter(|order| order.driver_id == Some(id));
        let asked = self.asked.iter().filter(|(asked, _)| *asked == id).count();
        let (orders, carried) = held
            .fold((asked, Load::default()), |(count, load), order| (count + 1, load.plus(order.facts.load)));
        let position = positions.get(&id).copied().or(driver.facts.home);
        let mut now = DriverNow {
            driver_id: id,
            facts: driver.facts.clone(),
            availability: driver.availability,
            position,
            orders: u16::try_from(orders).unwrap_or(u16::MAX),
            carried,
            free: None,
        };
        now.free = position.and_then(|from| self.free(id, from, now.profile()));
        now
    }

    /// Where a driver will be after the present route, and in how many seconds: along straight lines, which is good enough
    /// to compare drivers.
    fn free(&self, driver: DriverId, from: Position, profile: Profile) -> Option<(Position, u32)> {
        let route = self.routes.get(&driver).filter(|route| !route.stops.is_empty())?;
        let line = StraightLine::usual(profile);
        let (mut at, mut seconds) = (from, 0_u32);
        for stop in &route.stops {
            let Some(order) = self.held.iter().find(|order| order.order_id == stop.order_id) else {
                continue;
            };
            let end = match stop.kind {
                StopKind::Pickup | StopKind::Return => &order.facts.pickup,
                StopKind::Dropoff => &order.facts.dropoff,
            };
            if let Some(to) = end.position {
                seconds = seconds.saturating_add(line.leg(at, to).duration_s);
                at = to;
            }
            seconds = seconds.saturating_add(end.service_s);
        }
        Some((at, seconds))
    }
}
