use std::collections::BTreeMap;

use jiff::civil::date;
use kernel::ids::Uuid;

use super::*;

fn setting() -> Setting {
    Setting {
        shop_id: ShopId::new(Uuid::from_u128(10)),
        zone: TimeZone::get("Europe/Helsinki").unwrap(),
        currency: "EUR".parse().unwrap(),
        today: date(2026, 11, 20),
    }
}

fn row(heading: &str, cells: &str) -> (Value, Vec<RowError>) {
    let split = |line: &str| line.split('|').map(str::to_owned).collect::<Vec<_>>();
    let heading = split(&format!("street|zip|city|{heading}"));
    let cells = split(&format!("Hämeentie 5|00530|Helsinki|{cells}"));
    let mapping = Mapping::detect(&heading, &BTreeMap::new()).unwrap();
    read(&mapping, &cells, &setting())
}

#[test]
fn a_row_becomes_the_body_of_an_order() {
    let (body, errors) = row(
        "ref|name|phone|country|lat|lon|from|until|cash|tags|parcels|weight|prio",
        "w-1|Grace|0358 40 (123) 45-67|fi|60,1841|24.9501|20.11.2026 12:00|12:45|12,5|gift; cold|3|1000|-2",
    );
    assert_eq!(errors.len(), 1, "a phone without its country: {errors:?}");
    assert_eq!(
        (errors[0].column.as_deref(), errors[0].pointer.as_str()),
        (Some("phone"), "/dropoff/contact/phone")
    );
    assert_eq!(
        body,
        json!({
            "shop_id": setting().shop_id, "reference": "w-1", "priority": -2, "tags": ["gift", "cold"],
            "dropoff": { "street": "Hämeentie 5", "postcode": "00530", "city": "Helsinki", "country": "FI",
                         "contact": { "name": "Grace" }, "position": { "lat": 60.1841, "lon": 24.9501 },
                         "window": { "from": "2026-11-20T10:00:00Z", "until": "2026-11-20T10:45:00Z" } },
            "cash": { "amount_minor": 1250, "currency": "EUR" },
            "packages": [{ "weight_g": 334 }, { "weight_g": 333 }, { "weight_g": 333 }],
        })
    );
}

#[test]
fn times_are_those_of_the_shop() {
    let at = |text: &str| moment(text, &setting()).map(|at| at.to_string());
    for (text, wanted) in [
        ("2026-11-20T12:45:00Z", Some("2026-11-20T12:45:00Z")),
        ("2026-11-20T12:45:00+02:00", Some("2026-11-20T10:45:00Z")),
        ("2026-11-20 12:45", Some("2026-11-20T10:45:00Z")),
        ("2026-11-20T12:45:00", Some("2026-11-20T10:45:00Z")),
        ("20.11.2026 12:45", Some("2026-11-20T10:45:00Z")),
        ("12:45", Some("2026-11-20T10:45:00Z")),
        ("12:45:30", Some("2026-11-20T10:45:30Z")),
        // Clocks that are put forward and back.
        ("2026-03-29 03:30", Some("2026-03-29T01:30:00Z")),
        ("2026-10-25 03:30", Some("2026-10-25T00:30:00Z")),
        ("2026-11-20", None),
        ("tomorrow", None),
        ("25:00", None),
    ] {
        assert_eq!(at(text).as_deref(), wanted, "{text}");
    }
}

#[test]
fn amounts_are_exact() {
    for (text, exponent, wanted) in [
        ("12", 2, Some(1200)),
        ("12.5", 2, Some(1250)),
        ("12,50", 2, Some(1250)),
        ("0.01", 2, Some(1)),
        ("12.505", 2, None),
        ("-1", 2, None),
        ("", 2, None),
        (",5", 2, None),
        ("1.234,50", 2, None),
        ("500", 0, Some(500)),
        ("500.0", 0, None),
        ("99999999999999999999", 2, None),
    ] {
        assert_eq!(minor(text, exponent), wanted, "{text}");
    }
}

#[test]
fn phones_lose_their_signs_and_keep_their_country() {
    for (text, wanted) in [
        ("+358 40 123-4567", Some("+358401234567")),
        ("00358401234567", Some("+358401234567")),
        ("+49 (0)30 1234", Some("+49301234")),
        ("0401234567", None),
        ("358401234567", None),
        ("+0401234567", None),
        ("+358", None),
        ("call me", None),
    ] {
        assert_eq!(phone(text).as_deref(), wanted, "{text}");
    }
}

#[test]
fn what_means_nothing_is_named_by_its_column_and_never_shown() {
    let (body, errors) = row(
        "phone|from|prio|cash|lat|lon|parcels|grams|ready",
        "secret|secret|secret|secret|secret|24.9|secret|secret|secret",
    );
    let named: Vec<_> = errors.iter().map(|error| error.column.as_deref().unwrap()).collect();
    assert_eq!(named, ["lat", "from", "phone", "ready", "prio", "cash", "parcels", "grams"]);
    assert!(!format!("{errors:?}{body}").contains("secret"));
    for half in ["60.1|", "|24.9", "91|24.9"] {
        assert_eq!(row("lat|lon", half).1.len(), 1, "{half}");
    }
    assert!(row("lat|lon", "|").1.is_empty());
}
