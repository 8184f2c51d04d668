//! Operations for other services of the installation.

use contracts::calls::{LastPositions, Positions};
use platform::http::internal::Internal;
use platform::http::openapi::ServiceApi;

use crate::commands::report::last_positions;
use crate::context::Tracking;

/// The routes with their permission rows.
pub(crate) fn api(tracking: &Tracking) -> ServiceApi {
    Internal::new(crate::NAME, tracking.clone())
        .ask::<LastPositions, _>("last_positions", |tracking, scope, asked| {
            Box::pin(async move {
                Ok(Positions { positions: last_positions(&tracking, &scope, &asked.driver_ids).await? })
            })
        })
        .finish()
}
