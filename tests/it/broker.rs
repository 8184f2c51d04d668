//! A split installation whose broker is cut off under load. The broker is only a transport: the log is in PostgreSQL, so
//! writes go on, consumers go on from the log, and afterwards the broker carries again, without a loss or a repetition.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use contracts::identity::OrganizationCreated;
use nats::{Broker, JetStream, Options};
use platform::bus::{Consumer, Runner, Source};
use platform::clock::{SystemClock, system_random};
use platform::db::{Db, PoolOptions, Wake};
use platform::lifecycle::pause;
use serde_json::Value;
use testkit::Proof;
use testkit::sandbox::{Cluster, OpLog, Plan, Proxied};
use testkit::schedule::percentile;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::faults::{Scene, cut, no_stuck_pool, seconds};
use crate::load::Load;

/// A consumer of organisations as a process of the installation would have it, on the same cut way to the broker. What it
/// does is one row per event in `demo.effects`.
struct Subscriber {
    source: Arc<JetStream>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

/// Inserts whatever it hears: a repetition that gets through would be a second row.
fn consumer() -> Consumer {
    Consumer::new("demo.organizations").on::<OrganizationCreated, _>(|tx, delivery, _event| {
        Box::pin(async move {
            sqlx::query(
                "INSERT INTO demo.effects (org_id, event_id, account, version) VALUES ($1, $2, $3, $4)",
            )
            .bind(delivery.org.uuid())
            .bind(delivery.event_id.uuid())
            .bind(delivery.key)
            .bind(delivery.version)
            .execute(tx.conn())
            .await?;
            Ok(())
        })
    })
}

impl Subscriber {
    async fn start(cluster: &Cluster) -> anyhow::Result<Self> {
        cluster.adopt(&testkit::demo::MANIFESTS).await?;
        let Proxied { server, proxy } = cluster.beside.nats.as_ref().context("a broker")?;
        let (stop, wake, mut tasks) = (CancellationToken::new(), Wake::default(), JoinSet::new());
        let options = Options {
            url: server.url_at(&proxy.address().to_string()).into(),
            monitoring: Some(server.monitoring_url()),
            stream: "dropmate".to_owned(),
            replicas: 1,
        };
        let broker = Broker::open(options, wake.clone()).await?;
        let source = Arc::new(broker.source());
        let pool = PoolOptions { max_connections: 3, ..PoolOptions::default() };
        let db =
            Db::new("demo", cluster.options_of("demo"), pool, Arc::new(SystemClock), system_random(), wake);
        let runner = Runner::over(Arc::clone(&source) as Arc<dyn Source>, db, consumer());
        runner.declare().await?;
        tasks.spawn(runner.run(0, stop.clone()));
        let watching = stop.clone();
        tasks.spawn(async move { broker.watch(watching, |_state| ()).await });
        Ok(Self { source, stop, tasks })
    }

    async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// The last offset in the stream, asked of the server itself and not by way of the cut.
async fn in_the_stream(scene: &Scene) -> anyhow::Result<i64> {
    let server = &scene.cluster.beside.nats.as_ref().context("a broker")?.server;
    let url = format!("{}/jsz?streams=true", server.monitoring_url());
    let told: Value = scene.cluster.http().get(url).send().await?.json().await?;
    let last = &told["account_details"][0]["stream_detail"][0]["state"]["last_seq"];
    last.as_i64().with_context(|| format!("no stream in {told}"))
}

/// The last offset of the log.
async fn in_the_log(scene: &Scene) -> anyhow::Result<i64> {
    let rows = scene.cluster.query("SELECT max(\"offset\")::text, '' FROM bus.log").await?;
    Ok(rows.first().context("a row")?.0.parse()?)
}

/// How long until the consumer has done its work for the organisation of this name.
async fn until_heard(scene: &Scene, name: &str) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let heard = format!(
        "SELECT o.name, '' FROM demo.effects e JOIN identity.organizations o ON o.org_id = e.account WHERE o.name = '{name}'"
    );
    while scene.cluster.query(&heard).await?.is_empty() {
        ensure!(begun.elapsed() < Duration::from_mins(1), "{name} is never heard of (seed {})", scene.seed);
        pause(Duration::from_millis(20)).await;
    }
    Ok(begun.elapsed())
}

/// How long until the stream holds everything that the log held when this began.
async fn until_carried(scene: &Scene) -> anyhow::Result<Duration> {
    let (begun, newest) = (Instant::now(), in_the_log(scene).await?);
    while in_the_stream(scene).await? < newest {
        ensure!(
            begun.elapsed() < Duration::from_mins(1),
            "the broker does not carry again (seed {})\n{}",
            scene.seed,
            scene.cluster.members[1].story()
        );
        pause(Duration::from_millis(20)).await;
    }
    Ok(begun.elapsed())
}

/// Organisations without exactly one effect, and effects without their event.
const EFFECTS: &str = "
    SELECT 'event ' || l.event_id, count(e.event_id)::text FROM bus.log l LEFT JOIN demo.effects e ON e.event_id = l.event_id
     WHERE l.subject = 'organization.created.v1' GROUP BY l.event_id HAVING count(e.event_id) <> 1
    UNION ALL SELECT 'effect of nothing: ' || e.event_id, '' FROM demo.effects e
     WHERE NOT EXISTS (SELECT FROM bus.log l WHERE l.event_id = e.event_id)";

#[derive(Default)]
struct Seen {
    during: Vec<Duration>,
    heard: Vec<Duration>,
    carried: Vec<Duration>,
}

async fn one_cut(
    scene: &mut Scene,
    log: &mut OpLog,
    way: u64,
    length: Duration,
    seen: &mut Seen,
) -> anyhow::Result<()> {
    let proxy = |scene: &Scene, change: &dyn Fn(&testkit::sandbox::Proxy) -> &'static str| {
        scene.cluster.beside.nats.as_ref().map(|nats| change(&nats.proxy)).context("a broker")
    };
    let how = proxy(scene, &|proxy| cut(proxy, way))?;
    let begun = Instant::now();
    // What was on its way has arrived by then.
    pause(Duration::from_millis(100)).await;
    let written = in_the_log(scene).await?;
    while begun.elapsed() < length {
        let took = scene.until_it_writes(log).await?;
        ensure!(took <= Duration::from_secs(2), "{how}: a write took {took:?} (seed {})", scene.seed);
        seen.during.push(took);
        pause(Duration::from_millis(50)).await;
    }
    // The negative control: the cut was one, and the log went on without the broker.
    if matches!(how, "held" | "forgotten" | "reset") {
        let reached = in_the_stream(scene).await?;
        ensure!(reached <= written, "{how}: the broker was reached all the same: {reached} after {written}");
    }
    ensure!(in_the_log(scene).await? > written, "{how}: the log stood still");
    proxy(scene, &|proxy| {
        proxy.heal();
        "healed"
    })?;
    scene.until_it_writes(log).await?;
    let heard = until_heard(scene, &scene.last_probe()).await?;
    let carried = heard + until_carried(scene).await?;
    println!("broker {how} for {length:?}: heard after {heard:?}, carried again after {carried:?}");
    ensure!(
        heard <= Duration::from_secs(5),
        "{how} for {length:?} (seed {}): {heard:?}\n{}",
        scene.seed,
        scene.cluster.members[1].story()
    );
    seen.heard.push(heard);
    seen.carried.push(carried);
    Ok(())
}

async fn cuts(proof: &Proof) -> anyhow::Result<()> {
    let count = proof.size(3_u64, 30);
    let longest = proof.size(2000, 20_000);
    let mut scene = Box::pin(Scene::open(Plan { nats: true, ..Plan::default() }, 29)).await?;
    let subscriber = Subscriber::start(&scene.cluster).await?;
    let load = Load::start(&scene.writer);
    let (mut log, mut seen) = (OpLog::default(), Seen::default());
    for number in 0..count {
        pause(scene.drawn(200, 600)).await;
        let length = scene.drawn(200, longest);
        one_cut(&mut scene, &mut log, number % 5, length, &mut seen).await?;
    }
    log.extend(load.finish().await);
    no_stuck_pool(&scene).await?;
    // In fine weather the broker carries: what comes now is not read from the log.
    let before = subscriber.source.seen();
    until_carried(&scene).await?;
    let begun = Instant::now();
    while subscriber.source.seen().broker == before.broker {
        ensure!(begun.elapsed() < Duration::from_secs(30), "the consumer hears nothing from the broker");
        scene.until_it_writes(&mut log).await?;
        until_heard(&scene, &scene.last_probe()).await?;
    }
    let begun = Instant::now();
    while scene.cluster.query("SELECT subject, '' FROM bus.outbox").await? != Vec::new()
        || scene.cluster.query(EFFECTS).await? != Vec::new()
    {
        let wrong = scene.cluster.query(EFFECTS).await?;
        ensure!(begun.elapsed() < Duration::from_secs(20), "seed {}: {wrong:?}", scene.seed);
        pause(Duration::from_millis(100)).await;
    }
    subscriber.stop().await;
    let acknowledged = log.acknowledged();
    let [during, heard, carried] =
        [&mut seen.during, &mut seen.heard, &mut seen.carried].map(|all| seconds(all));
    scene.close(&log).await?;
    proof.report(&format!(
        "{count} cuts of 0.2 to {} s between broker and all services, {acknowledged} acknowledged writes: 0 lost, 0 doubled, one \
         effect per event; {} writes during the cuts, slowest {:.2} s; after it healed a consumer heard a new event within \
         {:.2} s (median), {:.2} s (slowest), the broker carried again within {:.2} s (median), {:.2} s (slowest)",
        longest / 1000,
        during.len(),
        percentile(&during, 1.0),
        percentile(&heard, 0.5),
        percentile(&heard, 1.0),
        percentile(&carried, 0.5),
        percentile(&carried, 1.0)
    ));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_split_cut_service_broker() {
    let proof = Proof::new("split cut: service and broker");
    Box::pin(cuts(&proof)).await.unwrap_or_else(|error| panic!("{error:#}"));
}
