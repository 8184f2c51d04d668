//! kill -9 of every process at once while clients write: nothing acknowledged is lost, nothing happens twice.

use std::time::Duration;

use kernel::random::Random;
use testkit::Proof;
use testkit::sandbox::{App, Shape, Verdict};

use crate::load::{CREATED, Load, SOUND, Writer, created};

async fn kill_everything(proof: &Proof, shape: Shape, kills: usize) -> anyhow::Result<()> {
    let seed = testkit::schedule::seed(20_261_120);
    let random = Random::seeded(seed);
    let dir = testkit::cluster::temp_dir("dropmate-kill-")?;
    let mut app = Box::pin(App::start(shape, dir.path(), &[])).await?;
    let owner = app.first_run().await?;
    let token = app.operator(&owner).await?;
    let writer = Writer { http: app.http().clone(), url: app.url("/api/v1/organizations"), token };
    let load = Load::start(&writer);
    let mut back = Vec::new();
    for _ in 0..kills {
        platform::lifecycle::pause(Duration::from_millis(150 + random.below(500))).await;
        back.push(app.kill_all().await?);
    }
    let log = load.finish().await;
    assert_eq!(log.judge(&created(app.query(CREATED).await?)), Verdict::default(), "seed {seed}");
    assert_eq!(app.query(SOUND).await?, Vec::new(), "seed {seed}");
    back.sort();
    proof.report(&format!(
        "{kills} kills, {} acknowledged writes, 0 lost, 0 doubled; ready again after {:?} (median), {:?} (slowest)",
        log.acknowledged(),
        back[back.len() / 2],
        back[back.len() - 1],
    ));
    app.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_kill_all_in_one() {
    let proof = Proof::new("kill -9 of the all-in-one process under 8 writing clients");
    let kills = proof.size(20, 300);
    Box::pin(kill_everything(&proof, Shape::Whole, kills)).await.unwrap_or_else(|error| panic!("{error:#}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_kill_every_process() {
    let proof =
        Proof::new("kill -9 of every process of a split installation at once under 8 writing clients");
    let kills = proof.size(5, 100);
    Box::pin(kill_everything(&proof, Shape::Split, kills)).await.unwrap_or_else(|error| panic!("{error:#}"));
}
