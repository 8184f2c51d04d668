//! Starting, serving, stopping.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Home, eventually, is_alive, postgres_pid};

#[tokio::test]
async fn the_owner_link_makes_an_owner_whose_token_outlives_a_restart() {
    let home = Home::prepared();
    let first = home.up();
    let tokens = first.become_owner().await;
    let token = tokens["access_token"].as_str().unwrap().to_owned();
    let (status, me) = first.get("/api/v1/users/me", &token).await;
    assert_eq!((status, me["email"].as_str()), (200, Some("ada@example.org")), "{me}");
    let listen = first.url.strip_prefix("http://").unwrap().to_owned();
    let (ended, log) = first.stop();
    assert!(ended.success(), "{log}");
    assert!(!log.contains("dml_") && !log.contains(&token), "a secret is in the log:\n{log}");

    let second = home.start(&["up", "--listen", &listen]);
    assert!(second.ready_after < Duration::from_secs(3), "{:?}", second.ready_after);
    assert_eq!(second.owner_link, None, "there is an owner");
    assert_eq!(second.get("/api/v1/users/me", &token).await, (200, me));
    let (status, ready) = second.get("/readyz", "").await;
    assert_eq!((status, ready["dependencies"].as_array().map(Vec::len)), (200, Some(4)), "{ready}");
    assert!(second.stop().0.success());
    let refused = home.run(&["owner-link"]).refused(1);
    assert!(refused.contains("there is an owner already"), "{refused}");
}

#[test]
fn a_stop_is_clean_and_leaves_no_postgres() {
    let home = Home::new();
    let running = home.up();
    let postgres = postgres_pid(&home.data()).unwrap();
    assert!(is_alive(postgres));
    let (ended, log) = running.stop();
    assert_eq!(ended.code(), Some(0), "{log}");
    assert!(!is_alive(postgres), "PostgreSQL is left behind");
    assert_eq!(postgres_pid(&home.data()), None, "PostgreSQL was not shut down cleanly");
    assert!(!log.contains("ERROR"), "{log}");
}

#[test]
fn a_killed_process_leaves_no_postgres() {
    let home = Home::prepared();
    let running = home.up();
    let postgres = postgres_pid(&home.data()).unwrap();
    running.signal(Signal::SIGKILL);
    running.wait();
    eventually("PostgreSQL has ended", || !is_alive(postgres));
    assert!(home.up().stop().0.success(), "it starts again");
}

#[test]
fn a_postgres_that_dies_stops_the_process_with_the_reason() {
    let home = Home::prepared();
    let running = home.up();
    kill(Pid::from_raw(postgres_pid(&home.data()).unwrap()), Signal::SIGQUIT).unwrap();
    let (ended, log) = running.wait();
    assert_eq!(ended.code(), Some(1), "{log}");
    assert!(log.contains("stopped because of a failure: PostgreSQL ended"), "{log}");
}

#[test]
fn the_second_signal_stops_at_once() {
    let home = Home::prepared();
    // Long enough that only the second signal explains an early end.
    let mut command = home.command(&["up", "--listen", "127.0.0.1:0"]);
    command.env("DROPMATE__HTTP__DRAIN_WAIT_S", "300");
    let running = crate::support::Running::start(command);
    running.signal(Signal::SIGTERM);
    eventually("it is not ready any more", || home.run(&["healthcheck"]).code == Some(1));
    running.signal(Signal::SIGINT);
    let (ended, log) = running.wait();
    assert_eq!(ended.code(), Some(0), "{log}");
    assert_eq!(postgres_pid(&home.data()), None, "PostgreSQL is waited for even then");
}
