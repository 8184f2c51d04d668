//! Doors, learned from where couriers stood when they handed over: one for each house of the map that was delivered to often
//! enough.

use std::collections::BTreeMap;

use osm::Point;
use places::doors::{Door, Fix, learn};
use places::{Hit, Level, Overlay, Places};

/// A drop-off farther from the house that the map knows is some other place: a park, a gate, a pin that was dropped.
const HOUSE_M: f64 = 30.0;

/// Where a courier stood at a hand-over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Handover {
    /// The drop-off, as it was said.
    pub address: Point,
    /// The courier's position.
    pub fix: Fix,
}

/// The door of a house.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownDoor {
    /// The street, as the map writes it.
    pub street: String,
    /// The number.
    pub house: String,
    /// Where the map has the address.
    pub address: Point,
    /// Where the door is.
    pub door: Door,
}

/// The doors that hand-overs agree on.
pub fn doors(handovers: &[Handover], places: &Places) -> Vec<KnownDoor> {
    let mut houses: BTreeMap<String, (Hit, Vec<Fix>)> = BTreeMap::new();
    for handover in handovers {
        if let Some(house) = house_at(places, handover.address) {
            houses.entry(house.id.clone()).or_insert_with(|| (house, Vec::new())).1.push(handover.fix);
        }
    }
    houses.into_values().filter_map(|(house, fixes)| known(house, &fixes)).collect()
}

fn house_at(places: &Places, at: Point) -> Option<Hit> {
    let nearest = places.reverse(at, 1).into_iter().next()?;
    let near = nearest.distance_m.is_none_or(|metres| metres <= HOUSE_M);
    (nearest.level == Level::House && near).then_some(nearest)
}

fn known(house: Hit, fixes: &[Fix]) -> Option<KnownDoor> {
    let door = learn(fixes)?;
    Some(KnownDoor { street: house.street?, house: house.house_number?, address: house.point, door })
}

/// The search with these doors.
pub fn overlay(doors: &[KnownDoor]) -> Result<Overlay, places::Error> {
    let mut builder = Overlay::builder();
    for known in doors {
        builder.door(&known.street, &known.house, known.address, known.door);
    }
    builder.build()
}
