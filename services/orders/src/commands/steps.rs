//! Steps of drivers, and what staff does to the movement: cancel, try again, correct.

use contracts::calls::{ReportStep, StepReported};
use contracts::orders::OrderStatus;
use kernel::geo::Position;
use kernel::ids::{OrderId, ProofId};
use kernel::time::{SignedDuration, Timestamp};
use platform::audit::Entry;
use platform::db::Tx;
use platform::vault::Private;
use platform::{Error, Result};
use serde_json::json;

use super::locked;
use super::moving::{Done, Move, apply};
use crate::context::{Orders, Viewer};
use crate::domain::outcome::{self, EndingError};
use crate::domain::status::{Command, Verdict};
use crate::entities::Order;
use crate::store::proofs;

/// How old a step may be that a device kept while it was offline.
const OLDEST: SignedDuration = SignedDuration::from_hours(72);
/// How far a device's clock may be ahead.
const AHEAD: SignedDuration = SignedDuration::from_mins(1);

/// A step as a device reports it.
#[derive(Debug, Clone)]
pub struct Step {
    /// Where the order stands now.
    pub status: OrderStatus,
    /// By the device's clock; now, when it says nothing.
    pub at: Option<Timestamp>,
    /// Where.
    pub position: Option<Position>,
    /// How it ended.
    pub outcome: Option<String>,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// What was said.
    pub note: Option<Private>,
    /// The proof that belongs to it.
    pub proof: Option<ProofId>,
}

/// The moment of a report, or 422 when no device can have reported it so.
pub fn moment(tx: &Tx, at: Option<Timestamp>) -> Result<Timestamp> {
    let now = tx.now();
    let at = at.unwrap_or(now);
    if at > now + AHEAD {
        return Err(Error::invalid_field("/at", "is more than a minute ahead"));
    }
    if at < now - OLDEST {
        return Err(Error::invalid_field("/at", "is more than 72 hours ago"));
    }
    Ok(at)
}

/// Does a step.
pub async fn step(
    tx: &mut Tx,
    context: &Orders,
    viewer: &Viewer,
    id: OrderId,
    step: &Step,
) -> Result<(Order, Done)> {
    let mut order = locked(tx, viewer, id).await?;
    let at = moment(tx, step.at)?;
    let ending = outcome::ending(step.status, step.outcome.as_deref(), step.failure_reason.as_deref());
    let ending = ending.map_err(|refused| {
        let field = if refused == EndingError::Outcome { "/outcome" } else { "/failure_reason" };
        Error::invalid_field(field, refused.to_string())
    })?;
    let command = match step.status {
        OrderStatus::Failed => Command::Fail,
        OrderStatus::Returning => Command::Return,
        status => Command::Step(status),
    };
    let wanted = Move {
        command,
        action: "report_order_status",
        at,
        position: step.position,
        ending,
        reason: step.failure_reason.clone(),
        note: step.note.clone(),
        proof: proof_of(tx, context, id, step.proof).await?,
    };
    let done = apply(tx, context, &mut order, wanted).await?;
    Ok((order, done))
}

/// A proof of this order, or 422.
async fn proof_of(
    tx: &mut Tx,
    context: &Orders,
    id: OrderId,
    proof: Option<ProofId>,
) -> Result<Option<ProofId>> {
    let Some(wanted) = proof else { return Ok(None) };
    let known = proofs::of_order(tx, context.vault(), id).await?;
    let known = known.iter().any(|proof| proof.id == wanted);
    if known { Ok(proof) } else { Err(Error::invalid_field("/proof_id", "is no proof of this order")) }
}

/// Does a step that was noticed by position, if it applies. It never refuses: what does not apply is answered with how
/// the order stands.
pub async fn noticed(tx: &mut Tx, context: &Orders, report: &ReportStep) -> Result<StepReported> {
    let mut order = locked(tx, &Viewer::Staff, report.order_id).await?;
    let arrival = matches!(report.status, OrderStatus::ArrivedAtPickup | OrderStatus::ArrivedAtDropoff);
    let applies = arrival
        && order.driver() == Some(report.driver_id)
        && matches!(order.movement.apply(Command::Step(report.status)), Ok(Verdict::Moved(_)));
    if !applies {
        let entry = Entry::new("notice_arrival", "order", order.id);
        tx.audit(entry.detail(json!({ "applies": false }))).await?;
        return Ok(StepReported { moved: false, state: order.state() });
    }
    let now = Move::now(tx, Command::Step(report.status), "notice_arrival");
    let wanted = Move { at: report.at, position: Some(report.position), ..now };
    let done = apply(tx, context, &mut order, wanted).await?;
    Ok(StepReported { moved: done == Done::Moved, state: order.state() })
}

/// Calls an order off; what is carried goes back.
pub async fn cancel(
    tx: &mut Tx,
    context: &Orders,
    id: OrderId,
    reason: &str,
    note: Option<Private>,
    action: &'static str,
) -> Result<(Order, Done)> {
    let mut order = locked(tx, &Viewer::Staff, id).await?;
    let now = Move::now(tx, Command::Cancel, action);
    let wanted = Move { reason: Some(reason.to_owned()), note, ..now };
    let done = apply(tx, context, &mut order, wanted).await?;
    Ok((order, done))
}

/// Tries a failed order again, with the driver who has the goods.
pub async fn reattempt(tx: &mut Tx, context: &Orders, viewer: &Viewer, id: OrderId) -> Result<(Order, Done)> {
    let mut order = locked(tx, viewer, id).await?;
    let wanted = Move::now(tx, Command::Reattempt, "reattempt_order");
    let done = apply(tx, context, &mut order, wanted).await?;
    Ok((order, done))
}

/// Puts a wrong step right. The history keeps both.
pub async fn correct(
    tx: &mut Tx,
    context: &Orders,
    id: OrderId,
    to: OrderStatus,
    reason: &str,
) -> Result<(Order, Done)> {
    let mut order = locked(tx, &Viewer::Staff, id).await?;
    let now = Move::now(tx, Command::Correct(to), "correct_order");
    let wanted = Move { reason: Some(reason.to_owned()), ..now };
    let could_be: Vec<&str> = order.movement.corrections().into_iter().map(OrderStatus::as_str).collect();
    let done = apply(tx, context, &mut order, wanted).await;
    let done = done.map_err(|refused| refused.with_extension("corrections", could_be))?;
    Ok((order, done))
}
