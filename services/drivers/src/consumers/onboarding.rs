//! `user.created.v1` and `user.role_changed.v1`: who is a driver here.

use contracts::identity::{UserCreated, UserRoleChanged};
use platform::bus::Consumer;

use crate::commands::onboarding::{joined, left};

/// The role that makes a driver.
const DRIVER: &str = "driver";

/// The consumer; it reads from the start of the log, and what it hears twice has one effect.
pub fn consumer() -> Consumer {
    Consumer::new("drivers.onboarding")
        .on::<UserCreated, _>(|tx, _delivery, event| {
            Box::pin(
                async move { if event.role == DRIVER { joined(tx, event.user_id).await } else { Ok(()) } },
            )
        })
        .on::<UserRoleChanged, _>(|tx, _delivery, event| {
            Box::pin(async move {
                match (event.from.as_str(), event.to.as_deref()) {
                    (_, Some(DRIVER)) => joined(tx, event.user_id).await,
                    (DRIVER, _) => left(tx, event.user_id).await,
                    _ => Ok(()),
                }
            })
        })
}
