//! Rules by which orders come back: made, changed, removed. What they have made already stays.

use jiff::SignedDuration;
use jiff::civil::DateTime;
use kernel::ids::{CustomerId, RecurrenceId, ShopId, SubjectId};
use kernel::time::Timestamp;
use platform::audit::Entry;
use platform::db::Tx;
use platform::vault::Subject;
use platform::{Error, Result};
use serde_json::json;

use super::update::Clearable;
use crate::context::Orders;
use crate::domain::proof::Stop as StopKind;
use crate::domain::recurrence::{Rule, RuleError};
use crate::entities::recurrence::{AuditedRecurrence, Next, Offsets, Recurrence, Template};
use crate::error::no_recurrence;
use crate::store::{recurrences, shops};

/// A new one.
#[derive(Debug, Clone)]
pub struct NewRecurrence {
    /// What people call it.
    pub name: String,
    /// Where its orders come from.
    pub shop_id: Option<ShopId>,
    /// IANA; of the shop, when there is one.
    pub time_zone: Option<String>,
    /// RFC 5545.
    pub rrule: String,
    /// The first time, on the clock of the place.
    pub starts_at: DateTime,
    /// Nothing after it.
    pub ends_at: Option<DateTime>,
    /// How long before an occurrence its order is made, in seconds.
    pub lead_s: i32,
    /// Makes nothing.
    pub paused: bool,
    /// What its orders are.
    pub template: Template,
}

/// What changes; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// What people call it.
    pub name: Option<String>,
    /// IANA.
    pub time_zone: Option<String>,
    /// RFC 5545.
    pub rrule: Option<String>,
    /// The first time.
    pub starts_at: Option<DateTime>,
    /// Nothing after it.
    pub ends_at: Clearable<DateTime>,
    /// How long before.
    pub lead_s: Option<i32>,
    /// Makes nothing.
    pub paused: Option<bool>,
    /// What its orders are.
    pub template: Option<Template>,
}

impl Change {
    /// Whether the times change.
    fn moves(&self) -> bool {
        self.time_zone.is_some()
            || self.rrule.is_some()
            || self.starts_at.is_some()
            || self.ends_at.is_some()
            || self.paused.is_some()
    }
}

fn refused(error: &RuleError) -> Error {
    Error::invalid_field(error.pointer(), error.to_string())
}

/// The rule of a recurrence.
pub fn rule_of(one: &Recurrence) -> Result<Rule> {
    Rule::read(&one.rrule, one.starts_at, one.ends_at, &one.time_zone).map_err(|error| refused(&error))
}

/// The next occurrence after a moment.
pub fn next_after(rule: &Rule, lead_s: i32, moment: Timestamp) -> Option<Next> {
    rule.after(moment).next().and_then(|one| next(one.at, lead_s))
}

/// An occurrence with the moment in which its order is made.
pub fn next(occurs_at: Timestamp, lead_s: i32) -> Option<Next> {
    let at = occurs_at.checked_sub(SignedDuration::from_secs(i64::from(lead_s))).ok()?;
    Some(Next { occurs_at, at })
}

/// The time zone: the shop's, or the one that is named when there is no shop.
pub async fn zone_of(tx: &mut Tx, shop: Option<ShopId>, named: Option<&str>) -> Result<String> {
    match (shop, named) {
        (None, Some(named)) => Ok(named.to_owned()),
        (None, None) => Err(Error::invalid_field("/time_zone", "is needed when there is no shop")),
        (Some(_), Some(_)) => Err(Error::invalid_field("/time_zone", "is the shop's")),
        (Some(shop), None) => {
            let shop = shops::find(tx, shop).await?;
            let shop = shop.ok_or_else(|| Error::invalid_field("/shop_id", "there is no such shop"))?;
            Ok(shop.time_zone)
        }
    }
}

/// What cannot be an order on any day.
fn check(template: &Template, shop: Option<ShopId>) -> Result<()> {
    if template.order.pickup.is_none() && shop.is_none() {
        return Err(Error::invalid_field("/template/pickup", "is needed when there is no shop"));
    }
    let backward =
        |window: Offsets| window.from_min.zip(window.until_min).is_some_and(|(from, until)| from > until);
    for (pointer, window) in [("/template/pickup", template.pickup), ("/template/dropoff", template.dropoff)]
    {
        if backward(window) {
            let pointer = format!("{pointer}/window_until_min");
            return Err(Error::invalid_field(pointer, "ends before it begins"));
        }
    }
    let asks = |stop: &StopKind| template.order.proof.at(*stop).asks_for_pin();
    if let Some(stop) = [StopKind::Pickup, StopKind::Return].into_iter().find(asks) {
        let pointer = format!("/template/proof/{}/pin", stop.as_str());
        return Err(Error::invalid_field(pointer, "cannot be asked for: a PIN is set for one order"));
    }
    Ok(())
}

/// Whose key seals a template: the customer's, or one of the recurrence.
fn subject_of(tx: &Tx, customer: Option<CustomerId>, own: Option<SubjectId>) -> SubjectId {
    match customer {
        Some(customer) => SubjectId::new(customer.uuid()),
        None => own.unwrap_or_else(|| tx.id()),
    }
}

/// Makes one. A beginning that has passed makes no orders for what has passed.
pub async fn create(tx: &mut Tx, context: &Orders, new: &NewRecurrence) -> Result<Recurrence> {
    check(&new.template, new.shop_id)?;
    let time_zone = zone_of(tx, new.shop_id, new.time_zone.as_deref()).await?;
    let (now, new) = (tx.now(), new.clone());
    let mut one = Recurrence {
        id: tx.id(),
        version: 1,
        name: new.name,
        shop_id: new.shop_id,
        time_zone,
        rrule: new.rrule,
        starts_at: new.starts_at,
        ends_at: new.ends_at,
        lead_s: new.lead_s,
        paused: new.paused,
        subject: subject_of(tx, new.template.order.customer_id, None),
        template: Some(new.template),
        next: None,
        last_error: None,
        created_by: tx.scope().actor.clone(),
        created_at: now,
        updated_at: now,
    };
    let next = next_after(&rule_of(&one)?, one.lead_s, now);
    let next = next.ok_or_else(|| Error::invalid_field("/rrule", "has ended already"))?;
    one.next = (!one.paused).then_some(next);
    recurrences::insert(tx, context.vault(), &one).await?;
    let entry = Entry::new("create_recurring_order", "recurrence", one.id);
    tx.audit(entry.after(&AuditedRecurrence::from(&one))?).await?;
    Ok(one)
}

/// Locks one.
async fn locked(tx: &mut Tx, context: &Orders, id: RecurrenceId) -> Result<Recurrence> {
    recurrences::lock(tx, context.vault(), id).await?.ok_or_else(no_recurrence)
}

/// Changes one, if the caller has seen its present version. Times that change are counted from now on.
pub async fn update<F>(
    tx: &mut Tx,
    context: &Orders,
    id: RecurrenceId,
    change: &Change,
    seen: F,
) -> Result<Recurrence>
where
    F: FnOnce(i64) -> Result<()>,
{
    let mut one = locked(tx, context, id).await?;
    seen(one.version)?;
    let entry =
        Entry::new("update_recurring_order", "recurrence", id).before(&AuditedRecurrence::from(&one))?;
    if let Some(named) = &change.time_zone {
        one.time_zone = zone_of(tx, one.shop_id, Some(named)).await?;
    }
    if let Some(template) = &change.template {
        check(template, one.shop_id)?;
        seal_for(tx, context, &mut one, template).await?;
    }
    let set = change.clone();
    one.name = set.name.unwrap_or(one.name);
    one.rrule = set.rrule.unwrap_or(one.rrule);
    one.starts_at = set.starts_at.unwrap_or(one.starts_at);
    one.ends_at = set.ends_at.unwrap_or(one.ends_at);
    one.lead_s = set.lead_s.unwrap_or(one.lead_s);
    one.paused = set.paused.unwrap_or(one.paused);
    if one.template.is_none() && !one.paused {
        return Err(Error::invalid_field("/template", "is needed: who it was for was erased"));
    }
    let rule = rule_of(&one)?;
    let ended = next_after(&rule, one.lead_s, tx.now()).is_none();
    if ended && (change.rrule.is_some() || change.starts_at.is_some() || change.ends_at.is_some()) {
        return Err(Error::invalid_field("/rrule", "has ended already"));
    }
    one.next = if change.moves() {
        next_after(&rule, one.lead_s, tx.now()).filter(|_| !one.paused)
    } else {
        one.next.and_then(|planned| next(planned.occurs_at, one.lead_s))
    };
    recurrences::save(tx, context.vault(), &mut one).await?;
    tx.audit(entry.after(&AuditedRecurrence::from(&one))?).await?;
    Ok(one)
}

/// Another template; another person has another key, and what was about the one before is gone.
async fn seal_for(tx: &mut Tx, context: &Orders, one: &mut Recurrence, template: &Template) -> Result<()> {
    let before = one.template.as_ref().and_then(|template| template.order.customer_id);
    // The key of a customer is not this recurrence's to keep, and an erased one seals nothing.
    let own = (before.is_none() && one.template.is_some()).then_some(one.subject);
    let subject = subject_of(tx, template.order.customer_id, own);
    if own.is_some_and(|own| own != subject) {
        context.vault().destroy(tx, Subject::of_org(tx.org()?, one.subject)).await?;
    }
    one.subject = subject;
    one.template = Some(template.clone());
    Ok(())
}

/// Removes one. Its orders stay; its template cannot be opened any more.
pub async fn delete(tx: &mut Tx, context: &Orders, id: RecurrenceId) -> Result<()> {
    let one = locked(tx, context, id).await?;
    let entry =
        Entry::new("delete_recurring_order", "recurrence", id).before(&AuditedRecurrence::from(&one))?;
    recurrences::delete(tx, id).await?;
    let own = one.template.as_ref().is_some_and(|template| template.order.customer_id.is_none());
    if own {
        context.vault().destroy(tx, Subject::of_org(tx.org()?, one.subject)).await?;
    }
    tx.audit(entry).await
}

/// A shop has moved to another time zone: what follows it keeps to the wall clock there.
pub async fn follow_shop(tx: &mut Tx, context: &Orders, shop: ShopId, time_zone: &str) -> Result<()> {
    for mut one in recurrences::elsewhere(tx, shop, time_zone).await? {
        let entry = Entry::new("follow_shop", "recurrence", one.id).before(&AuditedRecurrence::from(&one))?;
        time_zone.clone_into(&mut one.time_zone);
        match rule_of(&one) {
            Ok(rule) => one.next = next_after(&rule, one.lead_s, tx.now()).filter(|_| !one.paused),
            // A zone that this machine does not know: nothing is made until somebody looks.
            Err(error) => {
                (one.paused, one.next) = (true, None);
                one.last_error = Some((crate::error::in_words(&error), tx.now()));
            }
        }
        recurrences::save(tx, context.vault(), &mut one).await?;
        let entry = entry.after(&AuditedRecurrence::from(&one))?;
        tx.audit(entry.detail(json!({ "shop_id": shop }))).await?;
    }
    Ok(())
}
