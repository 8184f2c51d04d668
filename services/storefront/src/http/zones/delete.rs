//! `DELETE /api/v1/zones/{id}`

use axum::extract::State;
use kernel::ids::ZoneId;
use platform::Result;
use platform::http::Path;
use platform::http::call::Action;
use platform::idempotency::Answer;

use crate::commands::zones as command;
use crate::context::Storefront;

/// Removes a delivery zone.
#[utoipa::path(
    delete, path = "/api/v1/zones/{id}", operation_id = "delete_zone", tag = "zones",
    params(("id" = String, Path, description = "The zone.", pattern = "^zone_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "zone_01h455vb4pex5vsknk084sn02q")),
    responses((status = 204, description = "It is not there any more."))
)]
pub(crate) async fn delete_zone(
    State(storefront): State<Storefront>,
    Path(id): Path<ZoneId>,
    request: Action,
) -> Result<Answer> {
    request
        .call
        .run(storefront.db(), move |tx| {
            Box::pin(async move {
                command::delete(tx, id).await?;
                Ok(Answer::empty(204))
            })
        })
        .await
}
