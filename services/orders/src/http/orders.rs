//! Orders.

mod assign;
pub(in crate::http) mod body;
mod bulk;
mod counts;
pub(in crate::http) mod create;
mod moves;
mod read;
mod update;
pub(in crate::http) mod view;

use kernel::ids::OrderId;
use platform::Result;
use platform::db::{BoxFuture, Tx};
use platform::http::openapi::Api;
use platform::idempotency::{Answer, Call};
use utoipa_axum::routes;

use crate::commands::moving::Done;
use crate::context::{Orders, Viewer};
use crate::entities::Order;

pub(super) fn routes(api: Api<Orders>) -> Api<Orders> {
    api.routes(routes!(read::list_orders, create::create_order))
        .routes(routes!(counts::count_orders))
        .routes(routes!(read::get_order, update::update_order))
        .routes(routes!(read::get_order_summary))
        .routes(routes!(read::list_order_events))
        .routes(routes!(create::duplicate_order))
        .routes(routes!(moves::report_order_status))
        .routes(routes!(moves::cancel_order))
        .routes(routes!(moves::reattempt_order))
        .routes(routes!(moves::correct_order))
        .routes(routes!(moves::prepare_order))
        .routes(routes!(assign::assign_order))
        .routes(routes!(assign::unassign_order))
        .routes(routes!(assign::hand_over_order))
        .routes(routes!(bulk::bulk_orders))
}

/// Runs a command on one order, and takes back what is kept of it.
pub(in crate::http) async fn on_order<F>(
    context: &Orders,
    call: &Call,
    id: OrderId,
    command: F,
) -> Result<Answer>
where
    F: for<'t> FnMut(&'t mut Tx) -> BoxFuture<'t, Result<Answer>> + Send,
{
    let answer = call.run(context.db(), command).await;
    context.forget(call.scope.org, id).await;
    answer
}

/// How an order stands after a command that moves it.
pub(in crate::http) fn moved(order: &Order, done: Done, viewer: &Viewer) -> Result<Answer> {
    let order_view = view::OrderView::new(order, viewer);
    let body = view::OrderMoved { moved: done == Done::Moved, order: order_view };
    Ok(Answer::json(200, &body)?.versioned(order.version))
}
