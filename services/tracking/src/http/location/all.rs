//! `GET /api/v1/locations`

use axum::extract::State;
use kernel::ids::{DriverId, Uuid};
use platform::Result;
use platform::http::call::Reader;
use platform::http::pagination::{Cursor, Page, PageQuery};
use platform::http::{Json, Query};

use super::latest::DriverPosition;
use crate::commands::report;
use crate::context::Tracking;
use crate::domain::fix::counts_at;

/// Lists where the organisation's drivers were last seen, by driver: everybody who was seen within the last hour.
#[utoipa::path(
    get, path = "/api/v1/locations", operation_id = "list_last_locations", tag = "positions", params(PageQuery),
    responses((status = 200, description = "A page of last positions.", body = Page<DriverPosition>))
)]
pub(crate) async fn list_last_locations(
    State(tracking): State<Tracking>,
    reader: Reader,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DriverPosition>>> {
    let after = page.cursor.as_ref().map(Cursor::key::<Uuid>).transpose()?.map(DriverId::new);
    let now = tracking.db().clock().now();
    let mut seen = report::last_positions(&tracking, &reader.scope, &[]).await?;
    seen.retain(|seen| after.is_none_or(|after| seen.driver_id > after));
    seen.truncate(usize::try_from(page.limit.fetch()).unwrap_or(usize::MAX));
    let seen = Page::cut(seen, page.limit, |seen| seen.driver_id.uuid())?;
    Ok(Json(seen.map(|seen| DriverPosition::new(counts_at(&seen), &seen, now))))
}
