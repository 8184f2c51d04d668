//! The customer's page: what is written down, what is live, and who comes.

use std::time::Duration;

use contracts::calls::{DriverCard, DriverCards, HandOverPin, PublicOrder};
use contracts::orders::OrderStatus;
use contracts::tracking::{DriverLocation, EtaWindow};
use kernel::ids::{DriverId, OrderId, OrgId};
use kernel::time::Timestamp;
use platform::cache::Key;
use platform::db::{Scope, Tx};
use platform::vault::Private;
use platform::{Error, Result};

use crate::commands::report;
use crate::context::Tracking;
use crate::domain::delivery::Delivery;
use crate::domain::page::{self, State};
use crate::domain::timeline;
use crate::store::settings::{self, Settings};
use crate::store::shops::{self, Shop};
use crate::store::updates::{self, Update};
use crate::store::{deliveries, ratings, routes};

/// How long the name of a courier is remembered.
const CARD: Duration = Duration::from_mins(5);

/// A page.
#[derive(Debug, Clone)]
pub struct Page {
    /// When it was read.
    pub now: Timestamp,
    /// Its state.
    pub state: State,
    /// The state in a sentence.
    pub message: &'static str,
    /// The shop.
    pub shop: Option<Shop>,
    /// Everything else; empty where the state says that there is nothing more to see.
    pub details: Details,
}

/// What a page shows beside its message.
#[derive(Debug, Clone, Default)]
pub struct Details {
    /// The movement.
    pub status: Option<OrderStatus>,
    /// What people call the order.
    pub number: Option<String>,
    /// When it is expected.
    pub eta: Option<EtaWindow>,
    /// What has happened.
    pub timeline: Vec<Update>,
    /// When the customer confirmed the receipt.
    pub confirmed_at: Option<Timestamp>,
    /// The customer's rating.
    pub stars: Option<i16>,
    /// Where the courier is.
    pub position: Option<(Timestamp, DriverLocation)>,
    /// Who comes.
    pub card: Option<DriverCard>,
    /// What the customer says at the door.
    pub pin: Option<Private>,
}

/// Which order a code belongs to, while its page is worth following.
pub async fn order_of(tracking: &Tracking, code: &str) -> Result<PublicOrder> {
    let (tx, org_id, delivery, state) = open(tracking, code).await?;
    tx.rollback().await?;
    match state {
        State::Active | State::Finished => Ok(PublicOrder { org_id, order_id: delivery.order_id }),
        State::Cancelled | State::Expired => Err(unknown()),
    }
}

/// The delivery with this code, and the state of its page; 404 for codes that nobody knows and for pages that are gone.
pub(super) async fn open(tracking: &Tracking, code: &str) -> Result<(Tx, OrgId, Delivery, State)> {
    let mut tx = tracking.db().begin(&Scope::installation()).await?;
    let (org, order) = deliveries::locate(&mut tx, code).await?.ok_or_else(unknown)?;
    tx.enter(org).await?;
    let delivery = deliveries::find(&mut tx, order).await?.ok_or_else(unknown)?;
    let state = page::state(&delivery, tx.now()).ok_or_else(unknown)?;
    Ok((tx, org, delivery, state))
}

fn unknown() -> Error {
    Error::not_found("delivery")
}

/// Reads the page with this code; 404 for codes that nobody knows and for pages that are gone.
pub async fn read(tracking: &Tracking, code: &str) -> Result<Page> {
    let (mut tx, org, delivery, state) = open(tracking, code).await?;
    let now = tx.now();
    let settings = settings::find(&mut tx).await?;
    let shop = match delivery.facts.shop_id {
        Some(shop) => shops::find(&mut tx, shop).await?,
        None => None,
    };
    let shop = shop.map(|shop| Shop { phone: shop.phone.filter(|_| settings.show_phone), ..shop });
    let mut details = match state {
        State::Active | State::Finished => details(tracking, &mut tx, &delivery, &settings).await?,
        State::Cancelled | State::Expired => Details::default(),
    };
    tx.rollback().await?;
    let coming = delivery.driver_id.filter(|_| state == State::Active && settings.show_driver);
    if let Some(driver) = coming {
        details.card = card(tracking, org, driver).await;
    }
    if state == State::Active {
        details.pin = pin(tracking, org, delivery.order_id).await;
    }
    let message = page::message(state, delivery.status);
    Ok(Page { now, state, message, shop, details })
}

async fn details(
    tracking: &Tracking,
    tx: &mut Tx,
    delivery: &Delivery,
    settings: &Settings,
) -> Result<Details> {
    let mut timeline = updates::list(tx, delivery.order_id).await?;
    timeline.retain(|update| timeline::is_public(&update.kind));
    let rating = ratings::find(tx, &tracking.ground().vault, delivery.order_id).await?;
    let position = match delivery.driver_id {
        Some(driver) if settings.show_position => position(tracking, tx, delivery, driver).await?,
        _ => None,
    };
    Ok(Details {
        status: Some(delivery.status),
        number: Some(delivery.facts.number.clone()),
        eta: delivery.eta.clone(),
        timeline,
        confirmed_at: delivery.confirmed_at,
        stars: rating.map(|rating| rating.stars),
        position,
        card: None,
        pin: None,
    })
}

/// Where the courier is, if the customer of this order may see it now.
pub(super) async fn position(
    tracking: &Tracking,
    tx: &mut Tx,
    delivery: &Delivery,
    driver: DriverId,
) -> Result<Option<(Timestamp, DriverLocation)>> {
    let mut others = deliveries::of_driver(tx, driver).await?;
    others.retain(|other| other.order_id != delivery.order_id);
    let route = routes::of_driver(tx, driver).await?;
    if !page::shows_position(delivery, &others, &route) {
        return Ok(None);
    }
    report::latest(tracking, tx, driver).await
}

/// The PIN of the drop-off, as orders tell it: it is kept in one place only. The page works without it.
async fn pin(tracking: &Tracking, org: OrgId, order_id: OrderId) -> Option<Private> {
    match tracking.ground().peers.ask(&Scope::system(org), &HandOverPin { order_id }).await {
        Ok(shown) => shown.pin.map(Private::from),
        Err(error) => {
            tracing::warn!(cause = error.chain(), "a page is shown without its PIN");
            None
        }
    }
}

/// Who comes. The page works without it: the service that knows may be away.
async fn card(tracking: &Tracking, org: OrgId, driver: DriverId) -> Option<DriverCard> {
    let ground = tracking.ground();
    let load = async {
        let asked = DriverCards { driver_ids: vec![driver] };
        let cards = ground.peers.ask(&Scope::system(org), &asked).await?;
        Ok(serde_json::to_vec(&cards)?.into())
    };
    let key = Key::of("tracking.driver_card", org, driver);
    match ground.cache.get_or_load(&key, CARD, load).await {
        Ok(bytes) => {
            let cards: Vec<DriverCard> = serde_json::from_slice(&bytes).unwrap_or_default();
            cards.into_iter().find(|card| card.driver_id == driver)
        }
        Err(error) => {
            tracing::debug!(cause = error.chain(), "a page is shown without the courier's name");
            None
        }
    }
}
