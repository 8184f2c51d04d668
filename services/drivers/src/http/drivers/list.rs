//! `GET /api/v1/drivers`

use axum::extract::State;
use contracts::drivers::Availability;
use garde::Validate;
use kernel::travel::Profile;
use platform::Result;
use platform::http::call::Reader;
use platform::http::pagination::{Cursor, Limit, Page, PageQuery};
use platform::http::{Json, Query};
use platform::vault::Private;
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::{DriverAvailability, DriverView};
use crate::context::Drivers;
use crate::domain::documents::day;
use crate::http::text;
use crate::http::vehicles::VehicleType;
use crate::queries::drivers as read;
use crate::store::drivers::Filter;

/// Which drivers.
#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DriverQuery {
    /// Only those who say this.
    #[garde(skip)]
    #[param(value_type = DriverAvailability, required = false, inline, example = "available")]
    availability: Option<Availability>,
    /// Only those who can do or have this.
    #[garde(inner(pattern(text::SKILL)))]
    #[param(value_type = String, required = false, pattern = "^[a-z0-9_]{1,32}$", example = "age_check")]
    skill: Option<String>,
    /// Only those who work here, or only those who do not.
    #[garde(skip)]
    #[param(value_type = bool, required = false, example = true)]
    active: Option<bool>,
    /// Only those with a vehicle of this type.
    #[garde(skip)]
    #[param(value_type = VehicleType, required = false, inline, example = "bicycle")]
    vehicle: Option<Profile>,
    /// Only those with this number, in E.164.
    #[garde(inner(pattern(text::PHONE)))]
    #[param(
        value_type = String, required = false, pattern = r"^\+[1-9][0-9]{6,14}$", example = "+358401234567"
    )]
    phone: Option<String>,
    /// How many items at most.
    #[garde(skip)]
    #[serde(default)]
    #[param(value_type = u16, required = false, minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Limit,
    /// Where to continue: the `next_cursor` of the page before.
    #[garde(skip)]
    #[param(
        value_type = String, required = false, format = "cursor",
        example = "IjAxOTM0ODRlLThjMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMCI"
    )]
    cursor: Option<Cursor>,
}

/// Lists the drivers of the caller's organisation, oldest first.
#[utoipa::path(
    get, path = "/api/v1/drivers", operation_id = "list_drivers", tag = "drivers", params(DriverQuery),
    responses((status = 200, description = "A page of drivers.", body = Page<DriverView>))
)]
pub(crate) async fn list_drivers(
    State(drivers): State<Drivers>,
    reader: Reader,
    Query(query): Query<DriverQuery>,
) -> Result<Json<Page<DriverView>>> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let filter = Filter {
        availability: query.availability,
        skill: query.skill,
        active: query.active,
        vehicle: query.vehicle,
        phone: query.phone.map(Private::new),
    };
    let page = read::page(&drivers, &reader.scope, &filter, &page).await?;
    let today = day(drivers.db().clock().now());
    Ok(Json(page.map(|driver| DriverView::new(driver, today, reader.principal.role))))
}
