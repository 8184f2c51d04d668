//! Overland: batches of GeoJSON features. SI units, negative measures are unknown. `current`, which comes with a long backlog, is
//! one more position, for the map of now; it comes again with its batch.

use serde_json::Value;

use super::{Decoded, Unreadable, json_time, measure, number};
use crate::domain::fix::Report;

/// The positions of a batch.
pub fn decode(body: &[u8]) -> Result<Vec<Decoded>, Unreadable> {
    let message: Value = serde_json::from_slice(body).map_err(|_not_json| Unreadable)?;
    let locations = message.get("locations").and_then(Value::as_array).ok_or(Unreadable)?;
    let current = message.get("current").filter(|current| current.get("geometry").is_some());
    Ok(locations.iter().chain(current).map(position).collect())
}

fn position(feature: &Value) -> Decoded {
    let (place, facts) = (&feature["geometry"]["coordinates"], &feature["properties"]);
    Some(Report {
        lat: number(place.get(1)?)?,
        lon: number(place.get(0)?)?,
        at: Some(json_time(&facts["timestamp"])?),
        accuracy_m: measure(&facts["horizontal_accuracy"]),
        speed_m_s: measure(&facts["speed"]),
        heading_deg: measure(&facts["course"]),
        altitude_m: measure(&facts["altitude"]),
        battery: measure(&facts["battery_level"]),
        sequence: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCH: &str = r#"{"locations":[
        {"type":"Feature","geometry":{"type":"Point","coordinates":[24.9384,60.1699]},"properties":{
            "timestamp":"2026-11-20T12:00:00Z","altitude":12,"speed":4,"horizontal_accuracy":8,"vertical_accuracy":-1,
            "motion":["cycling"],"pauses":false,"battery_state":"unplugged","battery_level":0.89,"wifi":"","device_id":"x"}},
        {"type":"Feature","geometry":null,"properties":{"timestamp":"2026-11-20T12:00:01Z"}}],
        "current":{"type":"Feature","geometry":{"type":"Point","coordinates":[24.94,60.17]},"properties":{
            "timestamp":"2026-11-20T12:05:00Z","speed":-1}},
        "trip":{"mode":"bicycle"}}"#;

    #[test]
    fn a_batch_is_read_with_its_current_position() {
        let decoded = decode(BATCH.as_bytes()).unwrap();
        assert_eq!(decoded.len(), 3);
        let report = decoded[0].unwrap();
        assert_eq!((report.lat, report.lon, report.battery), (60.1699, 24.9384, Some(0.89)));
        assert_eq!(decoded[1], None, "one unreadable point does not take the others with it");
        assert_eq!(decoded[2].unwrap().speed_m_s, Some(-1.0), "left out later");
    }

    #[test]
    fn what_is_no_batch_is_said_so() {
        assert_eq!(decode(b"{}"), Err(Unreadable));
        assert_eq!(decode(b"[]"), Err(Unreadable));
        assert_eq!(decode(br#"{"locations":[]}"#), Ok(Vec::new()));
    }
}
