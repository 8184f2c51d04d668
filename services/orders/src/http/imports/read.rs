//! `GET /api/v1/order-imports`, `/{id}`, `/{id}/rows`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use kernel::ids::ImportId;
use platform::Result;
use platform::http::call::Reader;
use platform::http::etag::IfNoneMatch;
use platform::http::pagination::{Cursor, Limit, Page, PageQuery};
use platform::http::{Json, Path, Query};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::view::{OrderImportRow, OrderImportView};
use crate::context::Orders;
use crate::queries::imports;

/// What became of a row.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OrderImportRowState {
    /// It waits for its order.
    Valid,
    /// It is wrong.
    Invalid,
    /// It has an order.
    Created,
    /// Its order was refused, although it seemed right.
    Failed,
    /// Its order was called off.
    Undone,
    /// Its order could not be called off.
    Kept,
}

impl OrderImportRowState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Created => "created",
            Self::Failed => "failed",
            Self::Undone => "undone",
            Self::Kept => "kept",
        }
    }
}

/// Which rows.
#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrderImportRowQuery {
    /// Only those of which this became.
    #[garde(skip)]
    #[param(inline, example = "invalid")]
    state: Option<OrderImportRowState>,
    /// How many items at most.
    #[garde(skip)]
    #[serde(default)]
    #[param(value_type = u16, required = false, minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Limit,
    /// Where to continue: the `next_cursor` of the page before.
    #[garde(skip)]
    #[param(value_type = String, required = false, format = "cursor", example = "NTA")]
    cursor: Option<Cursor>,
}

/// Lists imports, newest first.
#[utoipa::path(
    get, path = "/api/v1/order-imports", operation_id = "list_order_imports", tag = "order-imports", params(PageQuery),
    responses((status = 200, description = "A page of imports.", body = Page<OrderImportView>))
)]
pub(crate) async fn list_order_imports(
    State(context): State<Orders>,
    reader: Reader,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<OrderImportView>>> {
    let page = imports::page(&context, &reader.scope, &page).await?;
    Ok(Json(page.map(|import| OrderImportView::from(&import))))
}

/// One import: where it stands, and what became of how many rows.
#[utoipa::path(
    get, path = "/api/v1/order-imports/{id}", operation_id = "get_order_import", tag = "order-imports",
    params(("id" = String, Path, description = "The import.", pattern = "^import_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "import_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "As it is.", body = OrderImportView))
)]
pub(crate) async fn get_order_import(
    State(context): State<Orders>,
    Path(id): Path<ImportId>,
    known: IfNoneMatch,
    reader: Reader,
) -> Result<Response> {
    let import = imports::one(&context, &reader.scope, id).await?;
    Ok(known.respond(import.version, || Json(OrderImportView::from(&import)).into_response()))
}

/// The rows of an import in the order of the file: what became of each, its order, and what is wrong with it.
#[utoipa::path(
    get, path = "/api/v1/order-imports/{id}/rows", operation_id = "list_order_import_rows", tag = "order-imports",
    params(("id" = String, Path, description = "The import.", pattern = "^import_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "import_01h455vb4pex5vsknk084sn02q"), OrderImportRowQuery),
    responses((status = 200, description = "A page of rows.", body = Page<OrderImportRow>))
)]
pub(crate) async fn list_order_import_rows(
    State(context): State<Orders>,
    Path(id): Path<ImportId>,
    reader: Reader,
    Query(query): Query<OrderImportRowQuery>,
) -> Result<Json<Page<OrderImportRow>>> {
    let state = query.state.map(OrderImportRowState::as_str);
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let page = imports::rows(&context, &reader.scope, id, state, &page).await?;
    Ok(Json(page.map(OrderImportRow::from)))
}
