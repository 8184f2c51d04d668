//! `POST /api/v1/packages/{tracking_number}/status`

use axum::extract::State;
use garde::Validate;
use kernel::geo::Position;
use kernel::time::Timestamp;
use platform::Result;
use platform::auth::Role;
use platform::http::Path;
use platform::http::call::Command;
use platform::idempotency::Answer;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::PackageView;
use super::{number, on_package, status};
use crate::commands::packages::{Report, report};
use crate::context::{Orders, Viewer};
use crate::http::orders::view::OrderPosition;
use crate::http::text::private;

/// A scan.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "status": "in_transit", "position": { "lat": 60.1699, "lon": 24.9384 } }))]
pub(crate) struct PackageReport {
    /// Where the package stands now: `picked_up`, `in_transit`, `out_for_delivery`, `delivered`, `delivery_failed`,
    /// `return_to_sender`, `returned`, `on_hold`, `cancelled`.
    #[garde(length(chars, min = 1, max = 30))]
    #[schema(
        pattern = "^(pending|picked_up|in_transit|out_for_delivery|delivered|delivery_failed|return_to_sender|returned|on_hold|cancelled|canceled)$"
    )]
    status: String,
    /// Where it was scanned.
    #[garde(skip)]
    #[schema(value_type = Option<OrderPosition>)]
    position: Option<Position>,
    /// When, by the device's clock: up to 72 hours ago, at most a minute ahead. Now, when nothing is said.
    #[garde(skip)]
    at: Option<Timestamp>,
    /// What else there is to say.
    #[garde(inner(length(chars, min = 1, max = 1000)))]
    #[schema(min_length = 1, max_length = 1000)]
    note: Option<String>,
}

/// Reports where a package stands. When all packages of an order say so, the order moves with them: all picked up, all
/// delivered, some delivered and the others not. What cannot be is 409 `illegal_scan`.
#[utoipa::path(
    post, path = "/api/v1/packages/{tracking_number}/status", operation_id = "report_package_status", tag = "packages",
    params(("tracking_number" = String, Path, description = "As people type it.",
            pattern = r"^[Pp][0-9A-Za-z -]{12,20}[*~$=]?$", example = "P7KQ2M9XTB4HPJ")),
    request_body = PackageReport,
    responses((status = 200, description = "As it is now.", body = PackageView))
)]
pub(crate) async fn report_package_status(
    State(context): State<Orders>,
    Path(typed): Path<String>,
    request: Command<PackageReport>,
) -> Result<Answer> {
    let body = request.body;
    let scan = Report {
        status: status("/status", &body.status)?,
        at: body.at,
        position: body.position,
        note: body.note.as_deref().map(private),
    };
    let number = number(&typed)?;
    // A device reports whatever passes it.
    let viewer = match request.principal.role {
        Role::Device => Viewer::Staff,
        _ => context.viewer(&request.principal, &request.call.scope).await?,
    };
    let orders = context.clone();
    on_package(&context, &request.call, move |tx| {
        let (number, scan, viewer, orders) = (number.clone(), scan.clone(), viewer.clone(), orders.clone());
        Box::pin(async move {
            let (order, package) = report(tx, &orders, &viewer, &number, &scan).await?;
            let answer = Answer::json(200, &PackageView::from(&package))?;
            Ok((answer.versioned(package.version), order.id))
        })
    })
    .await
}
