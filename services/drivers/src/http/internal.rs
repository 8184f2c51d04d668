//! Operations for other services of the installation.

use contracts::calls::{DriverCards, DriverOfUser};
use platform::Error;
use platform::http::internal::Internal;
use platform::http::openapi::ServiceApi;

use crate::context::Drivers;
use crate::queries::drivers as read;

/// The most drivers of one question.
const MAX_CARDS: usize = 100;

/// The routes with their permission rows.
pub(crate) fn api(drivers: &Drivers) -> ServiceApi {
    Internal::new(crate::NAME, drivers.clone())
        .ask::<DriverCards, _>("driver_cards", |drivers, scope, asked| {
            Box::pin(async move {
                if asked.driver_ids.len() > MAX_CARDS {
                    return Err(Error::invalid_field("/driver_ids", "at most 100"));
                }
                read::cards(&drivers, &scope, &asked.driver_ids).await
            })
        })
        .ask::<DriverOfUser, _>("driver_of_user", |drivers, scope, asked| {
            Box::pin(async move { read::of_user(&drivers, &scope, asked.user_id).await })
        })
        .finish()
}
