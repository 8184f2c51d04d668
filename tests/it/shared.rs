//! What several processes share in Redis, and what happens when it is away or empty: nothing is lost with it, and limits
//! never become looser than one process alone would keep them.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use platform::lifecycle::pause;
use testkit::sandbox::{Cluster, OpLog, Plan, Proxied, Proxy};
use testkit::{Proof, RedisServer};

use crate::faults::{Scene, cut, no_stuck_pool, seconds};
use crate::load::Load;

// --- away, empty, slow ---------------------------------------------------------------------------------------------

fn redis(scene: &mut Scene) -> anyhow::Result<(&mut RedisServer, &Proxy)> {
    let Proxied { server, proxy } = scene.cluster.beside.redis.as_mut().context("a cache")?;
    Ok((server, &*proxy))
}

/// Writes and reads at both gateways; each has to work, and soon.
async fn both_doors(scene: &mut Scene, log: &mut OpLog, what: &str) -> anyhow::Result<Duration> {
    let took = scene.until_it_writes(log).await?;
    let second = format!("http://{}/api/v1/users/me", scene.cluster.members[1].listen);
    let begun = Instant::now();
    let answer = scene.cluster.http().get(second).bearer_auth(&scene.writer.token).send().await?;
    let took = took.max(begun.elapsed());
    ensure!(answer.status() == 200, "{what}: {} at the second gateway", answer.status());
    ensure!(took <= Duration::from_secs(2), "{what}: {took:?} (seed {})", scene.seed);
    for member in 0..scene.cluster.members.len() {
        ensure!(scene.cluster.is_ready(member).await, "{what}: process {member} is not ready");
    }
    Ok(took)
}

async fn stories(proof: &Proof) -> anyhow::Result<()> {
    let rounds = proof.size(1, 10);
    let plan = Plan { gateways: 2, redis: true, ..Plan::default() };
    let mut scene = Box::pin(Scene::open(plan, 37)).await?;
    let load = Load::start(&scene.writer);
    let (mut log, mut times, mut emptied) = (OpLog::default(), Vec::new(), 0);
    for round in 0..rounds {
        for _ in 0..5 {
            redis(&mut scene)?.0.wipe()?;
            emptied += 1;
            times.push(both_doors(&mut scene, &mut log, "emptied").await?);
        }
        redis(&mut scene)?.0.kill();
        times.push(both_doors(&mut scene, &mut log, "killed").await?);
        redis(&mut scene)?.0.restart()?;
        for way in 0..5 {
            let how = cut(redis(&mut scene)?.1, way);
            for _ in 0..3 {
                times.push(both_doors(&mut scene, &mut log, how).await?);
                pause(scene.drawn(50, 300)).await;
            }
            redis(&mut scene)?.1.heal();
            times.push(both_doors(&mut scene, &mut log, "healed").await?);
        }
        redis(&mut scene)?.1.delay(Duration::from_millis(400));
        times.push(both_doors(&mut scene, &mut log, "slow").await?);
        redis(&mut scene)?.1.heal();
        println!("round {round} is over");
    }
    log.extend(load.finish().await);
    no_stuck_pool(&scene).await?;
    let (acknowledged, times) = (log.acknowledged(), seconds(&mut times));
    scene.close(&log).await?;
    proof.report(&format!(
        "two gateways, {rounds} x cache killed, cut in five ways and slowed, {emptied} times emptied, {acknowledged} \
         acknowledged writes: 0 lost, 0 doubled, 0 wrong answers; slowest {:.2} s",
        times.last().copied().unwrap_or_default()
    ));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_split_without_a_cache() {
    let proof = Proof::new("split, cache away and empty");
    Box::pin(stories(&proof)).await.unwrap_or_else(|error| panic!("{error:#}"));
}

// --- limits --------------------------------------------------------------------------------------------------------

const QUOTA: u32 = 60;

/// How many of so many reads at a gateway are let in.
async fn granted(cluster: &Cluster, gateway: usize, token: &str, tries: u32) -> anyhow::Result<u32> {
    let url = format!("http://{}/api/v1/users/me", cluster.members[gateway].listen);
    let mut let_in = 0;
    for _ in 0..tries {
        match cluster.http().get(&url).bearer_auth(token).send().await?.status().as_u16() {
            200 => let_in += 1,
            429 => {}
            other => anyhow::bail!("{other} at gateway {gateway}"),
        }
    }
    Ok(let_in)
}

/// What has refilled since, at one counter.
fn refilled(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_secs()).unwrap_or(u32::MAX) * QUOTA / 60 + 2
}

async fn limits() -> anyhow::Result<()> {
    let dir = testkit::cluster::temp_dir("dropmate-limits-")?;
    let environment = vec![("DROPMATE__LIMITS__USER_PER_MINUTE".to_owned(), QUOTA.to_string())];
    let plan = Plan { gateways: 2, redis: true, environment, ..Plan::default() };
    let mut cluster = Box::pin(Cluster::start(testkit::process::binary()?, dir.path(), &plan)).await?;
    let owner = cluster.first_run().await?;
    let (token, begun) = (owner.access_token.as_str(), Instant::now());

    // One quota for both doors.
    let (first, second) = (granted(&cluster, 0, token, 20).await?, granted(&cluster, 1, token, 100).await?);
    ensure!(first == 20, "{first} of 20");
    let most = QUOTA + refilled(begun);
    ensure!((QUOTA..=most).contains(&(first + second)), "{first} + {second} of {QUOTA}, at most {most}");
    let after = Instant::now();
    let again = granted(&cluster, 0, token, 10).await?;
    ensure!(again <= refilled(after), "the first door gave {again} more");

    // Away: each door counts alone, and along with what it has counted itself: never more than the quota each.
    let Proxied { server, proxy } = cluster.beside.redis.as_ref().context("a cache")?;
    proxy.reset();
    let alone = granted(&cluster, 0, token, 100).await?;
    let total = first + again + alone;
    let most = QUOTA + refilled(begun);
    ensure!(alone >= 20, "the first door gave only {alone} more without the cache");
    ensure!(total <= most, "the first door gave {total} in all, at most {most}");

    // Back and empty: the stricter of the two counts holds, so an emptied cache gives nothing away.
    server.wipe()?;
    proxy.heal();
    pause(Duration::from_secs(2)).await;
    server.wipe()?;
    for (gateway, before) in [(0, total), (1, second)] {
        let all = before + granted(&cluster, gateway, token, 60).await?;
        let most = QUOTA + refilled(begun);
        ensure!(all <= most, "emptied, gateway {gateway} gave {all} in all, at most {most}");
    }
    cluster.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_share_one_quota_and_neither_gives_more_than_its_own_without_the_cache() {
    Box::pin(limits()).await.unwrap_or_else(|error| panic!("{error:#}"));
}

// --- the place -----------------------------------------------------------------------------------------------------

/// Gateways that share run side by side; one that does not share is kept out, and keeps the others out.
async fn side_by_side(plan: Plan, variable: &str) -> anyhow::Result<()> {
    let dir = testkit::cluster::temp_dir("dropmate-side-")?;
    let plan = Plan { gateways: 3, ..plan };
    let mut cluster = Box::pin(Cluster::prepare(testkit::process::binary()?, dir.path(), &plan)).await?;
    cluster.member("gateway-3")?.without(variable);
    for name in ["gateway", "gateway-2", "identity"] {
        cluster.member(name)?.spawn()?;
    }
    for index in [0, 1, 3] {
        until_ready(&mut cluster, index).await?;
    }
    let owner = cluster.first_run().await?;
    for gateway in [0, 1] {
        ensure!(granted(&cluster, gateway, &owner.access_token, 3).await? == 3, "gateway {gateway}");
    }
    refused(&mut cluster, "gateway-3").await?;
    // The other way round: where one runs that shares nothing, those that share are kept out.
    for name in ["gateway", "gateway-2"] {
        ensure!(cluster.member(name)?.stop()?.success(), "{name} did not stop cleanly");
    }
    cluster.member("gateway-3")?.spawn()?;
    until_ready(&mut cluster, 2).await?;
    refused(&mut cluster, "gateway").await?;
    for name in ["gateway-3", "identity"] {
        ensure!(cluster.member(name)?.stop()?.success(), "{name} did not stop cleanly");
    }
    Ok(())
}

async fn until_ready(cluster: &mut Cluster, index: usize) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !cluster.is_ready(index).await {
        let member = &mut cluster.members[index];
        ensure!(
            member.is_running() && begun.elapsed() < Duration::from_secs(30),
            "{} is not ready\n{}",
            member.name,
            member.story()
        );
        pause(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn refused(cluster: &mut Cluster, name: &str) -> anyhow::Result<()> {
    let member = cluster.member(name)?;
    member.spawn()?;
    let begun = Instant::now();
    while member.is_running() {
        ensure!(begun.elapsed() < Duration::from_secs(30), "{name} runs on");
        pause(Duration::from_millis(50)).await;
    }
    let reason = "another gateway runs on this database. More than one needs REDIS_URL or NATS_URL";
    ensure!(member.log().contains(reason), "{}", member.log());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_that_share_a_cache_run_side_by_side_and_keep_out_one_that_does_not() {
    let plan = Plan { redis: true, ..Plan::default() };
    Box::pin(side_by_side(plan, "REDIS_URL")).await.unwrap_or_else(|error| panic!("{error:#}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_that_share_a_broker_run_side_by_side_and_keep_out_one_that_does_not() {
    let plan = Plan { nats: true, ..Plan::default() };
    Box::pin(side_by_side(plan, "NATS_URL")).await.unwrap_or_else(|error| panic!("{error:#}"));
}
