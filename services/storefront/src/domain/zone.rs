//! Which zone counts for a place, and what that means for an order.
//!
//! Of the zones of the shop and those of all shops that contain the place, the one with the highest rank counts; of equal
//! ranks the one with the smaller identifier, which is the older one.

use kernel::geo::Position;
use kernel::ids::ShopId;
use kernel::money::Money;
use platform::{Error, Kind, Result};

use crate::entities::Zone;

/// The zone that counts for this place. 422 `outside_zones` when there is none, unless the organisation has no zones at all.
pub fn of_place(zones: &[Zone], shop: Option<ShopId>, place: Position) -> Result<Option<&Zone>> {
    if zones.is_empty() {
        return Ok(None);
    }
    let serves = |zone: &&Zone| zone.details.shop_id.is_none() || zone.details.shop_id == shop;
    let best = zones
        .iter()
        .filter(serves)
        .filter(|zone| zone.details.area.contains(place))
        .min_by_key(|zone| (std::cmp::Reverse(zone.details.rank), zone.id));
    best.map(Some).ok_or_else(|| {
        Error::new(Kind::Invalid, "outside_zones", "No delivery zone contains this place.")
            .with_field("/dropoff", "outside of all delivery zones")
    })
}

/// Refuses an order that is worth less than the zone asks for. Without a value nothing is refused.
pub fn check_minimum(zone: &Zone, value_minor: Option<i64>) -> Result<()> {
    let (Some(minimum), Some(value)) = (zone.details.minimum_minor, value_minor) else { return Ok(()) };
    if value >= minimum {
        return Ok(());
    }
    let minimum = serde_json::to_value(Money::new(minimum, zone.details.currency))?;
    Err(Error::new(Kind::Invalid, "below_minimum", "The order is worth less than the zone asks for.")
        .with_field("/value_minor", "below the minimum of the zone")
        .with_extension("minimum", minimum))
}

#[cfg(test)]
mod tests {
    use kernel::geo::Polygon;
    use kernel::ids::{Uuid, ZoneId};

    use super::*;
    use crate::entities::ZoneDetails;

    fn at(lat: f64, lon: f64) -> Position {
        Position::new(lat, lon).unwrap()
    }

    /// A square from the origin to this side.
    fn zone(id: u128, side: f64, rank: i16, shop: Option<u128>) -> Zone {
        let corners = vec![at(0.0, 0.0), at(0.0, side), at(side, side), at(side, 0.0)];
        Zone {
            id: ZoneId::new(Uuid::from_u128(id)),
            version: 1,
            details: ZoneDetails {
                name: id.to_string(),
                shop_id: shop.map(|id| ShopId::new(Uuid::from_u128(id))),
                area: Polygon::new(corners).unwrap(),
                fee_minor: 0,
                minimum_minor: Some(1_500),
                currency: "EUR".parse().unwrap(),
                pool: Vec::new(),
                rank,
            },
            created_at: kernel::time::Timestamp::default(),
            updated_at: kernel::time::Timestamp::default(),
        }
    }

    fn found(zones: &[Zone], shop: Option<u128>, place: Position) -> Result<Option<String>> {
        let shop = shop.map(|id| ShopId::new(Uuid::from_u128(id)));
        of_place(zones, shop, place).map(|zone| zone.map(|zone| zone.details.name.clone()))
    }

    #[test]
    fn the_highest_rank_counts_and_of_equal_ones_the_older() {
        let zones =
            [zone(3, 1.0, 5, None), zone(2, 1.0, 5, None), zone(1, 3.0, 1, None), zone(4, 9.0, 9, Some(7))];
        assert_eq!(found(&zones, None, at(0.5, 0.5)).unwrap().unwrap(), "2");
        assert_eq!(found(&zones, None, at(2.0, 2.0)).unwrap().unwrap(), "1");
        assert_eq!(found(&zones, Some(7), at(0.5, 0.5)).unwrap().unwrap(), "4", "the shop's own");
        assert_eq!(
            found(&zones, Some(8), at(5.0, 5.0)).unwrap_err().code(),
            "outside_zones",
            "another shop's"
        );
        assert_eq!(found(&[], Some(8), at(5.0, 5.0)).unwrap(), None, "no zones at all");
    }

    #[test]
    fn a_value_below_the_minimum_is_refused_with_the_minimum() {
        let zone = zone(1, 1.0, 0, None);
        assert!(check_minimum(&zone, None).is_ok() && check_minimum(&zone, Some(1_500)).is_ok());
        let refused = check_minimum(&zone, Some(1_499)).unwrap_err();
        assert_eq!((refused.kind().status(), refused.code()), (422, "below_minimum"));
        assert_eq!(refused.extensions()["minimum"]["amount_minor"], 1_500);
        assert_eq!(refused.extensions()["minimum"]["currency"], "EUR");
    }
}
