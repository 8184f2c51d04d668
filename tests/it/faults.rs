//! A split installation under faults: single processes killed, paused, cut off. The same clients write all the time.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use kernel::random::Random;
use nix::sys::signal::Signal;
use platform::lifecycle::pause;
use testkit::Proof;
use testkit::sandbox::{Cluster, Killer, OpLog, Plan, Proxy, Verdict, Way};
use testkit::schedule::{percentile, seed};

use crate::load::{CREATED, Load, SOUND, Writer, created};

/// A cluster with clients.
pub(crate) struct Scene {
    pub(crate) cluster: Cluster,
    pub(crate) writer: Writer,
    pub(crate) seed: u64,
    random: Random,
    probes: u64,
    _dir: tempfile::TempDir,
}

impl Scene {
    pub(crate) async fn open(plan: Plan, default_seed: u64) -> anyhow::Result<Self> {
        let seed = seed(default_seed);
        let dir = testkit::cluster::temp_dir("dropmate-faults-")?;
        let cluster = Box::pin(Cluster::start(testkit::process::binary()?, dir.path(), &plan)).await?;
        let owner = cluster.first_run().await?;
        let token = cluster.operator(&owner).await?;
        let writer =
            Writer { http: cluster.http().clone(), url: cluster.url("/api/v1/organizations"), token };
        Ok(Self { cluster, writer, seed, random: Random::seeded(seed), probes: 0, _dir: dir })
    }

    pub(crate) fn drawn(&self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.random.below(to - from))
    }

    /// How long until a fresh write goes through, tried over and over; what was found dead is started again meanwhile.
    pub(crate) async fn until_it_writes(&mut self, log: &mut OpLog) -> anyhow::Result<Duration> {
        self.probes += 1;
        let (key, begun) = (format!("probe-{}", self.probes), Instant::now());
        loop {
            self.cluster.supervise()?;
            let sent = tokio::time::timeout(Duration::from_secs(2), self.writer.send(&key)).await;
            if let Ok(Some((201, body))) = sent {
                let id = body["id"].as_str().context("an id")?.to_owned();
                log.note(key, testkit::sandbox::Outcome::Ok(id), begun.elapsed());
                return Ok(begun.elapsed());
            }
            let stories: Vec<String> =
                self.cluster.members.iter().map(testkit::sandbox::Member::story).collect();
            ensure!(
                begun.elapsed() < Duration::from_mins(1),
                "no write goes through\n{}",
                stories.join("\n---\n")
            );
            pause(Duration::from_millis(10)).await;
        }
    }

    /// What the last of those writes was called.
    pub(crate) fn last_probe(&self) -> String {
        format!("probe-{}", self.probes)
    }

    /// The verdict over everything that was written, the log and the trail; then an orderly end.
    pub(crate) async fn close(mut self, log: &OpLog) -> anyhow::Result<()> {
        let seed = self.seed;
        self.cluster.wait_ready().await?;
        let present = created(self.cluster.query(CREATED).await?);
        assert_eq!(log.judge(&present), Verdict::default(), "seed {seed}");
        let begun = Instant::now();
        while self.cluster.query("SELECT subject, '' FROM bus.outbox").await? != Vec::new() {
            ensure!(begun.elapsed() < Duration::from_secs(10), "the outbox is not emptied");
            pause(Duration::from_millis(50)).await;
        }
        assert_eq!(self.cluster.query(SOUND).await?, Vec::new(), "seed {seed}");
        self.cluster.stop()?;
        let trail = self.cluster.run(&["audit", "verify"])?;
        ensure!(trail.contains("\"findings\": []"), "seed {seed}: {trail}");
        Ok(())
    }
}

pub(crate) fn seconds(times: &mut [Duration]) -> Vec<f64> {
    times.sort();
    times.iter().map(Duration::as_secs_f64).collect()
}

// --- killed --------------------------------------------------------------------------------------------------------

async fn kills(proof: &Proof) -> anyhow::Result<()> {
    let count = proof.size(10, 100);
    let mut scene = Box::pin(Scene::open(Plan::default(), 7)).await?;
    let load = Load::start(&scene.writer);
    let (mut log, mut back, mut doubles, mut starts) = (OpLog::default(), Vec::new(), 0, 0);
    for kill in Killer::new(scene.seed, scene.cluster.members.len()).take(count) {
        pause(kill.after).await;
        for victim in &kill.victims {
            scene.cluster.members[*victim].kill()?;
        }
        scene.cluster.supervise()?;
        if let Some(after) = kill.during_start {
            pause(after).await;
            scene.cluster.members[kill.victims[0]].kill()?;
            starts += 1;
        }
        doubles += usize::from(kill.victims.len() > 1);
        // Down for as long as the supervisor waits; the clock runs from the last start of a victim.
        scene.until_it_writes(&mut log).await?;
        let respawned =
            kill.victims.iter().filter_map(|victim| scene.cluster.members[*victim].spawned()).max();
        back.push(respawned.context("it was started again")?.elapsed());
    }
    log.extend(load.finish().await);
    let (acknowledged, back) = (log.acknowledged(), seconds(&mut back));
    let p99 = percentile(&back, 0.99);
    scene.close(&log).await?;
    proof.report(&format!(
        "{count} kills of a random process ({doubles} of two, {starts} during a start), {acknowledged} acknowledged writes: \
         0 lost, 0 doubled; answers {:.2} s (median), {p99:.2} s (p99) after its respawn",
        percentile(&back, 0.5)
    ));
    assert!(p99 <= 2.0, "p99 {p99:.2} s");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_split_kill() {
    let proof = Proof::new("split kill: a random process under 8 writing clients");
    Box::pin(kills(&proof)).await.unwrap_or_else(|error| panic!("{error:#}"));
}

// --- paused --------------------------------------------------------------------------------------------------------

/// Two instances of identity, each with sequencer, sealer and jobs: one is stopped in the middle of whatever it does, the
/// other takes over, the first one goes on where it was.
async fn pauses(proof: &Proof) -> anyhow::Result<()> {
    let count = proof.size(5, 50);
    let longest = proof.size(1500, 6000);
    let mut scene = Box::pin(Scene::open(Plan { identities: 2, ..Plan::default() }, 11)).await?;
    let load = Load::start(&scene.writer);
    let (mut log, mut taken_over) = (OpLog::default(), Vec::new());
    for _ in 0..count {
        pause(scene.drawn(100, 500)).await;
        // 1: the one that also answers requests; 2: the one that only works behind them.
        let victim = 1 + usize::try_from(scene.random.below(2))?;
        scene.cluster.members[victim].signal(Signal::SIGSTOP)?;
        let begun = Instant::now();
        // What was published before is sequenced by the other one.
        while scene.cluster.query(OLD_OUTBOX).await? != Vec::new() {
            ensure!(begun.elapsed() < Duration::from_secs(5), "nobody took over (seed {})", scene.seed);
            pause(Duration::from_millis(10)).await;
        }
        taken_over.push(begun.elapsed());
        pause(scene.drawn(200, longest).saturating_sub(begun.elapsed())).await;
        scene.cluster.members[victim].signal(Signal::SIGCONT)?;
        scene.until_it_writes(&mut log).await?;
    }
    log.extend(load.finish().await);
    let (acknowledged, taken_over) = (log.acknowledged(), seconds(&mut taken_over));
    scene.close(&log).await?;
    proof.report(&format!(
        "{count} pauses of one of two instances with sequencer, sealer and jobs, {acknowledged} acknowledged writes: 0 lost, \
         0 doubled, log gapless, trail sound; the other emptied the outbox after {:.2} s (median), {:.2} s (slowest)",
        percentile(&taken_over, 0.5),
        percentile(&taken_over, 1.0)
    ));
    Ok(())
}

/// Events that committed before now and are not in the log yet.
const OLD_OUTBOX: &str =
    "SELECT subject, '' FROM bus.outbox WHERE written_at < clock_timestamp() - interval '300 ms'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_split_pause() {
    let proof = Proof::new("split pause: SIGSTOP of a leading instance under 8 writing clients");
    Box::pin(pauses(&proof)).await.unwrap_or_else(|error| panic!("{error:#}"));
}

// --- cut off -------------------------------------------------------------------------------------------------------

/// Between whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pair {
    GatewayDatabase,
    ServiceDatabase,
    GatewayService,
}

impl Pair {
    fn proxy(self, cluster: &Cluster) -> &Proxy {
        match self {
            Self::GatewayDatabase => &cluster.to_database[0],
            Self::ServiceDatabase => &cluster.to_database[1],
            Self::GatewayService => &cluster.to_services[0],
        }
    }
}

/// Cuts a pair in one of five ways.
pub(crate) fn cut(proxy: &Proxy, way: u64) -> &'static str {
    match way {
        0 => {
            proxy.hold();
            "held"
        }
        1 => {
            proxy.forget();
            "forgotten"
        }
        2 => {
            proxy.reset();
            "reset"
        }
        3 => {
            proxy.one_way(Way::ToServer);
            "one way, to the server"
        }
        _ => {
            proxy.one_way(Way::ToClient);
            "one way, to the client"
        }
    }
}

async fn cuts(proof: &Proof, pair: Pair) -> anyhow::Result<()> {
    let count = proof.size(3_u64, 30);
    let longest = proof.size(2000, 20_000);
    let plan = Plan { database_proxies: true, service_proxies: true, ..Plan::default() };
    let mut scene = Box::pin(Scene::open(plan, 23 + pair as u64)).await?;
    let load = Load::start(&scene.writer);
    let (mut log, mut back) = (OpLog::default(), Vec::new());
    for number in 0..count {
        pause(scene.drawn(200, 600)).await;
        let length = scene.drawn(200, longest);
        // Every way in turn, so that few cuts are not all of one kind.
        let how = cut(pair.proxy(&scene.cluster), (number + pair as u64) % 5);
        let until = Instant::now() + length;
        while Instant::now() < until {
            scene.cluster.supervise()?;
            pause(Duration::from_millis(20)).await;
        }
        pair.proxy(&scene.cluster).heal();
        let healed = Instant::now();
        scene.until_it_writes(&mut log).await?;
        let took = healed.elapsed();
        println!("{pair:?} {how} for {length:?}: writes again after {took:?}");
        ensure!(
            took <= Duration::from_secs(5),
            "{pair:?} {how} for {length:?} (seed {}): {took:?}",
            scene.seed
        );
        back.push(took);
    }
    log.extend(load.finish().await);
    no_stuck_pool(&scene).await?;
    let (acknowledged, back) = (log.acknowledged(), seconds(&mut back));
    scene.close(&log).await?;
    proof.report(&format!(
        "{pair:?}: {count} cuts of 0.2 to {} s, {acknowledged} acknowledged writes: 0 lost, 0 doubled; writes again {:.2} s \
         (median), {:.2} s (slowest) after it healed; no stuck pool",
        longest / 1000,
        percentile(&back, 0.5),
        percentile(&back, 1.0)
    ));
    Ok(())
}

/// More readers at once than a pool has connections, within the time that half-open sockets may take.
pub(crate) async fn no_stuck_pool(scene: &Scene) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let read = || {
            let request =
                scene.writer.http.get(scene.cluster.url("/api/v1/users/me")).bearer_auth(&scene.writer.token);
            async move {
                request
                    .timeout(Duration::from_secs(2))
                    .send()
                    .await
                    .is_ok_and(|answer| answer.status() == 200)
            }
        };
        let answered = futures::future::join_all((0..32).map(|_| read())).await;
        if answered.iter().all(|answered| *answered) {
            return Ok(());
        }
        ensure!(
            begun.elapsed() < Duration::from_secs(15),
            "a pool is stuck (seed {}): {answered:?}",
            scene.seed
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_split_cut_gateway_database() {
    let proof = Proof::new("split cut: gateway and database");
    Box::pin(cuts(&proof, Pair::GatewayDatabase)).await.unwrap_or_else(|error| panic!("{error:#}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_split_cut_service_database() {
    let proof = Proof::new("split cut: service and database");
    Box::pin(cuts(&proof, Pair::ServiceDatabase)).await.unwrap_or_else(|error| panic!("{error:#}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_split_cut_gateway_service() {
    let proof = Proof::new("split cut: gateway and service");
    Box::pin(cuts(&proof, Pair::GatewayService)).await.unwrap_or_else(|error| panic!("{error:#}"));
}
