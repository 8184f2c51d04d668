//! Moving an order: the one path on which its movement changes. It saves, writes the history, takes the packages along,
//! publishes and audits, whoever asked.

use contracts::orders::{OrderAssigned, OrderCancelled, OrderStatus, OrderStatusChanged};
use kernel::geo::Position;
use kernel::ids::ProofId;
use kernel::time::Timestamp;
use platform::Result;
use platform::audit::Entry;
use platform::db::{Locked, Tx};
use platform::vault::Private;
use serde_json::json;

use crate::context::Orders;
use crate::domain::outcome::{self, Ending};
use crate::domain::package::PackageStatus;
use crate::domain::proof::{Kind, Requirements, Stop};
use crate::domain::status::{Command, Verdict};
use crate::entities::{AuditedOrder, Order};
use crate::error;
use crate::store::events::{self, NewEvent};
use crate::store::scans::{self, NewScan};
use crate::store::{orders, packages, proofs};

/// What somebody wants, and what they say with it.
#[derive(Debug, Clone)]
pub struct Move {
    /// What is wanted.
    pub command: Command,
    /// The operation, for the audit log.
    pub action: &'static str,
    /// By the device's clock.
    pub at: Timestamp,
    /// Where.
    pub position: Option<Position>,
    /// How it ended.
    pub ending: Ending,
    /// Why; words, and sentences about work, never about people.
    pub reason: Option<String>,
    /// What was said.
    pub note: Option<Private>,
    /// The proof that belongs to it.
    pub proof: Option<ProofId>,
}

impl Move {
    /// A command that was given just now.
    pub fn now(tx: &Tx, command: Command, action: &'static str) -> Self {
        let (at, ending) = (tx.now(), Ending::default());
        Self { command, action, at, position: None, ending, reason: None, note: None, proof: None }
    }

    fn kind(&self, before: &Order) -> &'static str {
        match self.command {
            Command::Assign(_) => "assigned",
            Command::Reassign(_) if before.movement.picked_up() => "handed_over",
            Command::Reassign(_) => "reassigned",
            Command::Unassign => "unassigned",
            Command::Step(_) => "step",
            Command::Fail => "failed",
            Command::Cancel => "cancelled",
            Command::Return => "returning",
            Command::Reattempt => "reattempt",
            Command::Correct(_) => "correction",
        }
    }

    fn is_correction(&self) -> bool {
        matches!(self.command, Command::Correct(_))
    }
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It moved.
    Moved,
    /// It was so already.
    Already,
}

/// Moves a locked order, which is then as it is afterwards.
pub async fn apply(tx: &mut Tx, context: &Orders, order: &mut Order, mut wanted: Move) -> Result<Done> {
    wanted.at = wanted.at.min(tx.now());
    let before = order.clone();
    let entry = Entry::new(wanted.action, "order", order.id).before(&AuditedOrder::from(&before))?;
    let after = match order.movement.apply(wanted.command) {
        Err(refusal) => return Err(error::refused(order, refusal)),
        Ok(Verdict::Already) => {
            let entry = entry.after(&AuditedOrder::from(&before))?.detail(json!({ "already": true }));
            tx.audit(entry).await?;
            return Ok(Done::Already);
        }
        Ok(Verdict::Moved(after)) => after,
    };
    let warned = enough_proof(tx, order, &wanted).await?;
    order.movement = after;
    end(order, &wanted)?;
    let locked = orders::save_movement(tx, order).await?;
    history(tx, context, &before, order, &wanted, &warned).await?;
    follow(tx, context, order, &wanted).await?;
    publish(tx, locked, &before, order, &wanted)?;
    let detail = json!({ "kind": wanted.kind(&before), "from": before.movement.status().as_str(),
                         "to": order.movement.status().as_str(), "reason": wanted.reason });
    tx.audit(entry.after(&AuditedOrder::from(&*order))?.detail(detail)).await?;
    Ok(Done::Moved)
}

/// Refuses a step whose proof is missing; what would have been nice is returned.
async fn enough_proof(tx: &mut Tx, order: &Order, wanted: &Move) -> Result<Vec<Kind>> {
    let Command::Step(to) = wanted.command else { return Ok(Vec::new()) };
    let Some(stop) = Stop::completed_by(to).filter(|_| order.proof != Requirements::default()) else {
        return Ok(Vec::new());
    };
    let (mut kinds, read) = proofs::captured(tx, order.id, stop, order.movement.attempt()).await?;
    let handed_over = order.packages.iter().filter(|one| one.status != PackageStatus::DeliveryFailed);
    if handed_over.filter_map(|one| one.barcode.as_ref()).any(|code| !read.contains(code)) {
        kinds.remove(&Kind::Barcodes);
    }
    let missing = order.proof.at(stop).missing(&kinds);
    if missing.required.is_empty() {
        return Ok(missing.warned);
    }
    Err(error::proof_missing(order, &missing.required))
}

/// How it ended, if it did. What failed keeps its reason on the way back and loses it with another attempt.
fn end(order: &mut Order, wanted: &Move) -> Result<()> {
    let to = order.movement.status();
    let ending = match to {
        OrderStatus::Returning | OrderStatus::Returned => return Ok(()),
        OrderStatus::Delivered | OrderStatus::Failed if wanted.ending == Ending::default() => {
            outcome::ending(to, None, None).map_err(platform::Error::internal)?
        }
        _ => wanted.ending,
    };
    order.outcome = ending.outcome.map(str::to_owned);
    order.failure_reason = ending.reason.map(str::to_owned);
    order.blame = ending.blame.map(str::to_owned);
    Ok(())
}

async fn history(
    tx: &mut Tx,
    context: &Orders,
    before: &Order,
    order: &Order,
    wanted: &Move,
    warned: &[Kind],
) -> Result<()> {
    let words = |detail, kind, note| NewEvent {
        kind,
        from: before.movement.status().as_str(),
        at: wanted.at,
        position: wanted.position,
        reason: wanted.reason.clone(),
        note,
        detail,
    };
    let detail = json!({ "outcome": order.outcome, "failure_reason": order.failure_reason, "blame": order.blame, "proof": wanted.proof });
    let kind = wanted.kind(before);
    events::append(tx, context.vault(), order, words(detail, kind, wanted.note.clone())).await?;
    if !warned.is_empty() {
        let missing: Vec<&str> = warned.iter().map(|kind| kind.as_str()).collect();
        let event = words(json!({ "missing": missing }), "proof_warning", None);
        events::append(tx, context.vault(), order, event).await?;
    }
    Ok(())
}

/// Takes the packages along (domain/package.rs). A correction moves also those that had ended.
async fn follow(tx: &mut Tx, context: &Orders, order: &mut Order, wanted: &Move) -> Result<()> {
    let target = match PackageStatus::of_order(order.movement.status()) {
        PackageStatus::Pending if order.movement.picked_up() => PackageStatus::PickedUp,
        target => target,
    };
    let partly = order.outcome.as_deref() == Some(outcome::PARTIALLY);
    let target =
        if partly && target == PackageStatus::Delivered { PackageStatus::DeliveryFailed } else { target };
    let subject = order.dropoff.subject;
    for package in &mut order.packages {
        if !package.status.follows(target, wanted.is_correction()) {
            continue;
        }
        package.status = target;
        packages::save(tx, package).await?;
        let scan = NewScan { status: target.as_str(), at: wanted.at, position: wanted.position, note: None };
        scans::append(tx, context.vault(), package.id, subject, &scan).await?;
    }
    Ok(())
}

fn publish(tx: &mut Tx, locked: Locked, before: &Order, order: &Order, wanted: &Move) -> Result<()> {
    let (from, to) = (before.movement.status(), order.movement.status());
    let (order_id, attempt) = (order.id, order.movement.attempt());
    let given = matches!(wanted.command, Command::Assign(_) | Command::Reassign(_));
    if let (true, Some(driver_id)) = (given, order.driver()) {
        let previous = before.driver();
        tx.publish(locked, &OrderAssigned { order_id, driver_id, previous, status: to, attempt })?;
    }
    if from != to || attempt != before.movement.attempt() {
        let is_end = matches!(to, OrderStatus::Delivered | OrderStatus::Failed);
        let event = OrderStatusChanged {
            order_id,
            from,
            to,
            driver_id: order.driver(),
            attempt,
            at: wanted.at,
            position: wanted.position,
            outcome: order.outcome.clone().filter(|_| is_end),
            failure_reason: order.failure_reason.clone().filter(|_| is_end),
            correction: wanted.is_correction(),
        };
        tx.publish(locked, &event)?;
    }
    let called_off = wanted.command == Command::Cancel || to == OrderStatus::Cancelled;
    if called_off {
        let word = wanted.reason.as_deref().filter(|_| wanted.command == Command::Cancel).unwrap_or("other");
        let event = OrderCancelled { order_id, from, driver_id: before.driver(), reason: word.to_owned() };
        tx.publish(locked, &event)?;
    }
    Ok(())
}
