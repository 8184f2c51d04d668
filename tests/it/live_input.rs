//! Positions come in over every way there is, and every view tells the same: HTTP, the socket as text and as bytes, gRPC, and
//! two tracker apps; each position is stored once, however often and wherever it is sent.

pub(crate) mod wire;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kernel::time::{Clock as _, Timestamp};
use platform::clock::SystemClock;
use platform::lifecycle::pause;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::sandbox::{App, Cluster, Plan, Shape};
use tonic::Code;
use wire::{Call, Fix, Socket, frame};

use crate::consumer::services_keep_it;
use crate::lunch::{Driver, Town};

/// How long something that happens in the background may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Numbers of positions of this story: others were sent when the driver began.
const FIRST: u64 = 1_000;

/// A driver with an order, and the way that they go: half a second and five metres from one position to the next.
pub(crate) struct Scene {
    pub(crate) town: Town,
    pub(crate) driver: Driver,
    pub(crate) order: String,
    begin_ms: i64,
}

impl Scene {
    async fn open(
        shape: Shape,
        folder: &std::path::Path,
        environment: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let app = match shape {
            Shape::Whole => Box::pin(App::start(shape, folder, environment)).await?,
            // Split, live positions travel through what the processes share.
            Shape::Split => {
                let plan = Plan { redis: true, ..Plan::apart() };
                let folder = folder.join("split");
                let cluster = Cluster::start(testkit::process::binary()?, &folder, &plan);
                App::Split(Box::new(Box::pin(cluster).await?))
            }
        };
        let owner = app.first_run().await?.access_token;
        let town = Town { app, owner };
        let shop = town.shop(0, (60.170, 24.940)).await?;
        let driver = town.driver(0, (60.169, 24.938)).await?;
        let (order, _) = town.order(&shop, 1).await?;
        let begin_ms = now().as_second() * 1_000;
        let scene = Self { town, driver, order, begin_ms };
        scene.assign().await?;
        Ok(scene)
    }

    /// The order is the driver's, and in the driver's route.
    async fn assign(&self) -> anyhow::Result<()> {
        let (path, begun) = (format!("/api/v1/orders/{}/assign", self.order), Instant::now());
        let body = json!({ "driver_id": self.driver.id });
        self.town.post(&path, &self.town.owner, body).await?;
        loop {
            let day = self.town.get("/api/v1/drivers/me/day", &self.driver.token).await?;
            if day["route"]["stops"].as_array().is_some_and(|stops| stops.len() == 2) {
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "the order is in no route: {day}");
            pause(Duration::from_millis(50)).await;
        }
    }

    fn fix(&self, number: u64) -> Fix {
        let steps = i64::try_from(number).unwrap_or(0);
        let north = f64::from(u32::try_from(number).unwrap_or(0)) * 0.00005;
        Fix { sequence: FIRST + number, at_ms: self.begin_ms + steps * 500, lat: 60.169 + north, lon: 24.938 }
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.town.get(path, &self.town.owner).await
    }

    async fn over_http(&self, numbers: &[u64]) -> anyhow::Result<BTreeMap<String, usize>> {
        let fixes: Vec<Value> = numbers.iter().map(|number| self.fix(*number).json()).collect();
        let path = format!("/api/v1/drivers/{}/location", self.driver.id);
        let answer = self.town.post(&path, &self.driver.token, json!(fixes)).await?;
        let mut counts = BTreeMap::new();
        for result in answer["results"].as_array().context("results")? {
            *counts.entry(result["status"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
        Ok(counts)
    }

    /// How often each position of this story is in the history, by its number; those of tracker apps by their time.
    async fn history(&self) -> anyhow::Result<BTreeMap<String, usize>> {
        let path = format!("/api/v1/drivers/{}/locations?limit=200", self.driver.id);
        // Positions may say that they are of a moment that is only just coming.
        let until = Timestamp::from_second(now().as_second() + 600)?;
        let page = self.get(&format!("{path}&until={until}")).await?;
        let mut counts = BTreeMap::new();
        for item in page["items"].as_array().context("a history")? {
            let name = match item["sequence"].as_u64() {
                Some(number) if number < FIRST => continue,
                Some(number) => (number - FIRST).to_string(),
                None => "app".to_owned(),
            };
            *counts.entry(name).or_default() += 1;
        }
        Ok(counts)
    }

    async fn device(&self, protocol: &str) -> anyhow::Result<String> {
        let path = format!("/api/v1/drivers/{}/devices", self.driver.id);
        let device = json!({ "name": "A phone", "protocol": protocol });
        let added = self.town.post(&path, &self.town.owner, device).await?;
        Ok(added["secret"].as_str().context("a secret")?.to_owned())
    }
}

/// The time of the installation, which is that of the machine.
fn now() -> Timestamp {
    SystemClock.now()
}

fn counted(accepted: usize, duplicate: usize) -> BTreeMap<String, usize> {
    let counts = [("accepted", accepted), ("duplicate", duplicate)];
    counts.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| (name.to_owned(), count)).collect()
}

/// Every way in, with what was sent before over another one.
async fn every_way_in(scene: &Scene, socket: &mut Socket) -> anyhow::Result<()> {
    ensure!(scene.over_http(&[1, 2]).await? == counted(2, 0));

    let text = json!({ "type": "positions", "id": 1, "positions": [scene.fix(2).json(), scene.fix(3).json(), { "lat": 91 }] });
    socket.say(&text).await?;
    let ack = socket.hear(&["positions_ack", "positions_refused"]).await?;
    let rejected = json!([{ "index": 2, "reason": "invalid" }]);
    let expected =
        json!({ "type": "positions_ack", "id": 1, "accepted": 1, "duplicates": 1, "rejected": rejected });
    ensure!(ack == expected, "{ack}");

    socket.send(frame(2, &[scene.fix(3), scene.fix(4)])).await?;
    let ack = socket.hear(&["positions_ack", "positions_refused"]).await?;
    ensure!((&ack["id"], &ack["accepted"], &ack["duplicates"]) == (&json!(2), &json!(1), &json!(1)), "{ack}");
    socket.send(frame(3, &[scene.fix(4)]).slice(1..)).await?;
    socket.hear(&["malformed"]).await?;

    let mut call = Call::open(&scene.town.app.url(""), &scene.driver.token).await?;
    let nowhere = Fix { lat: 0.0, lon: 0.0, ..scene.fix(9) };
    call.send(7, "", &[scene.fix(4), scene.fix(5), nowhere]).await?;
    let reply = call.hear().await?;
    let taken = reply.taken.clone().with_context(|| format!("{reply:?}"))?;
    ensure!((reply.id, taken.accepted, taken.duplicates) == (7, 1, 1), "{reply:?}");
    ensure!(taken.rejected.len() == 1 && taken.rejected[0].index == 2, "{reply:?}");
    ensure!(taken.rejected[0].reason == "no_fix", "{reply:?}");
    call.send(8, &scene.driver.id, &[scene.fix(5)]).await?;
    ensure!(call.hear().await?.taken.is_some_and(|taken| taken.duplicates == 1));
    call.close().await?;
    for (token, code) in [("nonsense", Code::Unauthenticated), ("", Code::Unauthenticated)] {
        let refused = Call::open(&scene.town.app.url(""), token).await.err().context("nobody was refused")?;
        ensure!(refused.code() == code, "{refused:?}");
    }
    ensure!(scene.over_http(&[1, 2, 3, 4, 5, 6]).await? == counted(1, 5));
    apps(scene).await
}

/// Tracker apps are sources of their own: what they send twice is stored once as well.
async fn apps(scene: &Scene) -> anyhow::Result<()> {
    let (osmand, owntracks) = (scene.device("traccar").await?, scene.device("owntracks").await?);
    let (http, at) = (scene.town.app.http(), scene.begin_ms / 1_000);
    let query = format!("id={osmand}&lat=60.1691&lon=24.938&timestamp={at}&accuracy=8");
    let body =
        json!({ "_type": "location", "lat": 60.1692, "lon": 24.938, "tst": at, "acc": 8, "tid": "ad" });
    let password = STANDARD.encode(format!("phone:{owntracks}"));
    for _ in 0..2 {
        let url = scene.town.app.url(&format!("/api/v1/ingest/traccar?{query}"));
        http.get(url).send().await?.error_for_status()?;
        let post = http.post(scene.town.app.url("/api/v1/ingest/owntracks"));
        let post = post.header("authorization", format!("Basic {password}")).json(&body);
        post.send().await?.error_for_status()?;
    }
    Ok(())
}

/// Overview, day, order and numbers tell of the same driver at the same place.
async fn views_agree(scene: &Scene, last: Fix) -> anyhow::Result<()> {
    let overview = scene.get("/api/v1/overview").await?;
    ensure!(overview["unavailable"] == json!([]), "{overview}");
    let drivers = overview["drivers"].as_array().context("drivers")?;
    let seen = drivers.iter().find(|driver| driver["driver"]["id"] == scene.driver.id.as_str());
    let seen = seen.with_context(|| format!("the driver: {overview}"))?;
    let here = |position: &Value| {
        position["lat"].as_f64().is_some_and(|lat| (lat - last.lat).abs() < 1e-6)
            && position["age_s"].is_i64()
    };
    ensure!(here(&seen["position"]), "{seen}");
    ensure!(seen["orders"][0]["id"] == scene.order.as_str(), "{seen}");
    ensure!(
        overview["orders"]["open"]["assigned"] == 1 && overview["orders"]["placed"]["assigned"] == 1,
        "{overview}"
    );
    ensure!(overview["queue"] == json!([]), "{overview}");

    let order = scene.get(&format!("/api/v1/orders/{}/overview", scene.order)).await?;
    ensure!(here(&order["position"]), "{order}");
    ensure!(order["order"]["status"] == "assigned" && order["page"]["status"] == "assigned", "{order}");
    ensure!(order["events"].as_array().is_some_and(|events| events.len() == 2), "{order}");

    let day = scene.town.get("/api/v1/drivers/me/day", &scene.driver.token).await?;
    let stop = &day["route"]["stops"][1];
    ensure!(stop["kind"] == "dropoff" && stop["place"]["street"] == "Hämeentie 1", "{day}");
    ensure!(
        stop["place"]["contact_phone"] == "+358401234567" && stop["order"]["id"] == scene.order.as_str(),
        "{day}"
    );
    let can = day["route"]["stops"][0]["allowed"]
        .as_array()
        .is_some_and(|steps| steps.contains(&json!("enroute_to_pickup")));
    ensure!(can && day["unrouted"] == json!([]) && day["unavailable"] == json!([]), "{day}");

    let stats = scene.get("/api/v1/stats").await?;
    ensure!(stats["queue"]["depth"] == 0 && stats["orders"]["open"]["assigned"] == 1, "{stats}");
    ensure!(stats["live_connections"] == 2, "{stats}");
    let refused =
        scene.town.app.call(Method::GET, "/api/v1/overview", &scene.driver.token, &Value::Null).await?;
    ensure!(refused.0 == 403, "{refused:?}");
    Ok(())
}

/// With tracking gone the views say so; positions are refused, and taken when it is back.
async fn without_tracking(scene: &mut Scene, socket: &mut Socket) -> anyhow::Result<()> {
    let App::Split(cluster) = &mut scene.town.app else { return Ok(()) };
    cluster.member("tracking")?.kill()?;
    let overview = scene.get("/api/v1/overview").await?;
    ensure!(overview["unavailable"] == json!(["tracking"]), "{overview}");
    ensure!(overview["drivers"][0]["position"] == Value::Null, "{overview}");
    let health = scene.get("/api/v1/health").await?;
    let named = json!({ "name": "tracking", "ok": false, "required": false });
    ensure!(health["dependencies"].as_array().is_some_and(|all| all.contains(&named)), "{health}");
    let order = scene.get(&format!("/api/v1/orders/{}/overview", scene.order)).await?;
    ensure!(order["unavailable"] == json!(["tracking"]) && order["page"] == Value::Null, "{order}");

    let fixes = [scene.fix(6), scene.fix(7)];
    socket.send(frame(20, &fixes)).await?;
    let refused = socket.hear(&["positions_ack", "positions_refused"]).await?;
    ensure!(refused["type"] == "positions_refused" && refused["id"] == 20, "{refused}");
    ensure!(refused["retry_after_ms"].is_u64(), "{refused}");
    let mut call = Call::open(&scene.town.app.url(""), &scene.driver.token).await?;
    call.send(21, "", &fixes).await?;
    let reply = call.hear().await?;
    ensure!(reply.refused.as_ref().is_some_and(|refused| refused.retry_after_ms.is_some()), "{reply:?}");

    let App::Split(cluster) = &mut scene.town.app else { return Ok(()) };
    cluster.member("tracking")?.spawn()?;
    cluster.wait_ready().await?;
    let begun = Instant::now();
    let ack = loop {
        socket.send(frame(22, &fixes)).await?;
        let heard = socket.hear(&["positions_ack", "positions_refused"]).await?;
        if heard["type"] == "positions_ack" {
            break heard;
        }
        ensure!(begun.elapsed() < PATIENCE, "{heard}");
        pause(Duration::from_millis(heard["retry_after_ms"].as_u64().unwrap_or(100).min(1_000))).await;
    };
    ensure!((&ack["accepted"], &ack["duplicates"]) == (&json!(1), &json!(1)), "{ack}");
    call.send(23, "", &fixes).await?;
    ensure!(call.hear().await?.taken.is_some_and(|taken| taken.duplicates == 2));
    Ok(())
}

async fn story(shape: Shape) -> anyhow::Result<()> {
    let dir = testkit::cluster::temp_dir("dropmate-input-")?;
    let mut scene = Box::pin(Scene::open(shape, dir.path(), &[])).await?;
    let realtime = scene.town.app.url("/api/v1/realtime");
    let mut watching = Socket::open(&realtime, &scene.town.owner).await?;
    watching.say(&json!({ "type": "subscribe", "topic": format!("driver:{}", scene.driver.id) })).await?;
    watching.hear(&["subscribed"]).await?;
    let mut socket = Socket::open(&realtime, &scene.driver.token).await?;

    Box::pin(every_way_in(&scene, &mut socket)).await?;
    let last = scene.fix(6);
    watching.sees(last.lat, last.lon).await?;
    let once: BTreeMap<String, usize> = (1..=6).map(|number| (number.to_string(), 1)).collect();
    let mut expected = once.clone();
    expected.insert("app".to_owned(), 2);
    let history = scene.history().await?;
    ensure!(history == expected, "{history:?}");
    Box::pin(views_agree(&scene, last)).await?;
    Box::pin(services_keep_it(&scene)).await?;

    Box::pin(without_tracking(&mut scene, &mut socket)).await?;
    if shape == Shape::Split {
        expected.insert("7".to_owned(), 1);
        let history = scene.history().await?;
        ensure!(history == expected, "{history:?}");
    }
    scene.town.app.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_come_in_every_way_and_every_view_tells_the_same_in_one_process() {
    Box::pin(story(Shape::Whole)).await.unwrap_or_else(|error| panic!("{error:#}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_come_in_every_way_and_every_view_tells_the_same_split() {
    Box::pin(story(Shape::Split)).await.unwrap_or_else(|error| panic!("{error:#}"));
}

/// One quota for all ways of one driver; it takes nothing from other drivers, from tracker apps, or from other operations.
async fn one_quota() -> anyhow::Result<()> {
    let dir = testkit::cluster::temp_dir("dropmate-quota-")?;
    let quota = [("DROPMATE__LIMITS__POSITIONS_PER_MINUTE", "60")];
    let scene = Box::pin(Scene::open(Shape::Whole, dir.path(), &quota)).await?;
    let other = scene.town.driver(1, (60.17, 24.94)).await?;
    let mut socket = Socket::open(&scene.town.app.url("/api/v1/realtime"), &scene.driver.token).await?;
    let mut call = Call::open(&scene.town.app.url(""), &scene.driver.token).await?;
    let fix = [scene.fix(1)];
    let mut refused = None;
    for id in 1..=100 {
        socket.send(frame(id, &fix)).await?;
        let heard = socket.hear(&["positions_ack", "positions_refused"]).await?;
        if heard["type"] == "positions_refused" {
            refused = Some((id, heard));
            break;
        }
    }
    let (id, heard) = refused.context("nothing was refused")?;
    ensure!(id <= 62, "{id} messages of 60 passed");
    let wait = heard["retry_after_ms"].as_u64().unwrap_or(0);
    ensure!(heard["code"] == "rate_limited" && (1..=1_000).contains(&wait), "{heard}");
    call.send(1, "", &fix).await?;
    let reply = call.hear().await?;
    ensure!(reply.refused.as_ref().is_some_and(|refused| refused.code == "rate_limited"), "{reply:?}");
    let path = format!("/api/v1/drivers/{}/location", scene.driver.id);
    let (status, _) = scene.town.app.call(Method::POST, &path, &scene.driver.token, &fix[0].json()).await?;
    ensure!(status == 429, "{status} over HTTP");

    // Others are not counted with this one, and this one may do other things.
    let path = format!("/api/v1/drivers/{}/location", other.id);
    scene.town.post(&path, &other.token, scene.fix(2).json()).await?;
    scene.town.get("/api/v1/drivers/me/day", &scene.driver.token).await?;
    apps(&scene).await?;
    // After the time that it was told, a message passes.
    pause(Duration::from_millis(wait + 1_500)).await;
    socket.send(frame(200, &fix)).await?;
    let heard = socket.hear(&["positions_ack", "positions_refused"]).await?;
    ensure!(heard["type"] == "positions_ack" && heard["duplicates"] == 1, "{heard}");
    let mut scene = scene;
    scene.town.app.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_ways_of_one_driver_share_one_quota() {
    Box::pin(one_quota()).await.unwrap_or_else(|error| panic!("{error:#}"));
}
