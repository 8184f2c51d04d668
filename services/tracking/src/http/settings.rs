//! `GET/PUT /api/v1/tracking/settings`

use axum::extract::State;
use garde::Validate;
use platform::Result;
use platform::http::Json;
use platform::http::call::{Command, Reader};
use platform::http::etag::{IfMatch, Versioned};
use platform::http::openapi::Api;
use platform::idempotency::Answer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::commands::settings as command;
use crate::context::Tracking;
use crate::store::settings::{self, ArrivalPolicy, Settings};

pub(super) fn routes(api: Api<Tracking>) -> Api<Tracking> {
    api.routes(routes!(get_tracking_settings, put_tracking_settings))
}

/// How deliveries are followed.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "arrivals": "make", "retention_days": 30, "arriving_distance_m": 300, "show_driver": true,
    "show_position": true, "show_phone": true }))]
pub(crate) struct TrackingSettings {
    /// Whether positions make arrivals at stops, or only suggest them to those who work with the order.
    #[garde(skip)]
    #[schema(inline)]
    arrivals: ArrivalPolicy,
    /// How long positions are kept, days. Whole days by UTC, one more than asked.
    #[garde(range(min = 1, max = 365))]
    #[schema(minimum = 1, maximum = 365)]
    retention_days: i32,
    /// From how near on customers hear that the courier is nearly there, metres.
    #[garde(range(min = 50, max = 5000))]
    #[schema(minimum = 50, maximum = 5000)]
    arriving_distance_m: i32,
    /// Whether customers see the courier's first name and vehicle.
    #[garde(skip)]
    show_driver: bool,
    /// Whether customers see where the courier is, while their order is next.
    #[garde(skip)]
    show_position: bool,
    /// Whether customers see the shop's phone number.
    #[garde(skip)]
    show_phone: bool,
}

impl From<Settings> for TrackingSettings {
    fn from(settings: Settings) -> Self {
        Self {
            arrivals: settings.arrivals,
            retention_days: settings.retention_days,
            arriving_distance_m: settings.arriving_distance_m,
            show_driver: settings.show_driver,
            show_position: settings.show_position,
            show_phone: settings.show_phone,
        }
    }
}

impl From<TrackingSettings> for Settings {
    fn from(settings: TrackingSettings) -> Self {
        Self {
            version: 0,
            arrivals: settings.arrivals,
            retention_days: settings.retention_days,
            arriving_distance_m: settings.arriving_distance_m,
            show_driver: settings.show_driver,
            show_position: settings.show_position,
            show_phone: settings.show_phone,
        }
    }
}

/// Tells how deliveries are followed. Version 0 is what holds where nothing was set.
#[utoipa::path(
    get, path = "/api/v1/tracking/settings", operation_id = "get_tracking_settings", tag = "tracking",
    responses((status = 200, description = "The settings.", body = TrackingSettings))
)]
pub(crate) async fn get_tracking_settings(
    State(tracking): State<Tracking>,
    reader: Reader,
) -> Result<Versioned<Json<TrackingSettings>>> {
    let mut tx = tracking.db().read(&reader.scope).await?;
    let settings = settings::find(&mut tx).await?;
    tx.rollback().await?;
    Ok(Versioned(settings.version, Json(settings.into())))
}

/// Replaces how deliveries are followed, if the caller has seen the present version.
#[utoipa::path(
    put, path = "/api/v1/tracking/settings", operation_id = "put_tracking_settings", tag = "tracking",
    params(("if-match" = String, Header, description = "The ETag you have read.", example = "\"0\"")),
    request_body = TrackingSettings,
    responses((status = 200, description = "As they are now.", body = TrackingSettings))
)]
pub(crate) async fn put_tracking_settings(
    State(tracking): State<Tracking>,
    seen: IfMatch,
    request: Command<TrackingSettings>,
) -> Result<Answer> {
    let wanted = Settings::from(request.body);
    request
        .call
        .run(tracking.db(), move |tx| {
            let (wanted, seen) = (wanted.clone(), seen.clone());
            Box::pin(async move {
                let after = command::put(tx, wanted, move |version| seen.check(version)).await?;
                let version = after.version;
                Ok(Answer::json(200, &TrackingSettings::from(after))?.versioned(version))
            })
        })
        .await
}
