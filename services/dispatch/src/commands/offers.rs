//! Answers to offers.
//!
//! | the offer | and then | answer |
//! |---|---|---|
//! | open, in time | accept | the order is proposed to orders; other offers about it are withdrawn |
//! | open, in time | decline | remembered; when it was the last one, the next round begins |
//! | open, too late | accept | 409 `offer_closed`, as if it had expired a moment ago |
//! | accepted, declined | the same answer again | the same |
//! | anything else | | 409 `offer_closed` with its state |
//!
//! The order's row is locked before the offer's, everywhere: the first to accept wins.

use contracts::dispatch::OfferDeclined;
use kernel::ids::{DriverId, OfferId};
use platform::audit::Entry;
use platform::db::Tx;
use platform::{Error, Kind, Result};

use super::apply;
use crate::jobs::reconcile::Reconcile;
use crate::store::offers::{self, Offer, OfferState};
use crate::store::orders::{self, Known, QueueState};
use crate::store::policies;

/// Locks the order, then the offer about it. An offer to another driver is not there.
async fn lock(tx: &mut Tx, id: OfferId, own: Option<DriverId>) -> Result<(Option<Known>, Offer)> {
    let missing = || Error::not_found("offer");
    let offer = offers::find(tx, id).await?.ok_or_else(missing)?;
    if own.is_some_and(|own| own != offer.driver_id) {
        return Err(missing());
    }
    let order = orders::lock(tx, offer.order_id).await?;
    let offer = offers::lock(tx, id).await?.ok_or_else(missing)?;
    Ok((order, offer))
}

fn closed(offer: &Offer, state: OfferState) -> Error {
    Error::new(Kind::Conflict, "offer_closed", "This offer cannot be answered any more.")
        .with_extension("state", state.as_str())
        .with_extension("order_id", offer.order_id.to_string())
}

/// The driver takes it.
pub async fn accept(tx: &mut Tx, id: OfferId, own: Option<DriverId>) -> Result<Offer> {
    let (order, offer) = lock(tx, id, own).await?;
    match offer.state {
        OfferState::Accepted => {
            note(tx, "accept_offer", &offer, &offer).await?;
            return Ok(offer);
        }
        OfferState::Open if tx.now() < offer.expires_at => {}
        OfferState::Open => return Err(closed(&offer, OfferState::Expired)),
        other => return Err(closed(&offer, other)),
    }
    let open = order.filter(|order| order.state == QueueState::Offered && order.attempt == offer.attempt);
    let Some(order) = open else { return Err(closed(&offer, OfferState::Withdrawn)) };
    let strategy = policies::find(tx).await?.0.strategy.as_str();
    let locked = offers::answer(tx, id, OfferState::Accepted, None).await?;
    offers::withdraw(tx, order.order_id).await?;
    apply::assign(tx, order, offer.driver_id, strategy, offer.decision_id).await?;
    let after = Offer { state: OfferState::Accepted, version: locked.version(), ..offer.clone() };
    note(tx, "accept_offer", &offer, &after).await?;
    Ok(after)
}

/// The driver does not.
pub async fn decline(tx: &mut Tx, id: OfferId, own: Option<DriverId>, reason: Option<&str>) -> Result<Offer> {
    let (order, offer) = lock(tx, id, own).await?;
    match offer.state {
        OfferState::Declined => {
            note(tx, "decline_offer", &offer, &offer).await?;
            return Ok(offer);
        }
        OfferState::Open => {}
        other => return Err(closed(&offer, other)),
    }
    let after = end(tx, order, &offer, OfferState::Declined, reason).await?;
    note(tx, "decline_offer", &offer, &after).await?;
    Ok(after)
}

/// The driver did not answer in time. Nothing when the offer was answered, or is not due.
pub async fn expire(tx: &mut Tx, id: OfferId) -> Result<()> {
    let Some(offer) = offers::find(tx, id).await? else { return Ok(()) };
    let order = orders::lock(tx, offer.order_id).await?;
    match offers::lock(tx, id).await? {
        Some(offer) if offer.state == OfferState::Open && tx.now() >= offer.expires_at => {
            end(tx, order, &offer, OfferState::Expired, None).await?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Ends an offer without an acceptance. After the last one about its order the order waits again, at once.
async fn end(
    tx: &mut Tx,
    order: Option<Known>,
    offer: &Offer,
    state: OfferState,
    reason: Option<&str>,
) -> Result<Offer> {
    let locked = offers::answer(tx, offer.id, state, reason).await?;
    tx.publish(
        locked,
        &OfferDeclined {
            offer_id: offer.id,
            order_id: offer.order_id,
            driver_id: offer.driver_id,
            reason: reason.map(str::to_owned),
            expired: state == OfferState::Expired,
        },
    )?;
    let open = offers::open_about(tx, offer.order_id).await?;
    if let Some(mut order) = order.filter(|order| open == 0 && order.state == QueueState::Offered) {
        order.state = QueueState::Waiting;
        order.look_at = tx.now();
        orders::update(tx, &order).await?;
        Reconcile::enqueue(tx).await?;
    }
    let reason = reason.map(str::to_owned);
    Ok(Offer { state, reason, version: locked.version(), ..offer.clone() })
}

async fn note(tx: &mut Tx, action: &'static str, before: &Offer, after: &Offer) -> Result<()> {
    tx.audit(Entry::new(action, "offer", before.id).before(before)?.after(after)?).await
}
