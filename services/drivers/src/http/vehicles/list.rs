//! `GET /api/v1/vehicles`

use axum::extract::State;
use platform::Result;
use platform::http::call::Reader;
use platform::http::pagination::{Page, PageQuery};
use platform::http::{Json, Query};

use super::view::VehicleView;
use crate::context::Drivers;
use crate::queries::vehicles as read;

/// Lists the vehicles of the caller's organisation, oldest first.
#[utoipa::path(
    get, path = "/api/v1/vehicles", operation_id = "list_vehicles", tag = "vehicles", params(PageQuery),
    responses((status = 200, description = "A page of vehicles.", body = Page<VehicleView>))
)]
pub(crate) async fn list_vehicles(
    State(drivers): State<Drivers>,
    reader: Reader,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<VehicleView>>> {
    Ok(Json(read::page(&drivers, &reader.scope, &page).await?.map(VehicleView::from)))
}
