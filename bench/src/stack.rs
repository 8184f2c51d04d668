//! `bench stack`: the same three endpoints (an order is created, an order is read, a driver says where it is) of DropMate and of
//! a plain NestJS + TypeORM application on the same PostgreSQL, alternating in one run: requests per CPU second of the
//! application, and its memory afterwards.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use kernel::time::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::load::{self, Figures};
use crate::node::{Node, free_port};
use crate::town::{self, Town, count, id_of, median};
use crate::usage::{anonymous_mib, cpu_seconds};

/// How to measure.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Seconds per measurement.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Clients, the same number on both sides.
    #[arg(long, default_value_t = 8)]
    clients: usize,
    /// How often the two sides take turns.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// The program to measure.
    #[arg(long, default_value = "target/release/dropmate")]
    binary: PathBuf,
}

/// An application: where it answers and as whom it is asked.
struct Side {
    name: &'static str,
    pid: u32,
    base: String,
    token: String,
    /// The body of a new order; an order and a driver that are there.
    order: Value,
    made: String,
    driver: String,
    http: reqwest::Client,
    /// Positions so far: each is new.
    fixes: Arc<AtomicI64>,
    start_s: i64,
}

const WORK: [&str; 3] = ["create an order", "read an order", "report a position"];

/// The status of a success: an order is created.
fn wanted(work: usize) -> u16 {
    if work == 0 { 201 } else { 200 }
}

/// Measures and prints a table.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    let dir = testkit::cluster::temp_dir("dropmate-bench-")?;
    let mut town = Town::start(&options.binary, dir.path()).await?;
    let node = peer(&town, dir.path()).await?;
    let sides = [ours(&town).await?, theirs(&town, &node).await?];
    let length = Duration::from_secs(options.seconds);
    println!("| endpoint | side | requests/s | p50 ms | p99 ms | requests per CPU s | ratio |");
    println!("|---|---|---|---|---|---|---|");
    let mut ratios = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..options.rounds {
        for (index, name) in WORK.into_iter().enumerate() {
            let mut figures = Vec::new();
            for side in &sides {
                let before = cpu_seconds(side.pid)?;
                let seen = load::run(options.clients, length, wanted(index), side.make(index)).await?;
                figures.push((count(seen.count) / (cpu_seconds(side.pid)? - before), seen));
            }
            let ratio = figures[0].0 / figures[1].0;
            for (side, (per_cpu, seen)) in sides.iter().zip(&figures) {
                let Figures { per_second, p50_ms, p99_ms, .. } = seen;
                let ratio = if side.pid == town.pid { format!("{ratio:.1}") } else { "1".to_owned() };
                println!(
                    "| {name} | {} | {per_second:.0} | {p50_ms:.2} | {p99_ms:.2} | {per_cpu:.0} | {ratio} |",
                    side.name
                );
            }
            ratios[index].push(ratio);
        }
    }
    for (name, all) in WORK.into_iter().zip(ratios) {
        let (middle, range) = median(all);
        println!("\n{name}: {middle:.1} x the requests per CPU second ({range})");
    }
    let (mine, other) = (anonymous_mib(town.pid)?, anonymous_mib(node.pid())?);
    println!("memory after the load: {mine:.1} MiB against {other:.1} MiB: {:.2}", mine / other);
    town.app.stop()
}

impl Side {
    fn make(&self, work: usize) -> load::Make {
        let (http, token, base) = (self.http.clone(), self.token.clone(), self.base.clone());
        let (order, made, driver) = (self.order.clone(), self.made.clone(), self.driver.clone());
        let (fixes, start_s) = (Arc::clone(&self.fixes), self.start_s);
        Arc::new(move |_, _| {
            let request = match work {
                0 => http.post(format!("{base}/orders")).json(&order),
                1 => http.get(format!("{base}/orders/{made}")),
                _ => {
                    let number = fixes.fetch_add(1, Ordering::Relaxed);
                    let at = Timestamp::from_second(start_s + number).unwrap_or(Timestamp::UNIX_EPOCH);
                    let fix = json!({ "lat": 60.17, "lon": 24.94, "at": at, "accuracy_m": 6.5, "sequence": number });
                    http.post(format!("{base}/drivers/{driver}/location")).json(&fix)
                }
            };
            request.bearer_auth(&token)
        })
    }
}

async fn now_s(town: &Town) -> anyhow::Result<i64> {
    Ok(town.app.query("SELECT extract(epoch FROM now())::bigint::text, ''").await?[0].0.parse()?)
}

async fn ours(town: &Town) -> anyhow::Result<Side> {
    let (shop, driver) = (town.shop().await?, town.driver(1).await?);
    let made = town.post("/api/v1/orders", &town.owner.access_token, town::order(&shop)).await?;
    let path = format!("/api/v1/drivers/{}/location", driver.id);
    // Tracking hears of the driver a moment later.
    for _ in 0..100 {
        let fix = json!({ "lat": 60.17, "lon": 24.94 });
        let (status, _) = town.app.call(Method::POST, &path, &town.owner.access_token, &fix).await?;
        if status == 200 {
            break;
        }
        platform::lifecycle::pause(Duration::from_millis(50)).await;
    }
    Ok(Side {
        name: "DropMate",
        pid: town.pid,
        base: town.app.url("/api/v1"),
        token: town.owner.access_token.clone(),
        order: town::order(&shop),
        made: id_of(&made)?,
        driver: driver.id,
        http: town.app.http().clone(),
        fixes: Arc::default(),
        start_s: now_s(town).await? - 86_400,
    })
}

/// The application beside it, with a schema and a role of its own in the same database.
async fn peer(town: &Town, folder: &Path) -> anyhow::Result<Node> {
    let mut connection = PgConnection::connect_with(&town.app.admin_options()?).await?;
    let password = "only-for-this-bench";
    connection
        .execute(AssertSqlSafe(format!(
            "CREATE ROLE peer_bench LOGIN PASSWORD '{password}'; CREATE SCHEMA peer AUTHORIZATION peer_bench"
        )))
        .await?;
    let port = free_port()?;
    let environment = [
        ("PEER_SOCKET", town.server.socket.clone()),
        ("PEER_PORT", town.server.port.clone()),
        ("PEER_USER", "peer_bench".to_owned()),
        ("PEER_PASSWORD", password.to_owned()),
        ("PEER_SECRET", format!("a secret of this run {}", folder.display())),
        ("PEER_ORG", town.org()?.uuid().to_string()),
        ("PEER_LISTEN", port.to_string()),
    ];
    Node::start("nestjs", "dist/main.js", port, &environment)
}

async fn theirs(town: &Town, node: &Node) -> anyhow::Result<Side> {
    let (base, http) = (format!("http://127.0.0.1:{}", node.port), town.app.http().clone());
    let order = town::order("shop");
    let made = http.post(format!("{base}/orders")).bearer_auth(&node.said).json(&order).send().await?;
    ensure!(made.status().as_u16() == 201, "the peer refuses: {}", made.text().await?);
    let made: Value = made.json().await?;
    let start_s = now_s(town).await? - 86_400;
    let driver: String = made["id"].as_str().context("an id")?.to_owned();
    let made = driver.clone();
    let (name, fixes, token, pid) = ("NestJS", Arc::default(), node.said.clone(), node.pid());
    Ok(Side { name, pid, base, token, order, made, driver, http, fixes, start_s })
}
