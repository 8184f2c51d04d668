//! `GET /api/v1/routes`, `GET /api/v1/routes/{id}`

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use garde::Validate;
use kernel::ids::{DriverId, RouteId, Uuid};
use platform::http::call::Reader;
use platform::http::etag::{IfNoneMatch, Versioned};
use platform::http::pagination::{Cursor, Limit, Page};
use platform::http::{Json, Path, Query};
use platform::{Error, Result};
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::RouteView;
use crate::context::{Dispatch, own_only};
use crate::store::routes;

/// Which routes.
#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RouteQuery {
    /// Only the one of this driver.
    #[garde(skip)]
    #[param(
        value_type = String, required = false, pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$",
        example = "driver_01h455vb4pex5vsknk084sn02q"
    )]
    driver: Option<DriverId>,
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

/// Lists the routes of the organisation's drivers. Drivers see their own.
#[utoipa::path(
    get, path = "/api/v1/routes", operation_id = "list_routes", tag = "routes", params(RouteQuery),
    responses((status = 200, description = "A page of routes.", body = Page<RouteView>))
)]
pub(crate) async fn list_routes(
    State(dispatch): State<Dispatch>,
    reader: Reader,
    Query(query): Query<RouteQuery>,
) -> Result<Json<Page<RouteView>>> {
    let after = query.cursor.as_ref().map(Cursor::key::<Uuid>).transpose()?;
    let mut tx = dispatch.db().read(&reader.scope).await?;
    let driver = own_only(&mut tx, &reader.principal).await?.or(query.driver);
    let rows = routes::list(&mut tx, driver, after, query.limit.fetch()).await?;
    tx.rollback().await?;
    Ok(Json(Page::cut(rows, query.limit, |route| route.id.uuid())?.map(RouteView::from)))
}

/// Reads one route. Drivers see their own.
#[utoipa::path(
    get, path = "/api/v1/routes/{id}", operation_id = "get_route", tag = "routes",
    params(("id" = String, Path, description = "The route.", pattern = "^route_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "route_01h455vb4pex5vsknk084sn02q"),
           ("if-none-match" = Option<String>, Header, description = "The ETag you have.", example = "\"0\"")),
    responses((status = 200, description = "The route; its version is in `ETag`.", body = RouteView))
)]
pub(crate) async fn get_route(
    State(dispatch): State<Dispatch>,
    Path(id): Path<RouteId>,
    known: IfNoneMatch,
    reader: Reader,
) -> Result<Response> {
    let mut tx = dispatch.db().read(&reader.scope).await?;
    let own = own_only(&mut tx, &reader.principal).await?;
    let route = routes::find(&mut tx, id).await?;
    tx.rollback().await?;
    let route = route.filter(|route| own.is_none_or(|own| own == route.driver_id));
    let route = route.ok_or_else(|| Error::not_found("route"))?;
    let version = route.version;
    Ok(known.respond(version, || Versioned(version, Json(RouteView::from(route))).into_response()))
}
