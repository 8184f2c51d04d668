//! What is due of a recurrence. Each step is a transaction: the order, the row that says so, and the next time commit
//! together, so that whatever is killed, an occurrence has one order or none yet.

use jiff::SignedDuration;
use kernel::ids::RecurrenceId;
use kernel::time::Timestamp;
use platform::audit::Entry;
use platform::db::Tx;
use platform::{Error, Result};
use serde_json::json;

use super::create::{NewOrder, NewStop, create};
use super::recurrences::{next, next_after, rule_of};
use crate::context::Orders;
use crate::domain::recurrence::Rule;
use crate::entities::recurrence::{Fate, Next, Offsets, Recurrence, Template};
use crate::error::in_words;
use crate::store::{occurrences, recurrences};

/// An occurrence that lies further back has no order made any more: after a downtime nobody is flooded.
const LATE: SignedDuration = SignedDuration::from_hours(2);
/// Missed occurrences that are recorded in one transaction.
const AT_ONCE: usize = 100;

/// A moment some minutes from another one.
fn minutes_from(at: Timestamp, minutes: i32) -> Result<Timestamp> {
    at.checked_add(SignedDuration::from_mins(i64::from(minutes))).map_err(Error::internal)
}

fn placed(stop: &mut NewStop, window: Offsets, at: Timestamp) -> Result<()> {
    stop.not_before = window.from_min.map(|minutes| minutes_from(at, minutes)).transpose()?;
    stop.not_after = window.until_min.map(|minutes| minutes_from(at, minutes)).transpose()?;
    Ok(())
}

/// The order of one occurrence.
fn order_at(template: &Template, one: &Recurrence, at: Timestamp) -> Result<NewOrder> {
    let mut order = NewOrder { shop_id: one.shop_id, ..template.order.clone() };
    order.ready_at = Some(minutes_from(at, template.ready_after_min)?);
    placed(&mut order.dropoff, template.dropoff, at)?;
    if let Some(pickup) = &mut order.pickup {
        placed(pickup, template.pickup, at)?;
    }
    Ok(order)
}

/// Locks a recurrence that is due.
async fn due(tx: &mut Tx, context: &Orders, id: RecurrenceId) -> Result<Option<(Recurrence, Next)>> {
    let now = tx.now();
    let one = recurrences::lock(tx, context.vault(), id).await?;
    Ok(one.and_then(|one| one.next.filter(|next| next.at <= now).map(|next| (one, next))))
}

/// Does what is due next: records what was missed, or makes one order. False when nothing is due. A refusal of the order
/// is returned, and nothing has happened; `refuse` records it.
pub async fn advance(tx: &mut Tx, context: &Orders, id: RecurrenceId) -> Result<bool> {
    let Some((mut one, first)) = due(tx, context, id).await? else { return Ok(false) };
    let late = tx.now() - LATE;
    let rule = rule_of(&one)?;
    if first.occurs_at < late {
        one.next = skip(tx, &one, &rule, first, late).await?;
    } else {
        if occurrences::is_open(tx, id, first.occurs_at).await? {
            let template = one.template.as_ref().ok_or_else(erased)?;
            let order = order_at(template, &one, first.occurs_at)?;
            let order = create(tx, context, &order, "create_due_order").await?;
            record(tx, id, first.occurs_at, &Fate::Created(order.id)).await?;
        }
        one.last_error = None;
        one.next = next_after(&rule, one.lead_s, first.occurs_at);
    }
    recurrences::save(tx, context.vault(), &mut one).await?;
    Ok(true)
}

/// Records occurrences that were missed; the first that was not, or that this transaction leaves to the next one.
async fn skip(
    tx: &mut Tx,
    one: &Recurrence,
    rule: &Rule,
    first: Next,
    late: Timestamp,
) -> Result<Option<Next>> {
    let following: Vec<Next> =
        rule.after(first.occurs_at).filter_map(|time| next(time.at, one.lead_s)).take(AT_ONCE).collect();
    let mut planned = Some(first);
    let mut following = following.into_iter();
    while let Some(missed) = planned.filter(|next| next.occurs_at < late) {
        record(tx, one.id, missed.occurs_at, &Fate::Skipped("missed".to_owned())).await?;
        let Some(next) = following.next() else {
            return Ok(next_after(rule, one.lead_s, missed.occurs_at));
        };
        planned = Some(next);
    }
    Ok(planned)
}

fn erased() -> Error {
    Error::invalid_field("/template", "cannot be opened any more: who it was for was erased")
}

/// Writes what became of an occurrence that is open.
async fn record(tx: &mut Tx, id: RecurrenceId, occurs_at: Timestamp, fate: &Fate) -> Result<()> {
    if !occurrences::is_open(tx, id, occurs_at).await? {
        return Ok(());
    }
    occurrences::record(tx, id, occurs_at, fate).await?;
    let detail = json!({ "occurs_at": occurs_at, "state": fate.as_str(), "reason": fate.reason() });
    tx.audit(Entry::new("record_occurrence", "recurrence", id).detail(detail)).await
}

/// Records that the order of the occurrence that is due was refused, and goes on to the next.
pub async fn refuse(tx: &mut Tx, context: &Orders, id: RecurrenceId, refusal: &Error) -> Result<()> {
    let Some((mut one, next)) = due(tx, context, id).await? else { return Ok(()) };
    let words = in_words(refusal);
    record(tx, id, next.occurs_at, &Fate::Failed(words.clone())).await?;
    one.last_error = Some((words, tx.now()));
    // A rule that is none any more, or without a template, makes nothing until somebody looks.
    let rule = rule_of(&one).ok().filter(|_| one.template.is_some());
    one.paused |= rule.is_none();
    one.next = rule.and_then(|rule| next_after(&rule, one.lead_s, next.occurs_at));
    recurrences::save(tx, context.vault(), &mut one).await
}
