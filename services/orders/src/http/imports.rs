//! Imports of orders from tables.

mod create;
mod read;
mod rows;
mod run;
mod view;

use platform::http::openapi::Api;
use utoipa_axum::routes;

use crate::context::Orders;

pub(super) fn routes(api: Api<Orders>) -> Api<Orders> {
    api.routes(routes!(read::list_order_imports, create::create_order_import))
        .routes(routes!(read::get_order_import))
        .routes(routes!(read::list_order_import_rows))
        .routes(routes!(run::confirm_order_import))
        .routes(routes!(run::undo_order_import))
}
