//! Business time of a sandbox.

use kernel::time::SignedDuration;
use testkit::simclock::Hub;

use crate::support::{Home, Running};

#[tokio::test]
async fn the_owner_link_expires_in_simulated_time() {
    let home = Home::prepared();
    let hub = Hub::start(home.path().join("clock"), testkit::database::START.parse().unwrap()).unwrap();
    let socket = hub.socket().to_str().unwrap().to_owned();
    let command = home.command(&["up", "--listen", "127.0.0.1:0", "--sim-clock", &socket]);
    let running = tokio::task::spawn_blocking(move || Running::start(command)).await.unwrap();
    let link = running.owner_link.clone().unwrap();
    let path = format!("/api/v1/auth/first-run?token={}", link.rsplit('/').next().unwrap());
    hub.advance(SignedDuration::from_mins(29)).await;
    assert_eq!(running.get(&path, "").await.1["works"], true);
    hub.advance(SignedDuration::from_mins(2)).await;
    assert_eq!(running.get(&path, "").await.1["works"], false);
    drop(hub);
    let (ended, log) = tokio::task::spawn_blocking(move || running.wait()).await.unwrap();
    assert_eq!(ended.code(), Some(1), "without its hub a sandbox is over");
    assert!(log.contains("the hub of the simulated clock is gone"), "{log}");
}
