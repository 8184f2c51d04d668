//! `GET /api/v1/packages`, `/{tracking_number}`, `/{tracking_number}/locations`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use kernel::ids::OrderId;
use kernel::time::Timestamp;
use platform::http::call::Reader;
use platform::http::etag::IfNoneMatch;
use platform::http::pagination::{Cursor, Limit, Page, PageQuery};
use platform::http::{Json, Path, Query};
use platform::{Error, Result};
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::{PackageFollowed, PackageScan, PackageView};
use super::{number, status};
use crate::context::Orders;
use crate::http::text;
use crate::queries::packages::{self as read, Search};
use crate::store::scans::Which;

/// Which packages.
#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PackageQuery {
    /// Only those that stand here.
    #[garde(inner(length(chars, min = 1, max = 30)))]
    #[param(pattern = "^[a-z_]{1,30}$", example = "in_transit")]
    status: Option<String>,
    /// Only those of this order.
    #[garde(skip)]
    #[param(value_type = Option<String>, pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "order_01h455vb4pex5vsknk084sn02q")]
    order: Option<OrderId>,
    /// Only those whose tracking number begins so.
    #[garde(inner(length(chars, min = 1, max = 14), pattern("^[0-9A-Za-z]{1,14}$")))]
    #[param(pattern = "^[0-9A-Za-z]{1,14}$", example = "P7KQ")]
    tracking_number: Option<String>,
    /// Only those with this code.
    #[garde(inner(length(chars, min = 1, max = 100), pattern(text::LINE)))]
    #[param(min_length = 1, max_length = 100, example = "6414893386488")]
    barcode: Option<String>,
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

/// Lists packages, newest first. Drivers see those that they have, customers those of orders that they placed.
#[utoipa::path(
    get, path = "/api/v1/packages", operation_id = "list_packages", tag = "packages", params(PackageQuery),
    responses((status = 200, description = "A page of packages.", body = Page<PackageView>))
)]
pub(crate) async fn list_packages(
    State(context): State<Orders>,
    reader: Reader,
    Query(query): Query<PackageQuery>,
) -> Result<Json<Page<PackageView>>> {
    let search = Search {
        status: query.status.as_deref().map(|word| status("status", word)).transpose()?,
        order: query.order,
        number: query.tracking_number,
        barcode: query.barcode,
    };
    let viewer = context.viewer(&reader.principal, &reader.scope).await?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let page = read::page(&context, &reader.scope, &viewer, &search, &page).await?;
    Ok(Json(page.map(|package| PackageView::from(&package))))
}

/// Where a package is. Anybody who has its number sees status, times and city; those who work with it see everything.
#[utoipa::path(
    get, path = "/api/v1/packages/{tracking_number}", operation_id = "get_package", tag = "packages",
    params(("tracking_number" = String, Path, description = "As people type it.",
            pattern = r"^[Pp][0-9A-Za-z -]{12,20}[*~$=]?$", example = "P7KQ2M9XTB4HPJ")),
    responses((status = 200, description = "As it is.", body = PackageFollowed))
)]
pub(crate) async fn get_package(
    State(context): State<Orders>,
    Path(typed): Path<String>,
    known: IfNoneMatch,
    reader: Reader,
) -> Result<Response> {
    let found = read::one(&context, &reader.principal, &reader.scope, &number(&typed)?).await?;
    if !found.full {
        return Ok(Json(PackageFollowed::from(&found)).into_response());
    }
    Ok(known.respond(found.package.version, || Json(PackageFollowed::from(&found)).into_response()))
}

/// Which scans.
#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LocationQuery {
    /// Only those at this time or later.
    #[garde(custom(text::calendar))]
    #[param(example = "2026-11-20T00:00:00Z")]
    from: Option<Timestamp>,
    /// Only those before this time.
    #[garde(custom(text::calendar))]
    #[param(example = "2026-11-21T00:00:00Z")]
    until: Option<Timestamp>,
    /// Only those in this box of degrees: south, west, north, east.
    #[garde(inner(length(chars, min = 7, max = 100)))]
    #[param(
        pattern = r"^-?[0-9]{1,3}(\.[0-9]{1,10})?(,-?[0-9]{1,3}(\.[0-9]{1,10})?){3}$",
        example = "60.1,24.9,60.2,25.0"
    )]
    within: Option<String>,
    /// How many items at most.
    #[garde(skip)]
    #[serde(default)]
    #[param(value_type = u16, required = false, minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Limit,
    /// Where to continue: the `next_cursor` of the page before.
    #[garde(skip)]
    #[param(
        value_type = String, required = false, format = "cursor",
        example = "WyIyMDI2LTExLTIwVDEyOjAwOjAwWiIsIjAxOTM0ODRlLThjMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMCJd"
    )]
    cursor: Option<Cursor>,
}

/// South, west, north, east.
fn degrees(text: &str) -> Result<[f64; 4]> {
    let numbers: Vec<f64> =
        text.split(',').filter_map(|one| one.parse().ok()).filter(|one: &f64| one.is_finite()).collect();
    <[f64; 4]>::try_from(numbers)
        .map_err(|_other| Error::invalid_field("within", "is four numbers: south, west, north, east"))
}

/// Where a package was seen, oldest first.
#[utoipa::path(
    get, path = "/api/v1/packages/{tracking_number}/locations", operation_id = "list_package_locations", tag = "packages",
    params(("tracking_number" = String, Path, description = "As people type it.",
            pattern = r"^[Pp][0-9A-Za-z -]{12,20}[*~$=]?$", example = "P7KQ2M9XTB4HPJ"), LocationQuery),
    responses((status = 200, description = "A page of scans with a position.", body = Page<PackageScan>))
)]
pub(crate) async fn list_package_locations(
    State(context): State<Orders>,
    Path(typed): Path<String>,
    reader: Reader,
    Query(query): Query<LocationQuery>,
) -> Result<Json<Page<PackageScan>>> {
    let within = query.within.as_deref().map(degrees).transpose()?;
    let which = Which { from: query.from, until: query.until, within, ..Which::default() };
    let viewer = context.viewer(&reader.principal, &reader.scope).await?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let page = read::places(&context, &reader.scope, &viewer, &number(&typed)?, which, &page).await?;
    Ok(Json(page.map(|scan| PackageScan::full(&scan))))
}
