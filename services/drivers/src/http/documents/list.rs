//! `GET /api/v1/drivers/{id}/documents`

use axum::extract::State;
use kernel::ids::DriverId;
use platform::Result;
use platform::http::call::Reader;
use platform::http::pagination::{Page, PageQuery};
use platform::http::{Json, Path, Query};

use super::view::DriverDocumentView;
use crate::context::Drivers;
use crate::domain::documents::day;
use crate::queries::documents as read;

/// Lists the documents of a driver, oldest first. Drivers see their own.
#[utoipa::path(
    get, path = "/api/v1/drivers/{id}/documents", operation_id = "list_driver_documents", tag = "drivers",
    params(("id" = String, Path, description = "The driver.", pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "driver_01h455vb4pex5vsknk084sn02q"), PageQuery),
    responses((status = 200, description = "A page of documents.", body = Page<DriverDocumentView>))
)]
pub(crate) async fn list_driver_documents(
    State(drivers): State<Drivers>,
    Path(id): Path<DriverId>,
    reader: Reader,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DriverDocumentView>>> {
    let page = read::page(&drivers, &reader.principal, &reader.scope, id, &page).await?;
    let today = day(drivers.db().clock().now());
    Ok(Json(page.map(|document| DriverDocumentView::new(document, today))))
}
