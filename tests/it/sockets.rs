//! Thousands of sockets follow orders while much happens and the gateway is killed: every client that comes back with the last
//! place that it knows hears everything, in order, once.

mod listeners;

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use kernel::ids::{OrgId, Uuid};
use kernel::random::Random;
use kernel::time::Clock as _;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use platform::clock::SystemClock;
use platform::lifecycle::pause;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use testkit::Proof;
use testkit::sandbox::{App, Cluster, Plan};
use testkit::schedule::seed;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinSet;

use crate::lunch::Town;

/// Events that are published in a second, and how many at once.
const PER_S: u32 = 300;
const AT_ONCE: u32 = 15;
/// Files that a process has open besides its sockets.
const OTHER_FILES: u64 = 500;
/// How long the other process may take for anything.
const PATIENCE: Duration = Duration::from_mins(5);

/// The process that holds the sockets.
struct Holder {
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Holder {
    fn start() -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--exact", "sockets::listeners::holder", "--ignored", "--nocapture"]);
        command.env(listeners::MARK, "1").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn()?;
        let input = process.stdin.take().context("its input")?;
        let output = BufReader::new(process.stdout.take().context("its output")?).lines();
        Ok(Self { _process: process, input, output })
    }

    async fn tell(&mut self, line: &Value) -> anyhow::Result<()> {
        self.input.write_all(format!("{line}\n").as_bytes()).await?;
        Ok(self.input.flush().await?)
    }

    /// The next of its lines; a test program says other things too.
    async fn hear(&mut self) -> anyhow::Result<Value> {
        let heard = async {
            while let Some(line) = self.output.next_line().await? {
                if let Ok(said @ Value::Object(_)) = serde_json::from_str(&line) {
                    return Ok(said);
                }
            }
            anyhow::bail!("the process that holds the sockets has ended")
        };
        tokio::time::timeout(PATIENCE, heard).await.context("it says nothing")?
    }
}

/// What happens, as tracking publishes it: numbered for each order.
struct Publisher {
    database: PgConnection,
    org: Uuid,
    orders: Vec<String>,
    random: Random,
    /// How many each order had.
    published: Vec<usize>,
    all: i64,
}

impl Publisher {
    /// Publishes for some time, evenly; how many each order had.
    async fn run(mut self, time: Duration) -> anyhow::Result<Vec<usize>> {
        let (begun, every) = (Instant::now(), Duration::from_secs(1) * AT_ONCE / PER_S);
        let mut due = Duration::ZERO;
        while due < time {
            pause(due.saturating_sub(begun.elapsed())).await;
            self.publish().await?;
            due += every;
        }
        Ok(self.published)
    }

    async fn publish(&mut self) -> anyhow::Result<()> {
        let at = SystemClock.now();
        let mut payloads = Vec::new();
        for _ in 0..AT_ONCE {
            let index = usize::try_from(self.random.below(u64::try_from(self.orders.len())?))?;
            self.published[index] += 1;
            payloads.push(json!({
                "order_id": self.orders[index], "kind": listeners::KIND, "attempt": self.published[index], "at": at,
            }));
        }
        let first = self.all;
        self.all += i64::from(AT_ONCE);
        let mut tx = self.database.begin().await?;
        sqlx::query("SET LOCAL SESSION AUTHORIZATION dropmate_tracking").execute(&mut *tx).await?;
        sqlx::query(
            "SELECT bus.publish(array_agg(gen_random_uuid()), array_agg($1::uuid), array_agg('delivery.updated.v1'::text),
                    array_agg('00000000-0000-7000-8000-000000000001'::uuid), array_agg($2 + n ORDER BY n),
                    array_agg(payload ORDER BY n), array_agg('test'::text), array_agg(NULL::text), array_agg(now()))
               FROM unnest($3::jsonb[]) WITH ORDINALITY AS e (payload, n)",
        )
        .bind(self.org)
        .bind(first)
        .bind(payloads)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        // Who publishes wakes its sequencer.
        sqlx::query("SELECT bus.advance(1000)").execute(&mut self.database).await?;
        Ok(())
    }
}

/// This process, and those that it starts, may have so many files open.
fn allow_files(count: u64) -> anyhow::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    ensure!(hard >= count, "{count} open files are needed, and at most {hard} are allowed");
    Ok(setrlimit(Resource::RLIMIT_NOFILE, soft.max(count), hard)?)
}

/// Memory of a process that is in use, in kilobytes.
fn resident_kb(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn cluster_of(town: &mut Town) -> anyhow::Result<&mut Cluster> {
    match &mut town.app {
        App::Split(cluster) => Ok(cluster),
        App::Whole(_) => anyhow::bail!("a cluster was asked for"),
    }
}

/// An installation with orders: their ids, and the codes of their public pages.
async fn open(folder: &std::path::Path, count: usize) -> anyhow::Result<(Town, Uuid, Vec<(String, String)>)> {
    let cluster = Box::pin(Cluster::start(testkit::process::binary()?, folder, &Plan::apart())).await?;
    let app = App::Split(Box::new(cluster));
    let owner = app.first_run().await?;
    let org: OrgId = owner.organization_id.parse()?;
    let town = Town { app, owner: owner.access_token };
    let shop = town.shop(0, (60.170, 24.940)).await?;
    // Orders hears of the shop a little later.
    let begun = Instant::now();
    while town.order(&shop, 0).await.is_err() {
        ensure!(begun.elapsed() < PATIENCE, "the shop is not known");
        pause(Duration::from_millis(50)).await;
    }
    let orders = futures::stream::iter(0..count).map(|number| town.order(&shop, number)).buffered(8);
    let orders = orders.try_collect().await?;
    Ok((town, org.uuid(), orders))
}

async fn run(proof: &Proof) -> anyhow::Result<()> {
    let (sockets, topics) = (proof.size(300, 5_000), proof.size(60, 1_000));
    let (time, seed) = (Duration::from_secs(proof.size(16, 240)), seed(43));
    allow_files(sockets + OTHER_FILES)?;
    let dir = testkit::cluster::temp_dir("dropmate-sockets-")?;
    let (mut town, org, orders) = Box::pin(open(dir.path(), topics)).await?;
    let (orders, codes): (Vec<String>, Vec<String>) = orders.into_iter().unzip();
    let gateway = cluster_of(&mut town)?.member("gateway")?.pid().context("a gateway")?;
    let before = resident_kb(gateway)?;
    let mut holder = Holder::start()?;
    let task = json!({
        "base": town.app.url(""), "token": town.owner, "orders": orders, "codes": codes, "sockets": sockets, "seed": seed,
        "return_ms": proof.size(500, 2_000),
    });
    holder.tell(&task).await?;
    holder.hear().await?;
    let per_socket_kb = resident_kb(gateway)?.saturating_sub(before) / sockets;

    let publisher = Publisher {
        database: PgConnection::connect_with(&town.app.admin_options()?).await?,
        org,
        published: vec![0; orders.len()],
        orders,
        random: Random::seeded(seed),
        all: 1_000_000,
    };
    let mut publishing = JoinSet::new();
    publishing.spawn(publisher.run(time));
    let begun = Instant::now();
    let mut kills = (1..=3).map(|number| time * number / 4).peekable();
    let numbers = loop {
        let cluster = cluster_of(&mut town)?;
        if kills.next_if(|when| begun.elapsed() >= *when).is_some() {
            cluster.member("gateway")?.kill()?;
        }
        cluster.supervise()?;
        if let Ok(Some(done)) = tokio::time::timeout(Duration::from_millis(50), publishing.join_next()).await
        {
            break done??;
        }
    };
    ensure!(kills.peek().is_none(), "not all kills were made");
    holder.tell(&json!(numbers)).await?;
    let heard = holder.hear().await?;
    ensure!(cluster_of(&mut town)?.member("gateway")?.starts() == 4, "the gateway has ended by itself");
    verdict(proof, &heard, sockets, per_socket_kb)?;
    cluster_of(&mut town)?.wait_ready().await?;
    town.app.stop()
}

fn verdict(proof: &Proof, heard: &Value, sockets: u64, per_socket_kb: u64) -> anyhow::Result<()> {
    let number = |member: &str| heard[member].as_f64().unwrap_or(f64::NAN);
    let report = format!(
        "{sockets} sockets, {PER_S} events a second, the gateway killed 3 times: {} messages, {} missing, {} out of order, \
         {} doubled, {} left out by clients; all back after at most {:.1} s; event to client p50 {:.0} ms, p99 {:.0} ms when \
         steady; {per_socket_kb} KB of the gateway for an idle socket",
        number("heard"),
        number("missing"),
        number("out_of_order"),
        number("duplicates"),
        number("repeated"),
        number("longest_break_ms") / 1_000.0,
        number("p50_ms"),
        number("p99_ms"),
    );
    proof.report(&report);
    for fault in ["resyncs", "missing", "out_of_order", "duplicates", "gaps"] {
        ensure!(heard[fault] == 0, "{fault}: {heard}");
    }
    ensure!(number("heard") > 0.0 && number("steady") > 0.0 && number("breaks") > 0.0, "{heard}");
    // Other tests run beside the small size.
    ensure!(number("p99_ms") < proof.size(2_000.0, 500.0), "{heard}");
    ensure!(number("longest_break_ms") < 60_000.0, "{heard}");
    // With few sockets what the process needs anyway weighs more.
    ensure!(!proof.is_full() || per_socket_kb < 30, "{report}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_sockets() {
    let proof = Proof::new("sockets that stay connected");
    Box::pin(run(&proof)).await.unwrap_or_else(|error| panic!("{error:#}"));
}
