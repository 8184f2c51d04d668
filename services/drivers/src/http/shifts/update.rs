//! `PATCH /api/v1/shifts/{id}`

use axum::extract::State;
use garde::Validate;
use kernel::ids::ShiftId;
use kernel::time::Timestamp;
use platform::Result;
use platform::http::Path;
use platform::http::call::Command;
use platform::http::etag::IfMatch;
use platform::http::extract::present;
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::create::pairs;
use super::view::{ShiftBreak, ShiftView};
use crate::commands::shifts as command;
use crate::context::Drivers;
use crate::domain::shift::MAX_BREAKS;
use crate::entities::ShiftDetails;
use crate::http::run;

/// What changes; what is absent stays. Whose shift it is stays too.
#[derive(Debug, Clone, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({ "until": "2026-11-20T17:00:00Z" }))]
pub(crate) struct ShiftChange {
    /// Its begin.
    #[garde(skip)]
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    from: Option<Timestamp>,
    /// Its end, at most 16 hours later.
    #[garde(skip)]
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    until: Option<Timestamp>,
    /// Breaks within it, which do not overlap. They are replaced as a whole.
    #[garde(inner(length(max = MAX_BREAKS)))]
    #[serde(deserialize_with = "present")]
    #[schema(max_items = 10, nullable = false)]
    breaks: Option<Vec<ShiftBreak>>,
}

impl ShiftChange {
    fn apply(self, before: ShiftDetails) -> ShiftDetails {
        ShiftDetails {
            driver_id: before.driver_id,
            from: self.from.unwrap_or(before.from),
            until: self.until.unwrap_or(before.until),
            breaks: self.breaks.map_or(before.breaks, |breaks| pairs(&breaks)),
        }
    }
}

/// Moves a shift, if the caller has seen its present version (`version` in the list).
#[utoipa::path(
    patch, path = "/api/v1/shifts/{id}", operation_id = "update_shift", tag = "shifts",
    params(("id" = String, Path, description = "The shift.", pattern = "^shift_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "shift_01h455vb4pex5vsknk084sn02q"),
           ("if-match" = String, Header, description = "The version you have read, in quotes.", example = "\"1\"")),
    request_body = ShiftChange,
    responses((status = 200, description = "As it is now.", body = ShiftView))
)]
pub(crate) async fn update_shift(
    State(drivers): State<Drivers>,
    Path(id): Path<ShiftId>,
    seen: IfMatch,
    request: Command<ShiftChange>,
) -> Result<Answer> {
    let body = request.body;
    run(&drivers, request.call, move |tx| {
        let (change, seen) = (body.clone(), seen.clone());
        Box::pin(async move {
            let seen = |version| seen.check(version);
            let shift = command::update(tx, id, seen, |before| change.apply(before)).await?;
            let version = shift.version;
            Ok(Answer::json(200, &ShiftView::from(shift))?.versioned(version))
        })
    })
    .await
}
