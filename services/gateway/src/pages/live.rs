//! `GET /live` and what it shows, `GET /live/board`; `GET /sign-in`, `GET /app.js`.
//!
//! The page itself is the same for everybody. What it shows is rendered here for whoever presents an access token, which the
//! script of the page keeps in memory, and is fetched anew when something has happened.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use jiff::tz::TimeZone;
use kernel::time::Timestamp;
use platform::Result;
use platform::http::Query;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::show::{ago, clock_of, text, words, zone};
use super::{html, library, live_map, scripted};
use crate::call::Visitor;
use crate::http::Shared;
use crate::views::{self, Time};

#[derive(Template)]
#[template(path = "pages/live.html")]
struct Live {
    /// Where the library of the map is.
    library: String,
}

#[derive(Template)]
#[template(path = "pages/sign_in.html")]
struct SignIn {
    phone: bool,
}

#[derive(Template)]
#[template(path = "pages/board.html")]
struct BoardPage {
    board: Board,
}

struct Count {
    number: i64,
    label: String,
}

struct Line {
    subject: String,
    text: String,
    since: String,
}

struct DriverRow {
    id: String,
    name: String,
    works: bool,
    availability: String,
    /// Number and status.
    orders: Vec<(String, String)>,
    seen: String,
}

struct OrderRow {
    id: String,
    number: String,
    code: String,
    status: String,
    place: String,
    placed: String,
}

/// What the page shows.
struct Board {
    at: String,
    /// In whose time: customers' pages have that of their shop.
    zone: String,
    counts: Vec<Count>,
    exceptions: Vec<Line>,
    queue: Vec<Line>,
    drivers: Vec<DriverRow>,
    orders: Vec<OrderRow>,
    unavailable: Vec<String>,
    /// What the map shows, for its script.
    places: String,
}

/// The page on which people watch the day: orders, drivers, last events.
#[utoipa::path(
    get, path = "/live", operation_id = "get_live_page", tag = "pages",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"))
)]
pub(crate) fn live_page() -> std::future::Ready<Result<Response>> {
    std::future::ready(scripted(StatusCode::OK, &Live { library: library::address() }))
}

/// What the page shows, as HTML.
#[utoipa::path(
    get, path = "/live/board", operation_id = "get_live_board", tag = "pages",
    responses((status = 200, description = "A part of the page.", body = String, content_type = "text/html"))
)]
pub(crate) async fn live_board(
    State(shared): State<Shared>,
    Extension(time): Extension<Time>,
    visitor: Visitor,
) -> Result<Response> {
    let open = format!("/api/v1/orders?status={}&limit=200", live_map::OPEN);
    let (overview, latest, open) = futures::join!(
        views::overview(&visitor, &time),
        visitor.get("/api/v1/orders?limit=20"),
        visitor.get(&open)
    );
    let (latest, open) = (latest?.ok()?, open?.ok()?);
    let board = board(&overview?, &latest, &open, time.now(), &zone(&shared.zone));
    html(StatusCode::OK, &BoardPage { board })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Open orders, and the latest of those that have ended.
fn orders<'a>(latest: &'a Value, open: &'a Value) -> impl Iterator<Item = &'a Value> {
    let ended = |one: &&Value| !list(&open["items"]).iter().any(|known| known["id"] == one["id"]);
    list(&open["items"]).iter().chain(list(&latest["items"]).iter().filter(ended))
}

fn board(overview: &Value, latest: &Value, open: &Value, now: Timestamp, zone: &TimeZone) -> Board {
    let counts = overview["orders"]["placed"].as_object().into_iter().flatten();
    let since = |value: &Value| match clock_of(value, now, zone) {
        time if time.is_empty() => time,
        time => format!("since {time}"),
    };
    Board {
        at: clock_of(&overview["at"], now, zone),
        zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        counts: counts
            .map(|(status, number)| Count { number: number.as_i64().unwrap_or(0), label: words(status) })
            .filter(|count| count.number > 0)
            .collect(),
        exceptions: list(&overview["exceptions"])
            .iter()
            .map(|one| Line {
                subject: text(&one["number"]),
                text: reason(one["kind"].as_str().unwrap_or_default()),
                since: since(&one["since"]),
            })
            .collect(),
        queue: list(&overview["queue"])
            .iter()
            .map(|one| Line {
                subject: text(&one["number"]),
                text: words(one["state"].as_str().unwrap_or_default()),
                since: since(&one["waiting_since"]),
            })
            .collect(),
        drivers: list(&overview["drivers"]).iter().map(|one| driver(one, now)).collect(),
        orders: orders(latest, open).map(|one| order(one, now, zone)).collect(),
        unavailable: list(&overview["unavailable"]).iter().map(text).collect(),
        places: live_map::places(list(&overview["drivers"]), list(&open["items"])),
    }
}

/// Why somebody should look, in a sentence.
fn reason(kind: &str) -> String {
    match kind {
        "failed" => "could not be delivered".to_owned(),
        "returning" => "is on its way back".to_owned(),
        "late" => "is late".to_owned(),
        "stuck" => "finds no driver by itself".to_owned(),
        "waiting" => "has waited long for a driver".to_owned(),
        "unanswered" => "was offered, and nobody took it".to_owned(),
        "position_stale" => "A driver who works has not been seen".to_owned(),
        other => words(other),
    }
}

fn driver(one: &Value, now: Timestamp) -> DriverRow {
    let availability = text(&one["driver"]["availability"]);
    let seen = one["position"]["at"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
    let of = |order: &Value| (text(&order["number"]), words(&text(&order["status"])));
    DriverRow {
        id: text(&one["driver"]["id"]),
        name: text(&one["driver"]["name"]),
        works: availability == "available" || availability == "busy",
        availability: words(&availability),
        orders: list(&one["orders"]).iter().map(of).collect(),
        seen: seen.map(|at| ago(now.duration_since(at).as_secs())).unwrap_or_default(),
    }
}

fn order(one: &Value, now: Timestamp, zone: &TimeZone) -> OrderRow {
    OrderRow {
        id: text(&one["id"]),
        number: text(&one["number"]),
        code: text(&one["tracking_code"]),
        status: words(&text(&one["status"])),
        place: format!("{}, {}", text(&one["dropoff"]["street"]), text(&one["dropoff"]["city"])),
        placed: clock_of(&one["placed_at"], now, zone),
    }
}

/// With what somebody signs in.
#[derive(Debug, Clone, Default, Deserialize, garde::Validate, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SignInQuery {
    /// `phone`: with a number and a PIN.
    #[garde(length(max = 20))]
    #[param(max_length = 20, example = "phone")]
    with: Option<String>,
    /// Where to go afterwards: a path of this installation.
    #[garde(length(max = 200))]
    #[param(max_length = 200, example = "/live")]
    next: Option<String>,
}

/// The form to sign in.
#[utoipa::path(
    get, path = "/sign-in", operation_id = "get_sign_in_page", tag = "pages", params(SignInQuery),
    responses((status = 200, description = "The form.", body = String, content_type = "text/html"))
)]
pub(crate) async fn sign_in_page(Query(query): Query<SignInQuery>) -> Result<Response> {
    let drives = query.next.is_some_and(|next| next.starts_with("/drive"));
    scripted(StatusCode::OK, &SignIn { phone: drives || query.with.is_some_and(|with| with == "phone") })
}

/// The script of the pages.
#[utoipa::path(
    get, path = "/app.js", operation_id = "get_page_script", tag = "pages",
    responses((status = 200, description = "The script.", body = String, content_type = "text/javascript"))
)]
pub(crate) fn script() -> std::future::Ready<Response> {
    let head = [(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, "max-age=3600")];
    std::future::ready((head, include_str!("../../templates/pages/app.js")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_board_shows_what_the_overview_says() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let overview = json!({
            "at": now, "orders": { "placed": { "enroute_to_pickup": 3 } },
            "exceptions": [{ "kind": "late", "number": "A-042", "since": "2026-11-20T11:48:00Z" }],
            "drivers": [{ "driver": { "name": "Ada <b>", "availability": "on_break" }, "position": { "at": "2026-11-20T11:59:40Z" },
                          "orders": [{ "number": "A-041", "status": "picked_up" }] }],
            "queue": null, "unavailable": ["dispatch"],
        });
        let latest = json!({ "items": [{ "id": "order_42", "number": "A-042", "tracking_code": "7KQ2M9XTB4HP", "status": "created",
            "dropoff": { "street": "Hämeentie 1", "city": "Helsinki" }, "placed_at": "2026-11-20T11:40:00Z" }] });
        let open = json!({ "items": [latest["items"][0].clone(), { "id": "order_7", "number": "A-007", "status": "created",
            "dropoff": { "street": "Porthaninkatu 9", "city": "Helsinki", "position": { "lat": 60.18, "lon": 24.95 } },
            "placed_at": "2026-11-20T09:00:00Z" }] });
        let board = board(&overview, &latest, &open, now, &TimeZone::UTC);
        let page = BoardPage { board }.render().unwrap();
        assert_eq!(
            page.matches("Hämeentie 1, Helsinki").count(),
            1,
            "what is open and among the latest is there once"
        );
        for part in [
            "12:00 <span class=\"small\">(times in UTC)</span>",
            "<b>3</b> enroute to pickup",
            "<b>A-042</b> is late",
            "since 11:48",
            "Ada &#60;b&#62;",
            "on break",
            "20 s ago",
            "<b>A-041</b> picked up",
            "href=\"/t/7KQ2M9XTB4HP\"",
            "Hämeentie 1, Helsinki",
            "away: dispatch",
            "Nobody waits",
            "data-pick=\"order_7\"",
            "[24.95,60.18]",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
    }
}
