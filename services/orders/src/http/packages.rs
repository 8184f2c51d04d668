//! Packages.

mod change;
mod create;
mod read;
mod report;
mod view;

use std::sync::{Arc, OnceLock};

use kernel::ids::OrderId;
use platform::db::{BoxFuture, Tx};
use platform::http::openapi::Api;
use platform::idempotency::{Answer, Call};
use platform::{Error, Result};
use utoipa_axum::routes;

use crate::context::Orders;
use crate::domain::package::PackageStatus;
use crate::domain::tracking;
use crate::error::no_package;

pub(super) fn routes(api: Api<Orders>) -> Api<Orders> {
    api.routes(routes!(read::list_packages, create::create_package))
        .routes(routes!(read::get_package, change::update_package, change::delete_package))
        .routes(routes!(report::report_package_status))
        .routes(routes!(read::list_package_locations))
}

/// Runs a command on a package, which tells whose it is, and takes back what is kept of its order.
async fn on_package<F>(context: &Orders, call: &Call, mut command: F) -> Result<Answer>
where
    F: for<'t> FnMut(&'t mut Tx) -> BoxFuture<'t, Result<(Answer, OrderId)>> + Send,
{
    let touched = Arc::new(OnceLock::new());
    let note = Arc::clone(&touched);
    let answer = call
        .run(context.db(), move |tx| {
            let (work, note) = (command(tx), Arc::clone(&note));
            Box::pin(async move {
                let (answer, order) = work.await?;
                // Run again after a deadlock, it is the same order.
                note.set(order).ok();
                Ok(answer)
            })
        })
        .await;
    if let Some(order) = touched.get() {
        context.forget(call.scope.org, *order).await;
    }
    answer
}

/// A tracking number as somebody typed it; one with a wrong character is not there.
fn number(text: &str) -> Result<String> {
    tracking::typed(text).ok_or_else(no_package)
}

fn status(pointer: &str, word: &str) -> Result<PackageStatus> {
    PackageStatus::parse(word).ok_or_else(|| Error::invalid_field(pointer, "is no status of a package"))
}
