//! Members of the organisation become drivers, and stop being drivers.
//!
//! | heard | profile before | then |
//! |---|---|---|
//! | joined as a driver, or became one | none | made; identity is asked for name and number |
//! | the same | does not work here | works here again |
//! | the same | works here | nothing |
//! | became something else, or left | works here | does not work here, off duty |
//! | the same | none, or does not work here | nothing |

use kernel::ids::UserId;
use platform::Result;
use platform::audit::Entry;
use platform::db::Tx;

use super::save::{save, tell_created};
use crate::entities::Plain;
use crate::jobs::forget_roster::ForgetRoster;
use crate::jobs::learn_person::LearnPerson;
use crate::store::drivers::{self, StoredDriver};

const ACTION: &str = "drivers.onboarding";

/// An account is a driver's from now on.
pub async fn joined(tx: &mut Tx, user: UserId) -> Result<()> {
    let driver = match of_user(tx, user).await? {
        Some(known) if known.plain.active => return Ok(()),
        Some(known) => works_here(tx, known, true).await?,
        None => {
            let plain = Plain::new(tx.now());
            // Somebody else was faster: then it is done.
            let Some(made) = drivers::insert(tx, Some(user), plain).await? else { return Ok(()) };
            tell_created(tx, &made).await?;
            tx.audit(Entry::new(ACTION, "driver", made.id).after(&made.plain)?).await?;
            made
        }
    };
    if !driver.has_name() {
        tx.enqueue(&LearnPerson::new(driver.id, user)).await?;
    }
    forget_roster(tx).await
}

/// An account is not a driver's any more.
pub async fn left(tx: &mut Tx, user: UserId) -> Result<()> {
    match of_user(tx, user).await? {
        Some(known) if known.plain.active => {
            works_here(tx, known, false).await?;
            forget_roster(tx).await
        }
        _ => Ok(()),
    }
}

async fn of_user(tx: &mut Tx, user: UserId) -> Result<Option<StoredDriver>> {
    match drivers::id_of_user(tx, user).await? {
        Some(id) => drivers::lock(tx, id).await,
        None => Ok(None),
    }
}

async fn works_here(tx: &mut Tx, before: StoredDriver, active: bool) -> Result<StoredDriver> {
    let mut plain = Plain { active, ..before.plain.clone() };
    plain.off_duty(tx.now());
    let after = save(tx, &before, plain, &["active"]).await?;
    tx.audit(Entry::new(ACTION, "driver", after.id).before(&before.plain)?.after(&after.plain)?).await?;
    Ok(after)
}

/// A consumer's transaction commits behind its back: the job runs after it has.
async fn forget_roster(tx: &mut Tx) -> Result<()> {
    let org = tx.org()?;
    tx.enqueue(&ForgetRoster::of(org)).await?;
    Ok(())
}
