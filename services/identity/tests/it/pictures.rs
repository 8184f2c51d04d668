//! Photos of people and logos of organisations: sent, shown through links, replaced, taken back, erased.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{ImageFormat, RgbImage, RgbaImage};
use kernel::ids::UserId;
use kernel::time::SignedDuration;
use platform::db::Scope;
use platform::vault::Subject;
use serde_json::json;
use testkit::http::{Call, Reply};

use crate::app::{Actor, App, PUBLIC_URL, Town};

const PHOTO: &str = "/api/v1/users/me/photo";

pub(crate) fn jpeg(side: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_pixel(side, side, image::Rgb([200, 30, 30]))
        .write_to(&mut bytes, ImageFormat::Jpeg)
        .unwrap();
    bytes.into_inner()
}

fn png() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbaImage::from_pixel(700, 350, image::Rgba([9, 9, 9, 99]))
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

fn put(app: &App, path: &str, by: &Actor, kind: &str, picture: Vec<u8>) -> Call {
    app.client.put(path).bearer(&by.token).header("content-type", kind).body(picture)
}

fn logo_of(by: &Actor) -> String {
    format!("/api/v1/organizations/{}/logo", by.org.as_deref().unwrap())
}

fn photo_of(user: &Actor) -> String {
    format!("/api/v1/users/{}/photo", user.user)
}

/// Follows a link as a browser does: without a credential.
async fn follow(app: &App, link: &Reply) -> Reply {
    let url = link.text("/url");
    app.get(url.strip_prefix(PUBLIC_URL).expect("a link of the public address")).await
}

fn on_disk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { on_disk(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn a_person_shows_a_photo_that_colleagues_see() {
    let town = Town::new().await;
    let (app, driver) = (&town.app, &town.bakery.driver);
    app.get(photo_of(driver)).bearer(&driver.token).await.refused(404, "not_found");
    let shown = put(app, PHOTO, driver, "image/jpeg", jpeg(900)).await.is(200);
    assert!(shown.text("/photo").starts_with("file_"));
    assert_eq!(app.get("/api/v1/users/me").bearer(&driver.token).await.is(200).body, shown.body);

    let link = app.get(photo_of(driver)).bearer(&town.bakery.dispatcher.token).await.is(200);
    let picture = follow(app, &link).await.is(200);
    let size = image::load_from_memory(&picture.body).unwrap();
    assert_eq!((size.width(), size.height()), (512, 512));
    let wanted = [
        ("content-type", "image/jpeg"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
    ];
    for (name, value) in wanted {
        assert_eq!(picture.header(name), value);
    }
    assert!(picture.header("content-disposition").starts_with("attachment; filename=\"file_"));
    let cache = picture.header("cache-control");
    assert!(cache.starts_with("private, max-age=") && cache.ends_with(", immutable"), "{cache}");
    let [file] = &on_disk(town.app.folder.path())[..] else { panic!("one file") };
    assert!(image::guess_format(&std::fs::read(file).unwrap()).is_err(), "sealed on the disk");

    // Who may not see the person does not get a link, and neither does anybody in another organisation.
    app.get(photo_of(driver)).bearer(&town.florist.owner.token).await.refused(404, "not_found");
    app.get(photo_of(&town.bakery.owner)).bearer(&driver.token).await.refused(404, "not_found");
    town.app.finish().await;
}

#[tokio::test]
async fn a_replaced_photo_is_gone_at_once_and_from_the_disk_a_day_later() {
    let town = Town::new().await;
    let (app, driver) = (&town.app, &town.bakery.driver);
    let first = put(app, PHOTO, driver, "image/jpeg", jpeg(60)).key("one").await.is(200);
    let link = app.get(photo_of(driver)).bearer(&driver.token).await.is(200);
    let repeated = put(app, PHOTO, driver, "image/jpeg", jpeg(60)).key("one").await.is(200);
    assert_eq!(repeated.body, first.body, "the same request once more shows the same photo");
    let second = put(app, PHOTO, driver, "image/jpeg", jpeg(70)).await.is(200);
    assert_ne!(second.text("/photo"), first.text("/photo"));
    assert!(second.version() > first.version());
    follow(app, &link).await.refused(404, "not_found");

    let gone = app.delete(PHOTO).bearer(&driver.token).await.is(200);
    assert!(gone.json().get("photo").is_none());
    app.delete(PHOTO).bearer(&driver.token).await.refused(404, "not_found");
    assert_eq!(on_disk(app.folder.path()).len(), 3, "two photos, and what the repeated request sent");
    app.db.clock.advance(SignedDuration::from_hours(26));
    assert_eq!(app.identity.files().sweep(app.identity.db()).await.unwrap(), 3);
    assert!(on_disk(app.folder.path()).is_empty());
    town.app.finish().await;
}

#[tokio::test]
async fn managers_show_a_logo_and_only_of_their_own_organisation() {
    let town = Town::new().await;
    let (app, bakery) = (&town.app, &town.bakery);
    let path = logo_of(&bakery.owner);
    let shown = put(app, &path, &bakery.manager, "image/png", png()).await.is(200);
    let link = app.get(&path).bearer(&bakery.driver.token).await.is(200);
    let picture = follow(app, &link).await.is(200);
    assert_eq!(picture.header("content-type"), "image/png");
    let decoded = image::load_from_memory(&picture.body).unwrap();
    assert_eq!((decoded.width(), decoded.height(), decoded.color().has_alpha()), (512, 256, true));

    put(app, &path, &bakery.driver, "image/png", png()).await.refused(403, "forbidden");
    put(app, &path, &town.florist.owner, "image/png", png()).await.refused(404, "not_found");
    app.get(&path).bearer(&town.florist.owner.token).await.refused(404, "not_found");
    app.delete(&path).bearer(&town.florist.owner.token).await.refused(404, "not_found");
    let now = app.get(path.trim_end_matches("/logo")).bearer(&bakery.owner.token).await.is(200);
    assert_eq!(now.text("/logo"), shown.text("/logo"), "refusals changed nothing");
    assert!(app.delete(&path).bearer(&bakery.owner.token).await.is(200).json().get("logo").is_none());
    town.app.finish().await;
}

#[tokio::test]
async fn what_is_no_picture_is_refused_and_stores_nothing() {
    let town = Town::new().await;
    let (app, driver) = (&town.app, &town.bakery.driver);
    let send = |kind: &str, body: &[u8]| put(app, PHOTO, driver, kind, body.to_vec());
    send("image/jpeg", b"<svg onload='x()'/>").await.refused(422, "unknown_image");
    send("image/png", b"").await.refused(422, "unknown_image");
    send("image/jpeg", &jpeg(60)[..200]).await.refused(422, "damaged_image");
    for kind in
        ["image/svg+xml", "text/html", "application/json", "multipart/form-data; boundary=x", "image/*"]
    {
        send(kind, &jpeg(10)).await.refused(415, "unsupported_media_type");
    }
    send("image/jpeg", &vec![0; 12 * 1024 * 1024 + 1]).await.refused(413, "too_large");
    send("image/jpeg", &vec![0; 12 * 1024 * 1024]).await.refused(422, "unknown_image");
    // Only pictures may be large.
    let name = json!({ "name": "x".repeat(1024 * 1024) });
    app.patch("/api/v1/users/me", name).bearer(&driver.token).if_match(1).await.refused(413, "too_large");
    assert!(on_disk(app.folder.path()).is_empty());
    assert_eq!(app.count("SELECT count(*) FROM platform.files").await, 0);
    town.app.finish().await;
}

#[tokio::test]
async fn an_erased_persons_photo_cannot_be_read_and_is_deleted() {
    let town = Town::new().await;
    let (app, driver) = (&town.app, &town.bakery.driver);
    put(app, PHOTO, driver, "image/jpeg", jpeg(60)).await.is(200);
    let link = app.get(photo_of(driver)).bearer(&driver.token).await.is(200);
    let id: UserId = driver.user.parse().unwrap();
    let mut tx = app.identity.db().begin(&Scope::installation()).await.unwrap();
    app.db.vault.destroy(&mut tx, Subject::of_installation(id)).await.unwrap();
    tx.commit().await.unwrap();
    follow(app, &link).await.refused(404, "not_found");
    assert_eq!(app.identity.files().sweep(app.identity.db()).await.unwrap(), 1);
    assert!(on_disk(app.folder.path()).is_empty());
    town.app.finish().await;
}
