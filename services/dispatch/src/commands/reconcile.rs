//! One round over an organisation's queue: look, decide, write down.
//!
//! Several processes may be told to do so at once; the fenced lease lets one decide, and what another one decided meanwhile
//! in vain is thrown away. Who comes while somebody decides asks for one more look instead of waiting.

use kernel::ids::DecisionId;
use kernel::time::SignedDuration;
use platform::Result;
use platform::db::{Scope, Tx};

use super::{apply, look};
use crate::context::Dispatch;
use crate::domain::strategy::{self, Step};
use crate::domain::timing::later;
use crate::jobs::reconcile::Reconcile;
use crate::store::decisions::{self, Decision};
use crate::store::{lease, orders, policies};

/// How soon an order is looked at again for which nobody was found, if nothing else wakes the queue.
pub const AGAIN: SignedDuration = SignedDuration::from_secs(15);

/// What came of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// Somebody else is at it, and will look once more for this one.
    Asked,
    /// Somebody else took over: look again a little later.
    Overtaken,
    /// Done; so many orders were decided about.
    Done(usize),
}

/// Goes over the queue once.
pub async fn reconcile(dispatch: &Dispatch, scope: &Scope) -> Result<Round> {
    let mut tx = dispatch.db().begin(scope).await?;
    policies::ensure(&mut tx).await?;
    let Some(fence) = take(&mut tx).await? else {
        tx.commit().await?;
        return Ok(Round::Asked);
    };
    let now = tx.now();
    let open = orders::queue(&mut tx, Some(now), None, look::MOST_ORDERS).await?;
    let rows = look::read(&mut tx, open).await?;
    tx.commit().await?;
    let decided = decide(dispatch, scope, &rows, fence).await;
    if decided.is_err() {
        // The next one need not wait for the end of the lease.
        let mut tx = dispatch.db().begin(scope).await?;
        lease::give_back(&mut tx, fence).await?;
        tx.commit().await?;
    }
    decided
}

async fn decide(dispatch: &Dispatch, scope: &Scope, rows: &look::Rows, fence: i64) -> Result<Round> {
    let strategy = strategy::of(rows.policy.strategy);
    let snapshot = look::complete(dispatch, scope, rows).await?;
    let proposals = strategy.propose(&snapshot);
    let mut tx = dispatch.db().begin(scope).await?;
    if !lease::hold(&mut tx, fence).await? {
        tx.rollback().await?;
        return Ok(Round::Overtaken);
    }
    let id: DecisionId = tx.id();
    let (mut told, mut count) = (Vec::new(), 0);
    for proposal in proposals {
        let Some(mut order) = orders::lock(&mut tx, proposal.order_id).await? else { continue };
        let seen = rows.open.iter().find(|seen| seen.order_id == order.order_id);
        // What changed meanwhile is looked at in the round that the change has asked for.
        if seen.is_none_or(|seen| seen.version != order.version || seen.state != order.state) {
            continue;
        }
        let silent = proposal.step == Step::Wait && order.decision_id.is_some();
        if !silent {
            order.decision_id = Some(id);
        }
        count += usize::from(proposal.step != Step::Wait);
        apply::apply(&mut tx, &rows.policy, order, &proposal, strategy.name(), id).await?;
        if !silent {
            told.push(proposal);
        }
    }
    if !told.is_empty() {
        let about = told.iter().map(|proposal| proposal.order_id).collect();
        let decision = Decision {
            id,
            at: rows.at,
            strategy: strategy.name().to_owned(),
            by: tx.scope().actor.clone(),
            snapshot: snapshot.about(&about),
            proposals: told,
        };
        decisions::insert(&mut tx, &decision).await?;
    }
    wake_later(&mut tx).await?;
    if lease::give_back(&mut tx, fence).await? {
        Reconcile::enqueue(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(Round::Done(count))
}

/// Takes the lease, or asks who has it. It may be given back in between; then it is free to take.
async fn take(tx: &mut Tx) -> Result<Option<i64>> {
    loop {
        if let Some(fence) = lease::take(tx).await? {
            return Ok(Some(fence));
        }
        if lease::ask(tx).await? {
            return Ok(None);
        }
    }
}

/// Sees to it that the queue is looked at when the next order of it is due.
async fn wake_later(tx: &mut Tx) -> Result<()> {
    let now = tx.now();
    if let Some(next) = orders::next_due(tx, now).await? {
        Reconcile::enqueue_at(tx, next.max(later(now, SignedDuration::from_millis(1)))).await?;
    }
    Ok(())
}
