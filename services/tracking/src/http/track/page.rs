//! `GET /api/v1/track/{code}`

use axum::extract::State;
use contracts::tracking::{DriverLocation, EtaWindow};
use kernel::time::Timestamp;
use kernel::travel::Profile;
use platform::Result;
use platform::http::{Json, Path};
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::Tracking;
use crate::domain::page::State as PageState;
use crate::domain::timeline;
use crate::queries::page::{self, Page};
use crate::store::updates::Update;

/// The state of a page.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TrackState {
    /// Something is still to come.
    Active,
    /// It has ended.
    Finished,
    /// It was called off.
    Cancelled,
    /// The link is old.
    Expired,
}

impl From<PageState> for TrackState {
    fn from(state: PageState) -> Self {
        match state {
            PageState::Active => Self::Active,
            PageState::Finished => Self::Finished,
            PageState::Cancelled => Self::Cancelled,
            PageState::Expired => Self::Expired,
        }
    }
}

/// When something is expected: a window that holds with the stated probability.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct EtaView {
    /// Begin of the window.
    #[schema(example = "2026-11-20T12:28:00Z")]
    earliest: Timestamp,
    /// The best single guess.
    #[schema(example = "2026-11-20T12:33:00Z")]
    expected: Timestamp,
    /// End of the window.
    #[schema(example = "2026-11-20T12:41:00Z")]
    latest: Timestamp,
    /// How often such windows hold, 0 to 1.
    #[schema(example = 0.8)]
    probability: f32,
    /// Where the travel times come from: `straight_line`, `roads` ...
    #[schema(example = "straight_line")]
    source: String,
}

impl From<EtaWindow> for EtaView {
    fn from(eta: EtaWindow) -> Self {
        Self {
            earliest: eta.earliest,
            expected: eta.expected,
            latest: eta.latest,
            probability: eta.probability,
            source: eta.source,
        }
    }
}

/// One row of a timeline.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TimelineRow {
    /// What happened: a status, `arriving`, `delayed`, `handed_over`, `confirmed`, `rated` ...; more may come.
    #[schema(example = "picked_up")]
    kind: String,
    /// The same in a sentence.
    #[schema(example = "It was picked up.")]
    text: &'static str,
    /// When.
    #[schema(example = "2026-11-20T12:20:00Z")]
    at: Timestamp,
    /// Which attempt of the order.
    #[schema(example = 1, minimum = 1)]
    attempt: u16,
}

impl From<Update> for TimelineRow {
    fn from(update: Update) -> Self {
        let text = timeline::words(&update.kind);
        Self { kind: update.kind, text, at: update.at, attempt: update.attempt }
    }
}

/// The shop.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TrackShop {
    /// Its name.
    #[schema(example = "Ada's Bakery")]
    name: String,
    /// The number that customers may call.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "+358912345678")]
    phone: Option<String>,
    /// IANA time zone in which to show times.
    #[schema(example = "Europe/Helsinki")]
    time_zone: String,
}

/// The courier.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TrackDriver {
    /// The first name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Ada")]
    first_name: Option<String>,
    /// How the courier comes: `car`, `motorcycle`, `bicycle`, `cargo_bike`, `foot`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "bicycle")]
    vehicle: Option<Profile>,
    /// What the vehicle looks like.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "red cargo bike")]
    vehicle_description: Option<String>,
    /// The licence plate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ABC-123")]
    plate: Option<String>,
}

/// Where the courier is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TrackPosition {
    /// Degrees north (WGS 84).
    #[schema(example = 60.1699)]
    lat: f64,
    /// Degrees east.
    #[schema(example = 24.9384)]
    lon: f64,
    /// Degrees clockwise from north.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 270.0)]
    heading_deg: Option<f32>,
    /// When.
    #[schema(example = "2026-11-20T12:20:00Z")]
    at: Timestamp,
    /// How old it is, seconds.
    #[schema(example = 7, minimum = 0)]
    age_s: i64,
}

impl TrackPosition {
    /// Where the courier was seen `at`, and how old that is.
    pub(in crate::http) fn of(at: Timestamp, seen: &DriverLocation, age_s: i64) -> Self {
        let (lat, lon) = (seen.position.lat(), seen.position.lon());
        Self { lat, lon, heading_deg: seen.heading_deg, at, age_s }
    }
}

/// What a customer sees of a delivery.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TrackPage {
    /// The state of the page. `cancelled` and `expired` come with the message and little else.
    #[schema(inline, example = "active")]
    state: TrackState,
    /// The state in a sentence.
    #[schema(example = "Your order is on the way to you.")]
    message: &'static str,
    /// The movement, as orders tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "enroute_to_dropoff")]
    status: Option<&'static str>,
    /// What people call the order on its day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "A-042")]
    number: Option<String>,
    /// The shop it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    shop: Option<TrackShop>,
    /// Who brings it.
    #[serde(skip_serializing_if = "Option::is_none")]
    driver: Option<TrackDriver>,
    /// When it is expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    eta: Option<EtaView>,
    /// Where the courier is, while this order is next.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<TrackPosition>,
    /// What has happened, oldest first.
    timeline: Vec<TimelineRow>,
    /// When the customer confirmed the receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T12:45:00Z")]
    confirmed_at: Option<Timestamp>,
    /// The customer's rating.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 5, minimum = 1, maximum = 5)]
    stars: Option<i16>,
    /// What the customer says at the door, where the order asks for it. Missing while the service that knows it is away.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "4071", pattern = "^[0-9]{4,6}$")]
    pin: Option<String>,
}

impl From<Page> for TrackPage {
    fn from(page: Page) -> Self {
        let details = page.details;
        let age_s = |at| page.now.duration_since(at).as_secs().max(0);
        let position = details.position.map(|(at, seen)| TrackPosition::of(at, &seen, age_s(at)));
        Self {
            state: page.state.into(),
            message: page.message,
            status: details.status.map(contracts::orders::OrderStatus::as_str),
            number: details.number,
            shop: page.shop.map(|shop| TrackShop {
                name: shop.name,
                phone: shop.phone,
                time_zone: shop.time_zone,
            }),
            driver: details.card.map(|card| TrackDriver {
                first_name: card.first_name,
                vehicle: card.vehicle,
                vehicle_description: card.vehicle_description,
                plate: card.plate,
            }),
            eta: details.eta.map(EtaView::from),
            position,
            timeline: details.timeline.into_iter().map(TimelineRow::from).collect(),
            confirmed_at: details.confirmed_at,
            stars: details.stars,
            pin: details.pin.map(|pin| pin.reveal().to_owned()),
        }
    }
}

/// Shows a customer the delivery with this code. Nobody needs to sign in; 30 days after the end there is nothing to see.
#[utoipa::path(
    get, path = "/api/v1/track/{code}", operation_id = "get_tracking_page", tag = "tracking",
    params(("code" = String, Path, description = "The code of the page.", pattern = "^[0-9A-Za-z]{4,32}$",
            example = "7KQ2M9XTB4HP")),
    responses((status = 200, description = "The page.", body = TrackPage))
)]
pub(crate) async fn get_tracking_page(
    State(tracking): State<Tracking>,
    Path(code): Path<String>,
) -> Result<Json<TrackPage>> {
    Ok(Json(page::read(&tracking, &code).await?.into()))
}
