//! The program with a shared cache that is emptied, killed and started again all the time: nobody notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Proof, RedisServer};

use crate::support::{Home, PASSWORD, Running, client};

/// Signs in, refreshes, looks at itself; every answer has to be right.
async fn stories(url: &str, token: &str, stop: &AtomicBool) -> u32 {
    let mut done = 0;
    while !stop.load(Ordering::Relaxed) {
        let body = json!({ "email": "ada@example.org", "password": PASSWORD });
        let answer = client().post(format!("{url}/api/v1/auth/login")).json(&body).send().await.unwrap();
        let status = answer.status().as_u16();
        // The quota of attempts per account counts on.
        assert!(matches!(status, 200 | 429), "sign in: {status} {}", answer.text().await.unwrap());
        if status == 200 {
            let signed_in: Value = answer.json().await.unwrap();
            let body = json!({ "refresh_token": signed_in["refresh_token"] });
            let answer =
                client().post(format!("{url}/api/v1/auth/token/refresh")).json(&body).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), 200);
        }
        let answer = client().get(format!("{url}/api/v1/users/me")).bearer_auth(token).send().await.unwrap();
        let status = answer.status().as_u16();
        assert!(status < 500 && status != 401, "{status}");
        done += 1;
        platform::lifecycle::pause(Duration::from_millis(20)).await;
    }
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_stories_without_a_cache() {
    let proof = Proof::new("stories without a cache");
    let rounds = proof.size(1, 10);
    let (home, mut server) = (Home::prepared(), RedisServer::start().unwrap());
    let mut command = home.command(&["up", "--listen", "127.0.0.1:0"]);
    command.env("REDIS_URL", server.url());
    let running = Running::start(command);
    let owner = running.become_owner().await;
    let token = owner["access_token"].as_str().unwrap().to_owned();
    let (stop, url) = (Arc::new(AtomicBool::new(false)), running.url.clone());
    let chaos = async {
        let mut emptied = 0;
        for _ in 0..rounds {
            for _ in 0..10 {
                server.wipe().unwrap();
                emptied += 1;
                platform::lifecycle::pause(Duration::from_millis(100)).await;
            }
            server.kill();
            platform::lifecycle::pause(Duration::from_millis(500)).await;
            let ready = client().get(format!("{url}/readyz")).send().await.unwrap();
            assert_eq!(ready.status().as_u16(), 200, "requests are served without it");
            server.restart().unwrap();
            platform::lifecycle::pause(Duration::from_millis(500)).await;
        }
        stop.store(true, Ordering::Relaxed);
        emptied
    };
    let (done, emptied) = tokio::join!(stories(&url, &token, &stop), chaos);
    assert!(done > 10, "{done}");
    assert!(running.stop().0.success());
    proof.report(&format!(
        "{done} stories, cache emptied {emptied} times and killed {rounds} times: 0 wrong answers"
    ));
}
