//! Writing down what a strategy proposes for one order, and starting what follows from it.

use contracts::dispatch::{AssignmentProposed, OfferMade};
use kernel::ids::{DecisionId, DriverId, OfferId};
use kernel::time::SignedDuration;
use platform::Result;
use platform::db::{Locked, Tx};
use platform::jobs::EnqueueOptions;

use super::reconcile::AGAIN;
use crate::domain::policy::Policy;
use crate::domain::strategy::{Proposal, Step};
use crate::domain::timing::later;
use crate::jobs::assign::Assign;
use crate::jobs::expire_offer::ExpireOffer;
use crate::store::offers::{self, Offer, OfferState};
use crate::store::orders::{self, Known, QueueState};

/// Applies a proposal to a locked order that waits.
pub async fn apply(
    tx: &mut Tx,
    policy: &Policy,
    mut order: Known,
    proposal: &Proposal,
    strategy: &'static str,
    decision: DecisionId,
) -> Result<()> {
    match &proposal.step {
        Step::Assign { driver_id } => assign(tx, order, *driver_id, strategy, decision).await,
        Step::Offer { driver_ids } => {
            for driver in driver_ids {
                ask(tx, policy, &order, *driver, decision).await?;
            }
            order.state = QueueState::Offered;
            order.round = order.round.saturating_add(1);
            orders::update(tx, &order).await
        }
        Step::Wait => {
            order.look_at = later(tx.now(), AGAIN);
            orders::update(tx, &order).await
        }
        Step::AskHuman => {
            order.state = QueueState::Stuck;
            orders::update(tx, &order).await
        }
    }
}

/// Decides for a driver; the job tells orders, which may know better.
pub async fn assign(
    tx: &mut Tx,
    mut order: Known,
    driver_id: DriverId,
    strategy: &'static str,
    decision_id: DecisionId,
) -> Result<()> {
    order.state = QueueState::Proposed;
    order.driver_id = Some(driver_id);
    order.proposals += 1;
    orders::update(tx, &order).await?;
    let (order_id, locked) = (order.order_id, Locked::new(order.order_id, order.proposals));
    let strategy = strategy.to_owned();
    tx.publish(locked, &AssignmentProposed { order_id, driver_id, decision_id, strategy })?;
    tx.enqueue(&Assign { order_id, driver_id, attempt: order.attempt, decision_id }).await?;
    Ok(())
}

async fn ask(
    tx: &mut Tx,
    policy: &Policy,
    order: &Known,
    driver_id: DriverId,
    decision_id: DecisionId,
) -> Result<()> {
    let now = tx.now();
    let offer = Offer {
        id: tx.id::<OfferId>(),
        version: 1,
        order_id: order.order_id,
        attempt: order.attempt,
        driver_id,
        decision_id,
        state: OfferState::Open,
        reason: None,
        made_at: now,
        expires_at: later(now, SignedDuration::from_secs(policy.offer_s.into())),
    };
    let locked = offers::insert(tx, &offer).await?;
    let (offer_id, order_id, expires_at) = (offer.id, offer.order_id, offer.expires_at);
    tx.publish(locked, &OfferMade { offer_id, order_id, driver_id, expires_at })?;
    let options = EnqueueOptions { run_at: Some(expires_at) };
    tx.enqueue_with(&ExpireOffer { offer_id }, options).await?;
    Ok(())
}
