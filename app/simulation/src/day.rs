//! Plays a day: orders come when they come, couriers learn what they are given and do it, each minute after the other.

use std::collections::{HashMap, VecDeque};

use anyhow::{Context, ensure};
use kernel::geo::Position;
use kernel::random::Random;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::figures::{Figures, Tally};
use crate::pace::Pace;
use crate::plan::{Act, Kind, plan};
use crate::scenario::{Courier, Scenario};
use crate::town::{Town, id_of};

/// How often a phone says where it is although its owner stands still, in minutes.
const STILL: u32 = 4;
/// How long after the last order and shift a day may go on.
const GRACE: u32 = 240;
/// How often the same minute is looked at again, because something that happened in it gave somebody work.
const ROUNDS: usize = 5;

/// A day that is being played.
pub struct Day<'a> {
    scenario: &'a Scenario,
    town: &'a mut Town,
    pace: &'a mut dyn Pace,
    random: Random,
    riders: Vec<Rider>,
    /// Orders by their id, with where they stand in the scenario.
    known: HashMap<String, usize>,
    open: usize,
    tally: Tally,
    /// Steps that were refused because somebody else had changed the order meanwhile.
    refused: usize,
}

/// A courier on this day.
#[derive(Debug, Default)]
struct Rider {
    place: Option<Position>,
    on_duty: bool,
    order: Option<String>,
    /// Which one it is, when its goods are taken and handed over.
    doing: Option<(usize, u32, u32)>,
    acts: VecDeque<Act>,
    /// What was done while there was no signal.
    kept: Vec<(String, Value)>,
    fixes: i64,
    last_fix: u32,
}

impl<'a> Day<'a> {
    /// Of a town that has moved in.
    pub fn new(scenario: &'a Scenario, town: &'a mut Town, pace: &'a mut dyn Pace, seed: u64) -> Self {
        let rider = |courier: &Courier| Rider { place: Some(courier.place), ..Rider::default() };
        let riders = scenario.couriers.iter().map(rider).collect();
        Self {
            scenario,
            town,
            pace,
            random: Random::seeded(seed),
            riders,
            known: HashMap::new(),
            open: 0,
            tally: Tally::default(),
            refused: 0,
        }
    }

    /// Plays it to its end; `progress` hears the minute and how many orders are open.
    pub async fn play(mut self, mut progress: impl FnMut(u32, usize)) -> anyhow::Result<Figures> {
        let (mut next, last) = (0, self.scenario.last());
        for minute in 0..=last + GRACE {
            self.pace.reach(minute).await?;
            self.shifts(minute).await?;
            while self.scenario.orders.get(next).is_some_and(|order| order.placed <= minute) {
                self.place_order(next).await?;
                next += 1;
            }
            for _ in 0..ROUNDS {
                let acted = self.act(minute).await?;
                self.pace.settle().await?;
                let given = self.take_work(minute).await?;
                if !acted && !given {
                    break;
                }
            }
            progress(minute, self.open);
            if minute >= last && self.open == 0 && next == self.scenario.orders.len() {
                break;
            }
        }
        let figures = self.tally.figures(&self.scenario.name);
        if self.refused == 0 {
            self.compare(&figures).await?;
        }
        Ok(figures)
    }

    /// What couriers believe to have done is what the installation knows.
    async fn compare(&mut self, figures: &Figures) -> anyhow::Result<()> {
        let (mut delivered, now) = (0, self.pace.now());
        for order in self.known.keys() {
            let path = format!("/api/v1/orders/{order}");
            let read = self.town.api.get(&mut self.town.owner, now, &path).await?;
            delivered += usize::from(read["status"] == "delivered");
        }
        ensure!(
            delivered == figures.delivered,
            "{delivered} orders are delivered, couriers delivered {}",
            figures.delivered
        );
        Ok(())
    }

    async fn shifts(&mut self, minute: u32) -> anyhow::Result<()> {
        for index in 0..self.riders.len() {
            let courier = &self.scenario.couriers[index];
            let (on, off) = (courier.on, courier.off);
            if minute == on {
                self.fix(index, minute).await?;
                self.say(index, minute, "available").await?;
                self.riders[index].on_duty = true;
                self.tally.shift(off - on);
            } else if minute >= off && self.riders[index].on_duty && self.riders[index].order.is_none() {
                self.say(index, minute, "off_duty").await?;
                self.riders[index].on_duty = false;
            } else if self.riders[index].on_duty && minute >= self.riders[index].last_fix + STILL {
                self.fix(index, minute).await?;
            }
        }
        Ok(())
    }

    async fn say(&mut self, index: usize, minute: u32, availability: &str) -> anyhow::Result<()> {
        let (now, at) = (self.pace.now(), self.pace.at(minute).min(self.pace.now()));
        let account = &mut self.town.riders[index];
        let path = format!("/api/v1/drivers/{}/availability", account.id);
        let body = json!({ "availability": availability, "at": at });
        let answer =
            self.town.api.call(&mut account.session, now, Method::PUT, &path, None, Some(&body)).await?;
        answer.ok().with_context(|| format!("{availability}: {path}"))?;
        Ok(())
    }

    /// The phone says where it is, or keeps it while there is no signal.
    async fn fix(&mut self, index: usize, minute: u32) -> anyhow::Result<()> {
        let rider = &mut self.riders[index];
        let Some(place) = rider.place else { return Ok(()) };
        rider.fixes += 1;
        rider.last_fix = minute;
        let at = self.pace.at(minute).min(self.pace.now());
        let body = json!({ "lat": place.lat(), "lon": place.lon(), "at": at, "accuracy_m": 8.0, "sequence": rider.fixes });
        let path = format!("/api/v1/drivers/{}/location", self.town.riders[index].id);
        self.hand_in(index, minute, path, body).await?;
        Ok(())
    }

    /// Sends what a phone has to say, after everything that it said before; keeps it while there is no signal.
    async fn hand_in(
        &mut self,
        index: usize,
        minute: u32,
        path: String,
        body: Value,
    ) -> anyhow::Result<bool> {
        let offline = self.scenario.couriers[index].character.offline;
        self.riders[index].kept.push((path, body));
        if offline.is_some_and(|(from, until)| (from..until).contains(&minute)) {
            return Ok(true);
        }
        let mut fine = true;
        for (path, body) in std::mem::take(&mut self.riders[index].kept) {
            let key = format!(
                "{}-{}-{}",
                self.town.run,
                self.town.riders[index].id,
                body["at"].as_str().unwrap_or_default()
            );
            let key = format!("{key}-{}", body["status"].as_str().unwrap_or("fix"));
            let (now, account) = (self.pace.now(), &mut self.town.riders[index]);
            let api = &self.town.api;
            let answer =
                api.call(&mut account.session, now, Method::POST, &path, Some(&key), Some(&body)).await?;
            if answer.status == StatusCode::CONFLICT || answer.status == StatusCode::NOT_FOUND {
                fine = false;
                continue;
            }
            answer.ok().with_context(|| format!("POST {path} {body}"))?;
        }
        Ok(fine)
    }

    async fn place_order(&mut self, number: usize) -> anyhow::Result<()> {
        let order = &self.scenario.orders[number];
        let shop = self.town.shops.get(order.shop).context("a shop")?;
        let body = json!({
            "shop_id": shop, "ready_at": self.pace.at(order.ready), "tags": [self.scenario.tag],
            "dropoff": {
                "street": order.street, "postcode": "00100", "city": "Helsinki", "country": "FI", "service_minutes": self.scenario.service_min,
                "position": { "lat": order.place.lat(), "lon": order.place.lon() },
                "contact": { "name": order.recipient, "phone": "+493023125999" },
            },
        });
        let key = format!("{}-order-{}-{number}", self.town.run, self.scenario.name);
        let now = self.pace.now();
        let made = self.town.api.post(&mut self.town.owner, now, "/api/v1/orders", &key, &body).await?;
        self.known.insert(id_of(&made)?, number);
        self.open += 1;
        self.tally.placed();
        Ok(())
    }

    /// Does what is due; whether there was anything.
    async fn act(&mut self, minute: u32) -> anyhow::Result<bool> {
        let mut acted = false;
        for index in 0..self.riders.len() {
            while let Some(act) = self.riders[index].acts.front().copied().filter(|act| act.minute <= minute)
            {
                self.riders[index].acts.pop_front();
                acted = true;
                match act.kind {
                    Kind::At(place) => {
                        self.riders[index].place = Some(place);
                        self.fix(index, minute).await?;
                    }
                    Kind::Step(status) => self.step(index, minute, status).await?,
                    Kind::Free => self.riders[index].order = None,
                }
            }
        }
        Ok(acted)
    }

    async fn step(&mut self, index: usize, minute: u32, status: &str) -> anyhow::Result<()> {
        let order = self.riders[index].order.clone().context("an order")?;
        let mut body = json!({ "status": status, "at": self.pace.at(minute).min(self.pace.now()) });
        match status {
            "delivered" => body["outcome"] = "delivered_to_recipient".into(),
            "failed" => {
                body["outcome"] = "failed_not_home".into();
                body["failure_reason"] = "not_at_home".into();
            }
            _ => {}
        }
        let path = format!("/api/v1/orders/{order}/status");
        if !self.hand_in(index, minute, path, body).await? {
            // Somebody else has cancelled it or given it to another: there is nothing more to do about it.
            self.refused += 1;
            self.riders[index].acts.clear();
            self.riders[index].order = None;
            self.open = self.open.saturating_sub(1);
            return Ok(());
        }
        if ["delivered", "returned"].contains(&status) {
            self.open = self.open.saturating_sub(1);
        }
        if let Some((number, pickup, dropoff)) = self.riders[index].doing.filter(|_| status == "delivered") {
            let order = &self.scenario.orders[number];
            self.tally.delivered(order.placed, order.ready, pickup, dropoff);
        }
        Ok(())
    }

    /// Couriers without work learn what they are asked and given; whether somebody was.
    async fn take_work(&mut self, minute: u32) -> anyhow::Result<bool> {
        let answered = self.answer_offers(minute).await?;
        if answered {
            self.pace.settle().await?;
        }
        let now = self.pace.now();
        let mut given = false;
        let path = "/api/v1/orders?status=assigned&limit=200";
        let page = self.town.api.get(&mut self.town.owner, now, path).await?;
        // Newest first: the oldest of a courier is done first.
        for order in page["items"].as_array().into_iter().flatten().rev() {
            let (Some(id), Some(driver)) = (order["id"].as_str(), order["driver_id"].as_str()) else {
                continue;
            };
            let Some(number) = self.known.get(id).copied() else { continue };
            let Some(index) = self.town.riders.iter().position(|account| account.id == driver) else {
                continue;
            };
            if self.riders[index].order.is_none() {
                self.begin(index, minute, id.to_owned(), number)?;
                given = true;
            }
        }
        Ok(given || answered)
    }

    fn begin(&mut self, index: usize, minute: u32, id: String, number: usize) -> anyhow::Result<()> {
        let order = &self.scenario.orders[number];
        let character = self.scenario.couriers[index].character;
        let slower = 1.0 + character.slowness * self.random.fraction();
        let from = self.riders[index].place.context("a place")?;
        let plan = plan(self.scenario, order, from, minute, slower);
        // Two stops, each with what comes before and after it.
        self.tally.worked(plan.driving_min + 2 * self.scenario.service_min);
        ensure!(self.riders[index].acts.is_empty(), "a courier does one thing after the other");
        self.riders[index].acts = plan.acts.into();
        self.riders[index].order = Some(id);
        self.riders[index].doing = Some((number, plan.pickup, plan.dropoff));
        Ok(())
    }

    async fn answer_offers(&mut self, minute: u32) -> anyhow::Result<bool> {
        let now = self.pace.now();
        let page = self.town.api.get(&mut self.town.owner, now, "/api/v1/offers?open=true&limit=100").await?;
        let mut answered = false;
        for offer in page["items"].as_array().into_iter().flatten() {
            let (Some(id), Some(driver)) = (offer["id"].as_str(), offer["driver_id"].as_str()) else {
                continue;
            };
            let Some(index) = self.town.riders.iter().position(|account| account.id == driver) else {
                continue;
            };
            let character = self.scenario.couriers[index].character;
            if character.offline.is_some_and(|(from, until)| (from..until).contains(&minute)) {
                continue;
            }
            let declines = self.random.fraction() < character.declines;
            let (what, body) =
                if declines { ("decline", json!({ "reason": "too_far" })) } else { ("accept", json!({})) };
            let (path, key) = (format!("/api/v1/offers/{id}/{what}"), format!("{}-{id}", self.town.run));
            let body = declines.then_some(&body);
            let (api, account) = (&self.town.api, &mut self.town.riders[index]);
            let answer = api.call(&mut account.session, now, Method::POST, &path, Some(&key), body).await?;
            // Another was faster, or it was too late.
            if answer.status != StatusCode::CONFLICT {
                answer.ok().with_context(|| format!("POST {path}"))?;
            }
            answered = true;
        }
        Ok(answered)
    }
}
