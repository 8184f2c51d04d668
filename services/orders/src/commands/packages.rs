//! Packages: added, changed and removed before the pick-up; reported of on the way.

use contracts::orders::{OrderStatus, OrderUpdated};
use kernel::geo::Position;
use kernel::ids::OrderId;
use kernel::load::Load;
use kernel::time::Timestamp;
use platform::audit::Entry;
use platform::db::Tx;
use platform::vault::Private;
use platform::{Error, Kind, Result};
use serde_json::json;

use super::create::{NewPackage, packages_of};
use super::moving::{Move, apply};
use super::update::Clearable;
use super::{locked, steps};
use crate::context::{Orders, Viewer};
use crate::domain::outcome::{self, Ending};
use crate::domain::package::{PackageStatus, consequence};
use crate::entities::{AuditedOrder, Order, Package};
use crate::error::{self, no_package};
use crate::store::events::{self, NewEvent};
use crate::store::scans::{self, NewScan};
use crate::store::{orders, packages};

/// Locks the order of a package that the caller sees; where the package is in it.
async fn of_number(tx: &mut Tx, viewer: &Viewer, number: &str) -> Result<(Order, usize)> {
    let package = packages::find(tx, number).await?.ok_or_else(no_package)?;
    let order = locked(tx, viewer, package.order_id).await.map_err(|error| match error.kind() {
        Kind::NotFound => no_package(),
        _ => error,
    })?;
    let at = order.packages.iter().position(|one| one.id == package.id).ok_or_else(no_package)?;
    Ok((order, at))
}

fn before_the_pick_up(order: &Order) -> Result<()> {
    if order.movement.picked_up() || order.movement.is_over() {
        return Err(error::too_late(order, &["packages"]));
    }
    Ok(())
}

/// Tells that the packages of a locked order changed, but not its movement.
async fn changed(tx: &mut Tx, context: &Orders, order: &mut Order, entry: Entry) -> Result<()> {
    let counted = order.packages.iter().filter(|one| one.status != PackageStatus::Cancelled);
    order.load = counted.fold(Load::default(), |sum, package| sum.plus(package.load));
    let locked = orders::save_details(tx, order).await?;
    let event = NewEvent {
        kind: "updated",
        from: order.movement.status().as_str(),
        at: tx.now(),
        position: None,
        reason: None,
        note: None,
        detail: json!({ "changed": ["packages"] }),
    };
    events::append(tx, context.vault(), order, event).await?;
    let changed = vec!["packages".to_owned()];
    tx.publish(locked, &OrderUpdated { order_id: order.id, changed, facts: order.facts() })?;
    tx.audit(entry.after(&AuditedOrder::from(&*order))?).await
}

/// Adds a package to an order that was not picked up.
pub async fn add(tx: &mut Tx, context: &Orders, id: OrderId, new: &NewPackage) -> Result<(Order, Package)> {
    let mut order = locked(tx, &Viewer::Staff, id).await?;
    before_the_pick_up(&order)?;
    let entry = Entry::new("create_package", "order", id).before(&AuditedOrder::from(&order))?;
    let made = packages_of(tx, id, std::slice::from_ref(new));
    packages::insert(tx, &made).await?;
    order.packages.extend(made.clone());
    changed(tx, context, &mut order, entry).await?;
    let package = made.into_iter().next().ok_or_else(no_package)?;
    Ok((order, package))
}

/// What changes about a package.
#[derive(Debug, Clone, Default)]
pub struct PackageChange {
    /// Of the goods.
    pub description: Clearable<String>,
    /// A code that somebody else printed.
    pub barcode: Clearable<String>,
    /// Grams.
    pub weight_g: Option<u32>,
    /// Millilitres.
    pub volume_ml: Option<u32>,
    /// Pieces.
    pub count: Option<u32>,
}

/// Changes a package of an order that was not picked up, if the caller has seen its present version.
pub async fn change(
    tx: &mut Tx,
    context: &Orders,
    number: &str,
    change: &PackageChange,
    seen: impl Fn(i64) -> Result<()> + Send,
) -> Result<(Order, Package)> {
    let (mut order, at) = of_number(tx, &Viewer::Staff, number).await?;
    let package = &mut order.packages[at];
    seen(package.version)?;
    if let Some(description) = &change.description {
        package.description.clone_from(description);
    }
    if let Some(barcode) = &change.barcode {
        package.barcode.clone_from(barcode);
    }
    package.load.weight_g = change.weight_g.unwrap_or(package.load.weight_g);
    package.load.volume_ml = change.volume_ml.unwrap_or(package.load.volume_ml);
    package.load.count = change.count.unwrap_or(package.load.count);
    before_the_pick_up(&order)?;
    packages::save(tx, &mut order.packages[at]).await?;
    let entry = Entry::new("update_package", "order", order.id);
    changed(tx, context, &mut order, entry).await?;
    let package = order.packages[at].clone();
    Ok((order, package))
}

/// Removes a package from an order that was not picked up. The last one stays: cancel the order instead.
pub async fn remove(tx: &mut Tx, context: &Orders, number: &str) -> Result<OrderId> {
    let (mut order, at) = of_number(tx, &Viewer::Staff, number).await?;
    before_the_pick_up(&order)?;
    if order.packages.len() == 1 {
        return Err(Error::new(Kind::Conflict, "last_package", "An order has a package. Cancel the order."));
    }
    let entry = Entry::new("delete_package", "order", order.id).before(&AuditedOrder::from(&order))?;
    let package = order.packages.remove(at);
    packages::delete(tx, package.id).await?;
    let entry = entry.detail(json!({ "package": package.id.to_string() }));
    changed(tx, context, &mut order, entry).await?;
    Ok(order.id)
}

/// What was reported of a package.
#[derive(Debug, Clone)]
pub struct Report {
    /// Where it stands.
    pub status: PackageStatus,
    /// By the device's clock.
    pub at: Option<Timestamp>,
    /// Where.
    pub position: Option<Position>,
    /// What was said.
    pub note: Option<Private>,
}

/// Records a scan, and does with the order what the table of `domain::package` says.
pub async fn report(
    tx: &mut Tx,
    context: &Orders,
    viewer: &Viewer,
    number: &str,
    report: &Report,
) -> Result<(Order, Package)> {
    let (mut order, at) = of_number(tx, viewer, number).await?;
    let moment = steps::moment(tx, report.at)?.min(tx.now());
    let status = order.packages[at].status;
    let sighting = status == report.status && !status.is_over();
    let needs_driver = !matches!(report.status, PackageStatus::OnHold | PackageStatus::Cancelled);
    let nobody = needs_driver && order.driver().is_none();
    if !(sighting || status.may_become(report.status)) || nobody || order.movement.is_over() {
        return Err(error::illegal_scan(status, &order));
    }
    let subject = order.dropoff.subject;
    let scan = NewScan {
        status: report.status.as_str(),
        at: moment,
        position: report.position,
        note: report.note.clone(),
    };
    let package_id = order.packages[at].id;
    let scan = scans::append(tx, context.vault(), package_id, subject, &scan).await?;
    let entry = Entry::new("report_package_status", "order", order.id).before(&AuditedOrder::from(&order))?;
    let entry = entry.detail(json!({ "scan": scan.to_string(), "package": package_id.to_string() }));
    if sighting {
        tx.audit(entry).await?;
        let package = order.packages[at].clone();
        return Ok((order, package));
    }
    order.packages[at].status = report.status;
    packages::save(tx, &mut order.packages[at]).await?;
    follow(tx, context, &mut order, report, moment, entry).await?;
    let package = order.packages[at].clone();
    Ok((order, package))
}

/// Moves the order with its packages, or tells that they changed.
async fn follow(
    tx: &mut Tx,
    context: &Orders,
    order: &mut Order,
    report: &Report,
    at: Timestamp,
    entry: Entry,
) -> Result<()> {
    let statuses: Vec<PackageStatus> = order.packages.iter().map(|package| package.status).collect();
    let Some(found) = consequence(order.movement.status(), &statuses) else {
        return changed(tx, context, order, entry).await;
    };
    let ending = if found.partly {
        outcome::ending(OrderStatus::Delivered, Some(outcome::PARTIALLY), None).map_err(Error::internal)?
    } else {
        Ending::default()
    };
    let now = Move::now(tx, found.command, "report_package_status");
    let wanted = Move { at, position: report.position, ending, ..now };
    tx.audit(entry).await?;
    let refused = error::illegal_scan(report.status, order);
    match apply(tx, context, order, wanted).await {
        Err(error) if error.code() == "illegal_step" => Err(refused),
        other => other.map(|_done| ()),
    }
}
