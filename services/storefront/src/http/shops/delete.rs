//! `DELETE /api/v1/shops/{id}`

use axum::extract::State;
use kernel::ids::ShopId;
use platform::Result;
use platform::http::Path;
use platform::http::call::Action;
use platform::idempotency::Answer;

use crate::commands::shops as command;
use crate::context::Storefront;

/// Deletes a shop with its own zones. The orders that it has go on.
#[utoipa::path(
    delete, path = "/api/v1/shops/{id}", operation_id = "delete_shop", tag = "shops",
    params(("id" = String, Path, description = "The shop.", pattern = "^shop_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "shop_01h455vb4pex5vsknk084sn02q")),
    responses((status = 204, description = "It is not there any more."))
)]
pub(crate) async fn delete_shop(
    State(storefront): State<Storefront>,
    Path(id): Path<ShopId>,
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
