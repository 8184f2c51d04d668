//! Shifts as people look at them.

use kernel::ids::Uuid;
use kernel::time::Timestamp;
use platform::auth::Principal;
use platform::db::Scope;
use platform::http::pagination::{Cursor, Page, PageQuery};
use platform::{Error, Result};

use crate::access;
use crate::context::Drivers;
use crate::entities::Shift;
use crate::store::shifts::{self, Filter};

/// A page of shifts, earliest first; a driver sees their own.
pub async fn page(
    context: &Drivers,
    principal: &Principal,
    scope: &Scope,
    filter: Filter,
    page: &PageQuery,
) -> Result<Page<Shift>> {
    let after = page.cursor.as_ref().map(Cursor::key::<(Timestamp, Uuid)>).transpose()?;
    let mut tx = context.db().read(scope).await?;
    let driver = match access::own_only(&mut tx, principal).await? {
        Some(own) if filter.driver.is_some_and(|asked| asked != own) => {
            return Err(Error::not_found("driver"));
        }
        Some(own) => Some(own),
        None => filter.driver,
    };
    let rows = shifts::list(&mut tx, Filter { driver, ..filter }, after, page.limit.fetch()).await?;
    Page::cut(rows, page.limit, |shift| (shift.details.from, shift.id.uuid()))
}
