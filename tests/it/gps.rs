//! Positions from many drivers over mixed ways, sent twice, late and out of order, while processes are killed: what was
//! acknowledged is in the history, once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use kernel::random::Random;
use kernel::time::Clock as _;
use platform::clock::SystemClock;
use platform::lifecycle::pause;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::Proof;
use testkit::sandbox::{Cluster, Plan};
use testkit::schedule::{percentile, seed};
use tokio::task::JoinSet;

use crate::live_input::wire::{Call, Fix, Socket, frame_of};

/// How often a driver is somewhere else.
const EVERY: Duration = Duration::from_secs(1);
/// How long one message may take to be answered.
const ANSWER: Duration = Duration::from_secs(5);
/// How long a driver may need at the end to hear that everything has arrived.
const PATIENCE: Duration = Duration::from_mins(1);

/// How a driver's device is connected.
enum Way {
    Http(reqwest::Client),
    Text(Option<Socket>),
    Binary(Option<Socket>),
    Grpc(Option<Call>),
}

/// A driver on the way, and what the device remembers.
struct Device {
    base: String,
    key: String,
    driver: String,
    way: Way,
    random: Random,
    /// Not acknowledged yet.
    kept: BTreeMap<u64, Fix>,
    acknowledged: BTreeSet<u64>,
    times: Vec<Duration>,
    messages: u32,
    refused: u32,
}

impl Device {
    /// Sends what is kept, in any order, and sometimes what was acknowledged long ago.
    async fn send(&mut self, old: Option<Fix>) {
        let mut fixes: Vec<Fix> = self.kept.values().copied().chain(old).collect();
        for index in (1..fixes.len()).rev() {
            let other = self.random.below(u64::try_from(index + 1).unwrap_or(1));
            fixes.swap(index, usize::try_from(other).unwrap_or(0));
        }
        fixes.truncate(100);
        self.messages += 1;
        let begun = Instant::now();
        match tokio::time::timeout(ANSWER, self.deliver(&fixes)).await {
            Ok(Ok(true)) => {
                self.times.push(begun.elapsed());
                for fix in fixes {
                    self.kept.remove(&fix.sequence);
                    self.acknowledged.insert(fix.sequence);
                }
            }
            // Refused, for now.
            Ok(Ok(false)) => self.refused += 1,
            // Nobody knows what became of it: it is sent again over a new connection.
            Ok(Err(_)) | Err(_) => {
                self.refused += 1;
                match &mut self.way {
                    Way::Http(_) => {}
                    Way::Text(socket) | Way::Binary(socket) => *socket = None,
                    Way::Grpc(call) => *call = None,
                }
            }
        }
    }

    /// Whether it was acknowledged.
    async fn deliver(&mut self, fixes: &[Fix]) -> anyhow::Result<bool> {
        let id = self.messages;
        match &mut self.way {
            Way::Http(http) => {
                let body: Vec<Value> = fixes.iter().map(Fix::json).collect();
                let url = format!("{}/api/v1/drivers/{}/location", self.base, self.driver);
                let answer = http.post(url).bearer_auth(&self.key).json(&body).send().await?;
                if answer.status() != 207 {
                    return Ok(false);
                }
                let answer: Value = answer.json().await?;
                let results = answer["results"].as_array().context("results")?;
                ensure!(results.iter().all(|result| result["status"] != "rejected"), "{answer}");
                Ok(results.len() == fixes.len())
            }
            Way::Text(socket) => {
                let body: Vec<Value> = fixes.iter().map(Fix::json).collect();
                let message =
                    json!({ "type": "positions", "id": id, "driver_id": self.driver, "positions": body });
                let socket = opened(socket, &self.base, &self.key).await?;
                socket.say(&message).await?;
                acknowledged(socket, id, fixes.len()).await
            }
            Way::Binary(socket) => {
                let socket = opened(socket, &self.base, &self.key).await?;
                socket.send(frame_of(id, &self.driver, fixes)?).await?;
                acknowledged(socket, id, fixes.len()).await
            }
            Way::Grpc(call) => {
                if call.is_none() {
                    *call = Some(Call::open(&self.base, &self.key).await?);
                }
                let call = call.as_mut().context("a call")?;
                call.send(u64::from(id), &self.driver, fixes).await?;
                let reply = call.hear().await?;
                ensure!(reply.id == u64::from(id), "{reply:?}");
                let Some(taken) = reply.taken else { return Ok(false) };
                ensure!(taken.rejected.is_empty(), "{taken:?}");
                Ok(usize::try_from(taken.accepted + taken.duplicates)? == fixes.len())
            }
        }
    }

    /// A driver's shift.
    async fn drive(mut self, seconds: u64) -> anyhow::Result<Self> {
        let begun = Instant::now();
        let mut last = None;
        for number in 0..seconds {
            // Everybody at another moment of the second.
            let due = EVERY * u32::try_from(number)? + Duration::from_millis(self.random.below(900));
            pause(due.saturating_sub(begun.elapsed())).await;
            let north = f64::from(u32::try_from(number)?) * 0.000_05;
            let at_ms = SystemClock.now().as_millisecond();
            self.kept.insert(number, Fix { sequence: number, at_ms, lat: 60.17 + north, lon: 24.94 });
            // One in five is kept for later, one in five sends something old again.
            match self.random.below(5) {
                0 => {}
                1 => self.send(last).await,
                _ => self.send(None).await,
            }
            last = Some(Fix { sequence: number, at_ms, lat: 60.17 + north, lon: 24.94 })
                .filter(|fix| self.acknowledged.contains(&fix.sequence))
                .or(last);
        }
        let begun = Instant::now();
        while !self.kept.is_empty() {
            ensure!(begun.elapsed() < PATIENCE, "{} are never acknowledged", self.kept.len());
            self.send(None).await;
            pause(Duration::from_millis(50)).await;
        }
        Ok(self)
    }
}

async fn opened<'s>(socket: &'s mut Option<Socket>, base: &str, key: &str) -> anyhow::Result<&'s mut Socket> {
    if socket.is_none() {
        *socket = Some(Socket::open(&format!("{base}/api/v1/realtime"), key).await?);
    }
    socket.as_mut().context("a socket")
}

async fn acknowledged(socket: &mut Socket, id: u32, count: usize) -> anyhow::Result<bool> {
    let heard = socket.hear(&["positions_ack", "positions_refused", "ending"]).await?;
    ensure!(heard["id"] == id, "{heard}");
    let number = |member: &str| heard[member].as_u64().unwrap_or(0);
    if heard["type"] != "positions_ack" {
        return Ok(false);
    }
    ensure!(heard["rejected"] == json!([]), "{heard}");
    Ok(number("accepted") + number("duplicates") == u64::try_from(count)?)
}

/// Drivers without accounts, and a key that reports for all of them.
async fn hired(cluster: &Cluster, count: usize) -> anyhow::Result<(String, Vec<String>)> {
    let owner = cluster.first_run().await?.access_token;
    let post = async |path: &str, body: Value| -> anyhow::Result<Value> {
        let request = cluster.http().request(Method::POST, cluster.url(path)).bearer_auth(&owner).json(&body);
        let answer = request.send().await?;
        ensure!(answer.status().is_success(), "{path}: {} {}", answer.status(), answer.text().await?);
        Ok(answer.json().await?)
    };
    let key = json!({ "kind": "device", "name": "Trackers", "scopes": ["report:positions"] });
    let key = post("/api/v1/api-keys", key).await?["secret"].as_str().context("a secret")?.to_owned();
    let mut drivers = Vec::with_capacity(count);
    for number in 0..count {
        let made = post("/api/v1/drivers", json!({ "name": format!("Driver {number}") })).await?;
        drivers.push(made["id"].as_str().context("an id")?.to_owned());
    }
    // Tracking has heard of the last one when it has heard of all.
    let last = drivers.last().context("drivers")?;
    let (url, begun) = (cluster.url(&format!("/api/v1/drivers/{last}/locations")), Instant::now());
    while cluster.http().get(&url).bearer_auth(&owner).send().await?.status() != 200 {
        ensure!(begun.elapsed() < PATIENCE, "tracking has not heard of {last}");
        pause(Duration::from_millis(50)).await;
    }
    Ok((key, drivers))
}

async fn run(proof: &Proof) -> anyhow::Result<()> {
    let (drivers, seconds, seed) = (proof.size(50, 1_000), proof.size(20, 600), seed(41));
    let dir = testkit::cluster::temp_dir("dropmate-gps-")?;
    let limit = |name: &str| (format!("DROPMATE__LIMITS__{name}_PER_MINUTE"), "1000000".to_owned());
    let environment = vec![limit("KEY"), limit("POSITIONS")];
    let plan = Plan { environment, ..Plan::apart() };
    let mut cluster = Box::pin(Cluster::start(testkit::process::binary()?, dir.path(), &plan)).await?;
    let (key, ids) = hired(&cluster, drivers).await?;
    let mut devices = JoinSet::new();
    for (index, driver) in ids.iter().enumerate() {
        let way = match index % 4 {
            0 => Way::Http(cluster.http().clone()),
            1 => Way::Text(None),
            2 => Way::Binary(None),
            _ => Way::Grpc(None),
        };
        let device = Device {
            base: cluster.url(""),
            key: key.clone(),
            driver: driver.clone(),
            way,
            random: Random::seeded(seed + u64::try_from(index)?),
            kept: BTreeMap::new(),
            acknowledged: BTreeSet::new(),
            times: Vec::new(),
            messages: 0,
            refused: 0,
        };
        devices.spawn(Box::pin(device.drive(seconds)));
    }
    let mut done: Vec<Device> = Vec::new();
    let begun = Instant::now();
    let mut kills = [("tracking", seconds / 3), ("gateway", seconds * 2 / 3)].into_iter().peekable();
    while !devices.is_empty() {
        if let Some((victim, _)) = kills.next_if(|(_, when)| begun.elapsed() >= Duration::from_secs(*when)) {
            cluster.member(victim)?.kill()?;
        }
        cluster.supervise()?;
        if let Ok(Some(device)) = tokio::time::timeout(Duration::from_millis(100), devices.join_next()).await
        {
            done.push(device??);
        }
    }
    ensure!(kills.peek().is_none(), "not everybody was killed");
    verdict(proof, &cluster, &done).await?;
    cluster.wait_ready().await?;
    cluster.stop()
}

async fn verdict(proof: &Proof, cluster: &Cluster, devices: &[Device]) -> anyhow::Result<()> {
    let rows = "SELECT driver_id::text || ' ' || sequence, count(*)::text FROM tracking.positions GROUP BY 1";
    let stored: BTreeMap<String, String> = cluster.query(rows).await?.into_iter().collect();
    ensure!(stored.values().all(|count| count == "1"), "something is there twice");
    let mut expected = BTreeSet::new();
    for device in devices {
        let driver: kernel::ids::DriverId = device.driver.parse()?;
        expected.extend(device.acknowledged.iter().map(|number| format!("{} {number}", driver.uuid())));
    }
    let lost: Vec<_> = expected.iter().filter(|one| !stored.contains_key(*one)).collect();
    ensure!(lost.is_empty(), "{} acknowledged and lost, {:?}", lost.len(), lost.first());
    ensure!(stored.len() == expected.len(), "{} stored, {} acknowledged", stored.len(), expected.len());
    let mut times: Vec<Duration> = devices.iter().flat_map(|device| device.times.iter().copied()).collect();
    times.sort();
    let seconds: Vec<f64> = times.iter().map(Duration::as_secs_f64).collect();
    let p99 = percentile(&seconds, 0.99);
    let refused: u32 = devices.iter().map(|device| device.refused).sum();
    let report = format!(
        "{} drivers at 1 Hz over HTTP, socket (text and bytes) and gRPC, 2 processes killed: {} acknowledged positions, 0 lost, \
         0 doubled; {refused} messages were sent again; ack p99 {:.0} ms",
        devices.len(),
        expected.len(),
        p99 * 1_000.0
    );
    proof.report(&report);
    ensure!(p99 < 0.25, "{report}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_gps() {
    let proof = Proof::new("positions over mixed ways");
    Box::pin(run(&proof)).await.unwrap_or_else(|error| panic!("{error:#}"));
}
