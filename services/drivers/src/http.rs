//! The HTTP operations of drivers, one file per operation or closely related pair.

mod availability;
mod documents;
mod drivers;
pub(crate) mod internal;
mod shifts;
mod text;
mod vehicles;

use platform::Result;
use platform::db::{BoxFuture, Tx};
use platform::http::openapi::Api;
use platform::idempotency::{Answer, Call};

use crate::context::Drivers;

/// All routes.
pub fn routes() -> Api<Drivers> {
    let api = drivers::routes(Api::new(crate::NAME));
    documents::routes(shifts::routes(vehicles::routes(availability::routes(api))))
}

/// Runs a command; the kept list of drivers is let go after its commit.
async fn run<F>(drivers: &Drivers, call: Call, command: F) -> Result<Answer>
where
    F: for<'t> FnMut(&'t mut Tx) -> BoxFuture<'t, Result<Answer>> + Send,
{
    let answer = call.run(drivers.db(), command).await?;
    if let Some(org) = call.scope.org {
        drivers.roster().changed(org).await;
    }
    Ok(answer)
}
