//! Lunch: shops, drivers and orders from the first to the last, through the public API only, in one process and split.
//!
//! Drivers are found by dispatch, report where they are, make every step, collect cash, fail at some doors and bring the orders
//! back; phones lose their signal for ten minutes and hand in afterwards what was done. Then every order has ended as it may end, every event is in the log once, the customer's page tells the story that the order's
//! history tells, and the audit trail is sound.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use kernel::time::Timestamp;
use platform::lifecycle::pause;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::Proof;
use testkit::sandbox::{App, Shape};

/// How long something that happens in the background may take.
const PATIENCE: Duration = Duration::from_secs(30);
const STEPS: [&str; 6] = [
    "enroute_to_pickup",
    "arrived_at_pickup",
    "picked_up",
    "enroute_to_dropoff",
    "arrived_at_dropoff",
    "delivered",
];

pub(crate) struct Town {
    pub(crate) app: App,
    pub(crate) owner: String,
}

#[derive(Clone)]
pub(crate) struct Driver {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) place: (f64, f64),
    fixes: i64,
}

impl Town {
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        let (status, answer) = self.app.call(method.clone(), path, token, body).await?;
        ensure!((200..300).contains(&status), "{method} {path} {body} -> {status} {answer}");
        Ok(answer)
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: Value) -> anyhow::Result<Value> {
        self.call(Method::POST, path, token, &body).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, path, token, &Value::Null).await
    }

    pub(crate) async fn shop(&self, number: usize, place: (f64, f64)) -> anyhow::Result<String> {
        let shop = json!({
            "name": format!("Kitchen {number}"), "number_prefix": (["A", "B", "C"][number % 3]),
            "street": "Aleksanterinkatu 52", "postcode": "00100", "city": "Helsinki", "country": "FI",
            "position": { "lat": place.0, "lon": place.1 }, "phone": "+358912345678", "time_zone": "Europe/Helsinki",
            "currency": "EUR", "preparation_minutes": 0, "service_minutes": 1,
        });
        id_of(&self.post("/api/v1/shops", &self.owner, shop).await?)
    }

    /// Somebody joins as a driver, is known to dispatch, and goes on duty.
    pub(crate) async fn driver(&self, number: usize, place: (f64, f64)) -> anyhow::Result<Driver> {
        let invited = self.post("/api/v1/invitations", &self.owner, json!({ "role": "driver" })).await?;
        let link = invited["link"].as_str().context("a link")?;
        let token = link.rsplit('/').next().unwrap_or_default();
        let joined = json!({
            "token": token, "name": format!("Driver {number}"), "phone": format!("+49301231{number:05}"), "pin": "493827",
        });
        let joined = self.post("/api/v1/auth/invitations/accept", "", joined).await?;
        let token = joined["access_token"].as_str().context("a token")?.to_owned();
        let begun = Instant::now();
        let id = loop {
            let (status, me) = self.app.call(Method::GET, "/api/v1/drivers/me", &token, &Value::Null).await?;
            if status == 200 {
                break id_of(&me)?;
            }
            ensure!(begun.elapsed() < PATIENCE, "no profile was made: {status} {me}");
            pause(Duration::from_millis(50)).await;
        };
        let mut driver = Driver { id, token, place, fixes: 0 };
        self.fix(&mut driver).await?;
        let path = format!("/api/v1/drivers/{}/availability", driver.id);
        self.call(Method::PUT, &path, &driver.token, &json!({ "availability": "available" })).await?;
        Ok(driver)
    }

    /// The driver's phone says where it is.
    pub(crate) async fn fix(&self, driver: &mut Driver) -> anyhow::Result<()> {
        driver.fixes += 1;
        let fix = json!({ "lat": driver.place.0, "lon": driver.place.1, "accuracy_m": 8.0, "sequence": driver.fixes });
        let (path, begun) = (format!("/api/v1/drivers/{}/location", driver.id), Instant::now());
        loop {
            let (status, answer) = self.app.call(Method::POST, &path, &driver.token, &fix).await?;
            match status {
                200..300 => return Ok(()),
                // Tracking has not heard of the driver yet.
                404 if begun.elapsed() < PATIENCE => pause(Duration::from_millis(50)).await,
                _ => bail!("{path} {fix} -> {status} {answer}"),
            }
        }
    }

    pub(crate) async fn nearest(&self) -> anyhow::Result<()> {
        let read = self.app.http().get(self.app.url("/api/v1/dispatch/policy")).bearer_auth(&self.owner);
        let read = read.send().await?.error_for_status()?;
        let etag = read.headers()["etag"].to_str()?.to_owned();
        let mut policy: Value = read.json().await?;
        policy["strategy"] = "nearest".into();
        policy["max_orders"] = 4.into();
        let put = self.app.http().put(self.app.url("/api/v1/dispatch/policy")).bearer_auth(&self.owner);
        put.header("if-match", etag).json(&policy).send().await?.error_for_status()?;
        Ok(())
    }

    pub(crate) async fn order(&self, shop: &str, number: usize) -> anyhow::Result<(String, String)> {
        let north = f64::from(u32::try_from(number % 10)?) / 1_000.0;
        let mut order = json!({
            "shop_id": shop,
            "dropoff": {
                "street": format!("Hämeentie {number}"), "postcode": "00530", "city": "Helsinki", "country": "FI",
                "position": { "lat": 60.175 + north, "lon": 24.945 }, "contact": { "name": "Grace Hopper", "phone": "+358401234567" },
            },
            "packages": [{ "description": "Lunch", "weight_g": 700 }],
        });
        // Every fifth pays at the door.
        let cash = json!({ "amount_minor": 1250, "currency": "EUR" });
        if number.is_multiple_of(5) {
            order["cash"] = cash.clone();
        }
        let made = self.post("/api/v1/orders", &self.owner, order).await?;
        ensure!(!number.is_multiple_of(5) || made["cash"] == cash, "nothing to collect: {made}");
        let code = made["tracking_code"].as_str().with_context(|| format!("a tracking code: {made}"))?;
        Ok((id_of(&made)?, code.to_owned()))
    }

    pub(crate) async fn status(&self, order: &str) -> anyhow::Result<(String, Option<String>)> {
        let read = self.get(&format!("/api/v1/orders/{order}"), &self.owner).await?;
        let status = read["status"].as_str().with_context(|| format!("a status: {read}"))?.to_owned();
        Ok((status, read["driver_id"].as_str().map(str::to_owned)))
    }

    pub(crate) async fn step(
        &self,
        driver: &Driver,
        order: &str,
        status: &str,
        more: Value,
    ) -> anyhow::Result<()> {
        let mut body = json!({ "status": status });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        self.post(&format!("/api/v1/orders/{order}/status"), &driver.token, body).await?;
        Ok(())
    }

    /// The driver does what there is to do about an order, and how it is meant to end.
    pub(crate) async fn carry(
        &self,
        driver: &mut Driver,
        order: &str,
        fate: Fate,
    ) -> anyhow::Result<&'static str> {
        if fate == Fate::Offline {
            return self.hand_in(driver, order).await;
        }
        for status in STEPS {
            driver.place.0 += 0.0005;
            self.fix(driver).await?;
            if status == "delivered" && fate != Fate::Delivered {
                let why = json!({ "outcome": "failed_not_home", "failure_reason": "not_at_home" });
                self.step(driver, order, "failed", why).await?;
                self.step(driver, order, "returning", json!({})).await?;
                self.step(driver, order, "returned", json!({})).await?;
                return Ok("returned");
            }
            let how = if status == "delivered" {
                json!({ "outcome": "delivered_to_recipient" })
            } else {
                json!({})
            };
            self.step(driver, order, status, how).await?;
        }
        Ok("delivered")
    }
}

/// What a phone kept while it had no signal, in the order in which it was made.
impl Town {
    async fn hand_in(&self, driver: &mut Driver, order: &str) -> anyhow::Result<&'static str> {
        let now: i64 =
            self.app.query("SELECT extract(epoch FROM now())::bigint::text, ''").await?[0].0.parse()?;
        let step_s = OFFLINE_S / i64::try_from(STEPS.len())?;
        for (index, status) in (0..).zip(STEPS) {
            let at = Timestamp::from_second(now - OFFLINE_S + index * step_s)?;
            let mut body = json!({ "status": status, "at": at });
            if status == "delivered" {
                body["outcome"] = "delivered_to_recipient".into();
            }
            let (path, key) = (format!("/api/v1/orders/{order}/status"), format!("{order}-{status}"));
            // The answer to the first try was lost on every second step.
            for _ in 0..=index % 2 {
                let sent = self.app.http().post(self.app.url(&path)).bearer_auth(&driver.token);
                let answer = sent.header("idempotency-key", &key).json(&body).send().await?;
                ensure!(answer.status().is_success(), "{body}: {}", answer.text().await?);
            }
        }
        self.fix(driver).await?;
        Ok("delivered")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Delivered,
    NobodyHome,
    /// The phone has no signal from the pick-up on: ten minutes later it hands in all steps, with the times at which they were
    /// made, some of them twice.
    Offline,
}

/// How long a phone has no signal.
const OFFLINE_S: i64 = 600;

fn id_of(made: &Value) -> anyhow::Result<String> {
    Ok(made["id"].as_str().with_context(|| format!("an id: {made}"))?.to_owned())
}

/// How large lunch is.
struct Size {
    shops: usize,
    drivers: usize,
    orders: usize,
}

async fn lunch(shape: Shape, size: &Size) -> anyhow::Result<String> {
    let dir = testkit::cluster::temp_dir("dropmate-lunch-")?;
    let app = Box::pin(App::start(shape, dir.path(), &[])).await?;
    let owner = app.first_run().await?.access_token;
    let town = Town { app, owner };
    let begun = Instant::now();
    let mut shops = Vec::new();
    for number in 0..size.shops {
        shops.push(town.shop(number, (60.170 + 0.002 * f64::from(u32::try_from(number)?), 24.940)).await?);
    }
    let mut drivers = BTreeMap::new();
    for number in 0..size.drivers {
        let north = 0.001 * f64::from(u32::try_from(number)?);
        let driver = town.driver(number, (60.169 + north, 24.938)).await?;
        drivers.insert(driver.id.clone(), driver);
    }
    let mut orders = Vec::new();
    // The first one is there before anybody dispatches: the strategy finds it waiting.
    orders.push(ordered(&town, &shops, 0).await?);
    town.nearest().await?;
    for number in 1..size.orders {
        orders.push(ordered(&town, &shops, number).await?);
    }
    let mut ended = BTreeMap::new();
    while ended.len() < orders.len() {
        ensure!(begun.elapsed() < PATIENCE * 10, "{} of {} ended", ended.len(), orders.len());
        let mut moved = false;
        for (number, (order, _)) in orders.iter().enumerate() {
            if ended.contains_key(order) {
                continue;
            }
            let (status, driver) = town.status(order).await?;
            let Some(driver) = driver.filter(|_| status == "assigned") else { continue };
            let driver = drivers.get_mut(&driver).context("a driver of this town")?;
            let fate = match number % 7 {
                3 => Fate::NobodyHome,
                5 => Fate::Offline,
                _ => Fate::Delivered,
            };
            ended.insert(order.clone(), town.carry(driver, order, fate).await?);
            moved = true;
        }
        if !moved {
            pause(Duration::from_millis(100)).await;
        }
    }
    verdict(&town, &orders, &ended).await?;
    let mut town = town;
    town.app.stop()?;
    let returned = ended.values().filter(|end| **end == "returned").count();
    Ok(format!("{} orders by {} drivers, {returned} brought back", orders.len(), drivers.len()))
}

async fn ordered(town: &Town, shops: &[String], number: usize) -> anyhow::Result<(String, String)> {
    town.order(&shops[number % shops.len()], number).await
}

/// Every order ended as it was meant to; the log, the page, the queue and the trail say so too.
pub(crate) async fn verdict(
    town: &Town,
    orders: &[(String, String)],
    ended: &BTreeMap<String, &'static str>,
) -> anyhow::Result<()> {
    for (order, code) in orders {
        let (status, _) = town.status(order).await?;
        ensure!(status == ended[order], "{order} is {status}, not {}", ended[order]);
        let history = town.get(&format!("/api/v1/orders/{order}/events"), &town.owner).await?;
        let steps: Vec<&str> = history["items"]
            .as_array()
            .with_context(|| format!("a history: {history}"))?
            .iter()
            .filter_map(|step| step["to"].as_str())
            .collect();
        page_tells(town, code, &steps).await?;
    }
    queue_is_empty(town).await?;
    let twice = "SELECT subject, key::text FROM bus.log GROUP BY subject, key, version HAVING count(*) > 1";
    ensure!(town.app.query(twice).await?.is_empty(), "an event is in the log twice");
    let begun = Instant::now();
    while !town.app.query("SELECT subject, key::text FROM bus.outbox").await?.is_empty() {
        ensure!(begun.elapsed() < PATIENCE, "events wait for the log");
        pause(Duration::from_millis(100)).await;
    }
    stream_tells(town).await?;
    let lost = town.app.query("SELECT subject, key::text FROM bus.dead_letters").await?;
    ensure!(lost.is_empty(), "events that nobody could handle: {lost:?}");
    let dead = "SELECT name, coalesce(last_error, '') FROM platform.jobs WHERE state = 'dead'";
    let dead = town.app.query(dead).await?;
    ensure!(dead.is_empty(), "jobs that were given up: {dead:?}");
    let verified: Value = serde_json::from_str(&town.app.run(&["audit", "verify"])?)?;
    ensure!(verified["findings"] == json!([]), "the trail is not sound: {verified}");
    Ok(())
}

/// Dispatch forgets what has ended, as soon as it has heard of it.
async fn queue_is_empty(town: &Town) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let queue = town.get("/api/v1/dispatch/queue", &town.owner).await?;
        if queue["items"] == json!([]) {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "still in the queue: {queue}");
        pause(Duration::from_millis(50)).await;
    }
}

/// Who follows all orders from the beginning hears every event about one, each once, in the order of the log, each after the
/// one before.
async fn stream_tells(town: &Town) -> anyhow::Result<()> {
    let asked = town.app.http().get(town.app.url("/api/v1/stream?topics=orders")).bearer_auth(&town.owner);
    let epoch = town.app.query("SELECT epoch::text, '' FROM bus.head").await?[0].0.clone();
    let mut stream = asked.header("last-event-id", format!("{epoch}.0")).send().await?.error_for_status()?;
    let said =
        "SELECT l.\"offset\"::text, '' FROM bus.log l WHERE l.payload ? 'order_id' ORDER BY l.\"offset\"";
    let said: Vec<String> = town.app.query(said).await?.into_iter().map(|(offset, _)| offset).collect();
    let (mut text, mut heard, mut prev, begun) = (String::new(), Vec::new(), 0, Instant::now());
    // The log is complete here, the stream may still be catching up with it: it is heard to the last event.
    while heard.last() != said.last() {
        ensure!(begun.elapsed() < PATIENCE, "heard {heard:?}, said {said:?}");
        let chunk = tokio::time::timeout(PATIENCE, stream.chunk()).await;
        let chunk = chunk.context("the stream is silent")??;
        text.push_str(std::str::from_utf8(&chunk.context("the stream ended")?)?);
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let lines: String = text.drain(..whole).collect();
        for message in lines.lines().filter_map(|line| line.strip_prefix("data: ")) {
            let message: Value = serde_json::from_str(message)?;
            ensure!(message["type"] != "resync" && message["type"] != "refused", "{message}");
            if message["type"] == "event" {
                ensure!(message["prev"] == prev, "{message} does not follow {prev}");
                prev = message["offset"].as_i64().context("an offset")?;
                heard.push(prev.to_string());
            }
        }
    }
    ensure!(heard == said, "heard {heard:?}, said {said:?}");
    Ok(())
}

/// The customer's page has every step of the order's history, in its order.
async fn page_tells(town: &Town, code: &str, steps: &[&str]) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let page = town.get(&format!("/api/v1/track/{code}"), "").await?;
        let told: Vec<&str> = page["timeline"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|row| row["kind"].as_str())
            .collect();
        let mut rest = told.iter();
        if steps.iter().all(|step| rest.any(|kind| kind == step)) {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            bail!("the history is {steps:?}, the page tells {told:?}: {page}");
        }
        pause(Duration::from_millis(100)).await;
    }
}

async fn proof(shape: Shape, name: &'static str) {
    let proof = Proof::new(name);
    let size = Size { shops: proof.size(2, 3), drivers: proof.size(3, 12), orders: proof.size(8, 200) };
    let figure = Box::pin(lunch(shape, &size)).await.unwrap_or_else(|error| panic!("{error:#}"));
    proof.report(&format!(
        "{figure}: each in a legal final state, every event once, every page tells its order's history, trail sound"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_lunch_in_one_process() {
    Box::pin(proof(Shape::Whole, "lunch, one process")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_lunch_split() {
    Box::pin(proof(Shape::Split, "lunch, seven processes")).await;
}
