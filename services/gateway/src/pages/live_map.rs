//! What the map of `/live` shows, for the script that draws it: everybody who works and has been seen, every order that is open.

use serde_json::{Value, json};

use super::show::{text, words};

/// Orders that are open: what is on the map and first in the list.
pub(super) const OPEN: &str = "created,assigned,enroute_to_pickup,arrived_at_pickup,picked_up,enroute_to_dropoff,\
                               arrived_at_dropoff,returning";

/// Longitude and latitude, as maps want them; null where one is missing.
fn at(place: &Value) -> Value {
    match (place["lon"].as_f64(), place["lat"].as_f64()) {
        (Some(lon), Some(lat)) => json!([lon, lat]),
        _ => Value::Null,
    }
}

/// The places, as JSON.
pub(super) fn places(drivers: &[Value], orders: &[Value]) -> String {
    let drivers: Vec<_> = drivers.iter().map(driver).collect();
    let orders: Vec<_> = orders.iter().map(order).collect();
    json!({ "drivers": drivers, "orders": orders }).to_string()
}

fn driver(one: &Value) -> Value {
    let (driver, seen) = (&one["driver"], &one["position"]);
    let availability = text(&driver["availability"]);
    let orders: Vec<_> =
        one["orders"].as_array().into_iter().flatten().map(|order| text(&order["number"])).collect();
    json!({
        "id": driver["id"], "name": driver["name"], "availability": words(&availability),
        "works": availability == "available" || availability == "busy",
        "at": at(seen), "heading": seen["heading_deg"], "age_s": seen["age_s"].as_i64().unwrap_or(0), "orders": orders,
    })
}

/// An order stands where it goes to; on its way back, where it came from.
fn order(one: &Value) -> Value {
    let status = text(&one["status"]);
    let place = if status == "returning" { &one["pickup"] } else { &one["dropoff"] };
    json!({
        "id": one["id"], "number": one["number"], "status": words(&status), "driver": one["driver_id"],
        "place": text(&place["street"]), "at": at(&place["position"]),
        // With it the page asks for the way that is left; drivers, to whom it is not told, see none.
        "code": one["tracking_code"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_shows_who_was_seen_and_what_is_open() {
        let drivers = [
            json!({ "driver": { "id": "driver_1", "name": "Ada", "availability": "busy" },
                    "position": { "lat": 60.17, "lon": 24.94, "heading_deg": 90.0, "age_s": 7 },
                    "orders": [{ "number": "A-041", "status": "picked_up" }] }),
            json!({ "driver": { "id": "driver_2", "name": "Grace", "availability": "off_duty" }, "position": null, "orders": [] }),
        ];
        let place =
            |street: &str, lat: f64| json!({ "street": street, "position": { "lat": lat, "lon": 24.95 } });
        let orders = [
            json!({ "id": "order_1", "number": "A-041", "status": "picked_up", "driver_id": "driver_1", "tracking_code": "7KQ2M9XTB4HP",
                    "pickup": place("Shop 1", 60.16), "dropoff": place("Door 5", 60.18) }),
            json!({ "id": "order_2", "number": "A-042", "status": "returning", "pickup": place("Shop 1", 60.16), "dropoff": {} }),
            json!({ "id": "order_3", "number": "A-043", "status": "created", "dropoff": { "street": "Nowhere 1" } }),
        ];
        let places: Value = serde_json::from_str(&places(&drivers, &orders)).unwrap();
        assert_eq!(places["drivers"][0]["at"], json!([24.94, 60.17]));
        assert_eq!(
            (&places["drivers"][0]["works"], &places["drivers"][0]["orders"]),
            (&json!(true), &json!(["A-041"]))
        );
        assert_eq!(
            (&places["drivers"][1]["at"], &places["drivers"][1]["works"]),
            (&Value::Null, &json!(false))
        );
        assert_eq!(
            (&places["orders"][0]["at"], &places["orders"][0]["place"]),
            (&json!([24.95, 60.18]), &json!("Door 5"))
        );
        assert_eq!(
            (&places["orders"][0]["code"], &places["orders"][1]["code"]),
            (&json!("7KQ2M9XTB4HP"), &Value::Null)
        );
        assert_eq!(places["orders"][1]["at"], json!([24.95, 60.16]), "it goes back");
        assert_eq!(
            places["orders"][2]["at"],
            Value::Null,
            "an address without a position is in the list only"
        );
    }
}
