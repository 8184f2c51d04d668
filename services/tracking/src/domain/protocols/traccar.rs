//! Traccar Client 9 and newer, and the location SDK beneath it: JSON, SI units, negative measures are unknown.

use serde_json::Value;

use super::{Decoded, Unreadable, json_time, measure, number};
use crate::domain::fix::Report;

/// A message with the device's own name of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// What the device calls itself: its secret.
    pub device: String,
    /// Its positions; a heartbeat has none.
    pub points: Vec<Decoded>,
}

/// What a message says: one location or a list of them.
pub fn decode(body: &[u8]) -> Result<Message, Unreadable> {
    let message: Value = serde_json::from_slice(body).map_err(|_not_json| Unreadable)?;
    let device = message.get("device_id").and_then(Value::as_str).ok_or(Unreadable)?.to_owned();
    let points = match message.get("location") {
        Some(Value::Array(many)) => many.iter().filter(|one| has_place(one)).map(position).collect(),
        Some(one) if has_place(one) => vec![position(one)],
        _ => Vec::new(),
    };
    Ok(Message { device, points })
}

fn has_place(location: &Value) -> bool {
    location.get("coords").is_some()
}

fn position(location: &Value) -> Decoded {
    let coords = &location["coords"];
    Some(Report {
        lat: number(&coords["latitude"])?,
        lon: number(&coords["longitude"])?,
        at: Some(json_time(&location["timestamp"])?),
        accuracy_m: measure(&coords["accuracy"]),
        speed_m_s: measure(&coords["speed"]),
        heading_deg: measure(&coords["heading"]),
        altitude_m: measure(&coords["altitude"]),
        battery: measure(&location["battery"]["level"]),
        sequence: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCATION: &str = r#"{"device_id":"dmt_0","location":{"timestamp":"2026-11-20T12:00:00.250Z","coords":{
        "latitude":60.1699,"longitude":24.9384,"accuracy":4.7,"speed":5.2,"heading":181.5,"altitude":21.3},"is_moving":true,
        "odometer":1204,"event":"motionchange","battery":{"level":0.63,"is_charging":false},
        "activity":{"type":"on_bicycle"},"extras":{},"mock":false}}"#;

    #[test]
    fn a_location_is_read() {
        let message = decode(LOCATION.as_bytes()).unwrap();
        assert_eq!(message.device, "dmt_0");
        let report = message.points[0].unwrap();
        assert_eq!(report.at.unwrap().to_string(), "2026-11-20T12:00:00.25Z");
        assert_eq!((report.speed_m_s, report.heading_deg), (Some(5.2), Some(181.5)));
        assert_eq!(report.battery, Some(0.63));
    }

    #[test]
    fn a_heartbeat_has_no_position_and_a_list_has_many() {
        let heartbeat =
            br#"{"device_id":"d","location":{"timestamp":"2026-11-20T12:00:00Z","event":"heartbeat"}}"#;
        assert!(decode(heartbeat).unwrap().points.is_empty());
        let many = br#"{"device_id":"d","location":[{"timestamp":"2026-11-20T12:00:00Z","coords":{"latitude":1,"longitude":2}},
            {"timestamp":"never","coords":{"latitude":1,"longitude":2}}]}"#;
        let points = decode(many).unwrap().points;
        assert!(points[0].is_some() && points[1].is_none());
        assert_eq!(decode(br#"{"location":{}}"#), Err(Unreadable));
    }
}
