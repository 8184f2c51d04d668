//! The form of a table that OSRM has and Mapbox has taken over: places in the path, rows of seconds and of metres in the
//! answer.

use std::fmt::Write as _;
use std::ops::Range;

use kernel::geo::Position;
use kernel::travel::Leg;
use serde::Deserialize;

use super::tables::{Table, TableError};

/// Who is moved further than this onto a road, in metres, is not near one: the same as on own roads.
pub const NEAR_ROAD_M: u32 = 500;

/// `24.94,60.17;24.95,60.16?sources=0&destinations=1&annotations=duration,distance`: what stands behind the profile.
pub fn query(origins: &[Position], destinations: &[Position]) -> String {
    let mut query = String::new();
    for (index, place) in origins.iter().chain(destinations).enumerate() {
        let between = if index == 0 { "" } else { ";" };
        // Six decimals are a tenth of a metre. Writing to a string cannot fail.
        let _ = write!(query, "{between}{:.6},{:.6}", place.lon(), place.lat());
    }
    let all = origins.len() + destinations.len();
    let (from, to) = (numbers(0..origins.len()), numbers(origins.len()..all));
    let _ = write!(query, "?sources={from}&destinations={to}&annotations=duration,distance");
    query
}

fn numbers(range: Range<usize>) -> String {
    range.map(|number| number.to_string()).collect::<Vec<_>>().join(";")
}

/// The answer. `null` is a pair without a way; `sources` and `destinations` say where a place was moved to.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Rows {
    /// Seconds.
    durations: Vec<Vec<Option<f64>>>,
    /// Metres.
    distances: Vec<Vec<Option<f64>>>,
    sources: Vec<Waypoint>,
    destinations: Vec<Waypoint>,
}

#[derive(Debug, Clone, Deserialize)]
struct Waypoint {
    /// Longitude, latitude.
    location: [f64; 2],
}

impl Rows {
    /// The table for these places. The server answers for the nearest road, however far that is: what it says about a place
    /// that it moved by more than [`NEAR_ROAD_M`] is not taken over.
    pub fn table(&self, origins: &[Position], destinations: &[Position]) -> Result<Table, TableError> {
        let fits = |rows: &[Vec<Option<f64>>]| {
            rows.len() == origins.len() && rows.iter().all(|row| row.len() == destinations.len())
        };
        if !fits(&self.durations) || !fits(&self.distances) {
            let (rows, columns) = (origins.len(), destinations.len());
            return Err(TableError::malformed(format!("it is not a table of {rows} x {columns}")));
        }
        let (from, to) = (near(origins, &self.sources), near(destinations, &self.destinations));
        let mut table = Table::with_capacity(origins.len() * destinations.len());
        for (row, (durations, distances)) in self.durations.iter().zip(&self.distances).enumerate() {
            for (column, (duration_s, distance_m)) in durations.iter().zip(distances).enumerate() {
                let found = leg(*duration_s, *distance_m)?;
                table.push(found.filter(|_leg| from[row] && to[column]));
            }
        }
        Ok(table)
    }
}

/// Which places stayed near a road. A server that does not say where it moved them is believed.
fn near(asked: &[Position], moved: &[Waypoint]) -> Vec<bool> {
    let road = |index: usize| {
        let [lon, lat] = moved.get(index)?.location;
        Position::new(lat, lon).ok()
    };
    let is_near = |(index, place): (usize, &Position)| {
        road(index).is_none_or(|road| place.distance_m(road) <= f64::from(NEAR_ROAD_M))
    };
    asked.iter().enumerate().map(is_near).collect()
}

/// A way of so many seconds and metres. Part of a second is a second.
pub fn leg(duration_s: Option<f64>, distance_m: Option<f64>) -> Result<Option<Leg>, TableError> {
    let (Some(duration_s), Some(distance_m)) = (duration_s, distance_m) else { return Ok(None) };
    let (Some(duration_s), Some(distance_m)) = (whole(duration_s.ceil()), whole(distance_m.round())) else {
        return Err(TableError::malformed("a time or a distance is negative or too large"));
    };
    Ok(Some(Leg { duration_s, distance_m }))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is whole and within the type, which is checked"
)]
fn whole(value: f64) -> Option<u32> {
    (0.0..=f64::from(u32::MAX)).contains(&value).then_some(value as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(lats: &[f64]) -> Vec<Position> {
        lats.iter().map(|lat| Position::new(*lat, 10.0).unwrap()).collect()
    }

    fn rows(document: &serde_json::Value) -> Rows {
        serde_json::from_value(document.clone()).unwrap()
    }

    #[test]
    fn places_stand_with_the_longitude_first() {
        let (shop, doors) = (places(&[52.517_037]), places(&[52.529_407, 52.523_219]));
        assert_eq!(
            query(&shop, &doors),
            "10.000000,52.517037;10.000000,52.529407;10.000000,52.523219?sources=0&destinations=1;2\
             &annotations=duration,distance"
        );
    }

    #[test]
    fn a_table_is_read_as_it_is_and_what_is_none_is_refused() {
        let found = rows(&serde_json::json!({
            "durations": [[0, 61.2], [null, 5]],
            "distances": [[0, 499.5], [null, 1]],
        }));
        let way = |duration_s, distance_m| Some(Leg { duration_s, distance_m });
        let two = places(&[1.0, 2.0]);
        assert_eq!(found.table(&two, &two).unwrap(), [way(0, 0), way(62, 500), None, way(5, 1)]);
        assert!(found.table(&two, &two[..1]).is_err() && found.table(&two[..1], &two).is_err());
        assert!(rows(&serde_json::json!({ "durations": [[1]] })).table(&two[..1], &two[..1]).is_err());
        for bad in [-1.0, 1e12, f64::NAN, f64::INFINITY] {
            assert!(leg(Some(bad), Some(1.0)).is_err() && leg(Some(1.0), Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_place_that_was_moved_far_is_not_known() {
        let (from, to) = (places(&[60.0, 61.0]), places(&[62.0]));
        let mut document = serde_json::json!({ "durations": [[1], [1]], "distances": [[1], [1]] });
        let believed = rows(&document).table(&from, &to).unwrap();
        assert!(believed.iter().all(Option::is_some), "it does not say where");
        // 0.004 degrees of latitude are 445 m, 0.005 are 556 m.
        document["sources"] = serde_json::json!([{ "location": [10, 60.004] }, { "location": [10, 61.005] }]);
        document["destinations"] = serde_json::json!([{ "location": [10, 62.0], "name": "" }]);
        let found = rows(&document).table(&from, &to).unwrap();
        assert!(found[0].is_some() && found[1].is_none());
    }
}
