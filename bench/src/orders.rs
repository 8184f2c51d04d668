//! `bench orders`: creating an order, and its whole life from creation to the doorstep, against pgbench with the statements
//! that the service sent for the same ([`crate::transcript`]), alternating in one run.
//!
//! The program runs meanwhile on both sides: sequencer and consumers take their part of the machine from each.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hdrhistogram::Histogram;
use kernel::ids::{DriverId, ShopId, Uuid};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::load::{self, Figures};
use crate::pgbench::Peer;
use crate::town::{self, Driver, Town, count, median};
use crate::transcript::Recorder;

/// How to measure.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Seconds per measurement.
    #[arg(long, default_value_t = 10)]
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

const ROLE: &str = "dropmate_orders";
const STEPS: [&str; 6] = [
    "enroute_to_pickup",
    "arrived_at_pickup",
    "picked_up",
    "enroute_to_dropoff",
    "arrived_at_dropoff",
    "delivered",
];

/// Measures and prints a table.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    let dir = testkit::cluster::temp_dir("dropmate-bench-")?;
    let mut town = Town::start(&options.binary, dir.path()).await?;
    let bench = Bench::prepare(&town, options).await?;
    let create = bench.record("created", dir.path(), false).await?;
    let life = bench.record("delivered", dir.path(), true).await?;
    let peer = Peer::new(&town.server, ROLE);
    let length = Duration::from_secs(options.seconds);
    println!("| measurement | per second | p50 ms | p99 ms | of pgbench |");
    println!("|---|---|---|---|---|");
    let mut ratios = [Vec::new(), Vec::new()];
    for _ in 0..options.rounds {
        let ours = [bench.creating(length).await?, bench.living(length).await?];
        let theirs = [peer.run(&create, options.clients, length)?, peer.run(&life, options.clients, length)?];
        for (index, name) in ["create", "life cycle (7 requests)"].into_iter().enumerate() {
            let ratio = ours[index].per_second / theirs[index].per_second;
            row(name, &ours[index], ratio);
            row(&format!("pgbench, {name}"), &theirs[index], 1.0);
            ratios[index].push(ratio);
        }
    }
    let [create, life] = ratios.map(median);
    println!(
        "\nof pgbench: create median {:.2} ({}), life cycle median {:.2} ({})",
        create.0, create.1, life.0, life.1
    );
    town.app.stop()
}

fn row(name: &str, figures: &Figures, ratio: f64) {
    let Figures { per_second, p50_ms, p99_ms, .. } = figures;
    println!("| {name} | {per_second:.0} | {p50_ms:.2} | {p99_ms:.2} | {ratio:.2} |");
}

/// Who orders and who carries.
#[derive(Clone)]
struct Work {
    town: Arc<Parts>,
    shop: String,
    drivers: Arc<Vec<Driver>>,
}

/// What requests are made of.
struct Parts {
    http: reqwest::Client,
    base: String,
    owner: String,
}

struct Bench<'a> {
    town: &'a Town,
    work: Work,
    clients: usize,
}

impl<'a> Bench<'a> {
    async fn prepare(town: &'a Town, options: &Options) -> anyhow::Result<Self> {
        let shop = town.shop().await?;
        let mut drivers = Vec::new();
        for number in 0..options.clients {
            drivers.push(town.driver(number).await?);
        }
        let parts = Parts {
            http: town.app.http().clone(),
            base: town.app.url(""),
            owner: town.owner.access_token.clone(),
        };
        let work = Work { town: Arc::new(parts), shop, drivers: Arc::new(drivers) };
        Ok(Self { town, work, clients: options.clients })
    }

    /// The statements of one order.
    async fn record(&self, name: &str, folder: &Path, whole: bool) -> anyhow::Result<PathBuf> {
        // What comes only once (caches, prepared statements, keys) is not of interest.
        self.work.life(0).await?;
        let options = self.town.app.admin_options()?;
        let recorder = Recorder::start(&self.town.server, &options, ROLE).await?;
        let made = if whole { self.work.life(0).await? } else { self.work.create(None).await? };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let mut new: Vec<String> =
            ["number", "tracking_code"].iter().filter_map(|name| text(&made[name])).collect();
        new.extend(
            made["packages"].as_array().into_iter().flatten().filter_map(|one| text(&one["tracking_number"])),
        );
        ensure!(new.len() == 3, "numbers and codes: {made}");
        let shop: ShopId = self.work.shop.parse()?;
        let mut known: Vec<Uuid> = vec![self.town.org()?.uuid(), shop.uuid()];
        for driver in self.work.drivers.iter() {
            known.push(driver.id.parse::<DriverId>()?.uuid());
        }
        recorder.finish(name, &known, &new, folder).await
    }

    async fn creating(&self, length: Duration) -> anyhow::Result<Figures> {
        let (work, body) = (self.work.clone(), town::order(&self.work.shop));
        let make: load::Make = Arc::new(move |_, _| {
            let url = format!("{}/api/v1/orders", work.town.base);
            work.town.http.post(url).bearer_auth(&work.town.owner).json(&body)
        });
        load::run(self.clients, length, 201, make).await
    }

    async fn living(&self, length: Duration) -> anyhow::Result<Figures> {
        let begun = Instant::now();
        let mut tasks = JoinSet::new();
        for client in 0..self.clients {
            let work = self.work.clone();
            tasks.spawn(async move {
                let mut latencies = Histogram::<u64>::new(3)?;
                while begun.elapsed() < length {
                    let sent = Instant::now();
                    work.life(client).await?;
                    latencies.record(u64::try_from(sent.elapsed().as_micros())?)?;
                }
                anyhow::Ok(latencies)
            });
        }
        let mut all = Histogram::<u64>::new(3)?;
        while let Some(done) = tasks.join_next().await {
            all.add(done.context("a client")??)?;
        }
        let ms = |quantile| count(all.value_at_quantile(quantile)) / 1000.0;
        let per_second = count(all.len()) / begun.elapsed().as_secs_f64();
        Ok(Figures { per_second, count: all.len(), p50_ms: ms(0.5), p99_ms: ms(0.99) })
    }
}

impl Work {
    async fn post(&self, path: &str, token: &str, body: &Value) -> anyhow::Result<Value> {
        let url = format!("{}{path}", self.town.base);
        let answer = self.town.http.post(url).bearer_auth(token).json(body).send().await?;
        let status = answer.status();
        let body: Value = answer.json().await?;
        ensure!(status.is_success(), "{path}: {status} {body}");
        Ok(body)
    }

    async fn create(&self, driver: Option<&Driver>) -> anyhow::Result<Value> {
        let mut body = town::order(&self.shop);
        if let Some(driver) = driver {
            body["driver_id"] = json!(driver.id);
        }
        self.post("/api/v1/orders", &self.town.owner, &body).await
    }

    /// From order to doorstep, by the driver of one client; the order as it was made.
    async fn life(&self, client: usize) -> anyhow::Result<Value> {
        let driver = self.drivers.get(client).context("a driver")?;
        let made = self.create(Some(driver)).await?;
        let path = format!("/api/v1/orders/{}/status", town::id_of(&made)?);
        for status in STEPS {
            let body = if status == "delivered" {
                json!({ "status": status, "outcome": "delivered_to_recipient" })
            } else {
                json!({ "status": status })
            };
            self.post(&path, &driver.token, &body).await?;
        }
        Ok(made)
    }
}
