//! Files, from the upload to the sweep, in a folder and with everything that can break on the way.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use image::{ImageFormat, RgbImage};
use kernel::ids::{FileId, OrgId, Uuid};
use kernel::random::Random;
use kernel::time::SignedDuration;
use platform::db::{BoxFuture, Scope};
use platform::files::{FileStore, Files, Fit, Folder, New, ObjectName, SEALED};
use platform::vault::{self, Subject};
use platform::{Error, Kind, Result};

use crate::demo::World;
use crate::vault::begin;

/// A folder that breaks when it is told to.
#[derive(Debug)]
struct Store {
    folder: Folder,
    broken: AtomicBool,
}

impl Store {
    fn check(&self) -> Result<()> {
        if self.broken.load(Ordering::SeqCst) { Err(Error::unavailable("file store")) } else { Ok(()) }
    }
}

impl FileStore for Store {
    fn put<'a>(&'a self, name: &'a ObjectName, content: Bytes) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.check()?;
            self.folder.put(name, content).await
        })
    }
    fn get<'a>(&'a self, name: &'a ObjectName) -> BoxFuture<'a, Result<Option<Bytes>>> {
        self.folder.get(name)
    }
    fn delete<'a>(&'a self, name: &'a ObjectName) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.check()?;
            self.folder.delete(name).await
        })
    }
    fn reach(&self) -> BoxFuture<'_, Result<()>> {
        self.folder.reach()
    }
}

struct Desk {
    world: World,
    files: Files,
    store: Arc<Store>,
    folder: tempfile::TempDir,
    org: OrgId,
}

impl Desk {
    async fn new() -> Self {
        let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
        let root = folder.path().join("files");
        let store =
            Store { folder: Folder::new(root, world.test.random.clone()), broken: AtomicBool::new(false) };
        let store = Arc::new(store);
        let org = world.org();
        Self { files: Self::open(&world, &store), store, folder, org, world }
    }

    /// As another process has it: nothing is cached.
    fn open(world: &World, store: &Arc<Store>) -> Files {
        let store = Arc::clone(store);
        Files::new(store, world.test.fresh_vault(), world.test.random.clone())
    }

    fn scope(&self) -> Scope {
        Scope::system(self.org)
    }

    async fn try_upload(&self, subject: Option<Subject>) -> Result<FileId> {
        let content = self.files.image(picture(), Fit { longest_side: 32 }).await?;
        self.files.upload(&self.world.db, &self.scope(), New { purpose: "test", content, subject }).await
    }

    async fn upload(&self, subject: Option<Subject>) -> FileId {
        self.try_upload(subject).await.unwrap()
    }

    async fn kept(&self, subject: Option<Subject>) -> FileId {
        let id = self.upload(subject).await;
        let mut tx = begin(&self.world.db, self.org).await;
        self.files.keep(&mut tx, id).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn remove(&self, id: FileId) -> Result<()> {
        let mut tx = begin(&self.world.db, self.org).await;
        self.files.remove(&mut tx, id).await?;
        tx.commit().await
    }

    async fn link(&self, id: FileId, subject: Option<Subject>) -> String {
        let mut tx = begin(&self.world.db, self.org).await;
        let link = self.files.link(&mut tx, id, subject).await.unwrap();
        tx.commit().await.unwrap();
        link
    }

    async fn fetch(&self, link: &str) -> Result<Bytes> {
        self.files.fetch(&self.world.db, link).await.map(|file| file.content)
    }

    async fn states(&self) -> BTreeMap<String, i64> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT state, count(*) FROM platform.files GROUP BY state")
                .fetch_all(&mut self.world.test.admin().await)
                .await
                .unwrap();
        rows.into_iter().collect()
    }

    /// Every file on the disk.
    fn on_disk(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        walk(self.folder.path(), &mut found);
        found
    }

    fn a_day_passes(&self) {
        self.world.test.clock.advance(SignedDuration::from_hours(25));
    }

    async fn sweep(&self) -> usize {
        self.files.sweep(&self.world.db).await.unwrap()
    }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

fn picture() -> Bytes {
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::from_fn(64, 64, |x, y| {
        image::Rgb([u8::try_from(x * 4).unwrap(), u8::try_from(y * 4).unwrap(), 7])
    })
    .write_to(&mut bytes, ImageFormat::Jpeg)
    .unwrap();
    bytes.into_inner().into()
}

#[tokio::test]
async fn a_folder_behaves_like_every_file_store() {
    let folders = std::sync::Mutex::new(Vec::new());
    testkit::conformance::file_store(async || {
        let folder = tempfile::tempdir().unwrap();
        let store = Folder::new(folder.path().join("files"), Random::seeded(1));
        folders.lock().unwrap().push(folder);
        Arc::new(store) as Arc<dyn FileStore>
    })
    .await;
}

#[tokio::test]
async fn a_kept_file_is_read_through_its_link() {
    let desk = Desk::new().await;
    let id = desk.kept(None).await;
    let link = desk.link(id, None).await;
    let content = desk.fetch(&link).await.unwrap();
    assert_eq!(image::guess_format(&content).unwrap(), ImageFormat::Jpeg);
    assert_eq!(desk.link(id, None).await, link, "the same for an hour: browsers keep what they have");
    let [path] = &desk.on_disk()[..] else { panic!("one file") };
    assert!(path.ends_with(format!("files/demo/{}/{}", desk.org.uuid(), id.uuid())));
    assert_eq!(std::fs::read(path).unwrap(), content);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(path), mode(path.parent().unwrap())), (0o600, 0o700));
}

#[tokio::test]
async fn a_link_ends_and_cannot_be_changed() {
    let desk = Desk::new().await;
    let (one, two) = (desk.kept(None).await, desk.kept(None).await);
    let (link, other) = (desk.link(one, None).await, desk.link(two, None).await);
    assert_ne!(link, other);
    for at in 0..link.len() {
        let letter = if &link[at..=at] == "A" { "B" } else { "A" };
        let forged = format!("{}{letter}{}", &link[..at], &link[at + 1..]);
        assert_eq!(desk.fetch(&forged).await.unwrap_err().kind(), Kind::NotFound, "letter {at}");
    }
    for damaged in
        ["", "A", &link[1..], &format!("{link}A"), &format!("{link}="), "%%%", &link.replace('A', "/")]
    {
        if *damaged != link {
            assert_eq!(desk.fetch(damaged).await.unwrap_err().kind(), Kind::NotFound, "{damaged}");
        }
    }
    desk.world.test.clock.advance(SignedDuration::from_mins(60));
    assert!(desk.fetch(&link).await.is_ok(), "good for an hour at least");
    desk.world.test.clock.advance(SignedDuration::from_mins(61));
    assert_eq!(desk.fetch(&link).await.unwrap_err().kind(), Kind::NotFound, "and two at most");
}

#[tokio::test]
async fn an_upload_that_nobody_keeps_is_not_read_and_is_swept_after_a_day() {
    let desk = Desk::new().await;
    let id = desk.upload(None).await;
    let link = desk.link(id, None).await;
    assert_eq!(desk.fetch(&link).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(desk.sweep().await, 0, "its transaction may still come");
    desk.a_day_passes();
    assert_eq!(desk.sweep().await, 1);
    assert!(desk.on_disk().is_empty() && desk.states().await.is_empty());
    let mut tx = begin(&desk.world.db, desk.org).await;
    assert_eq!(desk.files.keep(&mut tx, id).await.unwrap_err().code(), "upload_expired");
}

#[tokio::test]
async fn a_transaction_that_fails_keeps_nothing_and_removes_nothing() {
    let desk = Desk::new().await;
    let (new, old) = (desk.upload(None).await, desk.kept(None).await);
    let mut tx = begin(&desk.world.db, desk.org).await;
    desk.files.keep(&mut tx, new).await.unwrap();
    desk.files.remove(&mut tx, old).await.unwrap();
    tx.rollback().await.unwrap();
    desk.a_day_passes();
    assert_eq!(desk.sweep().await, 1, "the upload");
    let link = desk.link(old, None).await;
    assert!(desk.fetch(&link).await.is_ok());
}

#[tokio::test]
async fn a_removed_file_is_gone_at_once_for_readers_and_a_day_later_from_the_disk() {
    let desk = Desk::new().await;
    let id = desk.kept(None).await;
    let link = desk.link(id, None).await;
    desk.remove(id).await.unwrap();
    assert_eq!(desk.fetch(&link).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!((desk.sweep().await, desk.on_disk().len()), (0, 1), "a backup may be reading it");
    desk.a_day_passes();
    assert_eq!((desk.sweep().await, desk.on_disk().len()), (1, 0));
    assert_eq!(desk.remove(id).await.unwrap_err().kind(), Kind::Internal, "twice is our mistake");
}

#[tokio::test]
async fn a_store_that_breaks_leaves_nothing_that_the_sweep_does_not_find() {
    let desk = Desk::new().await;
    desk.store.broken.store(true, Ordering::SeqCst);
    assert_eq!(desk.try_upload(None).await.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(desk.states().await, BTreeMap::from([("pending".to_owned(), 1)]));
    desk.a_day_passes();
    assert!(desk.files.sweep(&desk.world.db).await.is_err());
    assert_eq!(desk.states().await, BTreeMap::from([("doomed".to_owned(), 1)]));
    desk.store.broken.store(false, Ordering::SeqCst);
    assert_eq!(desk.sweep().await, 1, "found again");
    assert!(desk.states().await.is_empty());
}

#[tokio::test]
async fn a_file_about_a_person_is_unreadable_without_their_key() {
    let desk = Desk::new().await;
    let subject = Subject::of_org(desk.org, desk.world.test.random.id::<FileId>(desk.now()).uuid());
    let person = Some(subject);
    let id = desk.kept(person).await;
    let stored = std::fs::read(&desk.on_disk()[0]).unwrap();
    assert!(image::guess_format(&stored).is_err(), "sealed");
    let link = desk.link(id, person).await;
    let content = desk.fetch(&link).await.unwrap();
    assert_eq!(image::guess_format(&content).unwrap(), ImageFormat::Jpeg);
    // Another process has the keys as well.
    let other = Desk::open(&desk.world, &desk.store);
    assert_eq!(other.fetch(&desk.world.db, &link).await.unwrap().content, content);

    let vault = desk.world.test.fresh_vault();
    let mut tx = begin(&desk.world.db, desk.org).await;
    assert!(vault.destroy(&mut tx, subject).await.unwrap());
    tx.commit().await.unwrap();
    let after = Desk::open(&desk.world, &desk.store);
    assert_eq!(after.fetch(&desk.world.db, &link).await.unwrap_err().kind(), Kind::NotFound, "erased");
    assert_eq!((desk.sweep().await, desk.on_disk().len()), (1, 0), "and deleted without waiting a day");
}

#[tokio::test]
async fn a_persons_files_are_read_after_their_key_was_changed_and_the_old_one_is_gone() {
    let desk = Desk::new().await;
    let subject = Subject::of_org(desk.org, Uuid::from_u128(99));
    let id = desk.kept(Some(subject)).await;
    let link = desk.link(id, Some(subject)).await;
    let vault = desk.world.test.fresh_vault();
    vault::register(&desk.world.db).await.unwrap();
    let mut tx = begin(&desk.world.db, desk.org).await;
    assert!(vault.rotate_subject(&mut tx, subject).await.unwrap());
    tx.commit().await.unwrap();
    desk.world
        .sql("UPDATE platform.vault_subject_keys SET usable_from = usable_from - interval '10 minutes'")
        .await;
    let fresh = desk.world.test.fresh_vault();
    assert_eq!(vault::reseal(&desk.world.db, &fresh, &[SEALED]).await.unwrap(), 1);
    assert_eq!(desk.world.count("SELECT count(*) FROM platform.vault_subject_keys").await, 1, "the new one");
    let after = Desk::open(&desk.world, &desk.store);
    assert!(after.fetch(&desk.world.db, &link).await.is_ok());
}

#[tokio::test]
async fn a_content_that_was_changed_or_moved_in_the_store_is_not_handed_out() {
    let desk = Desk::new().await;
    let (one, two) =
        (desk.kept(None).await, desk.kept(Some(Subject::of_org(desk.org, Uuid::from_u128(1)))).await);
    let link = desk.link(one, None).await;
    let path =
        |id: FileId| desk.on_disk().into_iter().find(|path| path.ends_with(id.uuid().to_string())).unwrap();
    let (mine, sealed) = (path(one), path(two));
    let content = std::fs::read(&mine).unwrap();
    let mut damaged = content.clone();
    damaged[9] ^= 1;
    for other in [damaged, std::fs::read(&sealed).unwrap(), Vec::new()] {
        std::fs::write(&mine, other).unwrap();
        assert_eq!(desk.fetch(&link).await.unwrap_err().kind(), Kind::Internal);
    }
    // A link in the place of the file is not followed, wherever it leads.
    std::fs::write(desk.folder.path().join("aside"), &content).unwrap();
    std::fs::remove_file(&mine).unwrap();
    std::os::unix::fs::symlink(desk.folder.path().join("aside"), &mine).unwrap();
    assert_eq!(desk.fetch(&link).await.unwrap_err().kind(), Kind::Unavailable);
    std::fs::remove_file(&mine).unwrap();
    assert_eq!(desk.fetch(&link).await.unwrap_err().kind(), Kind::Internal, "lost, and said so");
}

#[tokio::test]
async fn an_organisation_neither_keeps_nor_removes_the_files_of_another() {
    let desk = Desk::new().await;
    let (pending, kept) = (desk.upload(None).await, desk.kept(None).await);
    let mut tx = begin(&desk.world.db, desk.world.org()).await;
    assert_eq!(desk.files.keep(&mut tx, pending).await.unwrap_err().code(), "upload_expired");
    assert!(desk.files.remove(&mut tx, kept).await.is_err());
}

#[test]
fn what_an_interrupted_write_left_behind_is_removed_when_it_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let partial = folder.path().join(".partial");
    std::fs::create_dir(&partial).unwrap();
    for name in ["old", "young"] {
        std::fs::write(partial.join(name), "half").unwrap();
    }
    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_hours(24);
    std::fs::File::options().write(true).open(partial.join("old")).unwrap().set_modified(long_ago).unwrap();
    drop(Folder::new(folder.path().to_path_buf(), Random::seeded(1)));
    assert!(!partial.join("old").exists() && partial.join("young").exists());
}

impl Desk {
    fn now(&self) -> kernel::time::Timestamp {
        kernel::time::Clock::now(&self.world.test.clock)
    }
}
