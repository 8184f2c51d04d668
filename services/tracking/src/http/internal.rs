//! Operations for other services of the installation.

use contracts::calls::{LastPositions, Positions, TrackedOrder};
use platform::http::internal::Internal;
use platform::http::openapi::ServiceApi;

use crate::commands::report::last_positions;
use crate::context::Tracking;
use crate::queries::page;

/// The routes with their permission rows.
pub(crate) fn api(tracking: &Tracking) -> ServiceApi {
    Internal::new(crate::NAME, tracking.clone())
        .ask::<LastPositions, _>("last_positions", |tracking, scope, asked| {
            Box::pin(async move {
                Ok(Positions { positions: last_positions(&tracking, &scope, &asked.driver_ids).await? })
            })
        })
        .ask_installation::<TrackedOrder, _>("tracked_order", |tracking, _scope, asked| {
            Box::pin(async move { page::order_of(&tracking, &asked.code).await })
        })
        .finish()
}
