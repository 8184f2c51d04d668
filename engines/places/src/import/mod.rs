//! From an extract to everything that can be found in it.

mod addresses;
mod belonging;
mod buildings;
mod interpolation;
mod shape;
mod spots;
mod streets;

use osm::{Data, Point};

use self::belonging::Belonging;
use crate::model::{Belongs, Gazetteer};

/// What an import found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Streets; the same name in two towns counts twice.
    pub streets: usize,
    /// Houses written in the extract, each number of a building once.
    pub houses: usize,
    /// Houses put on `addr:interpolation` lines.
    pub interpolated: usize,
    /// Points of interest.
    pub pois: usize,
    /// Cities, villages, districts, postcodes.
    pub places: usize,
    /// Buildings with an outline that holds a house.
    pub buildings: usize,
    /// House numbers that name neither street nor place, and cannot be found.
    pub without_street: usize,
}

/// Gathers streets, houses, points of interest and places.
pub(crate) fn gather(data: &Data, progress: &mut dyn FnMut(f32)) -> (Gazetteer, Summary) {
    let (mut addresses, without_street) = addresses::read(data);
    addresses.extend(interpolation::expand(data, &addresses));
    progress(0.2);
    let mut belonging = Belonging::read(data);
    fill(&mut addresses, &mut belonging);
    progress(0.4);
    let (streets, houses) = streets::build(data, addresses, &mut belonging);
    progress(0.6);
    let footprints = buildings::read(data, &houses);
    let spots = spots::read(data, &houses, &mut belonging);
    progress(0.7);
    let gazetteer = Gazetteer { streets, houses, spots, footprints };
    let summary = Summary { without_street, ..count(&gazetteer) };
    (gazetteer, summary)
}

/// An address of an official list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Listed {
    pub street: String,
    pub number: String,
    pub point: Point,
    pub belongs: Belongs,
    /// The line that it stands in, which is its identity.
    pub line: u64,
}

/// Gathers the streets and houses of an official list. What it does not say comes from its other rows.
pub(crate) fn gather_listed(listed: Vec<Listed>) -> Gazetteer {
    let mut addresses: Vec<addresses::Raw> = listed.into_iter().map(addresses::Raw::of_list).collect();
    let nothing = Data::builder().build();
    let mut belonging = Belonging::read(&nothing);
    fill(&mut addresses, &mut belonging);
    let (streets, houses) = streets::build(&nothing, addresses, &mut belonging);
    Gazetteer { streets, houses, ..Gazetteer::default() }
}

fn count(gazetteer: &Gazetteer) -> Summary {
    let interpolated = gazetteer.houses.iter().filter(|house| house.interpolated).count();
    let places = gazetteer.spots.iter().filter(|spot| spot.kind == crate::model::SpotKind::Place).count();
    Summary {
        streets: gazetteer.streets.len(),
        houses: gazetteer.houses.len() - interpolated,
        interpolated,
        pois: gazetteer.spots.len() - places,
        places,
        buildings: gazetteer.footprints.len(),
        without_street: 0,
    }
}

/// Towns and postcodes: as written, else of the boundary around, else of the neighbours, else of the nearest place.
fn fill(addresses: &mut [addresses::Raw], belonging: &mut Belonging) {
    let mut belongs: Vec<(Point, Belongs)> =
        addresses.iter_mut().map(|raw| (raw.point, std::mem::take(&mut raw.belongs))).collect();
    for (point, belongs) in &mut belongs {
        belonging.fill_from_boundaries(*point, belongs);
    }
    belonging::fill_from_neighbours(&mut belongs);
    for ((point, mut belongs), raw) in belongs.into_iter().zip(addresses) {
        belonging.fill_from_places(point, &mut belongs);
        raw.belongs = belongs;
    }
}
