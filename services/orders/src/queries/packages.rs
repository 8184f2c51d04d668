//! Packages: the list with its filters, one as its people see it, one as everybody may, and where it was seen.

use contracts::calls::PublicOrder;
use kernel::ids::{OrderId, Uuid};
use kernel::time::Timestamp;
use platform::auth::Principal;
use platform::db::Scope;
use platform::http::pagination::{Cursor, Page, PageQuery};
use platform::{Error, Result};

use crate::context::{Orders, Viewer};
use crate::domain::package::PackageStatus;
use crate::entities::{Order, Package, Scan};
use crate::error::no_package;
use crate::store::scans::{self, Which};
use crate::store::{orders, packages};

/// The longest history that is shown with a package.
const SHOWN: i64 = 100;

/// What is looked for; everything has to fit.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Stands here.
    pub status: Option<PackageStatus>,
    /// Of this order.
    pub order: Option<OrderId>,
    /// Its tracking number begins so.
    pub number: Option<String>,
    /// Bears it.
    pub barcode: Option<String>,
}

/// A page of packages, newest first.
pub async fn page(
    context: &Orders,
    scope: &Scope,
    viewer: &Viewer,
    search: &Search,
    page: &PageQuery,
) -> Result<Page<Package>> {
    let before = page.cursor.as_ref().map(Cursor::key::<Uuid>).transpose()?;
    let mut tx = context.db().read(scope).await?;
    let mut query = packages::select(&tx)?;
    let of_order = " AND EXISTS (SELECT FROM orders.orders o WHERE o.org_id = packages.org_id AND o.id = packages.order_id AND ";
    match viewer {
        Viewer::Staff => {}
        Viewer::Driver(driver) => {
            query.push(of_order).push("o.driver_id = ").push_bind(driver.uuid()).push(")");
        }
        Viewer::Customer(label) => {
            query.push(of_order).push("o.created_by = ").push_bind(label.clone()).push(")");
        }
        Viewer::Nobody => {
            query.push(" AND false");
        }
    }
    if let Some(status) = search.status {
        query.push(" AND status = ").push_bind(status.as_str());
    }
    if let Some(order) = search.order {
        query.push(" AND order_id = ").push_bind(order.uuid());
    }
    if let Some(number) = &search.number {
        let from = number.to_uppercase();
        let until = format!("{from}\u{10ffff}");
        query
            .push(" AND tracking_number >= ")
            .push_bind(from)
            .push(" AND tracking_number < ")
            .push_bind(until);
    }
    if let Some(barcode) = &search.barcode {
        query.push(" AND barcode = ").push_bind(barcode.clone());
    }
    if let Some(before) = before {
        query.push(" AND id < ").push_bind(before);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(page.limit.fetch());
    let rows = packages::fetch(&mut tx, query).await?;
    Page::cut(rows, page.limit, |package| package.id.uuid())
}

/// A package with its order and history.
#[derive(Debug)]
pub struct Found {
    /// The package.
    pub package: Package,
    /// Its order.
    pub order: Order,
    /// What was reported, oldest first.
    pub scans: Vec<Scan>,
    /// Whether the caller sees everything, or what anybody may see.
    pub full: bool,
}

/// Which order a package belongs to, for whoever has its number.
pub async fn order_of(context: &Orders, number: &str) -> Result<PublicOrder> {
    let mut tx = context.db().begin(&Scope::installation()).await?;
    let (org_id, _) = packages::owner(&mut tx, number).await?.ok_or_else(no_package)?;
    tx.enter(org_id).await?;
    let package = packages::find(&mut tx, number).await?.ok_or_else(no_package)?;
    tx.rollback().await?;
    Ok(PublicOrder { org_id, order_id: package.order_id })
}

/// A package by its number, for anybody: those who work with it see everything.
pub async fn one(context: &Orders, principal: &Principal, scope: &Scope, number: &str) -> Result<Found> {
    let mut tx = context.db().read(&Scope::installation()).await?;
    let (org, _) = packages::owner(&mut tx, number).await?.ok_or_else(no_package)?;
    tx.rollback().await?;
    let home = principal.org == Some(org);
    let viewer = if home { context.viewer(principal, scope).await? } else { Viewer::Nobody };
    let inside = if home { scope.clone() } else { scope.within(org) };
    let mut tx = context.db().read(&inside).await?;
    let package = packages::find(&mut tx, number).await?.ok_or_else(no_package)?;
    let order = orders::find(&mut tx, package.order_id).await?.ok_or_else(no_package)?;
    let scans = scans::list(&mut tx, context.vault(), package.id, &Which::default(), SHOWN).await?;
    let full = viewer.sees(&order);
    Ok(Found { package, order, scans, full })
}

/// A page of the places where a package that the caller sees was seen, oldest first.
pub async fn places(
    context: &Orders,
    scope: &Scope,
    viewer: &Viewer,
    number: &str,
    mut which: Which,
    page: &PageQuery,
) -> Result<Page<Scan>> {
    which.after = page.cursor.as_ref().map(Cursor::key::<(Timestamp, Uuid)>).transpose()?;
    which.placed = true;
    let mut tx = context.db().read(scope).await?;
    let package = packages::find(&mut tx, number).await?.ok_or_else(no_package)?;
    let order = orders::find(&mut tx, package.order_id).await?;
    order.filter(|order| viewer.sees(order)).ok_or_else(|| Error::not_found("package"))?;
    let rows = scans::list(&mut tx, context.vault(), package.id, &which, page.limit.fetch()).await?;
    Page::cut(rows, page.limit, |scan| (scan.at, scan.id.uuid()))
}
