//! Imports and their rows.

use contracts::storefront::ShopFacts;
use kernel::ids::{ImportId, ShopId, Uuid};
use kernel::time::Timestamp;
use platform::db::Scope;
use platform::http::pagination::{Cursor, Page, PageQuery};
use platform::{Error, Result};

use crate::commands::imports::same_file;
use crate::context::Orders;
use crate::entities::import::{Import, ImportRow};
use crate::error::no_import;
use crate::store::{import_rows, imports, shops};

/// The shop that the orders of a file will come from.
pub async fn shop(context: &Orders, scope: &Scope, id: ShopId) -> Result<ShopFacts> {
    let mut tx = context.db().read(scope).await?;
    let shop = shops::find(&mut tx, id).await?;
    shop.ok_or_else(|| Error::invalid_field("shop_id", "there is no such shop"))
}

/// An import of the same file in the last day that was not undone.
pub async fn duplicate(context: &Orders, scope: &Scope, hash: &[u8]) -> Result<Option<ImportId>> {
    let mut tx = context.db().read(scope).await?;
    same_file(&mut tx, hash).await
}

/// A page, newest first.
pub async fn page(context: &Orders, scope: &Scope, page: &PageQuery) -> Result<Page<Import>> {
    let before = page.cursor.as_ref().map(Cursor::key::<(Timestamp, Uuid)>).transpose()?;
    let mut tx = context.db().read(scope).await?;
    let found = imports::page(&mut tx, before, page.limit.fetch()).await?;
    Page::cut(found, page.limit, |import| (import.created_at, import.id.uuid()))
}

/// One.
pub async fn one(context: &Orders, scope: &Scope, id: ImportId) -> Result<Import> {
    let mut tx = context.db().read(scope).await?;
    imports::find(&mut tx, id).await?.ok_or_else(no_import)
}

/// A page of the rows of one, in the order of the file.
pub async fn rows(
    context: &Orders,
    scope: &Scope,
    id: ImportId,
    state: Option<&str>,
    page: &PageQuery,
) -> Result<Page<ImportRow>> {
    let after = page.cursor.as_ref().map(Cursor::key::<i32>).transpose()?.unwrap_or(0);
    let mut tx = context.db().read(scope).await?;
    imports::find(&mut tx, id).await?.ok_or_else(no_import)?;
    let found = import_rows::page(&mut tx, id, state, after, page.limit.fetch()).await?;
    Page::cut(found, page.limit, |row| row.number)
}
