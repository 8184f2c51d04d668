//! Files of the running program, in its folder and in an object store.

use base64::Engine as _;
use serde_json::Value;
use testkit::S3Server;
use testkit::s3::BUCKET;

use crate::support::{Home, Running, client};

/// The smallest PNG: one grey pixel (made once with `image`, readable by everything).
fn pixel() -> Vec<u8> {
    let text = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==";
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

/// The owner shows a photo; where it can be read.
async fn show_photo(running: &Running, token: &str) -> String {
    let path = format!("{}/api/v1/users/me/photo", running.url);
    let answer = client().put(path).bearer_auth(token).header("content-type", "image/png").body(pixel());
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{}", answer.text().await.unwrap());
    let me: Value = answer.json().await.unwrap();
    assert!(me["photo"].as_str().unwrap().starts_with("file_"));
    link(running, token).await
}

async fn link(running: &Running, token: &str) -> String {
    let me = running.get("/api/v1/users/me", token).await.1;
    let path = format!("/api/v1/users/{}/photo", me["id"].as_str().unwrap());
    running.get(&path, token).await.1["url"].as_str().unwrap().to_owned()
}

async fn is_shown(url: &str) -> u16 {
    let answer = client().get(url).send().await.unwrap();
    let status = answer.status().as_u16();
    if status == 200 {
        assert_eq!(answer.headers()["content-type"], "image/jpeg");
        assert!(answer.bytes().await.unwrap().starts_with(&[0xff, 0xd8]), "made anew as JPEG");
    }
    status
}

#[tokio::test]
async fn photos_survive_a_restart_and_a_restored_backup() {
    let home = Home::prepared();
    let running = home.up();
    let token = running.become_owner().await["access_token"].as_str().unwrap().to_owned();
    let url = show_photo(&running, &token).await;
    assert_eq!(is_shown(&url).await, 200);
    let doctor = home.run(&["doctor"]).ok();
    assert!(doctor.contains("storage: ") && doctor.contains("takes and gives files"), "{doctor}");
    let file = home.path().join("backup.tar");
    home.run(&["backup", file.to_str().unwrap()]).ok();
    assert!(running.stop().0.success());

    let other = Home::new();
    std::fs::create_dir_all(other.data().join("secrets")).unwrap();
    for name in ["master-key", "audit-key"] {
        std::fs::copy(home.data().join("secrets").join(name), other.data().join("secrets").join(name))
            .unwrap();
    }
    other.run(&["restore", file.to_str().unwrap()]).ok();
    for home in [&home, &other] {
        let running = home.up();
        let moved = running.url.clone() + url.find("/api/").map(|at| &url[at..]).unwrap();
        assert_eq!(is_shown(&moved).await, 200, "the old link, and the old photo");
        assert!(running.stop().0.success());
    }
}

#[tokio::test]
async fn photos_are_kept_in_an_object_store_that_may_be_away() {
    let (home, mut store) = (Home::prepared(), S3Server::start().await.unwrap());
    let start = || {
        let mut command = home.command(&["up", "--listen", "127.0.0.1:0"]);
        command.env("S3_URL", store.url()).env("STORAGE_BUCKET", BUCKET);
        Running::start(command)
    };
    let running = start();
    let token = running.become_owner().await["access_token"].as_str().unwrap().to_owned();
    let url = show_photo(&running, &token).await;
    assert_eq!(is_shown(&url).await, 200);
    let names = store.names().await.unwrap();
    assert!(names.len() == 1 && names[0].starts_with("identity/installation/"), "{names:?}");
    let stored = store.object(&names[0]).await.unwrap();
    assert!(!stored.starts_with(&[0xff, 0xd8]), "sealed in the bucket");
    assert!(!home.data().join("files").exists(), "nothing in the folder");

    store.kill();
    assert_eq!(is_shown(&url).await, 503);
    let path = format!("{}/api/v1/users/me/photo", running.url);
    let refused =
        client().put(path).bearer_auth(&token).header("content-type", "image/png").body(pixel()).send().await;
    assert_eq!(refused.unwrap().status().as_u16(), 503);
    let ready = client().get(format!("{}/readyz", running.url)).send().await.unwrap();
    assert_eq!(ready.status().as_u16(), 200, "everything else goes on");
    assert!(running.stop().0.success());
}

#[test]
fn a_bucket_needs_a_store_and_a_store_a_bucket() {
    let home = Home::new();
    let run = |name: &str, value: &str| {
        let mut command = home.command(&["up"]);
        crate::support::Done::of(command.env(name, value).output().unwrap()).refused(2)
    };
    assert!(run("S3_URL", "https://k:s@s3.example.org/").contains("storage.bucket"));
    assert!(run("STORAGE_BUCKET", "files").contains("storage.s3_url"));
}

/// What is asked is what is set: each broken part is a finding with what to do, and the others are fine.
#[test]
fn doctor_finds_every_outside_part_that_does_not_answer() {
    let home = Home::new();
    std::fs::create_dir_all(home.data()).unwrap();
    let mut command = home.command(&["doctor"]);
    let away = testkit::server::free_port().unwrap();
    command.env("SMTP_URL", format!("smtp://127.0.0.1:{away}"));
    command.env("S3_URL", format!("http://k:s@127.0.0.1:{away}/")).env("STORAGE_BUCKET", BUCKET);
    command.env("NATS_URL", format!("nats://127.0.0.1:{away}"));
    command.env("REDIS_URL", format!("redis://127.0.0.1:{away}/0"));
    command.env("DROPMATE__TRAVEL__OSRM_URL", format!("http://127.0.0.1:{away}"));
    command.env("DROPMATE__TRAVEL__VALHALLA_URL", format!("http://127.0.0.1:{away}"));
    command.env("DROPMATE__EGRESS__ALLOW", "192.168.7.0/24");
    let done = crate::support::Done::of(command.output().unwrap());
    assert_eq!(done.code, Some(1), "{} {}", done.out, done.err);
    for broken in ["mail: ", "storage: ", "broker: ", "cache: ", "routing by OSRM: ", "routing by Valhalla: "]
    {
        let line = done.out.lines().position(|line| line.contains(broken)).expect(broken);
        let finding = done.out.lines().nth(line).unwrap();
        assert!(finding.starts_with("BROKEN"), "{finding}");
        assert!(done.out.lines().nth(line + 1).unwrap().contains("-> "), "{broken} has no fix");
    }
    assert!(done.out.contains("warning  outgoing calls: may also go to 192.168.7.0/24"), "{}", done.out);
}
