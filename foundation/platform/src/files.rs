//! Files that services keep: photographs, logos, signatures.
//!
//! ```text
//! 1  upload   row `pending` committed, then the content written     no transaction is open meanwhile
//! 2  keep     in the business transaction that names the file       `kept`
//! 3  remove   in the business transaction that names another one    `removed`; swept a day later
//! ```
//!
//! - Whatever breaks between two steps leaves a row that the sweeper finds: a content without a row cannot be, and a row
//!   without a content was never kept.
//! - Names in the store are made here, of service, organisation and id. Nothing that a caller sent becomes part of one.
//! - A picture is decoded, made smaller, turned upright and encoded anew before it is stored ([`Image`]): what was hidden in
//!   it (place, camera, scripts, a second file) does not survive.
//! - A file about a person is sealed with a key of its own, which is sealed with the person's key: after an erasure nobody
//!   reads it, and the sweeper deletes it.
//! - Files are read through links that end by themselves ([`Files::link`]).

mod folder;
mod image;
mod link;
mod name;
mod response;
mod rows;
mod store;
mod sweep;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use kernel::ids::{FileId, Uuid};
use kernel::random::Random;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::db::{Db, Scope, Tx};
use crate::vault::{SealedColumn, Subject, Vault};
use crate::{Error, Kind, Result};

pub use folder::Folder;
pub use image::{Fit, Image};
pub use name::ObjectName;
pub use response::Fetched;
pub use store::{FileStore, MAX_CONTENT};
pub use sweep::{SweepFiles, sweep_kind, sweep_schedule};

/// The column that every service with files declares: the keys of contents are sealed anew with the keys of people.
pub const SEALED: SealedColumn =
    SealedColumn { table: rows::TABLE, column: rows::DATA_KEY, row: "id", subject: "subject_id" };

/// Pictures that are decoded at one time: one takes up to 150 MB.
const DECODING: usize = 1;

/// A file to be stored.
#[derive(Debug, Clone)]
pub struct New {
    /// What it is for, in the service's words; for people who look into the table.
    pub purpose: &'static str,
    /// What is stored.
    pub content: Image,
    /// Whose data it is: it is sealed with their key. `None` for what is about nobody.
    pub subject: Option<Subject>,
}

/// Stores, keeps, links and reads files; cheap to clone.
#[derive(Clone)]
pub struct Files {
    store: Arc<dyn FileStore>,
    vault: Vault,
    random: Random,
    decoding: Arc<Semaphore>,
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Files {
    /// Files in this store.
    pub fn new(store: Arc<dyn FileStore>, vault: Vault, random: Random) -> Self {
        Self { store, vault, random, decoding: Arc::new(Semaphore::new(DECODING)) }
    }

    /// Makes a picture fit to be stored. 422 when it is none, when it is too large, or damaged.
    pub async fn image(&self, bytes: Bytes, fit: Fit) -> Result<Image> {
        let turn = Arc::clone(&self.decoding).acquire_owned().await.map_err(Error::internal)?;
        let cleaned = tokio::task::spawn_blocking(move || {
            let image = Image::clean(&bytes, fit);
            drop(turn);
            image
        });
        match cleaned.await {
            Ok(image) => image,
            // A decoder that gives up on a hostile file gives up on that file.
            Err(error) if error.is_panic() => Err(image::damaged(error)),
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// Stores a content that nothing names yet. It is gone after a day unless a transaction keeps it. Call it while no
    /// transaction is open.
    pub async fn upload(&self, db: &Db, scope: &Scope, new: New) -> Result<FileId> {
        let mut tx = db.begin(scope).await?;
        let id: FileId = tx.id();
        let home = home(&tx, new.subject);
        let (content, data_key) = match new.subject {
            None => (new.content.bytes().clone(), None),
            Some(subject) => {
                let (sealed, data_key) = self.seal(&mut tx, home, id, subject, new.content.bytes()).await?;
                (sealed, Some(data_key))
            }
        };
        let row = rows::NewRow {
            id,
            org: home,
            purpose: new.purpose,
            media_type: new.content.media_type(),
            size_bytes: new.content.bytes().len(),
            sha256: Sha256::digest(&content).to_vec(),
            subject: new.subject.map(|subject| subject.id().uuid()),
            data_key,
        };
        rows::insert(&mut tx, row).await?;
        tx.commit().await?;
        self.store.put(&ObjectName::new(db.service(), home, id), content).await?;
        Ok(id)
    }

    /// Keeps an uploaded file: the transaction names it in a row.
    pub async fn keep(&self, tx: &mut Tx, id: FileId) -> Result<()> {
        if rows::change(tx, id, "pending", "kept").await? {
            return Ok(());
        }
        Err(Error::new(Kind::Conflict, "upload_expired", "The upload is too old. Send the file again."))
    }

    /// Takes back a kept file: the transaction no longer names it.
    pub async fn remove(&self, tx: &mut Tx, id: FileId) -> Result<()> {
        if rows::change(tx, id, "kept", "removed").await? {
            return Ok(());
        }
        Err(Error::internal(format!("{id} is named by a row, but it is not kept")))
    }

    /// A link to a file, relative to the service's files: valid for one to two hours, and the same for an hour, so that
    /// browsers keep what they have. Whoever has the link has the file.
    pub async fn link(&self, tx: &mut Tx, id: FileId, subject: Option<Subject>) -> Result<String> {
        let home = home(tx, subject);
        Ok(link::make(&self.vault.installation(tx).await?, home, id, tx.now()))
    }

    /// What a link leads to; 404 when the link is damaged, forged or over, or the file is not there any more.
    pub async fn fetch(&self, db: &Db, token: &str) -> Result<Fetched> {
        let parsed = link::Token::parse(token).ok_or_else(|| Error::not_found("file"))?;
        // Not read-only: on an empty installation the key of links is made with its first use.
        let mut tx = db.begin(&parsed.scope()).await?;
        let keys = self.vault.installation(&mut tx).await?;
        let now = db.clock().now();
        let id = parsed.check(&keys, now)?;
        let row = rows::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("file"))?;
        let key = match &row.sealed {
            None => None,
            Some(sealed) => {
                let subject = subject_of(parsed.home(), sealed.subject);
                // An erased person's file is not there any more, although the sweeper has not come yet.
                let Some(key) = self.vault.existing(&mut tx, subject).await? else {
                    return Err(Error::not_found("file"));
                };
                Some(rows::open_key(&key, id, &sealed.data_key)?)
            }
        };
        tx.rollback().await?;
        let name = ObjectName::new(db.service(), parsed.home(), id);
        let content = self.read(&name, &row.sha256).await?;
        let content = match key {
            None => content,
            Some(key) => Bytes::from(crate::vault::open_content(&key, &aad(parsed.home(), id), &content)?),
        };
        Ok(Fetched { id, media_type: row.media_type, content, fresh_for: parsed.remaining(now) })
    }

    async fn read(&self, name: &ObjectName, sha256: &[u8]) -> Result<Bytes> {
        let content = self.store.get(name).await?;
        let content = content.ok_or_else(|| Error::internal(format!("{name} is not in the file store")))?;
        if Sha256::digest(&content).as_slice() != sha256 {
            return Err(Error::internal(format!("{name} in the file store is damaged")));
        }
        Ok(content)
    }

    async fn seal(
        &self,
        tx: &mut Tx,
        home: Uuid,
        id: FileId,
        subject: Subject,
        content: &[u8],
    ) -> Result<(Bytes, Vec<u8>)> {
        let key = Zeroizing::new(self.random.bytes::<32>());
        let sealed = crate::vault::seal_content(&key, &aad(home, id), content, &self.random)?;
        let subject_key = self.vault.subject(tx, subject).await?;
        Ok((Bytes::from(sealed), rows::seal_key(&subject_key, id, &key)?))
    }
}

/// Where a file belongs: to the subject's organisation, else to the transaction's; nil for the installation.
fn home(tx: &Tx, subject: Option<Subject>) -> Uuid {
    let org = match subject {
        Some(subject) => subject.org(),
        None => tx.scope().org,
    };
    org.map_or(Uuid::nil(), kernel::ids::OrgId::uuid)
}

fn subject_of(home: Uuid, subject: Uuid) -> Subject {
    if home.is_nil() {
        Subject::of_installation(subject)
    } else {
        Subject::of_org(kernel::ids::OrgId::new(home), subject)
    }
}

/// A sealed content opens only as this file.
fn aad(home: Uuid, id: FileId) -> Vec<u8> {
    format!("dropmate\0file\0{home}\0{}", id.uuid()).into_bytes()
}
