//! `bench ingest`: positions per CPU second of DropMate and its PostgreSQL together, in batches of 100 from 1,000 drivers over
//! HTTP, against `COPY` of the same rows into the same table, and one `INSERT` each beside it, alternating in one run.
//!
//! Only the server's processes count: the generator of the load, and what feeds `COPY`, do not.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use kernel::ids::DriverId;
use kernel::time::Timestamp;
use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};
use tokio::task::JoinSet;

use crate::load;
use crate::town::{Town, count, median};

/// How to measure.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Seconds of each round over HTTP.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Connections at once.
    #[arg(long, default_value_t = 8)]
    clients: usize,
    /// Drivers.
    #[arg(long, default_value_t = 1_000)]
    drivers: i32,
    /// Positions of one request.
    #[arg(long, default_value_t = 100)]
    batch: i64,
    /// How often the sides take turns.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// The program to measure.
    #[arg(long, default_value = "target/release/dropmate")]
    binary: PathBuf,
}

/// The columns of a position but the organisation.
const COLUMNS: &str = "driver_id, day, device_at, source, sequence, at, server_at, lat, lon, accuracy_m, speed_m_s, \
                       heading_deg, altitude_m, battery, clock_ahead";
/// Rows of one `COPY`.
const COPY_ROWS: usize = 50_000;
/// Rows that are inserted one by one, at most.
const SINGLE_ROWS: usize = 20_000;

/// Rows, and the CPU seconds that they took.
struct Cost {
    rows: u64,
    cpu: f64,
    seconds: f64,
}

impl Cost {
    fn per_cpu_second(&self) -> f64 {
        count(self.rows) / self.cpu
    }

    fn row(&self, name: &str, ratio: f64) {
        let (rate, cpu) = (count(self.rows) / self.seconds, self.per_cpu_second());
        println!("| {name} | {} | {rate:.0} | {cpu:.0} | {ratio:.2} |", self.rows);
    }
}

/// Measures and prints a table.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    let dir = testkit::cluster::temp_dir("dropmate-bench-")?;
    let mut town = Town::start(&options.binary, dir.path()).await?;
    let bench = Bench::prepare(&town, options).await?;
    println!("| side | positions | per second | per CPU second | of COPY |");
    println!("|---|---|---|---|---|");
    let (mut ratios, mut singles) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        let ours = bench.over_http().await?;
        let rows = bench.take().await?;
        ensure!(u64::try_from(rows.len())? == ours.rows, "{} of {} are in the table", rows.len(), ours.rows);
        let copied = bench.copy(&rows).await?;
        let single = bench.one_by_one(&rows).await?;
        for (name, cost) in [("DropMate", &ours), ("COPY", &copied), ("one INSERT each", &single)] {
            cost.row(name, cost.per_cpu_second() / copied.per_cpu_second());
        }
        ratios.push(ours.per_cpu_second() / copied.per_cpu_second());
        singles.push(ours.per_cpu_second() / single.per_cpu_second());
    }
    let ((copy, copies), (single, alone)) = (median(ratios), median(singles));
    println!("\nof COPY: median {copy:.2} ({copies}); of one INSERT each: median {single:.1} ({alone})");
    town.app.stop()
}

struct Bench<'a> {
    town: &'a Town,
    options: &'a Options,
    drivers: Arc<Vec<(String, AtomicI64)>>,
    /// Where the history of each driver begins.
    start_s: i64,
}

impl<'a> Bench<'a> {
    async fn prepare(town: &'a Town, options: &'a Options) -> anyhow::Result<Self> {
        let mut connection = PgConnection::connect_with(&town.app.admin_options()?).await?;
        let made = sqlx::query(
            "INSERT INTO tracking.drivers (org_id, id, version, active, profile)
             SELECT $1, gen_random_uuid(), 1, true, 'bicycle' FROM generate_series(1, $2) RETURNING id",
        )
        .bind(town.org()?.uuid())
        .bind(options.drivers)
        .fetch_all(&mut connection)
        .await?;
        let drivers =
            made.iter().map(|row| (DriverId::new(row.get("id")).to_string(), AtomicI64::new(0))).collect();
        let now: i64 =
            sqlx::query_scalar("SELECT extract(epoch FROM now())::bigint").fetch_one(&mut connection).await?;
        Ok(Self { town, options, drivers: Arc::new(drivers), start_s: now - 2 * 86_400 })
    }

    async fn measure(
        &self,
        cpu: impl Fn() -> anyhow::Result<f64>,
        work: impl Future<Output = anyhow::Result<u64>>,
    ) -> anyhow::Result<Cost> {
        let (before, begun) = (cpu()?, Instant::now());
        let rows = work.await?;
        Ok(Cost { rows, cpu: cpu()? - before, seconds: begun.elapsed().as_secs_f64() })
    }

    /// Every driver's phone hands in what it gathered, one batch after the other.
    async fn over_http(&self) -> anyhow::Result<Cost> {
        let turn = Arc::new(AtomicU64::new(0));
        let (drivers, batch, start_s) = (Arc::clone(&self.drivers), self.options.batch, self.start_s);
        let (http, token) = (self.town.app.http().clone(), self.town.owner.access_token.clone());
        let urls: Vec<String> = drivers
            .iter()
            .map(|(id, _)| self.town.app.url(&format!("/api/v1/drivers/{id}/location")))
            .collect();
        let make: load::Make = Arc::new(move |_, _| {
            let index = usize::try_from(turn.fetch_add(1, Ordering::Relaxed)).unwrap_or(0) % urls.len();
            let first = drivers[index].1.fetch_add(batch, Ordering::Relaxed);
            http.post(&urls[index]).bearer_auth(&token).json(&fixes(start_s, first, batch))
        });
        let length = Duration::from_secs(self.options.seconds);
        let work = async {
            let figures = load::run(self.options.clients, length, 207, make).await?;
            Ok(figures.count * u64::try_from(batch)?)
        };
        self.measure(|| self.town.cpu_seconds(), work).await
    }

    /// The rows that were written since the last time, as `COPY` reads them, without the organisation; they are taken away.
    async fn take(&self) -> anyhow::Result<Vec<String>> {
        let mut connection = PgConnection::connect_with(&self.town.app.admin_options()?).await?;
        let columns = COLUMNS.replace(", ", "::text, E'\\\\N'), coalesce(");
        let rows = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT concat_ws(E'\\t', coalesce({columns}::text, E'\\\\N')) FROM tracking.positions WHERE org_id = $1"
        )))
        .bind(self.town.org()?.uuid())
        .fetch_all(&mut connection)
        .await?;
        connection.execute("TRUNCATE tracking.positions").await?;
        Ok(rows)
    }

    async fn copy(&self, rows: &[String]) -> anyhow::Result<Cost> {
        let mut connection = PgConnection::connect_with(&self.town.app.admin_options()?).await?;
        let org = self.town.org()?.uuid();
        let chunks: Vec<String> = rows
            .chunks(COPY_ROWS)
            .map(|chunk| {
                chunk.iter().fold(String::new(), |mut text, row| {
                    // Writing to a string cannot fail.
                    let _ = writeln!(text, "{org}\t{row}");
                    text
                })
            })
            .collect();
        let work = async {
            for chunk in chunks {
                let mut copy = connection
                    .copy_in_raw(&format!("COPY tracking.positions (org_id, {COLUMNS}) FROM STDIN"))
                    .await?;
                copy.send(chunk.into_bytes()).await?;
                copy.finish().await?;
            }
            Ok(u64::try_from(rows.len())?)
        };
        let cost = self.measure(|| self.town.server.cpu_seconds(), work).await?;
        connection.execute("TRUNCATE tracking.positions").await?;
        Ok(cost)
    }

    async fn one_by_one(&self, rows: &[String]) -> anyhow::Result<Cost> {
        let org = self.town.org()?.uuid();
        let options = self.town.app.admin_options()?;
        let statement = format!(
            "INSERT INTO tracking.positions (org_id, {COLUMNS}) VALUES ($1, $2::text::uuid, $3::text::date, \
             $4::text::timestamptz, $5::text::uuid, $6::text::bigint, $7::text::timestamptz, $8::text::timestamptz, \
             $9::text::float8, $10::text::float8, $11::text::real, $12::text::real, $13::text::real, $14::text::real, \
             $15::text::real, $16::text::boolean)"
        );
        let rows = &rows[..rows.len().min(SINGLE_ROWS)];
        let work = async {
            let mut tasks = JoinSet::new();
            for part in rows.chunks(rows.len().div_ceil(self.options.clients).max(1)) {
                let (part, options, statement) = (part.to_vec(), options.clone(), statement.clone());
                tasks.spawn(async move {
                    let mut connection = PgConnection::connect_with(&options).await?;
                    for row in part {
                        let mut query = sqlx::query(sqlx::AssertSqlSafe(statement.clone())).bind(org);
                        for value in row.split('\t') {
                            query = query.bind((value != "\\N").then(|| value.to_owned()));
                        }
                        query.execute(&mut connection).await?;
                    }
                    anyhow::Ok(())
                });
            }
            while let Some(done) = tasks.join_next().await {
                done.context("a task")??;
            }
            Ok(u64::try_from(rows.len())?)
        };
        let cost = self.measure(|| self.town.server.cpu_seconds(), work).await?;
        let mut connection = PgConnection::connect_with(&options).await?;
        connection.execute("TRUNCATE tracking.positions").await?;
        Ok(cost)
    }
}

/// A ride at 1 Hz, 5 m/s to the north and back.
fn fixes(start_s: i64, first: i64, batch: i64) -> serde_json::Value {
    (first..first + batch)
        .map(|number| {
            let along = i32::try_from(number.rem_euclid(2_000)).unwrap_or(0);
            let north = f64::from(if along < 1_000 { along } else { 2_000 - along }) * 0.000_045;
            let at = moment(start_s + number);
            json!({
                "lat": 60.17 + north, "lon": 24.94, "at": at, "accuracy_m": 6.5, "speed_m_s": 5.0, "heading_deg": 0.0,
                "battery": 0.82, "sequence": number,
            })
        })
        .collect()
}

fn moment(second: i64) -> String {
    Timestamp::from_second(second).map(|at| at.to_string()).unwrap_or_default()
}
