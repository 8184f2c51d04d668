//! Creating and changing organisations.

use contracts::identity::{OrganizationCreated, UserCreated};
use kernel::ids::{OrgId, UserId};
use platform::audit::Entry;
use platform::auth::Role;
use platform::db::Tx;
use platform::{Error, Kind, Result};

use super::second_factor;
use crate::entities::Organization;
use crate::store::memberships;
use crate::store::organizations::{self, Details};

/// Refuses a time zone that is not in the IANA database and a currency that is not three letters.
pub fn check(details: &Details) -> Result<()> {
    if jiff::tz::TimeZone::get(&details.time_zone).is_err() {
        return Err(Error::invalid_field("/time_zone", "no such time zone in the IANA database"));
    }
    if details.currency.parse::<kernel::money::Currency>().is_err() {
        return Err(Error::invalid_field("/currency", "three letters as in ISO 4217"));
    }
    Ok(())
}

/// Creates an organisation with its first owner. The transaction enters it.
pub async fn create(
    tx: &mut Tx,
    details: &Details,
    owner: UserId,
    action: &'static str,
) -> Result<Organization> {
    check(details)?;
    let id: OrgId = tx.id();
    tx.enter(id).await?;
    let (organization, locked) = organizations::insert(tx, details).await?;
    let (_, member) = memberships::insert(tx, owner, Role::Owner).await?;
    tx.publish(locked, &OrganizationCreated { org_id: id, created_by: owner })?;
    tx.publish(member, &UserCreated { user_id: owner, role: Role::Owner.as_str().to_owned() })?;
    tx.audit(Entry::new(action, "organization", id).after(&organization)?).await?;
    Ok(organization)
}

/// What an update may change.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Name of the business.
    pub name: Option<String>,
    /// IANA time zone.
    pub time_zone: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// Whether owners and managers need a second factor. For owners to decide.
    pub second_factor_required: Option<bool>,
}

/// Changes the caller's organisation, if the caller has seen its present version.
pub async fn update(
    tx: &mut Tx,
    id: OrgId,
    by: UserId,
    change: Change,
    seen: impl Fn(i64) -> Result<()> + Send,
) -> Result<Organization> {
    if tx.org()? != id {
        return Err(Error::not_found("organization"));
    }
    let before = organizations::lock(tx).await?.ok_or_else(|| Error::not_found("organization"))?;
    seen(before.version)?;
    let details = Details {
        name: change.name.unwrap_or_else(|| before.name.clone()),
        time_zone: change.time_zone.unwrap_or_else(|| before.time_zone.clone()),
        currency: change.currency.unwrap_or_else(|| before.currency.clone()),
    };
    check(&details)?;
    let required = change.second_factor_required.unwrap_or(before.second_factor_required);
    if required != before.second_factor_required {
        may_require_second_factor(tx, by, required).await?;
    }
    let after = organizations::update(tx, &before, &details, required).await?;
    tx.audit(Entry::new("update_organization", "organization", id).before(&before)?.after(&after)?).await?;
    Ok(after)
}

/// Only owners decide who needs a second factor, and only with one of their own: they would lock themselves in.
async fn may_require_second_factor(tx: &mut Tx, by: UserId, required: bool) -> Result<()> {
    if tx.scope().role != Role::Owner {
        return Err(Error::forbidden());
    }
    if required && !second_factor::enrolled(tx, by).await? {
        return Err(Error::new(
            Kind::Conflict,
            "second_factor_missing",
            "Set up a second factor for yourself before you ask others for one.",
        ));
    }
    Ok(())
}
