//! OwnTracks: one JSON object per request, told apart by `_type`. Speeds are km/h, the battery is percent, times are seconds.

use serde_json::Value;

use super::{Decoded, Unreadable, json_time, measure, number, percent};
use crate::domain::fix::Report;

/// The positions of a message. Everything that is no position (last wills, waypoints, cards ...) has none; what is encrypted
/// with the app's own key cannot be read.
pub fn decode(body: &[u8]) -> Result<Vec<Decoded>, Unreadable> {
    let message: Value = serde_json::from_slice(body).map_err(|_not_json| Unreadable)?;
    match message.get("_type").and_then(Value::as_str) {
        Some("location" | "transition") => Ok(vec![position(&message)]),
        Some("encrypted") | None => Err(Unreadable),
        Some(_) => Ok(Vec::new()),
    }
}

fn position(message: &Value) -> Decoded {
    Some(Report {
        lat: number(&message["lat"])?,
        lon: number(&message["lon"])?,
        at: Some(json_time(&message["tst"])?),
        accuracy_m: measure(&message["acc"]),
        speed_m_s: measure(&message["vel"]).map(|km_h| km_h / 3.6),
        heading_deg: measure(&message["cog"]),
        altitude_m: measure(&message["alt"]),
        battery: percent(&message["batt"]),
        sequence: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the form of the app for Android, with fields of newer versions.
    const LOCATION: &str = r#"{"_type":"location","_id":"5e8c3b1a","BSSID":"00:11:22:33:44:55","SSID":"home","acc":13,"alt":48,
        "batt":81,"bs":1,"cog":270,"conn":"m","created_at":1795176003,"inregions":["shop"],"lat":60.1699,"lon":24.9384,
        "m":1,"t":"u","tid":"ad","tst":1795176000,"vac":3,"vel":18}"#;

    #[test]
    fn a_location_is_read_in_its_units() {
        let decoded = decode(LOCATION.as_bytes()).unwrap();
        let report = decoded[0].unwrap();
        assert_eq!((report.lat, report.lon), (60.1699, 24.9384));
        assert_eq!(report.at.unwrap().to_string(), "2026-11-20T12:00:00Z");
        assert_eq!(
            (report.speed_m_s, report.accuracy_m, report.battery),
            (Some(5.0), Some(13.0), Some(0.81))
        );
    }

    #[test]
    fn a_transition_is_a_position_and_other_messages_are_none() {
        let transition =
            br#"{"_type":"transition","wtst":1795170000,"lat":60.17,"lon":24.94,"tst":1795176000,"acc":20,
            "tid":"ad","event":"enter","desc":"shop","t":"c"}"#;
        assert!(decode(transition).unwrap()[0].is_some());
        for other in
            ["lwt", "waypoint", "waypoints", "status", "card", "steps", "beacon", "configuration", "new"]
        {
            let message = format!(r#"{{"_type":"{other}","tst":1795176000}}"#);
            assert_eq!(decode(message.as_bytes()), Ok(Vec::new()), "{other}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_so() {
        assert_eq!(decode(br#"{"_type":"encrypted","data":"x"}"#), Err(Unreadable));
        assert_eq!(decode(b"no json"), Err(Unreadable));
        assert_eq!(decode(br#"{"_type":"location","lat":"x","lon":1,"tst":1}"#), Ok(vec![None]));
        assert_eq!(decode(br#"{"_type":"location","lat":1,"lon":1}"#), Ok(vec![None]), "no time");
    }
}
