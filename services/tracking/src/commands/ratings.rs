//! What customers say on their page: that they have it, and how it was. Who knows the code of the page may say so.

use contracts::orders::OrderStatus;
use kernel::ids::{OrderId, OrgId, RatingId, Uuid};
use kernel::time::{SignedDuration, Timestamp};
use platform::audit::Entry;
use platform::db::Tx;
use platform::vault::{Private, Vault};
use platform::{Error, Kind, Result};

use super::order_events::said;
use crate::domain::delivery::Delivery;
use crate::domain::page::{self, State};
use crate::store::{deliveries, ratings};

/// How long a rating may be changed.
pub const CHANGEABLE: SignedDuration = SignedDuration::from_hours(7 * 24);

fn conflict(delivery: &Delivery, code: &'static str, message: &'static str) -> Error {
    let state = serde_json::json!({ "status": delivery.status.as_str() });
    Error::new(Kind::Conflict, code, message).with_extension("state", state)
}

/// Enters the organisation of the order with this code and locks it; 404 for codes that nobody knows or that are too old.
pub async fn open(tx: &mut Tx, code: &str) -> Result<(Delivery, State)> {
    let unknown = || Error::not_found("delivery");
    let (org, order): (OrgId, OrderId) = deliveries::locate(tx, code).await?.ok_or_else(unknown)?;
    tx.enter(org).await?;
    let delivery = deliveries::lock(tx, order).await?.ok_or_else(unknown)?;
    let state = page::state(&delivery, tx.now()).ok_or_else(unknown)?;
    Ok((delivery, state))
}

/// Rates a delivery, or changes the rating within seven days; until when it may be changed.
pub async fn rate(
    tx: &mut Tx,
    vault: &Vault,
    code: &str,
    stars: i16,
    comment: Option<Private>,
) -> Result<Timestamp> {
    let (mut delivery, state) = open(tx, code).await?;
    let (order, now) = (delivery.order_id, tx.now());
    let before = ratings::find(tx, vault, order).await?;
    let (id, created_at): (RatingId, Timestamp) = match &before {
        Some(rating) => (rating.id, rating.created_at),
        None => (tx.id(), now),
    };
    let until = created_at.checked_add(CHANGEABLE).map_err(Error::internal)?;
    if before.is_none() && (delivery.status != OrderStatus::Delivered || state != State::Finished) {
        return Err(conflict(
            &delivery,
            "not_ratable",
            "A delivery can be rated within seven days after it.",
        ));
    }
    if now > until {
        return Err(conflict(&delivery, "rating_closed", "This rating cannot be changed any more."));
    }
    let subject = delivery.facts.customer_id.map_or(id.uuid(), Uuid::from);
    ratings::save(tx, vault, order, id, (subject, stars, comment.as_ref())).await?;
    if before.is_none() {
        said(tx, &mut delivery, "rated", now).await?;
    }
    let stars_before = before.map(|rating| serde_json::json!({ "stars": rating.stars }));
    let mut entry =
        Entry::new("rate_delivery", "rating", id).after(&serde_json::json!({ "stars": stars }))?;
    if let Some(stars) = stars_before {
        entry = entry.before(&stars)?;
    }
    tx.audit(entry).await?;
    Ok(until)
}

/// The customer has it; saying so again changes nothing.
pub async fn confirm(tx: &mut Tx, code: &str) -> Result<Timestamp> {
    let (mut delivery, state) = open(tx, code).await?;
    let there = matches!(delivery.status, OrderStatus::ArrivedAtDropoff | OrderStatus::Delivered);
    if !there || matches!(state, State::Cancelled | State::Expired) {
        return Err(conflict(
            &delivery,
            "not_delivered",
            "There is nothing to confirm yet, or not any more.",
        ));
    }
    let entry = Entry::new("confirm_receipt", "order", delivery.order_id);
    let at = delivery.confirmed_at.unwrap_or_else(|| tx.now());
    if delivery.confirmed_at.is_none() {
        delivery.confirmed_at = Some(at);
        said(tx, &mut delivery, "confirmed", at).await?;
    }
    tx.audit(entry.after(&serde_json::json!({ "confirmed_at": at }))?).await?;
    Ok(at)
}
