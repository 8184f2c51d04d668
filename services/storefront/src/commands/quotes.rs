//! What a delivery costs and when it arrives.
//!
//! The way is asked for before the transaction begins: who knows it may be another machine. Everything else is decided
//! inside, so that an idempotency key gets the same answer again.

use kernel::geo::Position;
use kernel::ids::ShopId;
use kernel::money::Money;
use kernel::time::{SignedDuration, Timestamp};
use kernel::travel::{Factors, Leg, Profile};
use platform::audit::Entry;
use platform::db::{Scope, Tx};
use platform::{Error, Kind, Result};

use super::zones::MAX_ZONES;
use crate::context::Storefront;
use crate::domain::eta::{self, Work};
use crate::domain::{shop, zone};
use crate::entities::{Quote, Shop};
use crate::store::{factors, quotes, shops, zones};

/// How long the fee holds.
const VALID: SignedDuration = SignedDuration::from_mins(15);
/// How far ahead somebody may ask.
const AHEAD: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What is asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// From which shop.
    pub shop: Option<ShopId>,
    /// From where, if not from the shop's place.
    pub pickup: Option<Position>,
    /// To where.
    pub dropoff: Position,
    /// What the order is worth.
    pub value_minor: Option<i64>,
    /// Work on the order does not begin before.
    pub ready_at: Option<Timestamp>,
}

/// A way that was looked up.
#[derive(Debug, Clone)]
pub struct Way {
    pickup: Position,
    leg: Option<Leg>,
    source: String,
}

/// The way from the pick-up to the drop-off; `None` when nobody says where the pick-up is.
pub async fn look_up(storefront: &Storefront, scope: &Scope, asked: &Asked) -> Result<Option<Way>> {
    let (pickup, factors) = known(storefront, scope, asked).await?;
    let Some(pickup) = pickup else { return Ok(None) };
    let leaving = storefront.db().clock().now();
    let travel = storefront.travel();
    let matrix = travel.matrix(Profile::Car, &[pickup], &[asked.dropoff], leaving).await?;
    let matrix = factors.correct(matrix, Profile::Car, leaving);
    Ok(Some(Way { pickup, leg: matrix.leg(0, 0), source: matrix.source }))
}

/// Where the way begins, and how long ways really take.
async fn known(storefront: &Storefront, scope: &Scope, asked: &Asked) -> Result<(Option<Position>, Factors)> {
    let mut tx = storefront.db().read(scope).await?;
    let factors = factors::find(&mut tx).await?;
    let shop = match (asked.pickup, asked.shop) {
        (None, Some(shop)) => shops::find(&mut tx, shop).await?,
        _ => None,
    };
    tx.rollback().await?;
    Ok((asked.pickup.or_else(|| shop.and_then(|shop| shop.details.position)), factors))
}

/// Makes a quote and keeps it.
pub async fn create(tx: &mut Tx, asked: Asked, way: Option<Way>) -> Result<Quote> {
    let now = tx.now();
    let shop = match asked.shop {
        Some(id) => Some(shops::find(tx, id).await?.ok_or_else(|| Error::not_found("shop"))?),
        None => None,
    };
    let way = way.ok_or_else(|| {
        Error::invalid_field(
            "/pickup",
            "say where the order is picked up: nothing is known of a shop's place",
        )
    })?;
    let leg = way.leg.ok_or_else(|| {
        Error::new(Kind::Invalid, "unreachable", "There is no way from the pick-up to the drop-off.")
            .with_field("/dropoff", "there is no way to it")
    })?;
    let all = zones::list(tx, None, None, MAX_ZONES).await?;
    let zone = zone::of_place(&all, asked.shop, asked.dropoff)?;
    if let Some(zone) = zone {
        zone::check_minimum(zone, asked.value_minor)?;
    }
    let begin = begin(shop.as_ref(), now, asked.ready_at)?;
    let quote = Quote {
        id: tx.id(),
        shop_id: asked.shop,
        zone: zone.map(|zone| (zone.id, zone.details.name.clone())),
        pickup: way.pickup,
        dropoff: asked.dropoff,
        value_minor: asked.value_minor,
        fee: zone.map(|zone| Money::new(zone.details.fee_minor, zone.details.currency)),
        window: eta::window(now, begin, work(shop.as_ref(), leg))?,
        source: way.source,
        distance_m: leg.distance_m,
        duration_s: leg.duration_s,
        valid_until: now.checked_add(VALID).map_err(Error::internal)?,
    };
    quotes::insert(tx, &quote).await?;
    let detail =
        serde_json::json!({ "shop_id": quote.shop_id, "zone_id": quote.zone.as_ref().map(|zone| zone.0) });
    tx.audit(Entry::new("create_quote", "quote", quote.id).detail(detail)).await?;
    Ok(quote)
}

/// When work on the order begins: not before it may, and not before the shop opens.
fn begin(shop: Option<&Shop>, now: Timestamp, ready_at: Option<Timestamp>) -> Result<Timestamp> {
    let wanted = ready_at.unwrap_or(now).max(now);
    if wanted.duration_since(now) > AHEAD {
        return Err(Error::invalid_field("/ready_at", "at most 30 days ahead"));
    }
    let Some(shop) = shop else { return Ok(wanted) };
    shop::next_open(shop, wanted).ok_or_else(|| {
        Error::new(Kind::Invalid, "never_open", "The shop does not open within a year.")
            .with_field("/shop_id", "the shop does not open")
    })
}

fn work(shop: Option<&Shop>, leg: Leg) -> Work {
    let minutes =
        |of: fn(&Shop) -> u16| SignedDuration::from_mins(shop.map_or(0, |shop| i64::from(of(shop))));
    Work {
        preparation: minutes(|shop| shop.details.preparation_minutes),
        service: minutes(|shop| shop.details.service_minutes),
        travel: SignedDuration::from_secs(i64::from(leg.duration_s)),
    }
}
