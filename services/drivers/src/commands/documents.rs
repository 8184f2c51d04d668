//! Documents of drivers. Each change looks again at whether the driver may work.

use kernel::ids::{DocumentId, DriverId, FileId};
use platform::audit::Entry;
use platform::auth::Principal;
use platform::db::Tx;
use platform::vault::Private;
use platform::{Error, Kind, Result};

use super::save::save;
use crate::access;
use crate::context::Drivers;
use crate::domain::documents::{check_day, day, expired};
use crate::entities::{Document, DocumentDetails};
use crate::store::documents;
use crate::store::drivers::{self, StoredDriver};

/// The most documents of a driver.
const MAX_DOCUMENTS: i64 = 50;

/// Adds a document.
pub async fn create(
    tx: &mut Tx,
    context: &Drivers,
    driver: DriverId,
    details: DocumentDetails,
    number: Option<Private>,
) -> Result<Document> {
    check_day(details.expires_on)?;
    let before = lock(tx, driver).await?;
    if documents::count(tx, driver).await? >= MAX_DOCUMENTS {
        return Err(Error::new(Kind::Conflict, "too_many_documents", "A driver has at most 50 documents.")
            .with_extension("limit", MAX_DOCUMENTS));
    }
    let document = documents::insert(tx, context.vault(), driver, details, number).await?;
    reconsider(tx, &before).await?;
    let entry = Entry::new("create_driver_document", "document", document.id).after(&details)?;
    tx.audit(entry.detail(of(driver))).await?;
    Ok(document)
}

/// Changes a document, if the caller has seen its present version.
pub async fn update(
    tx: &mut Tx,
    context: &Drivers,
    (driver, id): (DriverId, DocumentId),
    seen: impl FnOnce(i64) -> Result<()> + Send,
    change: impl FnOnce(&mut Document) + Send,
) -> Result<Document> {
    let before = lock(tx, driver).await?;
    let known = find(tx, context, driver, id).await?;
    seen(known.version)?;
    let mut document = known.clone();
    change(&mut document);
    check_day(document.details.expires_on)?;
    let document = documents::update(tx, context.vault(), &document).await?;
    reconsider(tx, &before).await?;
    let entry = Entry::new("update_driver_document", "document", id);
    let entry = entry.before(&known.details)?.after(&document.details)?;
    tx.audit(entry.detail(of(driver))).await?;
    Ok(document)
}

/// Removes a document with its photo.
pub async fn delete(tx: &mut Tx, context: &Drivers, driver: DriverId, id: DocumentId) -> Result<()> {
    let before = lock(tx, driver).await?;
    let known = find(tx, context, driver, id).await?;
    documents::delete(tx, id).await?;
    if let Some(photo) = known.photo {
        context.files().remove(tx, photo).await?;
    }
    reconsider(tx, &before).await?;
    let entry = Entry::new("delete_driver_document", "document", id).before(&known.details)?;
    tx.audit(entry.detail(of(driver))).await
}

/// Shows another photo of a document, or none. 404 when there is none to take back. It was uploaded before.
pub async fn set_photo(
    tx: &mut Tx,
    context: &Drivers,
    principal: &Principal,
    (driver, id): (DriverId, DocumentId),
    photo: Option<FileId>,
    action: &'static str,
) -> Result<Document> {
    access::lock(tx, principal, driver).await?;
    let known = find(tx, context, driver, id).await?;
    if known.photo.is_none() && photo.is_none() {
        return Err(Error::not_found("photo"));
    }
    if let Some(photo) = photo {
        context.files().keep(tx, photo).await?;
    }
    let document = Document { photo, ..known.clone() };
    let document = documents::update(tx, context.vault(), &document).await?;
    if let Some(before) = known.photo {
        context.files().remove(tx, before).await?;
    }
    let detail = serde_json::json!({ "driver_id": driver, "before": known.photo, "after": photo });
    tx.audit(Entry::new(action, "document", id).detail(detail)).await?;
    Ok(document)
}

/// Whether the driver may work, after a document changed: who may not is off duty. Others are told in any case.
async fn reconsider(tx: &mut Tx, before: &StoredDriver) -> Result<()> {
    let now = tx.now();
    let current = lock(tx, before.id).await?;
    let mut plain = before.plain.clone();
    plain.documents_lapsed = expired(current.documents_until, day(now));
    if plain.documents_lapsed {
        plain.off_duty(now);
    }
    save(tx, before, plain, &["documents"]).await?;
    Ok(())
}

async fn lock(tx: &mut Tx, driver: DriverId) -> Result<StoredDriver> {
    drivers::lock(tx, driver).await?.ok_or_else(|| Error::not_found("driver"))
}

async fn find(tx: &mut Tx, context: &Drivers, driver: DriverId, id: DocumentId) -> Result<Document> {
    documents::find(tx, context.vault(), driver, id).await?.ok_or_else(|| Error::not_found("document"))
}

fn of(driver: DriverId) -> serde_json::Value {
    serde_json::json!({ "driver_id": driver })
}
