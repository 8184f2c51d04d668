//! Clients that write: each with a fresh idempotency key for every write, which it keeps until it has an answer. An
//! unknown result is settled by sending the same request with the same key again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kernel::ids::OrgId;
use serde_json::{Value, json};
use testkit::sandbox::{OpLog, Outcome};
use tokio::task::JoinSet;

/// How many write at once.
pub const CLIENTS: usize = 8;
/// A client that waits longer for one answer sends again.
const PATIENCE: Duration = Duration::from_secs(5);
/// A write that is not settled by then makes the test fail.
const SETTLED: Duration = Duration::from_secs(90);

/// Running clients.
pub struct Load {
    stop: Arc<AtomicBool>,
    clients: JoinSet<OpLog>,
}

/// With what they write.
#[derive(Clone)]
pub struct Writer {
    pub http: reqwest::Client,
    pub url: String,
    pub token: String,
}

impl Load {
    /// Starts them. Everything that they create is called `client-...`.
    pub fn start(writer: &Writer) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for name in 0..CLIENTS {
            clients.spawn(client(writer.clone(), name, Arc::clone(&stop)));
        }
        Self { stop, clients }
    }

    /// Lets each settle its last write; what all of them saw.
    pub async fn finish(mut self) -> OpLog {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = OpLog::default();
        while let Some(client) = self.clients.join_next().await {
            all.extend(client.expect("a client"));
        }
        all
    }
}

async fn client(writer: Writer, name: usize, stop: Arc<AtomicBool>) -> OpLog {
    let mut seen = OpLog::default();
    let mut count = 0;
    while !stop.load(Ordering::SeqCst) {
        count += 1;
        let key = format!("client-{name}-write-{count}");
        let begun = Instant::now();
        let outcome = writer.settle(&key).await;
        seen.note(key, outcome, begun.elapsed());
    }
    seen
}

impl Writer {
    /// Sends until there is an answer.
    pub async fn settle(&self, key: &str) -> Outcome {
        let begun = Instant::now();
        loop {
            match self.send(key).await {
                Some((201, body)) => return Outcome::Ok(body["id"].as_str().expect("an id").to_owned()),
                // Still running elsewhere, going away, limited, late, or no answer at all: the same key again.
                None | Some((409 | 429 | 503 | 504, _)) => {}
                Some((other, body)) => panic!("{key}: {other} {body}"),
            }
            assert!(begun.elapsed() < SETTLED, "{key} was not settled within {SETTLED:?}");
            platform::lifecycle::pause(Duration::from_millis(15)).await;
        }
    }

    /// Once; `None` without an answer.
    pub async fn send(&self, key: &str) -> Option<(u16, Value)> {
        let body = json!({ "name": key, "time_zone": "Europe/Berlin", "currency": "EUR" });
        let request = self.http.post(&self.url).bearer_auth(&self.token).header("Idempotency-Key", key);
        let answer = request.json(&body).timeout(PATIENCE).send().await.ok()?;
        let status = answer.status().as_u16();
        // A body that breaks off is no answer.
        Some((status, answer.json().await.ok()?))
    }
}

/// What the clients made, read in the database: name and id.
pub fn created(rows: Vec<(String, String)>) -> Vec<(String, String)> {
    let id = |uuid: &str| OrgId::new(uuid.parse().expect("a UUID")).to_string();
    rows.into_iter().map(|(name, uuid)| (name, id(&uuid))).collect()
}

/// The question for it.
pub const CREATED: &str =
    "SELECT name, org_id::text FROM identity.organizations WHERE name LIKE 'client-%' OR name LIKE 'probe-%'";

/// What must hold in the log and the trail whatever was done to the processes: gapless offsets, one creation per
/// organisation, no version twice, nothing set aside.
pub const SOUND: &str = "
    SELECT 'hole in the log', count(*)::text FROM bus.log HAVING count(*) <> coalesce(max(\"offset\"), 0)
    UNION ALL SELECT 'rejected', count(*)::text FROM bus.rejected HAVING count(*) > 0
    UNION ALL SELECT 'creations of ' || key, count(*)::text FROM bus.log
               WHERE subject = 'organization.created.v1' GROUP BY key HAVING count(*) > 1
    UNION ALL SELECT 'organisation without its event: ' || name, '' FROM identity.organizations o
               WHERE NOT EXISTS (SELECT FROM bus.log l WHERE l.subject = 'organization.created.v1' AND l.key = o.org_id)
                 AND NOT EXISTS (SELECT FROM bus.outbox x WHERE x.subject = 'organization.created.v1' AND x.key = o.org_id)
    UNION ALL SELECT 'event of nothing: ' || l.key, '' FROM bus.log l
               WHERE l.subject = 'organization.created.v1'
                 AND NOT EXISTS (SELECT FROM identity.organizations o WHERE o.org_id = l.key)
    UNION ALL SELECT 'trail of ' || object_id, count(*)::text FROM platform.audit_entries
               WHERE action = 'create_organization' GROUP BY object_id HAVING count(*) > 1";
