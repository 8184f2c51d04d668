//! Writing down what was expected and what happened, and learning from it.

use std::sync::Arc;

use ::eta::Model;
use ::eta::shift::Shift;
use contracts::orders::OrderStatus;
use contracts::tracking::TravelLearned;
use kernel::ids::DriverId;
use kernel::time::{SignedDuration, Timestamp};
use kernel::travel::Factors;
use platform::db::{Scope, Tx};
use platform::{Error, Result};

use crate::context::Tracking;
use crate::domain::delivery::Delivery;
use crate::domain::eta::{Forecast, Way};
use crate::domain::history::{self, history};
use crate::domain::learned::{Clocks, SHIFT};
use crate::domain::timeline::Stop;
use crate::store::learned::Trained;
use crate::store::{learned, legs, predictions, shops};

/// From deliveries of so many days something is learned: a season.
const LEARNED_FROM: SignedDuration = SignedDuration::from_hours(24 * 120);
/// Fewer finished deliveries teach nothing.
const ENOUGH: usize = 30;

/// What is known for expected times of a driver, as it was read.
#[derive(Debug, Clone)]
pub struct Lore {
    /// The organisation's model; untrained where there is none.
    pub model: Arc<Model>,
    /// The factor of the driver's shift.
    pub shift: f64,
    /// Of the organisation's shops.
    pub clocks: Arc<Clocks>,
}

async fn model(tracking: &Tracking, tx: &mut Tx) -> Result<Arc<Model>> {
    let org = tx.org()?;
    let Some(trained) = learned::trained(tx).await? else { return Ok(Arc::default()) };
    if let Some(model) = tracking.models().get(org, trained.at) {
        return Ok(model);
    }
    // One of another release, that cannot be read, is made anew at night.
    let model = learned::model(tx).await?.unwrap_or_else(|error| {
        tracing::warn!(cause = %error, "what was learned cannot be read; expected times begin anew");
        Model::default()
    });
    Ok(tracking.models().put(org, trained.at, model))
}

/// What is known for expected times of a driver.
pub async fn lore(tracking: &Tracking, tx: &mut Tx, driver: DriverId) -> Result<Lore> {
    let model = model(tracking, tx).await?;
    let now = tx.now();
    let shift = learned::shift(tx, driver).await?.filter(|(_, at)| now.duration_since(*at) <= SHIFT);
    let clocks = Clocks::new(&shops::time_zones(tx).await?);
    Ok(Lore { model, shift: shift.map_or(1.0, |(shift, _)| shift.factor()), clocks: Arc::new(clocks) })
}

/// Writes down what was said about a locked delivery, if people were told, and the way that the driver has just begun.
pub async fn said(
    tx: &mut Tx,
    before: &Delivery,
    after: &Delivery,
    driver: DriverId,
    seen_at: Timestamp,
    (forecast, way): (&Forecast, Option<&Way>),
) -> Result<()> {
    // Who is there is expected no more.
    if after.eta_count > before.eta_count && after.status != OrderStatus::ArrivedAtDropoff {
        predictions::predicted(tx, after, driver, forecast).await?;
    }
    if let Some(way) = way.filter(|way| has_set_out(before, way.stop)) {
        legs::set_out(tx, after, driver, way, seen_at).await?;
    }
    Ok(())
}

/// Whether this is the first look since the driver set out for a stop.
pub fn has_set_out(before: &Delivery, stop: Stop) -> bool {
    let goes_there = before.status.as_str() == format!("enroute_to_{}", stop.as_str());
    goes_there && before.eta_at.is_none_or(|at| at <= before.status_at)
}

/// What an event says about a locked delivery that was expected.
pub async fn happened(tx: &mut Tx, before: &Delivery, after: &Delivery) -> Result<()> {
    if history::is_undone(before, after) {
        predictions::undone(tx, after).await?;
        return legs::undone(tx, after).await;
    }
    for stop in history::reached(before, after) {
        let at = after.status_at;
        if stop == Stop::Dropoff {
            predictions::happened(tx, after, at).await?;
        }
        let Some(driver) = after.driver_id else { continue };
        if let Some((expected_s, took_s)) = legs::arrived(tx, after, driver, stop, at).await? {
            observe(tx, driver, expected_s, took_s, at).await?;
        }
    }
    Ok(())
}

async fn observe(tx: &mut Tx, driver: DriverId, expected_s: f64, took_s: f64, at: Timestamp) -> Result<()> {
    let known = learned::shift(tx, driver).await?;
    let same = known.filter(|(_, last)| at.duration_since(*last) <= SHIFT);
    let mut shift = same.map_or_else(Shift::default, |(shift, _)| shift);
    shift.observe(expected_s, took_s);
    learned::save_shift(tx, driver, &shift, at).await
}

/// Learns from the finished deliveries of an organisation; on how many, or `None` where there are too few.
pub async fn train(tracking: &Tracking, scope: &Scope) -> Result<Option<u32>> {
    let mut tx = tracking.db().read(scope).await?;
    let at = tx.now();
    let since = at.checked_sub(LEARNED_FROM).map_err(Error::internal)?;
    let made = learned::made(&mut tx, since).await?;
    if made.len() < ENOUGH {
        tx.rollback().await?;
        return Ok(None);
    }
    let ways = legs::ended(&mut tx, since).await?;
    let true_ones = predictions::came_true(&mut tx, since).await?;
    let clocks = Clocks::new(&shops::time_zones(&mut tx).await?);
    tx.rollback().await?;
    let time_zone = clocks.usual().to_owned();
    let deliveries = u32::try_from(made.len()).unwrap_or(u32::MAX);
    let learning =
        tokio::task::spawn_blocking(move || Model::train(&history(&made, &ways, &true_ones, &clocks)));
    let model = learning.await.map_err(Error::internal)?;
    let calibrated_on = u32::try_from(model.calibrated_on()).unwrap_or(u32::MAX);
    let factors = Factors { time_zone, by_source: model.legs.factors().clone() };
    let (trained, model) = (Trained { at, deliveries, calibrated_on }, Arc::new(model));
    tracking
        .db()
        .run(scope, move |tx| {
            let model = Arc::clone(&model);
            let factors = factors.clone();
            Box::pin(async move {
                let locked = learned::save_model(tx, &trained, &model).await?;
                tx.publish(locked, &TravelLearned { factors })
            })
        })
        .await?;
    Ok(Some(deliveries))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery::tests::{delivery, step, time};

    #[test]
    fn a_way_begins_with_the_first_look_after_the_driver_set_out() {
        let mut order = delivery();
        order.moved(2, &step(OrderStatus::Created, OrderStatus::EnrouteToPickup));
        assert!(has_set_out(&order, Stop::Pickup));
        assert!(!has_set_out(&order, Stop::Dropoff));
        order.eta_at = Some(time("2026-11-20T11:00:00Z"));
        assert!(has_set_out(&order, Stop::Pickup), "what was calculated before is not of this way");
        order.eta_at = Some(time("2027-01-01T00:00:00Z"));
        assert!(!has_set_out(&order, Stop::Pickup), "the second look is from somewhere on the way");
    }
}
