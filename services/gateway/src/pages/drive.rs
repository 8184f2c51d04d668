//! `GET /drive` and what it shows, `GET /drive/day`: what a driver has to do, the next step as a form.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::tz::TimeZone;
use kernel::time::Timestamp;
use platform::Result;
use serde_json::Value;

use super::show::{clock_of, money, text, words, zone};
use super::{html, scripted};
use crate::call::Visitor;
use crate::http::Shared;
use crate::views::{self, Time};

type Pair = (&'static str, &'static str);

const AVAILABILITIES: [Pair; 3] =
    [("available", "Available"), ("on_break", "On break"), ("off_duty", "Off duty")];
/// Ends and reasons that a driver can name; the API has more.
const FAILURES: [Pair; 5] = [
    ("failed_not_home", "Nobody at home"),
    ("failed_cant_find_address", "I cannot find it"),
    ("failed_no_time", "There is no time left"),
    ("failed_package_not_available", "It was not there to be picked up"),
    ("failed_other", "Something else"),
];
const REASONS: [Pair; 7] = [
    ("not_at_home", "Nobody answered"),
    ("refused", "They did not want it"),
    ("wrong_addr", "The address is wrong"),
    ("damaged", "It is damaged"),
    ("closed_store", "The shop was closed"),
    ("vehicle_breakdown", "My vehicle broke down"),
    ("traffic", "Traffic"),
];

#[derive(Template)]
#[template(path = "pages/drive.html")]
struct Drive;

#[derive(Template)]
#[template(path = "pages/day.html")]
struct DayPage {
    day: Day,
}

struct Offered {
    id: String,
    until: String,
}

struct Step {
    status: String,
    label: String,
    proof: bool,
    fails: bool,
}

struct DayStop {
    order: String,
    kind: String,
    title: &'static str,
    number: String,
    street: String,
    city: String,
    door: String,
    window: String,
    contact: String,
    phone: String,
    notes: String,
    cash: String,
    map: String,
    carried: bool,
    steps: Vec<Step>,
    /// Fields for the proof that is wanted; written here, nothing of anybody else's is in them.
    wishes: Vec<String>,
}

struct Day {
    at: String,
    driver: String,
    availability: String,
    availabilities: [Pair; 3],
    failures: [Pair; 5],
    reasons: [Pair; 7],
    offers: Vec<Offered>,
    stops: Vec<DayStop>,
    unavailable: Vec<String>,
}

/// The page with which a driver works until the app is there.
#[utoipa::path(
    get, path = "/drive", operation_id = "get_drive_page", tag = "pages",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"))
)]
pub(crate) fn drive_page() -> std::future::Ready<Result<Response>> {
    std::future::ready(scripted(StatusCode::OK, &Drive))
}

/// What the page shows, as HTML.
#[utoipa::path(
    get, path = "/drive/day", operation_id = "get_drive_day", tag = "pages",
    responses((status = 200, description = "A part of the page.", body = String, content_type = "text/html"),
              (status = 404, description = "The caller is no driver here."))
)]
pub(crate) async fn drive_day(
    State(shared): State<Shared>,
    Extension(time): Extension<Time>,
    visitor: Visitor,
) -> Result<Response> {
    let day = views::day(&visitor, &time).await?;
    html(StatusCode::OK, &DayPage { day: show(&day, time.now(), &zone(&shared.zone)) })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn show(day: &Value, now: Timestamp, zone: &TimeZone) -> Day {
    let offers = list(&day["offers"]).iter();
    // A stop whose order is over is taken out of the route a moment later.
    let away = list(&day["unavailable"]).iter().any(|part| part == "orders");
    let stops = list(&day["route"]["stops"]).iter().filter(|stop| away || !stop["order"].is_null());
    let routed = stops.map(|stop| shown(stop, now, zone));
    let unrouted = list(&day["unrouted"]).iter().filter_map(|order| unrouted(order, now, zone));
    Day {
        at: clock_of(&day["at"], now, zone),
        driver: text(&day["driver"]["id"]),
        availability: words(&text(&day["driver"]["availability"])),
        availabilities: AVAILABILITIES,
        failures: FAILURES,
        reasons: REASONS,
        offers: offers
            .map(|offer| Offered { id: text(&offer["id"]), until: clock_of(&offer["expires_at"], now, zone) })
            .collect(),
        stops: routed.chain(unrouted).collect(),
        unavailable: list(&day["unavailable"]).iter().map(text).collect(),
    }
}

/// What an order needs that is in no route (yet): the stop that its status leads to.
fn unrouted(order: &Value, now: Timestamp, zone: &TimeZone) -> Option<DayStop> {
    let kind = match order["status"].as_str()? {
        "assigned" | "enroute_to_pickup" | "arrived_at_pickup" => "pickup",
        "returning" | "failed" => "return",
        _ => "dropoff",
    };
    let place = if kind == "dropoff" { &order["dropoff"] } else { &order["pickup"] };
    let stop = serde_json::json!({
        "order_id": order["id"], "kind": kind, "allowed": order["allowed"], "place": place, "proof": order["proof"][kind],
        "order": order,
    });
    Some(shown(&stop, now, zone))
}

fn shown(stop: &Value, now: Timestamp, zone: &TimeZone) -> DayStop {
    let (place, kind, order) = (&stop["place"], text(&stop["kind"]), &stop["order"]);
    let window = ["from", "until"].map(|end| clock_of(&place["window"][end], now, zone));
    let at = |axis: &str| place["position"][axis].as_f64();
    DayStop {
        order: text(&stop["order_id"]),
        title: match kind.as_str() {
            "pickup" => "Pick up",
            "return" => "Bring back",
            _ => "Deliver",
        },
        number: text(&order["number"]),
        street: text(&place["street"]),
        city: format!("{} {}", text(&place["postcode"]), text(&place["city"])),
        door: text(&place["door"]),
        window: match &window {
            [from, until] if !from.is_empty() && !until.is_empty() => format!("between {from} and {until}"),
            [_, until] if !until.is_empty() => format!("until {until}"),
            [from, _] if !from.is_empty() => format!("not before {from}"),
            _ => String::new(),
        },
        contact: text(&place["contact_name"]),
        phone: text(&place["contact_phone"]),
        notes: text(&place["notes"]),
        cash: if kind == "dropoff" { money(&order["cash"]) } else { String::new() },
        map: at("lat").zip(at("lon")).map(|(lat, lon)| format!("geo:{lat},{lon}")).unwrap_or_default(),
        carried: kind != "pickup",
        steps: list(&stop["allowed"]).iter().filter_map(|step| step_of(step.as_str()?, &kind)).collect(),
        wishes: wishes(&stop["proof"]),
        kind,
    }
}

/// A step that makes sense at a stop, with the words of its button.
fn step_of(status: &str, kind: &str) -> Option<Step> {
    let (label, proof) = match (status, kind) {
        ("enroute_to_pickup", "pickup") => ("I am on my way to the pick-up", false),
        ("arrived_at_pickup", "pickup") => ("I am there", false),
        ("picked_up", "pickup") => ("I have it", true),
        ("enroute_to_dropoff", "dropoff") => ("I am on my way to the customer", false),
        ("arrived_at_dropoff", "dropoff") => ("I am at the door", false),
        ("delivered", "dropoff") => ("Delivered", true),
        ("failed", _) => ("It does not work", false),
        ("returning", "dropoff" | "return") => ("I bring it back", false),
        ("returned", "return") => ("It is back", true),
        _ => return None,
    };
    Some(Step { status: status.to_owned(), label: label.to_owned(), proof, fails: status == "failed" })
}

/// A field for each kind of proof that is wanted.
fn wishes(proof: &Value) -> Vec<String> {
    let wanted = |name: &str| proof[name].as_str().filter(|level| *level != "off");
    let needed = |level: &str| if level == "required" { " required" } else { "" };
    let field = |name: &str, make: &dyn Fn(&str) -> String| wanted(name).map(|level| make(needed(level)));
    [
        field("pin", &|need| {
            format!(r#"<label>PIN of the customer <input name="pin" inputmode="numeric" pattern="[0-9]{{4,6}}"{need}></label>"#)
        }),
        field("photo", &|need| {
            format!(r#"<label>Photo <input name="photo" type="file" accept="image/*" capture="environment"{need}></label>"#)
        }),
        field("signature", &|need| {
            let needed = if need.is_empty() { "" } else { " data-needed" };
            format!(
                r#"<label>Name of who signs <input name="signature_name" maxlength="200"{need}></label>
<p class="label">Signature, drawn with a finger</p>
<canvas class="signature" width="600" height="200" aria-label="Signature"{needed}></canvas>"#
            )
        }),
        field("notes", &|need| format!(r#"<label>Notes <input name="notes" maxlength="1000"{need}></label>"#)),
        field("barcodes", &|need| {
            format!(r#"<label>Barcodes of the packages, one in a line <textarea name="barcodes" rows="2" maxlength="1000"{need}></textarea></label>"#)
        }),
        field("minimum_age", &|need| {
            format!(r#"<label><input name="age_confirmed" type="checkbox"{need}> I have seen a document: old enough</label>"#)
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_next_step_is_a_form() {
        let day = json!({
            "at": now(), "driver": { "id": "driver_1", "availability": "busy" }, "shifts": [], "unavailable": [],
            "route": { "stops": [{
                "order_id": "order_1", "kind": "dropoff", "allowed": ["delivered", "failed", "arrived_at_pickup"],
                "place": { "street": "<Hämeentie> 1", "postcode": "00530", "city": "Helsinki", "contact_name": "Grace",
                           "window": { "until": "2026-11-20T12:45:00Z" }, "position": { "lat": 60.18, "lon": 24.95 } },
                "proof": { "pin": "required", "photo": "off", "signature": "required", "notes": "optional", "barcodes": "warn", "minimum_age": "required" },
                "order": { "number": "A-042", "cash": { "amount_minor": 1250, "currency": "EUR" } },
            }] },
            "unrouted": [{ "id": "order_2", "number": "A-043", "status": "assigned", "allowed": ["enroute_to_pickup"],
                           "pickup": { "street": "Shop 1" }, "dropoff": {}, "proof": {} }],
            "offers": [{ "id": "offer_1", "expires_at": "2026-11-20T12:00:45Z" }],
        });
        let page = DayPage { day: show(&day, now(), &TimeZone::UTC) }.render().unwrap();
        for part in [
            "Next: Deliver <b>A-042</b>",
            "&#60;Hämeentie&#62; 1",
            "until 12:45",
            "Collect 12.50 EUR",
            "geo:60.18,24.95",
            r#"data-proof="/api/v1/orders/order_1/proofs" data-stop="dropoff""#,
            r#"name="pin""#,
            r#"name="notes""#,
            r#"name="barcodes""#,
            r#"aria-label="Signature" data-needed"#,
            r#"name="age_confirmed" type="checkbox" required"#,
            "/api/v1/offers/offer_1/accept",
            "Pick up <b>A-043</b>",
            "Shop 1",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        assert!(!page.contains(r#"name="photo""#), "it is off");
        assert!(!page.contains("I am there"), "a pick-up's step is none of a drop-off");
    }
}
