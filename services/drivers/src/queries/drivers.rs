//! Drivers as people and other services look at them.

use contracts::calls::DriverCard;
use kernel::ids::{DriverId, UserId, Uuid};
use platform::auth::Principal;
use platform::db::{BoxFuture, Scope, Tx};
use platform::http::pagination::{Cursor, Limit, Page, PageQuery};
use platform::{Error, Result};

use crate::access;
use crate::context::Drivers;
use crate::entities::Driver;
use crate::store::drivers::{self, Filter, StoredDriver};
use crate::store::vehicles;

/// A page of drivers, oldest first. The usual first page is kept for a while (`crate::roster`).
pub async fn page(
    context: &Drivers,
    scope: &Scope,
    filter: &Filter,
    page: &PageQuery,
) -> Result<Page<Driver>> {
    let usual = *filter == Filter::default() && page.cursor.is_none() && page.limit == Limit::default();
    let load = || -> BoxFuture<'_, _> { Box::pin(load(context, scope, filter, page)) };
    let stored = match scope.org.filter(|_| usual) {
        Some(org) => context.roster().page(org, load).await?,
        None => load().await?,
    };
    let mut tx = context.db().read(scope).await?;
    let mut items = Vec::with_capacity(stored.items.len());
    for driver in stored.items {
        items.push(open(context, &mut tx, driver).await?);
    }
    Ok(Page { items, next_cursor: stored.next_cursor })
}

async fn load(
    context: &Drivers,
    scope: &Scope,
    filter: &Filter,
    page: &PageQuery,
) -> Result<Page<StoredDriver>> {
    let after = page.cursor.as_ref().map(Cursor::key::<Uuid>).transpose()?;
    let mut tx = context.db().read(scope).await?;
    let rows = drivers::list(&mut tx, context.vault(), filter, after, page.limit.fetch()).await?;
    Page::cut(rows, page.limit, |driver| driver.id.uuid())
}

async fn open(context: &Drivers, tx: &mut Tx, driver: StoredDriver) -> Result<Driver> {
    let personal = drivers::open(tx, context.vault(), &driver).await?;
    Ok(driver.with(personal))
}

/// One driver, if the caller may know of them.
pub async fn one(context: &Drivers, principal: &Principal, scope: &Scope, id: DriverId) -> Result<Driver> {
    let mut tx = context.db().read(scope).await?;
    let found = access::visible(&mut tx, principal, id).await?;
    open(context, &mut tx, found).await
}

/// The caller as a driver.
pub async fn mine(context: &Drivers, scope: &Scope, user: UserId) -> Result<Driver> {
    let mut tx = context.db().read(scope).await?;
    let id = drivers::id_of_user(&mut tx, user).await?.ok_or_else(|| Error::not_found("driver"))?;
    let found = drivers::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("driver"))?;
    open(context, &mut tx, found).await
}

/// Which driver an account is.
pub async fn of_user(context: &Drivers, scope: &Scope, user: UserId) -> Result<DriverId> {
    let mut tx = context.db().read(scope).await?;
    drivers::id_of_user(&mut tx, user).await?.ok_or_else(|| Error::not_found("driver"))
}

/// What customers may know of these drivers; those that are not there are left out.
pub async fn cards(context: &Drivers, scope: &Scope, ids: &[DriverId]) -> Result<Vec<DriverCard>> {
    let mut tx = context.db().read(scope).await?;
    let mut cards = Vec::with_capacity(ids.len());
    for id in ids {
        if let Some(found) = drivers::find(&mut tx, *id).await? {
            cards.push(card(context, &mut tx, found).await?);
        }
    }
    Ok(cards)
}

async fn card(context: &Drivers, tx: &mut Tx, driver: StoredDriver) -> Result<DriverCard> {
    let vehicle = match driver.plain.vehicle_id {
        Some(id) => vehicles::find(tx, id).await?.map(|vehicle| vehicle.details),
        None => None,
    };
    let personal = drivers::open(tx, context.vault(), &driver).await?;
    let first = |name: &str| name.split_whitespace().next().map(str::to_owned);
    Ok(DriverCard {
        driver_id: driver.id,
        first_name: personal.name.and_then(|name| first(name.reveal())),
        vehicle: vehicle.as_ref().map(|vehicle| vehicle.profile),
        vehicle_description: vehicle.as_ref().and_then(|vehicle| vehicle.description.clone()),
        plate: vehicle.and_then(|vehicle| vehicle.plate),
    })
}
