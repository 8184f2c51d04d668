//! The program with a broker: it starts with one, serves without it, and makes it anew.

use testkit::NatsServer;

use crate::support::{Home, eventually};

async fn readiness(url: &str) -> (u16, serde_json::Value) {
    let answer = crate::support::client().get(format!("{url}/api/v1/health")).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn broker_is(up: bool, health: &serde_json::Value) -> bool {
    health["dependencies"].as_array().unwrap().iter().any(|one| one["name"] == "broker" && one["ok"] == up)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_travel_over_a_broker_and_nobody_waits_for_it() {
    let (home, mut server) = (Home::prepared(), NatsServer::start().unwrap());
    let environment =
        [("NATS_URL", server.url()), ("DROPMATE__BUS__NATS_MONITORING_URL", server.monitoring_url())];
    let mut command = home.command(&["up", "--listen", "127.0.0.1:0"]);
    let running = crate::support::Running::start({
        command.envs(environment.clone());
        command
    });
    running.become_owner().await;
    let rebuilt = home.command(&["bus", "rebuild"]).envs(environment.clone()).output().unwrap();
    let said =
        String::from_utf8_lossy(&rebuilt.stdout).into_owned() + &String::from_utf8_lossy(&rebuilt.stderr);
    assert!(rebuilt.status.success() && said.contains("stream"), "{said}");
    let url = running.url.clone();
    wait_until(&url, true).await;
    server.kill();
    wait_until(&url, false).await;
    let ready = crate::support::client().get(format!("{url}/readyz")).send().await.unwrap();
    assert_eq!(ready.status().as_u16(), 200, "requests are served without it");
    server.wipe().unwrap();
    wait_until(&url, true).await;
    assert!(running.stop().0.success());
    eventually("it has stopped", || crate::support::postgres_pid(&home.data()).is_none());
}

async fn wait_until(url: &str, up: bool) {
    let begun = std::time::Instant::now();
    loop {
        let (status, health) = readiness(url).await;
        if status == 200 && broker_is(up, &health) {
            return;
        }
        assert!(begun.elapsed().as_secs() < 20, "broker {up}: {health}");
        platform::lifecycle::pause(std::time::Duration::from_millis(50)).await;
    }
}

#[test]
fn a_broker_that_anybody_may_use_is_refused() {
    let home = Home::prepared();
    let server = NatsServer::start_flawed(Some(testkit::nats::Flaw::Anonymous)).unwrap();
    let mut command = home.command(&["up", "--listen", "127.0.0.1:0"]);
    let refused =
        crate::support::Done::of(command.env("NATS_URL", server.url()).output().unwrap()).refused(1);
    assert!(refused.contains("no_auth_user"), "{refused}");
}
