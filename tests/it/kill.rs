//! kill -9 of the whole process while clients write: nothing acknowledged is lost, nothing happens twice.
//!
//! Every client sends its next write with a fresh idempotency key and keeps it until it has an answer: an unknown
//! result is settled by sending the same request with the same key again. At the end each key must have had exactly
//! one effect: one organisation per acknowledged key, none twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kernel::random::Random;
use serde_json::{Value, json};
use testkit::{Installation, Proof};
use tokio::task::JoinSet;

const CLIENTS: usize = 8;

/// What one client saw: the name that it sent and the organisation that was acknowledged for it.
type Acknowledged = BTreeMap<String, String>;

/// One client: writes until told to stop, and settles its last write.
async fn client(
    http: reqwest::Client,
    url: String,
    token: String,
    name: usize,
    stop: Arc<AtomicBool>,
) -> Acknowledged {
    let mut seen = Acknowledged::new();
    let mut count = 0;
    while !stop.load(Ordering::SeqCst) {
        count += 1;
        let key = format!("client-{name}-write-{count}");
        let id = settle(&http, &url, &token, &key).await;
        seen.insert(key, id);
    }
    seen
}

/// Sends until there is an answer.
async fn settle(http: &reqwest::Client, url: &str, token: &str, key: &str) -> String {
    let body = json!({ "name": key, "time_zone": "Europe/Berlin", "currency": "EUR" });
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < Duration::from_mins(1), "{key} was not settled within a minute");
        let sent = http.post(url).bearer_auth(token).header("Idempotency-Key", key).json(&body).send().await;
        if let Ok(answer) = sent {
            let status = answer.status().as_u16();
            let body: Value = answer.json().await.unwrap_or_default();
            match status {
                201 => return body["id"].as_str().expect("an id").to_owned(),
                // Still running elsewhere, going away, or limited: the same key again.
                409 | 429 | 503 | 504 => {}
                other => panic!("{key}: {other} {body}"),
            }
        }
        platform::lifecycle::pause(Duration::from_millis(15)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_kill_all_in_one() {
    let proof = Proof::new("kill -9 of the all-in-one process under 8 writing clients");
    let kills = proof.size(20, 300);
    let seed = 20_261_120;
    let random = Random::seeded(seed);
    let dir = testkit::cluster::temp_dir("dropmate-kill-").expect("a folder");
    let mut app =
        Installation::new(testkit::process::binary().expect("the program"), &dir.path().join("data"))
            .expect("a port");
    app.start().await.expect("it starts");
    let owner = app.first_run().await.expect("the owner");
    let token = app.operator(&owner).await.expect("the operator");
    let (stop, url) = (Arc::new(AtomicBool::new(false)), app.url("/api/v1/organizations"));
    let mut clients = JoinSet::new();
    for name in 0..CLIENTS {
        clients.spawn(client(app.http().clone(), url.clone(), token.clone(), name, Arc::clone(&stop)));
    }
    let mut back = Vec::new();
    for _ in 0..kills {
        platform::lifecycle::pause(Duration::from_millis(150 + random.below(500))).await;
        app.kill().expect("it can be killed");
        back.push(app.start().await.expect("it starts again"));
    }
    stop.store(true, Ordering::SeqCst);
    let mut acknowledged = Acknowledged::new();
    while let Some(client) = clients.join_next().await {
        acknowledged.extend(client.expect("a client"));
    }
    let existing = organizations(&app).await;
    let (lost, doubled) = compare(&acknowledged, &existing);
    assert_eq!(lost, Vec::<String>::new(), "acknowledged but lost (seed {seed})");
    assert_eq!(doubled, Vec::<String>::new(), "happened twice (seed {seed})");
    back.sort();
    proof.report(&format!(
        "{kills} kills, {} acknowledged writes, 0 lost, 0 doubled; ready again after {:?} (median), {:?} (slowest)",
        acknowledged.len(),
        back[back.len() / 2],
        back[back.len() - 1],
    ));
    assert!(app.stop().expect("it stops").success());
}

/// Every organisation with its name, read in the database.
async fn organizations(app: &Installation) -> Vec<(String, String)> {
    let status = app.run(&["bus", "status"]).expect("the state of the log");
    assert!(status.contains("next_offset") || !status.is_empty());
    let rows = testkit::process::query(app, "SELECT name, org_id::text FROM identity.organizations").await;
    rows.expect("the database answers")
}

fn compare(acknowledged: &Acknowledged, existing: &[(String, String)]) -> (Vec<String>, Vec<String>) {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, _) in existing {
        *count.entry(name).or_default() += 1;
    }
    let there =
        |name: &String, id: &String| existing.iter().any(|(known, uuid)| known == name && same_id(id, uuid));
    let lost =
        acknowledged.iter().filter(|(name, id)| !there(name, id)).map(|(name, _)| name.clone()).collect();
    let doubled = count.into_iter().filter(|(_, n)| *n > 1).map(|(name, _)| name.to_owned()).collect();
    (lost, doubled)
}

fn same_id(type_id: &str, uuid: &str) -> bool {
    let parsed: Result<kernel::ids::OrgId, _> = type_id.parse();
    parsed.is_ok_and(|id| id.uuid().to_string() == uuid)
}

/// The comparison itself must be able to fail.
#[test]
fn a_lost_and_a_doubled_write_are_noticed() {
    let id = kernel::ids::OrgId::new(uuid::Uuid::from_u128(1));
    let acknowledged =
        Acknowledged::from([("a".to_owned(), id.to_string()), ("b".to_owned(), id.to_string())]);
    let row = |name: &str| (name.to_owned(), id.uuid().to_string());
    let (lost, doubled) = compare(&acknowledged, &[row("a"), row("a")]);
    assert_eq!((lost, doubled), (vec!["b".to_owned()], vec!["a".to_owned()]));
}
