//! `POST /api/v1/shifts`

use axum::extract::State;
use garde::Validate;
use kernel::ids::DriverId;
use kernel::time::Timestamp;
use platform::Result;
use platform::http::call::Command;
use platform::http::openapi::type_id;
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{ShiftBreak, ShiftView};
use crate::commands::shifts as command;
use crate::context::Drivers;
use crate::domain::shift::MAX_BREAKS;
use crate::entities::ShiftDetails;
use crate::http::run;

/// A shift to be planned.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "driver_id": "driver_01h455vb4pex5vsknk084sn02q", "from": "2026-11-20T08:00:00Z",
    "until": "2026-11-20T16:00:00Z", "breaks": [{ "from": "2026-11-20T12:00:00Z", "until": "2026-11-20T12:30:00Z" }] }))]
pub(crate) struct NewShift {
    /// Whose.
    #[garde(skip)]
    #[schema(schema_with = type_id::<DriverId>)]
    driver_id: DriverId,
    /// Its begin.
    #[garde(skip)]
    from: Timestamp,
    /// Its end, at most 16 hours later.
    #[garde(skip)]
    until: Timestamp,
    /// Breaks within it, which do not overlap.
    #[garde(length(max = MAX_BREAKS))]
    #[serde(default)]
    #[schema(max_items = 10)]
    breaks: Vec<ShiftBreak>,
}

/// Times of breaks, as pairs.
pub(super) fn pairs(breaks: &[ShiftBreak]) -> Vec<(Timestamp, Timestamp)> {
    breaks.iter().map(|one| (one.from, one.until)).collect()
}

/// Plans a shift. A driver who has another one at that time is refused with `shift_overlaps` and the `shift_id`.
#[utoipa::path(
    post, path = "/api/v1/shifts", operation_id = "create_shift", tag = "shifts", request_body = NewShift,
    responses((status = 201, description = "Planned.", body = ShiftView))
)]
pub(crate) async fn create_shift(
    State(drivers): State<Drivers>,
    request: Command<NewShift>,
) -> Result<Answer> {
    let body = request.body;
    let details = ShiftDetails {
        driver_id: body.driver_id,
        from: body.from,
        until: body.until,
        breaks: pairs(&body.breaks),
    };
    run(&drivers, request.call, move |tx| {
        let details = details.clone();
        Box::pin(async move {
            let shift = command::create(tx, details).await?;
            let version = shift.version;
            Ok(Answer::json(201, &ShiftView::from(shift))?.versioned(version))
        })
    })
    .await
}
