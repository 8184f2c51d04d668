//! Orders from their creation to the doorstep while processes are killed at random: what was acknowledged is there, nobody was
//! given an order twice, no step happened twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use kernel::ids::OrderId;
use platform::lifecycle::pause;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::Proof;
use testkit::sandbox::{App, Cluster, Killer, Plan};
use testkit::schedule::{percentile, seed};
use tokio::task::JoinSet;

use crate::faults::seconds;
use crate::lunch::Town;

const CLIENTS: usize = 4;
/// A client that waits longer for one answer sends again.
const PATIENCE: Duration = Duration::from_secs(5);
/// What is not settled by then makes the proof fail.
const SETTLED: Duration = Duration::from_secs(90);
const STEPS: [&str; 6] = [
    "enroute_to_pickup",
    "arrived_at_pickup",
    "picked_up",
    "enroute_to_dropoff",
    "arrived_at_dropoff",
    "delivered",
];

/// Somebody with a session, who signs in again when it has ended.
struct Person {
    token: String,
    login: Value,
}

/// One who sends requests until they are answered.
struct Client {
    http: reqwest::Client,
    base: String,
    owner: Person,
    /// By their ids.
    drivers: BTreeMap<String, Person>,
    shop: String,
    name: usize,
}

impl Client {
    /// The answer of a request that is sent, with the same key, until it is a decided one.
    async fn settle(
        &mut self,
        who: Option<&str>,
        method: Method,
        path: &str,
        key: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        let begun = Instant::now();
        loop {
            let person =
                who.map_or(Some(&self.owner), |driver| self.drivers.get(driver)).context("a person")?;
            let mut request =
                self.http.request(method.clone(), format!("{}{path}", self.base)).bearer_auth(&person.token);
            if method == Method::POST {
                request = request.header("idempotency-key", key).json(body);
            }
            let sent = request.timeout(PATIENCE).send().await.ok();
            let status = sent.as_ref().map(|answer| answer.status().as_u16());
            let read: Option<Value> = match sent {
                Some(answer) => answer.json().await.ok(),
                None => None,
            };
            match (status, read) {
                (Some(200..300), Some(body)) => return Ok(body),
                (Some(401), _) => self.sign_in(who).await,
                // Still running elsewhere.
                (Some(409), Some(body)) if body["code"] == "idempotency_running" => {}
                // No answer, going away, limited, late.
                (None | Some(429 | 503 | 504), _) | (_, None) => {}
                (Some(other), Some(body)) => anyhow::bail!("{method} {path} {key}: {other} {body}"),
            }
            ensure!(begun.elapsed() < SETTLED, "{method} {path} {key} was not settled within {SETTLED:?}");
            pause(Duration::from_millis(20)).await;
        }
    }

    async fn sign_in(&mut self, who: Option<&str>) {
        let person = match who {
            None => &mut self.owner,
            Some(driver) => match self.drivers.get_mut(driver) {
                Some(person) => person,
                None => return,
            },
        };
        let url = format!("{}/api/v1/auth/login", self.base);
        let Ok(answer) = self.http.post(url).json(&person.login).timeout(PATIENCE).send().await else {
            return;
        };
        let Ok(body) = answer.json::<Value>().await else { return };
        if let Some(token) = body["access_token"].as_str() {
            token.clone_into(&mut person.token);
        }
    }

    /// From order to doorstep; every second order is given out by dispatch.
    async fn life(&mut self, number: usize) -> anyhow::Result<String> {
        let mut order = json!({ "shop_id": self.shop, "dropoff": {
            "street": "Hämeentie 1", "postcode": "00530", "city": "Helsinki", "position": { "lat": 60.18, "lon": 24.95 } } });
        if number.is_multiple_of(2) {
            let drivers: Vec<&String> = self.drivers.keys().collect();
            order["driver_id"] = json!(drivers[number / 2 % drivers.len()]);
        }
        let key = format!("client-{}-order-{number}", self.name);
        let made = self.settle(None, Method::POST, "/api/v1/orders", &key, &order).await?;
        let id = made["id"].as_str().context("an id")?.to_owned();
        let driver = self.driver_of(&id).await?;
        for status in STEPS {
            let mut body = json!({ "status": status });
            if status == "delivered" {
                body["outcome"] = "delivered_to_recipient".into();
            }
            let (path, key) = (format!("/api/v1/orders/{id}/status"), format!("{key}-{status}"));
            self.settle(Some(&driver), Method::POST, &path, &key, &body).await?;
        }
        Ok(id)
    }

    async fn driver_of(&mut self, order: &str) -> anyhow::Result<String> {
        let begun = Instant::now();
        loop {
            let path = format!("/api/v1/orders/{order}");
            let read = self.settle(None, Method::GET, &path, "", &Value::Null).await?;
            if let Some(driver) = read["driver_id"].as_str() {
                return Ok(driver.to_owned());
            }
            ensure!(begun.elapsed() < SETTLED, "nobody was found for {order}");
            pause(Duration::from_millis(50)).await;
        }
    }
}

/// A town with a shop and drivers, and clients who know them.
async fn open(folder: &std::path::Path) -> anyhow::Result<(Town, Vec<Client>)> {
    let cluster = Box::pin(Cluster::start(testkit::process::binary()?, folder, &Plan::apart())).await?;
    let app = App::Split(Box::new(cluster));
    let owner = app.first_run().await?.access_token;
    let town = Town { app, owner };
    let shop = town.shop(0, (60.170, 24.940)).await?;
    let mut drivers = Vec::new();
    for number in 0..CLIENTS * 2 {
        drivers.push(town.driver(number, (60.169, 24.938)).await?);
    }
    let path = "/api/v1/dispatch/policy";
    let read = town.app.http().get(town.app.url(path)).bearer_auth(&town.owner).send().await?;
    let etag = read.headers()["etag"].to_str()?.to_owned();
    let mut policy: Value = read.json().await?;
    policy["strategy"] = "nearest".into();
    policy["max_orders"] = 50.into();
    let put = town.app.http().put(town.app.url(path)).bearer_auth(&town.owner).header("if-match", etag);
    put.json(&policy).send().await?.error_for_status()?;
    let clients = (0..CLIENTS).map(|name| {
        let person = |number: usize, driver: &crate::lunch::Driver| {
            let login = json!({ "phone": format!("+49301231{number:05}"), "pin": "493827" });
            (driver.id.clone(), Person { token: driver.token.clone(), login })
        };
        let login = json!({ "email": "ada@example.org", "password": "correct horse battery" });
        Client {
            http: town.app.http().clone(),
            base: town.app.url(""),
            owner: Person { token: town.owner.clone(), login },
            drivers: drivers.iter().enumerate().map(|(number, driver)| person(number, driver)).collect(),
            shop: shop.clone(),
            name,
        }
    });
    let clients = clients.collect();
    Ok((town, clients))
}

/// Nothing that was acknowledged is missing, nothing happened twice.
async fn judge(town: &Town, delivered: &[String]) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !town.app.query("SELECT subject, '' FROM bus.outbox").await?.is_empty() {
        ensure!(begun.elapsed() < PATIENCE * 4, "the outbox is not emptied");
        pause(Duration::from_millis(50)).await;
    }
    let stand = "SELECT id::text, status FROM orders.orders";
    let stand: BTreeMap<String, String> = town.app.query(stand).await?.into_iter().collect();
    for order in delivered {
        let id: OrderId = order.parse()?;
        let status = stand
            .get(&id.uuid().to_string())
            .with_context(|| format!("{order} was acknowledged and is not there"))?;
        ensure!(status == "delivered", "{order} is {status}");
    }
    ensure!(stand.len() == delivered.len(), "{} orders were made of {}", stand.len(), delivered.len());
    for (what, question) in TWICE {
        let found = town.app.query(question).await?;
        ensure!(found.is_empty(), "{what}: {found:?}");
    }
    Ok(())
}

/// What must not be found.
const TWICE: [(&str, &str); 5] = [
    ("created twice", "SELECT key::text, count(*)::text FROM bus.log WHERE subject = 'order.created.v1' GROUP BY key HAVING count(*) > 1"),
    ("assigned twice", "SELECT key::text, count(*)::text FROM bus.log WHERE subject = 'order.assigned.v1' GROUP BY key HAVING count(*) > 1"),
    (
        "a step twice",
        "SELECT key::text, payload->>'to' FROM bus.log WHERE subject = 'order.status_changed.v1' GROUP BY key, payload->>'to'
         HAVING count(*) > 1",
    ),
    ("a version twice", "SELECT subject, key::text FROM bus.log GROUP BY subject, key, version HAVING count(*) > 1"),
    ("a hole in the log", "SELECT 'events', count(*)::text FROM bus.log HAVING count(*) <> coalesce(max(\"offset\"), 0)"),
];

async fn kills(proof: &Proof) -> anyhow::Result<()> {
    let (count, seed) = (proof.size(15, 200), seed(23));
    let dir = testkit::cluster::temp_dir("dropmate-order-kill-")?;
    let (mut town, clients) = Box::pin(open(dir.path())).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut running = JoinSet::new();
    for mut client in clients {
        let stop = Arc::clone(&stop);
        running.spawn(async move {
            let (mut delivered, mut number) = (Vec::new(), 0);
            while !stop.load(Ordering::Relaxed) {
                delivered.push(client.life(number).await?);
                number += 1;
            }
            anyhow::Ok(delivered)
        });
    }
    let mut back = Vec::new();
    let App::Split(cluster) = &mut town.app else { anyhow::bail!("a cluster was asked for") };
    for kill in Killer::new(seed, cluster.members.len()).take(count) {
        pause(kill.after).await;
        for victim in &kill.victims {
            cluster.members[*victim].kill()?;
        }
        cluster.supervise()?;
        if let Some(after) = kill.during_start {
            pause(after).await;
            cluster.members[kill.victims[0]].kill()?;
        }
        cluster.wait_ready().await?;
        let spawned = kill.victims.iter().filter_map(|victim| cluster.members[*victim].spawned()).max();
        back.push(spawned.context("it was started again")?.elapsed());
    }
    stop.store(true, Ordering::Relaxed);
    let mut delivered = Vec::new();
    while let Some(done) = running.join_next().await {
        delivered.extend(done?.with_context(|| format!("seed {seed}"))?);
    }
    judge(&town, &delivered).await.with_context(|| format!("seed {seed}"))?;
    let back = seconds(&mut back);
    town.app.stop()?;
    proof.report(&format!(
        "{count} kills of a random process of seven, {} orders carried from creation to the door ({} acknowledged requests): 0 lost, \
         0 assigned twice, 0 steps twice; all ready again {:.2} s (median), {:.2} s (slowest) after a respawn",
        delivered.len(),
        delivered.len() * (STEPS.len() + 1),
        percentile(&back, 0.5),
        percentile(&back, 1.0)
    ));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_order_kill() {
    let proof = Proof::new("split kill: orders under kills");
    Box::pin(kills(&proof)).await.unwrap_or_else(|error| panic!("{error:#}"));
}
