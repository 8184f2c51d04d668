//! `bench http`: the whole stack (edge, gate, forward, handler, transaction, events, audit, idempotency) against pgbench
//! doing the same in the database, with the sequencer running in both, alternating in one run. With `--split` the same
//! requests also go to a gateway and an identity in processes of their own, on a PostgreSQL with the same settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde_json::json;
use testkit::Installation;
use testkit::process::SignedIn;
use testkit::sandbox::{App, Cluster, Plan};

use crate::load::{self, Figures};
use crate::pgbench::Peer;
use crate::server::Server;
use crate::usage::{anonymous_mib, cpu_seconds};

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
    /// Also measure gateway and identity in processes of their own, beside the single process.
    #[arg(long)]
    split: bool,
}

/// Measures and prints a table.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    anyhow::ensure!(options.binary.is_file(), "build it first: cargo build --release -p dropmate");
    let dir = testkit::cluster::temp_dir("dropmate-bench-")?;
    let mut app = Installation::new(options.binary.clone(), &dir.path().join("data"))?;
    app.start().await?;
    let pid = app.pid().context("it does not run")?;
    platform::lifecycle::pause(Duration::from_secs(3)).await;
    let idle = anonymous_mib(pid)?;
    let peer = Peer::new(&Server::of(app.data())?, "dropmate_identity");
    let mut shapes = vec![Shape::of("", App::Whole(app), vec![pid]).await?];
    if options.split {
        let cluster =
            Box::pin(Cluster::start(options.binary.clone(), &dir.path().join("split"), &Plan::default()))
                .await?;
        let pids = cluster.members.iter().filter_map(testkit::sandbox::Member::pid).collect();
        shapes.push(Shape::of(", split", App::Split(Box::new(cluster)), pids).await?);
    }
    let length = Duration::from_secs(options.seconds);
    println!("| measurement | requests/s | p50 ms | p99 ms | of pgbench | CPU s per 1,000 |");
    println!("|---|---|---|---|---|---|");
    let mut measured = vec![[Vec::new(), Vec::new()]; shapes.len()];
    for round in 0..options.rounds {
        let side = Side { peer: &peer, clients: options.clients, length, dir: dir.path() };
        // The peer replays what the single process sends, in its database; both shapes are compared with that one run.
        let reads = side.read(&shapes).await?;
        let writes = side.write(&shapes, round).await?;
        for (all, (read, write)) in measured.iter_mut().zip(reads.into_iter().zip(writes)) {
            all[0].push(read);
            all[1].push(write);
        }
    }
    for (shape, all) in shapes.iter().zip(&mut measured) {
        for (name, ratios) in ["authenticated read", "idempotent write"].iter().zip(all) {
            ratios.sort_by(f64::total_cmp);
            let median = ratios[ratios.len() / 2];
            println!("\n{name}{}: median ratio to pgbench {median:.2} (of {ratios:?})", shape.name);
        }
    }
    let size = std::fs::metadata(&options.binary)?.len();
    println!("idle anonymous memory {idle:.1} MiB; after the load {:.1} MiB", anonymous_mib(pid)?);
    println!("binary {:.1} MB", f64::from(u32::try_from(size / 1000)?) / 1000.0);
    shapes.iter_mut().try_for_each(|shape| shape.app.stop())
}

/// A running installation, and who is signed in to it.
struct Shape {
    /// Behind the name of a measurement.
    name: &'static str,
    app: App,
    pids: Vec<u32>,
    owner: SignedIn,
    operator: String,
}

impl Shape {
    async fn of(name: &'static str, app: App, pids: Vec<u32>) -> anyhow::Result<Self> {
        let owner = app.first_run().await?;
        let operator = app.operator(&owner).await?;
        Ok(Self { name, app, pids, owner, operator })
    }

    fn cpu_seconds(&self) -> anyhow::Result<f64> {
        self.pids.iter().map(|pid| cpu_seconds(*pid)).sum()
    }
}

struct Side<'a> {
    peer: &'a Peer,
    clients: usize,
    length: Duration,
    dir: &'a Path,
}

impl Side<'_> {
    async fn read(&self, shapes: &[Shape]) -> anyhow::Result<Vec<f64>> {
        let make = |shape: &Shape| -> load::Make {
            let url = shape.app.url(&format!("/api/v1/organizations/{}", shape.owner.organization_id));
            let (http, token) = (shape.app.http().clone(), shape.owner.access_token.clone());
            Arc::new(move |_, _| http.get(&url).bearer_auth(&token))
        };
        let script = self.script("read", &read_script(&shapes[0].owner)?)?;
        self.compare("authenticated read", 200, shapes, make, &script).await
    }

    async fn write(&self, shapes: &[Shape], round: usize) -> anyhow::Result<Vec<f64>> {
        let make = |shape: &Shape| -> load::Make {
            let url = shape.app.url("/api/v1/organizations");
            let (http, token) = (shape.app.http().clone(), shape.operator.clone());
            Arc::new(move |client, turn| {
                let body = json!({ "name": format!("Shop {client}-{turn}"), "time_zone": "Europe/Berlin", "currency": "EUR" });
                let key = format!("bench-{round}-{client}-{turn}");
                http.post(&url).bearer_auth(&token).header("Idempotency-Key", key).json(&body)
            })
        };
        let user = shapes[0].app.query("SELECT id::text, '' FROM identity.users").await?[0].0.clone();
        let script = self.script("write", &write_script(&user, round))?;
        self.compare("idempotent write", 201, shapes, make, &script).await
    }

    fn script(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.dir.join(format!("{name}.sql"));
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// Each shape in turn, then the peer; the ratios in the order of the shapes.
    async fn compare(
        &self,
        name: &str,
        wanted: u16,
        shapes: &[Shape],
        make: impl Fn(&Shape) -> load::Make,
        script: &Path,
    ) -> anyhow::Result<Vec<f64>> {
        let mut all = Vec::new();
        for shape in shapes {
            let before = shape.cpu_seconds()?;
            let ours = load::run(self.clients, self.length, wanted, make(shape)).await?;
            let cpu = (shape.cpu_seconds()? - before) * 1000.0 / f64::from(u32::try_from(ours.count)?);
            all.push((shape, ours, cpu));
        }
        let theirs = self.peer.run(script, self.clients, self.length)?;
        let mut ratios = Vec::new();
        for (shape, ours, cpu) in all {
            let ratio = ours.per_second / theirs.per_second;
            row(&format!("{name}{}", shape.name), &ours, &format!("{ratio:.2}"), &format!("{cpu:.2}"));
            ratios.push(ratio);
        }
        row(&format!("pgbench, {name}"), &theirs, "1", "");
        Ok(ratios)
    }
}

fn row(name: &str, figures: &Figures, ratio: &str, cpu: &str) {
    let Figures { per_second, p50_ms, p99_ms, .. } = figures;
    println!("| {name} | {per_second:.0} | {p50_ms:.2} | {p99_ms:.2} | {ratio} | {cpu} |");
}

/// What `get_organization` sends.
fn read_script(owner: &SignedIn) -> anyhow::Result<String> {
    let org: testkit::OrgId = owner.organization_id.parse()?;
    let org = org.uuid();
    Ok(format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY\\; SET LOCAL dropmate.org = '{org}';\n\
         SELECT org_id, version, name, time_zone, currency, created_at, updated_at FROM identity.organizations \
         WHERE org_id = '{org}';\nROLLBACK;\n"
    ))
}

/// What `create_organization` sends: claim, savepoint, organisation, membership, audit, answer, events.
fn write_script(user: &str, round: usize) -> String {
    include_str!("write.sql").replace("USER_ID", user).replace("ROUND", &round.to_string())
}
