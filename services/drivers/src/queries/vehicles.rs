//! Vehicles as people look at them.

use kernel::ids::{Uuid, VehicleId};
use platform::db::Scope;
use platform::http::pagination::{Cursor, Page, PageQuery};
use platform::{Error, Result};

use crate::context::Drivers;
use crate::entities::Vehicle;
use crate::store::vehicles;

/// A page of vehicles, oldest first.
pub async fn page(context: &Drivers, scope: &Scope, page: &PageQuery) -> Result<Page<Vehicle>> {
    let after = page.cursor.as_ref().map(Cursor::key::<Uuid>).transpose()?;
    let mut tx = context.db().read(scope).await?;
    let rows = vehicles::list(&mut tx, after, page.limit.fetch()).await?;
    Page::cut(rows, page.limit, |vehicle| vehicle.id.uuid())
}

/// One vehicle.
pub async fn one(context: &Drivers, scope: &Scope, id: VehicleId) -> Result<Vehicle> {
    let mut tx = context.db().read(scope).await?;
    vehicles::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("vehicle"))
}
