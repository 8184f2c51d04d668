//! `DELETE /api/v1/shifts/{id}`

use axum::extract::State;
use kernel::ids::ShiftId;
use platform::Result;
use platform::http::Path;
use platform::http::call::Action;
use platform::idempotency::Answer;

use crate::commands::shifts as command;
use crate::context::Drivers;
use crate::http::run;

/// Takes a shift back.
#[utoipa::path(
    delete, path = "/api/v1/shifts/{id}", operation_id = "delete_shift", tag = "shifts",
    params(("id" = String, Path, description = "The shift.", pattern = "^shift_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "shift_01h455vb4pex5vsknk084sn02q")),
    responses((status = 204, description = "It is not there any more."))
)]
pub(crate) async fn delete_shift(
    State(drivers): State<Drivers>,
    Path(id): Path<ShiftId>,
    request: Action,
) -> Result<Answer> {
    run(&drivers, request.call, move |tx| {
        Box::pin(async move {
            command::delete(tx, id).await?;
            Ok(Answer::empty(204))
        })
    })
    .await
}
