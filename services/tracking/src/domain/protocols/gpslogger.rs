//! GPSLogger for Android calls an address that its user wrote down (`domain::setup` makes one). Speeds are m/s, the battery is
//! percent; `time` is exact, `ts` is in whole seconds.

use super::{Decoded, Query, measure, number, percent, time};
use crate::domain::fix::Report;

/// The position of a call.
pub fn decode(query: &Query) -> Vec<Decoded> {
    vec![position(query)]
}

fn position(query: &Query) -> Decoded {
    let at = [query.first(&["time"]), query.first(&["ts", "timestamp"])];
    Some(Report {
        lat: number(&query.value(&["lat"]))?,
        lon: number(&query.value(&["lon", "longitude"]))?,
        at: Some(at.into_iter().flatten().find_map(time)?),
        accuracy_m: measure(&query.value(&["acc", "accuracy"])),
        speed_m_s: measure(&query.value(&["spd", "speed"])),
        heading_deg: measure(&query.value(&["dir", "bearing"])),
        altitude_m: measure(&query.value(&["alt", "altitude"])),
        battery: percent(&query.value(&["batt", "battery"])),
        sequence: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_of_our_template_is_read() {
        let query = Query::read(
            "lat=60.1699&lon=24.9384&time=2026-11-20T12:00:00.500Z&ts=1795176000&acc=6.0&alt=30.2&spd=4.5&dir=12.0&sat=9&batt=77&prov=gps&act=&desc=",
        );
        let report = decode(&query)[0].unwrap();
        assert_eq!(report.at.unwrap().to_string(), "2026-11-20T12:00:00.5Z");
        assert_eq!((report.speed_m_s, report.battery, report.accuracy_m), (Some(4.5), Some(0.77), Some(6.0)));
    }

    #[test]
    fn placeholders_that_the_app_left_empty_are_unknown() {
        let query = Query::read("lat=60.1&lon=24.9&time=&ts=1795176000&acc=&spd=&dir=&batt=");
        let report = decode(&query)[0].unwrap();
        assert_eq!((report.speed_m_s, report.accuracy_m, report.battery), (None, None, None));
        assert_eq!(decode(&Query::read("lat=60.1&lon=24.9")), [None], "no time");
        assert_eq!(decode(&Query::read("lat=%LAT&lon=%LON&ts=1")), [None], "not filled in");
    }
}
