//! `POST /api/v1/order-imports`

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use kernel::ids::ShopId;
use platform::http::Query;
use platform::http::upload::SheetUpload;
use platform::idempotency::Answer;
use platform::{Error, Result};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use utoipa::IntoParams;

use super::rows::{self, File};
use super::view::OrderImportPreview;
use crate::commands::imports::{NewImport, preview};
use crate::context::Orders;
use crate::queries::imports;

/// How a file is read.
#[derive(Debug, Clone, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrderImportQuery {
    /// The shop that the orders come from: they are picked up there, times without an offset are in its time zone, and
    /// amounts in its currency.
    #[garde(skip)]
    #[param(value_type = String, pattern = "^shop_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "shop_01h455vb4pex5vsknk084sn02q")]
    shop_id: ShopId,
    /// What columns are, where their headings do not say: a JSON object of heading to field, or to `ignore`. Fields:
    /// `reference`, `name`, `phone`, `street`, `postcode`, `city`, `country`, `door`, `notes`, `lat`, `lon`, `window_from`,
    /// `window_until`, `ready_at`, `priority`, `cash`, `tags`, `description`, `weight_g` (of all packages), `packages`.
    #[garde(inner(length(chars, min = 2, max = 4000)))]
    #[param(min_length = 2, max_length = 4000, example = "{\"Where\":\"street\",\"Colour\":\"ignore\"}")]
    mapping: Option<String>,
    /// Only look: nothing is kept, and there is nothing to confirm.
    #[garde(skip)]
    #[serde(default)]
    #[param(value_type = bool, required = false, example = true)]
    dry_run: bool,
}

impl OrderImportQuery {
    fn said(&self) -> Result<BTreeMap<String, String>> {
        let Some(text) = &self.mapping else { return Ok(BTreeMap::new()) };
        serde_json::from_str(text).map_err(|error| {
            let wanted = "is a JSON object of heading to field";
            Error::invalid_field("mapping", wanted).with_source(error)
        })
    }
}

/// Reads a table of orders and shows what it would become. Nothing is made before it is confirmed; a preview is forgotten
/// after 24 hours.
///
/// The first row with something in it is the heading; headings are recognised by what people call things, whatever their
/// case. CSV is separated by commas, semicolons or tabs, in UTF-8, UTF-16 with a byte order mark, or Windows-1252; of a
/// workbook the first sheet is read. At most 5,000 rows, 100 columns and 5 MiB. A file that cannot be read is 422
/// `invalid_file`. A wrong row does not keep the others from being read: each error names its column.
#[utoipa::path(
    post, path = "/api/v1/order-imports", operation_id = "create_order_import", tag = "order-imports",
    params(OrderImportQuery),
    request_body(description = "The table.", content(
        ("text/csv"), ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    responses((status = 200, description = "With `dry_run`: what it would become.", body = OrderImportPreview),
              (status = 201, description = "What it will become when it is confirmed.", body = OrderImportPreview))
)]
pub(crate) async fn create_order_import(
    State(context): State<Orders>,
    Query(query): Query<OrderImportQuery>,
    request: SheetUpload,
) -> Result<Response> {
    let (scope, said) = (request.call.scope.clone(), query.said()?);
    let shop = imports::shop(&context, &scope, query.shop_id).await?;
    let setting = rows::setting(query.shop_id, &shop, context.db().clock().now());
    let (kind, body) = (request.kind, request.body);
    let hash = Sha256::digest(&body).to_vec();
    let File { format, mapping, rows } =
        context.read_file(move || rows::read(kind, &body, &said, &setting)).await?;
    let new = NewImport { shop_id: query.shop_id, time_zone: shop.time_zone, hash, mapping, format, rows };
    if query.dry_run {
        let duplicate = imports::duplicate(&context, &scope, &new.hash).await?;
        return Ok(Answer::json(200, &OrderImportPreview::new(&new, None, duplicate)?)?.into_response());
    }
    let orders = context.clone();
    let answer = request.call.run(context.db(), move |tx| {
        let (new, orders) = (new.clone(), orders.clone());
        Box::pin(async move {
            let import = preview(tx, &orders, &new).await?;
            let location = format!("/api/v1/order-imports/{}", import.id);
            let body = OrderImportPreview::new(&new, Some(&import), import.duplicate_of)?;
            Ok(Answer::json(201, &body)?.versioned(import.version).with_header("location", location))
        })
    });
    Ok(answer.await?.into_response())
}
