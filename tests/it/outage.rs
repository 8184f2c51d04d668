//! Each service is away in turn, while others go on: what works meanwhile is what ARCHITECTURE.md says ("While a part is away"),
//! and afterwards nothing is missing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use platform::lifecycle::pause;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::sandbox::{App, Shape};

use crate::lunch::{Driver, Fate, Town, verdict};

const PATIENCE: Duration = Duration::from_mins(1);
const PARTS: [&str; 6] = ["identity", "storefront", "orders", "drivers", "dispatch", "tracking"];

/// What somebody wants to do, and which services it needs.
const NEEDS: [(&str, &[&str]); 9] = [
    ("ask who one is", &["identity"]),
    ("read a shop", &["storefront"]),
    ("place an order", &["orders"]),
    ("see the day", &["orders"]),
    ("say available", &["drivers"]),
    ("see who waits", &["dispatch"]),
    ("report a position", &["tracking"]),
    ("follow a delivery", &["tracking"]),
    ("make a step", &["orders"]),
];

/// Who does it.
struct People {
    town: Town,
    shop: String,
    driver: Driver,
    /// Orders and the codes of their pages.
    orders: Vec<(String, String)>,
}

impl People {
    async fn ask(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Value,
    ) -> anyhow::Result<(u16, Value)> {
        self.town.app.call(method, path, token, &body).await
    }

    /// Does it; the status that was answered.
    async fn attempt(&mut self, what: &str) -> anyhow::Result<u16> {
        let (owner, driver) = (self.town.owner.clone(), self.driver.token.clone());
        let (last, _) = self.orders.last().cloned().context("an order")?;
        let (_, code) = self.orders.first().cloned().context("an order")?;
        let own = format!("/api/v1/drivers/{}", self.driver.id);
        let none = Value::Null;
        let (status, body) = match what {
            "ask who one is" => self.ask(Method::GET, "/api/v1/users/me", &owner, none).await?,
            "read a shop" => {
                self.ask(Method::GET, &format!("/api/v1/shops/{}", self.shop), &owner, none).await?
            }
            "place an order" => {
                let order = json!({ "shop_id": self.shop, "dropoff": {
                    "street": "Hämeentie 1", "postcode": "00530", "city": "Helsinki", "position": { "lat": 60.18, "lon": 24.95 } } });
                let (status, made) = self.ask(Method::POST, "/api/v1/orders", &owner, order).await?;
                if let (Some(id), Some(code)) = (made["id"].as_str(), made["tracking_code"].as_str()) {
                    self.orders.push((id.to_owned(), code.to_owned()));
                }
                (status, made)
            }
            "see the day" => self.ask(Method::GET, "/api/v1/overview", &owner, none).await?,
            "say available" => {
                let said = json!({ "availability": "available" });
                self.ask(Method::PUT, &format!("{own}/availability"), &driver, said).await?
            }
            "see who waits" => self.ask(Method::GET, "/api/v1/dispatch/queue", &owner, none).await?,
            "report a position" => {
                let fix = json!({ "lat": self.driver.place.0, "lon": self.driver.place.1 });
                self.ask(Method::POST, &format!("{own}/location"), &driver, fix).await?
            }
            "follow a delivery" => self.ask(Method::GET, &format!("/api/v1/track/{code}"), "", none).await?,
            // Whether it fits where the order stands is not the question: a refusal is an answer.
            _ => {
                let step = json!({ "status": "enroute_to_pickup" });
                let (status, body) =
                    self.ask(Method::POST, &format!("/api/v1/orders/{last}/status"), &driver, step).await?;
                (if [403, 404, 409].contains(&status) { 200 } else { status }, body)
            }
        };
        ensure!(
            (200..300).contains(&status) || status == 503,
            "{what} answered {status} {body}: neither done nor away"
        );
        Ok(status)
    }

    fn cluster(&mut self) -> anyhow::Result<&mut testkit::sandbox::Cluster> {
        match &mut self.town.app {
            App::Split(cluster) => Ok(cluster),
            App::Whole(_) => anyhow::bail!("one process has no parts that can be away"),
        }
    }

    /// What works without one service, and what does not.
    async fn without(&mut self, part: &str) -> anyhow::Result<()> {
        self.cluster()?.member(part)?.stop()?;
        for (what, needs) in NEEDS {
            let status = self.attempt(what).await?;
            let wanted = if needs.contains(&part) { 503 } else { 200 };
            let seen = if status == 503 { 503 } else { 200 };
            ensure!(seen == wanted, "without {part}: {what} answered {status}");
        }
        let cluster = self.cluster()?;
        cluster.member(part)?.spawn()?;
        cluster.wait_ready().await?;
        // Callers try again a moment after they have noticed that it was away.
        let begun = Instant::now();
        for (what, _) in NEEDS.into_iter().filter(|(_, needs)| needs.contains(&part)) {
            while self.attempt(what).await? == 503 {
                ensure!(begun.elapsed() < PATIENCE, "{part} is back, but {what} does not work");
                pause(Duration::from_millis(100)).await;
            }
        }
        Ok(())
    }

    /// Everything that was ordered is carried to its door.
    async fn finish(&mut self) -> anyhow::Result<BTreeMap<String, &'static str>> {
        let (mut ended, begun) = (BTreeMap::new(), Instant::now());
        while ended.len() < self.orders.len() {
            ensure!(begun.elapsed() < PATIENCE, "{} of {} ended", ended.len(), self.orders.len());
            for (order, _) in &self.orders {
                let (status, _) = self.town.status(order).await?;
                if status == "assigned" || status == "enroute_to_pickup" {
                    self.carry(order, &status).await?;
                    ended.insert(order.clone(), "delivered");
                }
            }
            pause(Duration::from_millis(100)).await;
        }
        Ok(ended)
    }

    async fn carry(&self, order: &str, status: &str) -> anyhow::Result<()> {
        let mut driver = self.driver.clone();
        if status == "assigned" {
            self.town.carry(&mut driver, order, Fate::Delivered).await?;
            return Ok(());
        }
        for status in
            ["arrived_at_pickup", "picked_up", "enroute_to_dropoff", "arrived_at_dropoff", "delivered"]
        {
            let how = if status == "delivered" {
                json!({ "outcome": "delivered_to_recipient" })
            } else {
                json!({})
            };
            self.town.step(&driver, order, status, how).await?;
        }
        Ok(())
    }
}

async fn each_in_turn() -> anyhow::Result<()> {
    let dir = testkit::cluster::temp_dir("dropmate-outage-")?;
    let app = Box::pin(App::start(Shape::Split, dir.path(), &[])).await?;
    let owner = app.first_run().await?.access_token;
    let town = Town { app, owner };
    let shop = town.shop(0, (60.170, 24.940)).await?;
    let driver = town.driver(0, (60.169, 24.938)).await?;
    town.nearest().await?;
    let begun = Instant::now();
    let first = loop {
        match town.order(&shop, 1).await {
            Ok(order) => break order,
            // Orders has not heard of the shop yet.
            Err(_not_yet) if begun.elapsed() < PATIENCE => pause(Duration::from_millis(50)).await,
            Err(error) => return Err(error),
        }
    };
    while town.get(&format!("/api/v1/track/{}", first.1), "").await.is_err() {
        ensure!(begun.elapsed() < PATIENCE, "the first order has no page");
        pause(Duration::from_millis(50)).await;
    }
    let mut people = People { town, shop, driver, orders: vec![first] };
    for part in PARTS {
        people.without(part).await?;
    }
    let ended = people.finish().await?;
    verdict(&people.town, &people.orders, &ended).await?;
    people.town.app.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_works_while_a_part_is_away_and_nothing_is_missing_afterwards() {
    Box::pin(each_in_turn()).await.unwrap_or_else(|error| panic!("{error:#}"));
}
