//! What the map on a customer's page shows: where it comes from, where it goes to, and who brings it.

use contracts::orders::OrderStatus;
use contracts::tracking::DriverLocation;
use kernel::geo::Position;
use kernel::time::Timestamp;
use kernel::travel::Profile;
use platform::Result;
use platform::db::Tx;

use super::page::{open, position};
use crate::context::Tracking;
use crate::domain::delivery::Delivery;
use crate::domain::page::State;
use crate::domain::way::Way;
use crate::store::{drivers, settings};

/// The places of a delivery that is still to come; empty when nothing is.
#[derive(Debug, Clone, Default)]
pub struct PageMap {
    /// Where it is picked up.
    pub pickup: Option<Position>,
    /// Where it is dropped off.
    pub dropoff: Option<Position>,
    /// Where the courier is and how old that is, in seconds, as far as this customer may see it.
    pub courier: Option<(Timestamp, DriverLocation, i64)>,
    /// The way that is left, through the places above.
    pub way: Option<Way>,
}

/// The map of the page with this code; 404 for codes that nobody knows and for pages that are gone.
pub async fn read(tracking: &Tracking, code: &str) -> Result<PageMap> {
    let (mut tx, _org, delivery, state) = open(tracking, code).await?;
    let now = tx.now();
    if state != State::Active {
        tx.rollback().await?;
        return Ok(PageMap::default());
    }
    let (courier, profile) = courier(tracking, &mut tx, &delivery).await?;
    tx.rollback().await?;
    let facts = &delivery.facts;
    let (pickup, dropoff) = (facts.pickup.position, facts.dropoff.position);
    let here = courier.as_ref().map(|(_, seen)| seen.position);
    let stops = stops(delivery.status, here, pickup, dropoff);
    let way = way(tracking, profile, &stops, now).await;
    let courier = courier.map(|(at, seen)| (at, seen, now.duration_since(at).as_secs().max(0)));
    Ok(PageMap { pickup, dropoff, courier, way })
}

async fn way(tracking: &Tracking, profile: Profile, stops: &[Position], now: Timestamp) -> Option<Way> {
    if stops.len() < 2 {
        return None;
    }
    let roads = tracking.ground().travel.ways(profile, stops, now).await.unwrap_or_else(|error| {
        tracing::warn!(cause = error.chain(), "the way is drawn straight");
        Vec::new()
    });
    Some(Way::through(stops, roads))
}

async fn courier(
    tracking: &Tracking,
    tx: &mut Tx,
    delivery: &Delivery,
) -> Result<(Option<(Timestamp, DriverLocation)>, Profile)> {
    let Some(id) = delivery.driver_id else { return Ok((None, Profile::default())) };
    let profile = drivers::find(tx, id).await?.map(|driver| driver.profile).unwrap_or_default();
    if !settings::find(tx).await?.show_position {
        return Ok((None, profile));
    }
    Ok((position(tracking, tx, delivery, id).await?, profile))
}

/// Where the order comes by from now on, as far as it is known.
fn stops(
    status: OrderStatus,
    courier: Option<Position>,
    pickup: Option<Position>,
    dropoff: Option<Position>,
) -> Vec<Position> {
    let places = match status {
        // Back to where it came from.
        OrderStatus::Returning | OrderStatus::Failed => [courier.or(dropoff), pickup, None],
        status if status.is_carried() => [courier.or(pickup), dropoff, None],
        _ => [courier, pickup, dropoff],
    };
    places.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_leads_over_what_is_still_to_come() {
        let at = |lat: f64| Position::new(lat, 24.9).unwrap();
        let (here, shop, door) = (at(60.1), at(60.2), at(60.3));
        let all = |status| stops(status, Some(here), Some(shop), Some(door));
        assert_eq!(all(OrderStatus::EnrouteToPickup), [here, shop, door]);
        assert_eq!(all(OrderStatus::PickedUp), [here, door]);
        assert_eq!(all(OrderStatus::Returning), [here, shop]);
        let hidden = |status| stops(status, None, Some(shop), Some(door));
        assert_eq!(hidden(OrderStatus::Created), [shop, door]);
        assert_eq!(hidden(OrderStatus::EnrouteToDropoff), [shop, door]);
        assert_eq!(hidden(OrderStatus::Returning), [door, shop]);
        assert_eq!(
            stops(OrderStatus::Created, None, None, Some(door)),
            [door],
            "the pick-up has no position"
        );
    }
}
