//! `bench http`: the whole stack (edge, gate, forward, handler, transaction, events, audit, idempotency) against pgbench
//! doing the same in the database, with the sequencer running in both, alternating in one run.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde_json::json;
use testkit::Installation;
use testkit::process::SignedIn;

use crate::load::{self, Figures};
use crate::pgbench::Peer;
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
    let owner = app.first_run().await?;
    let operator = app.operator(&owner).await?;
    let peer = Peer::of(&app)?;
    let length = Duration::from_secs(options.seconds);
    println!("| measurement | requests/s | p50 ms | p99 ms | of pgbench | CPU s per 1,000 |");
    println!("|---|---|---|---|---|---|");
    let mut measured = [Vec::new(), Vec::new()];
    for round in 0..options.rounds {
        let side = Side { app: &app, peer: &peer, pid, clients: options.clients, length, dir: dir.path() };
        measured[0].push(side.read(&owner).await?);
        measured[1].push(side.write(&operator, round).await?);
    }
    for (name, ratios) in ["authenticated read", "idempotent write"].iter().zip(&mut measured) {
        ratios.sort_by(f64::total_cmp);
        println!("\n{name}: median ratio to pgbench {:.2} (of {:?})", ratios[ratios.len() / 2], ratios);
    }
    let size = std::fs::metadata(&options.binary)?.len();
    println!("idle anonymous memory {idle:.1} MiB; after the load {:.1} MiB", anonymous_mib(pid)?);
    println!("binary {:.1} MB", f64::from(u32::try_from(size / 1000)?) / 1000.0);
    app.stop()?;
    Ok(())
}

struct Side<'a> {
    app: &'a Installation,
    peer: &'a Peer,
    pid: u32,
    clients: usize,
    length: Duration,
    dir: &'a Path,
}

impl Side<'_> {
    async fn read(&self, owner: &SignedIn) -> anyhow::Result<f64> {
        let url = self.app.url(&format!("/api/v1/organizations/{}", owner.organization_id));
        let (http, token) = (self.app.http().clone(), owner.access_token.clone());
        let make: load::Make = Arc::new(move |_, _| http.get(&url).bearer_auth(&token));
        let script = self.script("read", &read_script(owner)?)?;
        self.compare("authenticated read", 200, make, &script).await
    }

    async fn write(&self, operator: &str, round: usize) -> anyhow::Result<f64> {
        let url = self.app.url("/api/v1/organizations");
        let (http, token) = (self.app.http().clone(), operator.to_owned());
        let make: load::Make = Arc::new(move |client, turn| {
            let body = json!({ "name": format!("Shop {client}-{turn}"), "time_zone": "Europe/Berlin", "currency": "EUR" });
            let key = format!("bench-{round}-{client}-{turn}");
            http.post(&url).bearer_auth(&token).header("Idempotency-Key", key).json(&body)
        });
        let user: String =
            testkit::process::query(self.app, "SELECT id::text, '' FROM identity.users").await?[0].0.clone();
        let script = self.script("write", &write_script(&user, round))?;
        self.compare("idempotent write", 201, make, &script).await
    }

    fn script(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.dir.join(format!("{name}.sql"));
        std::fs::write(&path, text)?;
        Ok(path)
    }

    async fn compare(&self, name: &str, wanted: u16, make: load::Make, script: &Path) -> anyhow::Result<f64> {
        let before = cpu_seconds(self.pid)?;
        let ours = load::run(self.clients, self.length, wanted, make).await?;
        let cpu = (cpu_seconds(self.pid)? - before) * 1000.0 / f64::from(u32::try_from(ours.count)?);
        let theirs = self.peer.run(script, self.clients, self.length)?;
        let ratio = ours.per_second / theirs.per_second;
        row(name, &ours, &format!("{ratio:.2}"), &format!("{cpu:.2}"));
        row(&format!("pgbench, {name}"), &theirs, "1", "");
        Ok(ratio)
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
