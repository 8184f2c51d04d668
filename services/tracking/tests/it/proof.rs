//! Many devices at once, with duplicates and disorder: nothing that was acknowledged is lost, and nothing is there twice.

use std::collections::BTreeSet;

use kernel::ids::DriverId;
use kernel::random::Random;
use kernel::time::SignedDuration;
use serde_json::{Value, json};
use testkit::proof::Proof;

use crate::world::{SHOP, World, north_of, world};

/// Points of one request.
const BATCH: usize = 50;

/// The track of a driver: seconds ago, and metres on the way. Plausible from any one to any other.
fn point(world: &World, index: usize) -> Value {
    let index = i32::try_from(index).unwrap();
    let at = world.town.now().checked_sub(SignedDuration::from_secs(i64::from(index) + 1)).unwrap();
    let at = kernel::time::Timestamp::from_second(at.as_second()).unwrap();
    // To and fro, at half a metre a second.
    let (lat, lon) = north_of(SHOP, f64::from((index % 2_000 - 1_000).abs()) * 0.5);
    json!({ "lat": lat, "lon": lon, "at": at, "sequence": index })
}

fn shuffle(random: &Random, points: &mut [Value]) {
    for index in (1..points.len()).rev() {
        let other = random.below(u64::try_from(index).unwrap() + 1);
        points.swap(index, usize::try_from(other).unwrap());
    }
}

#[tokio::test]
async fn proof_positions() {
    let proof = Proof::new("positions");
    let (devices, each) = proof.size((8, 250), (40, 5_000));
    let world = world().await;
    let random = Random::seeded(7);
    let mut work: Vec<(DriverId, Vec<Value>)> = Vec::new();
    let mut expected = BTreeSet::new();
    for number in 0..devices {
        let driver = world.another_driver(1_000 + number).await;
        let mut points: Vec<Value> = (0..each).map(|index| point(&world, index)).collect();
        for point in &points {
            expected.insert((driver.to_string(), point["sequence"].as_i64().unwrap()));
        }
        // A fifth comes twice, and nothing comes in order.
        let again: Vec<Value> = points.iter().step_by(5).cloned().collect();
        points.extend(again);
        shuffle(&random, &mut points);
        work.extend(points.chunks(BATCH).map(|chunk| (driver, chunk.to_vec())));
    }
    let key = &world.town.bakery.device_key;
    let (mut accepted, mut duplicate) = (BTreeSet::new(), 0);
    let started = std::time::Instant::now();
    for wave in work.chunks(32) {
        let sent = wave.iter().map(|(driver, points)| {
            let call = world.town.post(World::location(*driver), json!(points)).bearer(key);
            async move { (driver, points, call.await.is(207).json()) }
        });
        for (driver, points, answer) in futures::future::join_all(sent).await {
            for (point, result) in points.iter().zip(answer["results"].as_array().unwrap()) {
                let key = (driver.to_string(), point["sequence"].as_i64().unwrap());
                match result["status"].as_str().unwrap() {
                    "accepted" => assert!(accepted.insert(key), "acknowledged as new twice"),
                    "duplicate" => duplicate += 1,
                    other => panic!("{other}: {point}"),
                }
            }
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(accepted, expected, "all were acknowledged");
    let stored: Vec<(kernel::ids::Uuid, i64)> =
        sqlx::query_as("SELECT driver_id, sequence FROM tracking.positions")
            .fetch_all(&mut world.town.db.admin().await)
            .await
            .unwrap();
    let rows = stored.len();
    let stored: BTreeSet<_> =
        stored.into_iter().map(|(driver, sequence)| (DriverId::new(driver).to_string(), sequence)).collect();
    let lost = accepted.difference(&stored).count();
    let doubled = rows - stored.len();
    assert_eq!((lost, doubled), (0, 0));
    let total = accepted.len() + duplicate;
    proof.report(&format!(
        "{total} points of {devices} devices, {duplicate} duplicates: {lost} acknowledged lost, {doubled} twice; {seconds:.1} s"
    ));
    world.town.finish().await;
}
