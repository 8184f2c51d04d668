//! Legal speed limits: numbers with units, and limits that a country's law gives to a kind of road.
//! Values: <https://wiki.openstreetmap.org/wiki/Key:maxspeed>.

const KMH_PER_MPH: f64 = 1.609_344;
const KMH_PER_KNOT: f64 = 1.852;
/// No limit by law: the vehicle's own top speed decides.
const UNLIMITED_KMH: f64 = 300.0;
/// The speed of someone who walks.
const WALKING_KMH: f64 = 7.0;

/// Country, kind of road, km/h: where the law differs from the usual.
const BY_COUNTRY: [(&str, &str, f64); 21] = [
    ("at", "rural", 100.0),
    ("at", "trunk", 100.0),
    ("be", "motorway", 120.0),
    ("ch", "rural", 80.0),
    ("ch", "trunk", 100.0),
    ("ch", "motorway", 120.0),
    ("cz", "trunk", 0.0),
    ("de", "rural", 100.0),
    ("de", "motorway", UNLIMITED_KMH),
    ("dk", "rural", 80.0),
    ("es", "motorway", 120.0),
    ("fi", "rural", 80.0),
    ("fi", "motorway", 120.0),
    ("fr", "rural", 80.0),
    ("gb", "urban", 30.0 * KMH_PER_MPH),
    ("gb", "rural", 60.0 * KMH_PER_MPH),
    ("gb", "trunk", 60.0 * KMH_PER_MPH),
    ("gb", "motorway", 70.0 * KMH_PER_MPH),
    ("nl", "rural", 80.0),
    ("pt", "motorway", 120.0),
    ("ro", "trunk", 100.0),
];

/// The limit in km/h; `None` when the text says nothing that can be used.
pub(super) fn parse(text: &str) -> Option<f64> {
    let text = text.split(';').next()?.trim();
    if let Some(kmh) = number(text) {
        return Some(kmh);
    }
    match text {
        "none" | "unlimited" => Some(UNLIMITED_KMH),
        "walk" => Some(WALKING_KMH),
        _ => zone(&text.to_ascii_lowercase()),
    }
}

/// `50`, `30 mph`, `30mph`, `10 knots`.
fn number(text: &str) -> Option<f64> {
    let digits = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let value: f64 = text[..digits].parse().ok()?;
    let factor = match text[digits..].trim() {
        "" | "km/h" | "kmh" | "kph" => 1.0,
        "mph" => KMH_PER_MPH,
        "knots" => KMH_PER_KNOT,
        _ => return None,
    };
    let kmh = value * factor;
    (1.0..=UNLIMITED_KMH).contains(&kmh).then_some(kmh)
}

/// `de:urban`, `fr:zone30`, `de:zone:30`, `gb:nsl_single`.
fn zone(text: &str) -> Option<f64> {
    let (country, kind) = text.split_once(':')?;
    let by_country = BY_COUNTRY.iter().find(|(c, k, _)| *c == country && *k == kind).map(|(_, _, kmh)| *kmh);
    if let Some(kmh) = by_country.filter(|kmh| *kmh > 0.0) {
        return Some(kmh);
    }
    match kind {
        "urban" => Some(50.0),
        "rural" => Some(90.0),
        "trunk" => Some(110.0),
        "motorway" => Some(130.0),
        "living_street" | "pedestrian_zone" => Some(WALKING_KMH),
        "bicycle_road" => Some(30.0),
        "nsl_single" => Some(60.0 * KMH_PER_MPH),
        "nsl_dual" => Some(70.0 * KMH_PER_MPH),
        "nsl_restricted" => Some(30.0 * KMH_PER_MPH),
        _ => number(kind.trim_start_matches("zone").trim_start_matches(':')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_have_units_and_zones() {
        let near = |text: &str, kmh: f64| assert!((parse(text).unwrap() - kmh).abs() < 0.01, "{text}");
        near("50", 50.0);
        near("30 mph", 48.28);
        near("25mph", 40.23);
        near("DE:urban", 50.0);
        near("DE:rural", 100.0);
        near("RO:urban", 50.0);
        near("FR:zone30", 30.0);
        near("DE:zone:20", 20.0);
        near("GB:nsl_single", 96.56);
        near("walk", 7.0);
        near("50;30", 50.0);
        near("none", 300.0);
    }

    #[test]
    fn what_is_no_limit_is_ignored() {
        for text in ["", "signals", "variable", "0", "-5", "fast", "9999", "50 furlongs", "DE:", "é50"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
