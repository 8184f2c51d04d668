//! `GET /t/{code}`: what a customer sees, rendered; `POST /t/{code}/rating`, `POST /t/{code}/confirm`: the forms on it.
//!
//! It works without scripts (it is loaded again every 30 seconds then); with them it follows the delivery, and where a map was
//! imported its streets are drawn once the text is there.

use askama::Template;
use axum::Extension;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{Method, StatusCode};
use kernel::time::Timestamp;
use platform::Result;
use platform::http::Path;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::show::{ago, clock_of, text, words, zone};
use super::sketch::Sketch;
use super::{Message, html, scripted};
use crate::call::Visitor;
use crate::views::Time;

#[derive(Template)]
#[template(path = "pages/track.html")]
struct TrackPage {
    page: Shown,
}

#[derive(Default)]
struct Shown {
    code: String,
    active: bool,
    message: String,
    number: String,
    shop: String,
    phone: String,
    zone: String,
    window: String,
    confidence: String,
    courier: String,
    position: String,
    pin: String,
    rows: Vec<(String, String)>,
    may_confirm: bool,
    may_rate: bool,
    stars: i64,
    /// What was wrong with a form.
    said: String,
    /// Where everything is; nothing where that is not known, or once it has ended.
    map: Option<Sketch>,
}

/// What the form says.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(example = json!({ "stars": 5, "comment": "Still warm!" }))]
pub(crate) struct RatingForm {
    /// 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    stars: i32,
    /// In the customer's words.
    #[serde(default)]
    #[schema(max_length = 1000)]
    comment: String,
}

/// A delivery as its customer sees it.
#[utoipa::path(
    get, path = "/t/{code}", operation_id = "get_track_page", tag = "pages",
    params(("code" = String, Path, description = "The code of the link.", example = "7KQ2M9XTB4HP")),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"))
)]
pub(crate) async fn track_page(
    Path(code): Path<String>,
    Extension(time): Extension<Time>,
    visitor: Visitor,
) -> Result<Response> {
    render(&visitor, &code, time.now(), String::new()).await
}

/// Rates a delivery, and shows it again.
#[utoipa::path(
    post, path = "/t/{code}/rating", operation_id = "submit_rating", tag = "pages",
    params(("code" = String, Path, description = "The code of the link.", example = "7KQ2M9XTB4HP")),
    request_body(content = RatingForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Thank you: back to the page."))
)]
pub(crate) async fn submit_rating(
    Path(code): Path<String>,
    Extension(time): Extension<Time>,
    visitor: Visitor,
    form: std::result::Result<Form<RatingForm>, FormRejection>,
) -> Result<Response> {
    let Ok(Form(form)) = form else {
        return render(&visitor, &code, time.now(), "Choose one to five.".to_owned()).await;
    };
    let mut body = json!({ "stars": form.stars });
    if !form.comment.trim().is_empty() {
        body["comment"] = form.comment.trim().into();
    }
    sent(&visitor, &code, "rating", &body, &time).await
}

/// Confirms that a delivery was received, and shows it again.
#[utoipa::path(
    post, path = "/t/{code}/confirm", operation_id = "submit_receipt", tag = "pages",
    params(("code" = String, Path, description = "The code of the link.", example = "7KQ2M9XTB4HP")),
    responses((status = 303, description = "It is noted: back to the page."))
)]
pub(crate) async fn submit_receipt(
    Path(code): Path<String>,
    Extension(time): Extension<Time>,
    visitor: Visitor,
) -> Result<Response> {
    sent(&visitor, &code, "confirm", &Value::Null, &time).await
}

async fn sent(visitor: &Visitor, code: &str, what: &str, body: &Value, time: &Time) -> Result<Response> {
    let Some(code) = plain(code) else { return unknown() };
    let body = (!body.is_null()).then_some(body);
    let answer = visitor.call(Method::POST, &format!("/api/v1/track/{code}/{what}"), body).await?;
    if answer.status.is_success() {
        return Ok(Redirect::to(&format!("/t/{code}")).into_response());
    }
    let said = text(&answer.body["detail"]);
    render(visitor, code, time.now(), said).await
}

/// A code as it may stand in an address.
fn plain(code: &str) -> Option<&str> {
    let fits = (1..=32).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then_some(code)
}

fn unknown() -> Result<Response> {
    let page = Message {
        title: "There is no such delivery",
        text: "The link is not complete, or it was never given out.",
        hint: "Ask the shop that you ordered from for a new one.",
    };
    html(StatusCode::NOT_FOUND, &page)
}

async fn render(visitor: &Visitor, code: &str, now: Timestamp, said: String) -> Result<Response> {
    let Some(code) = plain(code) else { return unknown() };
    let (page, map) = (format!("/api/v1/track/{code}"), format!("/api/v1/track/{code}/map"));
    let (answer, map) = futures::join!(visitor.get(&page), visitor.get(&map));
    let answer = answer?;
    if answer.status == StatusCode::NOT_FOUND {
        return unknown();
    }
    let track = answer.ok()?;
    // The page is as good as its text: what is drawn may be missing.
    let map = map.and_then(crate::call::Answer::ok).unwrap_or_default();
    let status = if said.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    scripted(status, &TrackPage { page: Shown { said, map: Sketch::of(&map), ..shown(&track, code, now) } })
}

fn shown(track: &Value, code: &str, now: Timestamp) -> Shown {
    let (state, shop, driver, eta) = (text(&track["state"]), &track["shop"], &track["driver"], &track["eta"]);
    let zone_name = text(&shop["time_zone"]);
    let zone = zone(&zone_name);
    let clock = |value: &Value| clock_of(value, now, &zone);
    let delivered = track["status"] == "delivered";
    let rows = track["timeline"].as_array().into_iter().flatten();
    Shown {
        code: code.to_owned(),
        active: state == "active",
        message: text(&track["message"]),
        number: text(&track["number"]),
        shop: text(&shop["name"]),
        phone: text(&shop["phone"]),
        zone: zone_name,
        window: match [&eta["earliest"], &eta["latest"]].map(clock) {
            [from, until] if !from.is_empty() => format!("Between {from} and {until}"),
            _ => String::new(),
        },
        confidence: match eta["probability"].as_f64() {
            Some(share) => {
                format!("about {}; {:.0} of 100 such windows hold", clock(&eta["expected"]), share * 100.0)
            }
            None => String::new(),
        },
        courier: courier(driver),
        position: match track["position"]["age_s"].as_i64() {
            Some(age) => format!("The courier's position was reported {}.", ago(age)),
            None => String::new(),
        },
        pin: text(&track["pin"]),
        rows: rows.map(|row| (clock(&row["at"]), text(&row["text"]))).collect(),
        may_confirm: delivered && track["confirmed_at"].is_null(),
        may_rate: delivered && track["stars"].is_null(),
        stars: track["stars"].as_i64().unwrap_or(0),
        said: String::new(),
        map: None,
    }
}

/// Who comes, and how one knows them.
fn courier(driver: &Value) -> String {
    let (name, vehicle) = (text(&driver["first_name"]), words(&text(&driver["vehicle"])));
    let looks = [text(&driver["vehicle_description"]), text(&driver["plate"])];
    let looks: Vec<&str> = looks.iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
    let how = match vehicle.as_str() {
        "" => String::new(),
        "foot" => " comes on foot".to_owned(),
        vehicle => format!(" comes by {vehicle}"),
    };
    let looks = if looks.is_empty() { String::new() } else { format!(" ({})", looks.join(", ")) };
    match (name.is_empty(), how.is_empty()) {
        (true, true) => String::new(),
        (true, false) => format!("Your courier{how}{looks}."),
        (false, true) => format!("Your courier is {name}{looks}."),
        (false, false) => format!("{name}{how}{looks}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_what_the_api_says() {
        let track = json!({
            "state": "active", "message": "Your order is on the way to you.", "status": "enroute_to_dropoff", "number": "A-042",
            "shop": { "name": "Ada's Bakery", "phone": "+358912345678", "time_zone": "Europe/Helsinki" },
            "driver": { "first_name": "Ada", "vehicle": "cargo_bike", "plate": "ABC-123" },
            "eta": { "earliest": "2026-11-20T12:28:00Z", "expected": "2026-11-20T12:33:00Z", "latest": "2026-11-20T12:41:00Z",
                     "probability": 0.8 },
            "position": { "lat": 60.17, "lon": 24.94, "age_s": 7 },
            "timeline": [{ "kind": "picked_up", "text": "It was picked up.", "at": "2026-11-20T12:20:00Z" }],
        });
        let now = "2026-11-20T12:21:00Z".parse().unwrap();
        let map = Sketch::of(&json!({
            "dropoff": { "lat": 60.18, "lon": 24.95 }, "courier": { "lat": 60.17, "lon": 24.94, "age_s": 7 },
            "way": { "line": [[24.94, 60.17], [24.95, 60.18]], "source": "roads" },
            "attribution": "© OpenStreetMap contributors",
        }));
        let page = Shown { map, ..shown(&track, "7KQ2M9XTB4HP", now) };
        let page = TrackPage { page }.render().unwrap();
        for part in [
            "Your order is on the way to you.",
            "Between 14:28 and 14:41",
            "about 14:33; 80 of 100",
            "Ada comes by cargo bike (ABC-123).",
            "reported 7 s ago",
            "<time>14:20</time> It was picked up.",
            "tel:+358912345678",
            "track:7KQ2M9XTB4HP",
            "data-code=\"7KQ2M9XTB4HP\" data-library=\"/assets/maplibre/",
            "<circle class=\"courier\"",
            "© OpenStreetMap contributors",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        assert!(!page.contains("/rating"), "nothing to rate yet");
        let ended =
            json!({ "state": "finished", "message": "Delivered.", "status": "delivered", "timeline": [] });
        let page = TrackPage { page: shown(&ended, "7KQ2M9XTB4HP", now) }.render().unwrap();
        assert!(page.contains("/rating") && page.contains("/confirm") && !page.contains("app.js"), "{page}");
        assert!(!page.contains("id=\"place\""), "nothing is on its way");
    }

    #[test]
    fn only_a_code_stands_in_an_address() {
        assert_eq!(plain("7KQ2M9XTB4HP"), Some("7KQ2M9XTB4HP"));
        for bad in ["", "a/b", "a?b", "a%2e", "ä", &"A".repeat(33)] {
            assert_eq!(plain(bad), None, "{bad}");
        }
    }
}
