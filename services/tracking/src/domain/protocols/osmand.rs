//! The query form of OsmAnd, the Traccar Client before version 9 and many scripts. Speeds are knots, the battery is percent.

use serde_json::Value;

use super::{Decoded, measure, number, percent, time};
use crate::domain::fix::Report;

/// Metres per second of a knot.
const KNOT: f32 = 0.514_444;

/// A request's parameters, from the query and a form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(pub Vec<(String, String)>);

impl Query {
    /// From a query string or a form; damaged encoding is read as well as it can be.
    pub fn read(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// With the parameters of another one behind its own.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The first of several names that is there and not empty.
    pub fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|wanted| {
            let given = self.0.iter().find(|(name, value)| name == wanted && !value.trim().is_empty());
            given.map(|(_, value)| value.as_str())
        })
    }

    pub(super) fn value(&self, names: &[&str]) -> Value {
        self.first(names).map_or(Value::Null, |text| Value::String(text.to_owned()))
    }
}

/// What the device calls itself, and its position; without any place there is none.
pub fn decode(query: &Query) -> (Option<&str>, Vec<Decoded>) {
    let device = query.first(&["id", "deviceid"]);
    let has_place = query.first(&["lat", "location"]).is_some();
    let valid = !matches!(query.first(&["valid"]), Some("false" | "0"));
    let points = if has_place && valid { vec![position(query)] } else { Vec::new() };
    (device, points)
}

fn position(query: &Query) -> Decoded {
    let (lat, lon) = match query.first(&["location"]).and_then(|both| both.split_once(',')) {
        Some((lat, lon)) => (lat.trim().parse().ok()?, lon.trim().parse().ok()?),
        None => (number(&query.value(&["lat"]))?, number(&query.value(&["lon"]))?),
    };
    let at = match query.first(&["timestamp"]) {
        Some(text) => Some(time(text)?),
        None => None,
    };
    Some(Report {
        lat,
        lon,
        at,
        accuracy_m: measure(&query.value(&["accuracy"])),
        speed_m_s: measure(&query.value(&["speed"])).map(|knots| knots * KNOT),
        heading_deg: measure(&query.value(&["bearing", "heading"])),
        altitude_m: measure(&query.value(&["altitude"])),
        battery: percent(&query.value(&["batt"])),
        sequence: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_client_is_read_with_knots_and_percent() {
        let query = Query::read(
            "id=dmt_0&timestamp=1795176000&lat=60.1699&lon=24.9384&speed=10.0&bearing=90.0&altitude=21.0&accuracy=5.0&batt=45.0&charge=false",
        );
        let (device, points) = decode(&query);
        let report = points[0].unwrap();
        assert_eq!((device, report.battery), (Some("dmt_0"), Some(0.45)));
        assert!((report.speed_m_s.unwrap() - 5.144_44).abs() < 1e-4);
        assert_eq!(report.heading_deg, Some(90.0));
    }

    #[test]
    fn aliases_other_times_and_both_coordinates_in_one_are_understood() {
        let query =
            Query::read("deviceid=d&location=60.1699,24.9384&heading=12&timestamp=2026-11-20%2012:00:00");
        let (device, points) = decode(&query);
        let report = points[0].unwrap();
        assert_eq!((device, report.lat, report.heading_deg), (Some("d"), 60.1699, Some(12.0)));
        assert_eq!(report.at.unwrap().to_string(), "2026-11-20T12:00:00Z");
        let (_, without) = decode(&Query::read("id=d&lat=1&lon=2"));
        assert_eq!(without[0].unwrap().at, None, "our time");
    }

    #[test]
    fn what_is_no_position_is_none() {
        assert!(decode(&Query::read("id=d&notificationToken=x")).1.is_empty());
        assert!(decode(&Query::read("id=d&lat=1&lon=2&valid=false")).1.is_empty());
        assert_eq!(decode(&Query::read("id=d&lat=x&lon=2")).1, [None]);
        assert_eq!(decode(&Query::read("id=d&lat=1&lon=2&timestamp=never")).1, [None]);
        assert_eq!(decode(&Query::read("lat=1&lon=2")).0, None);
    }
}
