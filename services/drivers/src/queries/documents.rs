//! Documents as managers and their drivers look at them.

use kernel::ids::{DocumentId, DriverId, Uuid};
use platform::auth::Principal;
use platform::db::Scope;
use platform::http::pagination::{Cursor, Page, PageQuery};
use platform::vault::Subject;
use platform::{Error, Result};

use crate::access;
use crate::context::Drivers;
use crate::entities::Document;
use crate::store::documents;

/// A page of a driver's documents, oldest first.
pub async fn page(
    context: &Drivers,
    principal: &Principal,
    scope: &Scope,
    driver: DriverId,
    page: &PageQuery,
) -> Result<Page<Document>> {
    let after = page.cursor.as_ref().map(Cursor::key::<Uuid>).transpose()?;
    let mut tx = context.db().read(scope).await?;
    access::visible(&mut tx, principal, driver).await?;
    let rows = documents::list(&mut tx, context.vault(), driver, after, page.limit.fetch()).await?;
    Page::cut(rows, page.limit, |document| document.id.uuid())
}

/// One document, if the caller may know of its driver.
pub async fn one(
    context: &Drivers,
    principal: &Principal,
    scope: &Scope,
    driver: DriverId,
    id: DocumentId,
) -> Result<Document> {
    let mut tx = context.db().read(scope).await?;
    access::visible(&mut tx, principal, driver).await?;
    documents::find(&mut tx, context.vault(), driver, id).await?.ok_or_else(|| Error::not_found("document"))
}

/// A link to the photo of a document.
pub async fn photo(
    context: &Drivers,
    principal: &Principal,
    scope: &Scope,
    driver: DriverId,
    id: DocumentId,
) -> Result<String> {
    let document = one(context, principal, scope, driver, id).await?;
    let photo = document.photo.ok_or_else(|| Error::not_found("photo"))?;
    // Not read-only: the key of links is made with its first use.
    let mut tx = context.db().begin(scope).await?;
    let subject = Subject::of_org(tx.org()?, driver);
    let token = context.files().link(&mut tx, photo, Some(subject)).await?;
    tx.commit().await?;
    Ok(context.link(&format!("/api/v1/files/{}/{token}", crate::NAME)))
}
