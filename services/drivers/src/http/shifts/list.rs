//! `GET /api/v1/shifts`

use axum::extract::State;
use garde::Validate;
use kernel::ids::DriverId;
use kernel::time::Timestamp;
use platform::Result;
use platform::http::call::Reader;
use platform::http::pagination::{Cursor, Limit, Page, PageQuery};
use platform::http::{Json, Query};
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::ShiftView;
use crate::context::Drivers;
use crate::queries::shifts as read;
use crate::store::shifts::Filter;

/// Which shifts.
#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ShiftQuery {
    /// Only those of this driver.
    #[garde(skip)]
    #[param(
        value_type = String, required = false, pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$",
        example = "driver_01h455vb4pex5vsknk084sn02q"
    )]
    driver_id: Option<DriverId>,
    /// Only those that end after this moment.
    #[garde(skip)]
    #[param(value_type = String, required = false, format = DateTime, example = "2026-11-20T00:00:00Z")]
    from: Option<Timestamp>,
    /// Only those that begin before this moment.
    #[garde(skip)]
    #[param(value_type = String, required = false, format = DateTime, example = "2026-11-27T00:00:00Z")]
    until: Option<Timestamp>,
    /// How many items at most.
    #[garde(skip)]
    #[serde(default)]
    #[param(value_type = u16, required = false, minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Limit,
    /// Where to continue: the `next_cursor` of the page before.
    #[garde(skip)]
    #[param(
        value_type = String, required = false, format = "cursor",
        example = "WyIyMDI2LTExLTIwVDA4OjAwOjAwWiIsIjAxOTM0ODRlLThjMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMCJd"
    )]
    cursor: Option<Cursor>,
}

/// Lists shifts, earliest first. Drivers see their own.
#[utoipa::path(
    get, path = "/api/v1/shifts", operation_id = "list_shifts", tag = "shifts", params(ShiftQuery),
    responses((status = 200, description = "A page of shifts.", body = Page<ShiftView>),
              (status = 404, description = "The caller is a driver without a profile, or asked for another one's."))
)]
pub(crate) async fn list_shifts(
    State(drivers): State<Drivers>,
    reader: Reader,
    Query(query): Query<ShiftQuery>,
) -> Result<Json<Page<ShiftView>>> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let filter = Filter { driver: query.driver_id, from: query.from, until: query.until };
    let page = read::page(&drivers, &reader.principal, &reader.scope, filter, &page).await?;
    Ok(Json(page.map(ShiftView::from)))
}
