//! Recurring orders.

mod body;
mod change;
mod create;
mod preview;
mod read;
mod view;

use jiff::civil::DateTime;
use platform::http::openapi::Api;
use platform::{Error, Result};
use utoipa_axum::routes;

use crate::context::Orders;

pub(super) fn routes(api: Api<Orders>) -> Api<Orders> {
    api.routes(routes!(read::list_recurring_orders, create::create_recurring_order))
        .routes(routes!(preview::preview_recurring_order))
        .routes(routes!(
            read::get_recurring_order,
            change::update_recurring_order,
            change::delete_recurring_order
        ))
        .routes(routes!(read::list_recurring_order_occurrences))
}

/// A wall-clock time that fits the pattern, or 422 when the calendar has no such day.
fn wall_clock(field: &str, text: &str) -> Result<DateTime> {
    let parsed = text.parse();
    parsed
        .map_err(|_none: jiff::Error| Error::invalid_field(format!("/{field}"), "is no day of the calendar"))
}
