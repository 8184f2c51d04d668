//! `PATCH/DELETE /api/v1/packages/{tracking_number}`

use axum::extract::State;
use garde::Validate;
use platform::Result;
use platform::http::Path;
use platform::http::call::{Action, Command};
use platform::http::etag::IfMatch;
use platform::http::extract::present;
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::PackageView;
use super::{number, on_package};
use crate::commands::packages::{PackageChange, change, remove};
use crate::commands::update::Clearable;
use crate::context::Orders;
use crate::http::text;

/// What changes; what is absent stays, `null` clears where that makes sense.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "weight_g": 900 }))]
pub(crate) struct PackageChangeBody {
    /// What it is.
    #[garde(inner(inner(length(chars, min = 1, max = 200), pattern(text::LINE))))]
    #[serde(default, deserialize_with = "text::clearable")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    description: Clearable<String>,
    /// A code that somebody else printed.
    #[garde(inner(inner(length(chars, min = 1, max = 100), pattern(text::LINE))))]
    #[serde(default, deserialize_with = "text::clearable")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    barcode: Clearable<String>,
    /// Grams.
    #[garde(inner(range(max = 10_000_000)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(minimum = 0, maximum = 10_000_000, nullable = false)]
    weight_g: Option<u32>,
    /// Millilitres.
    #[garde(inner(range(max = 100_000_000)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(minimum = 0, maximum = 100_000_000, nullable = false)]
    volume_ml: Option<u32>,
    /// Pieces.
    #[garde(inner(range(min = 1, max = 10_000)))]
    #[serde(default, deserialize_with = "present")]
    #[schema(minimum = 1, maximum = 10_000, nullable = false)]
    count: Option<u32>,
}

/// Changes a package before its order is picked up, if the caller has seen its present version.
#[utoipa::path(
    patch, path = "/api/v1/packages/{tracking_number}", operation_id = "update_package", tag = "packages",
    params(("tracking_number" = String, Path, description = "As people type it.",
            pattern = r"^[Pp][0-9A-Za-z -]{12,20}[*~$=]?$", example = "P7KQ2M9XTB4HPJ"),
           ("if-match" = String, Header, description = "The version you have read.", example = "\"1\"")),
    request_body = PackageChangeBody,
    responses((status = 200, description = "As it is now.", body = PackageView))
)]
pub(crate) async fn update_package(
    State(context): State<Orders>,
    Path(typed): Path<String>,
    seen: IfMatch,
    request: Command<PackageChangeBody>,
) -> Result<Answer> {
    let (number, body, orders) = (number(&typed)?, request.body, context.clone());
    let wanted = PackageChange {
        description: body.description,
        barcode: body.barcode,
        weight_g: body.weight_g,
        volume_ml: body.volume_ml,
        count: body.count,
    };
    on_package(&context, &request.call, move |tx| {
        let (number, wanted, seen, orders) = (number.clone(), wanted.clone(), seen.clone(), orders.clone());
        Box::pin(async move {
            let seen = move |version| seen.check(version);
            let (order, package) = change(tx, &orders, &number, &wanted, seen).await?;
            let answer = Answer::json(200, &PackageView::from(&package))?;
            Ok((answer.versioned(package.version), order.id))
        })
    })
    .await
}

/// Removes a package before its order is picked up. The last one of an order stays.
#[utoipa::path(
    delete, path = "/api/v1/packages/{tracking_number}", operation_id = "delete_package", tag = "packages",
    params(("tracking_number" = String, Path, description = "As people type it.",
            pattern = r"^[Pp][0-9A-Za-z -]{12,20}[*~$=]?$", example = "P7KQ2M9XTB4HPJ")),
    responses((status = 204, description = "It is gone."))
)]
pub(crate) async fn delete_package(
    State(context): State<Orders>,
    Path(typed): Path<String>,
    request: Action,
) -> Result<Answer> {
    let (number, orders) = (number(&typed)?, context.clone());
    on_package(&context, &request.call, move |tx| {
        let (number, orders) = (number.clone(), orders.clone());
        Box::pin(async move {
            let order = remove(tx, &orders, &number).await?;
            Ok((Answer::empty(204), order))
        })
    })
    .await
}
