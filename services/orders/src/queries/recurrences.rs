//! Rules by which orders come back, with what comes next, and what became of each time.

use jiff::SignedDuration;
use jiff::civil::DateTime;
use kernel::ids::{RecurrenceId, ShopId, Uuid};
use kernel::time::Timestamp;
use platform::db::Scope;
use platform::http::pagination::{Cursor, Page, PageQuery};
use platform::{Error, Result};

use crate::commands::recurrences::{rule_of, zone_of};
use crate::context::Orders;
use crate::domain::recurrence::{Occurrence, Rule};
use crate::entities::recurrence::{Occurrence as Past, Recurrence};
use crate::error::no_recurrence;
use crate::store::{occurrences, recurrences};

/// How many of the next times are shown.
const SHOWN: usize = 5;

/// A page, newest first.
pub async fn page(
    context: &Orders,
    scope: &Scope,
    shop: Option<ShopId>,
    page: &PageQuery,
) -> Result<Page<Recurrence>> {
    let before = page.cursor.as_ref().map(Cursor::key::<Uuid>).transpose()?;
    let mut tx = context.db().read(scope).await?;
    let found = recurrences::page(&mut tx, context.vault(), shop, before, page.limit.fetch()).await?;
    Page::cut(found, page.limit, |one| one.id.uuid())
}

/// One.
pub async fn one(context: &Orders, scope: &Scope, id: RecurrenceId) -> Result<Recurrence> {
    let mut tx = context.db().read(scope).await?;
    recurrences::find(&mut tx, context.vault(), id).await?.ok_or_else(no_recurrence)
}

/// The next times of which nothing was made.
pub fn upcoming(one: &Recurrence) -> Vec<Occurrence> {
    let (Some(next), Ok(rule)) = (one.next, rule_of(one)) else { return Vec::new() };
    rule.after(next.occurs_at - SignedDuration::from_nanos(1)).take(SHOWN).collect()
}

/// A rule that nobody has kept.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Whose time zone.
    pub shop_id: Option<ShopId>,
    /// IANA.
    pub time_zone: Option<String>,
    /// RFC 5545.
    pub rrule: String,
    /// The first time.
    pub starts_at: DateTime,
    /// Nothing after it.
    pub ends_at: Option<DateTime>,
    /// How many times.
    pub count: usize,
}

/// The next times of such a rule.
pub async fn preview(context: &Orders, scope: &Scope, asked: &Asked) -> Result<Vec<Occurrence>> {
    let mut tx = context.db().read(scope).await?;
    let zone = zone_of(&mut tx, asked.shop_id, asked.time_zone.as_deref()).await?;
    let now = tx.now();
    let rule = Rule::read(&asked.rrule, asked.starts_at, asked.ends_at, &zone);
    let rule = rule.map_err(|error| Error::invalid_field(error.pointer(), error.to_string()))?;
    Ok(rule.after(now).take(asked.count).collect())
}

/// What became of the times of one, latest first.
pub async fn past(context: &Orders, scope: &Scope, id: RecurrenceId, page: &PageQuery) -> Result<Page<Past>> {
    let before = page.cursor.as_ref().map(Cursor::key::<Timestamp>).transpose()?;
    let mut tx = context.db().read(scope).await?;
    recurrences::find(&mut tx, context.vault(), id).await?.ok_or_else(no_recurrence)?;
    let found = occurrences::page(&mut tx, id, before, page.limit.fetch()).await?;
    Page::cut(found, page.limit, |one| one.occurs_at)
}
