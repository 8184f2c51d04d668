//! Plays a day: orders come when they come, couriers learn what they are given and do it, one moment after the other.

use std::collections::{BTreeMap, HashMap, VecDeque};

use anyhow::{Context, bail, ensure};
use kernel::geo::Position;
use kernel::random::Random;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::figures::{Figures, Tally};
use crate::pace::Pace;
use crate::phone::{Line, Phone, Sent};
use crate::plan::{Act, Kind, plan};
use crate::scenario::Scenario;
use crate::town::{Town, id_of};

/// How long after the last order and shift couriers may need for what they have, in minutes.
const GRACE: u32 = 240;
/// How far a day goes on at once when nothing is planned, in minutes.
const LONGEST: u32 = 15;
/// How often the same minute is looked at again, because something that happened in it gave somebody work.
const ROUNDS: usize = 20;
/// How often an order is placed while the shop is not known everywhere yet.
const TRIES: usize = 20;

/// A day that is being played.
pub struct Day<'a> {
    scenario: &'a Scenario,
    town: &'a mut Town,
    pace: &'a mut dyn Pace,
    random: Random,
    riders: Vec<Rider>,
    /// Orders by their id.
    orders: BTreeMap<String, Placed>,
    /// When offers were first seen.
    offers: HashMap<String, u32>,
    tally: Tally,
}

/// An order of the scenario that was placed.
#[derive(Debug)]
struct Placed {
    number: usize,
    standing: Standing,
}

/// What is believed about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Nobody has it.
    Waiting,
    /// A courier knows of it.
    Given,
    Delivered,
    Returned,
    Cancelled,
    /// Somebody else has changed it.
    Lost,
}

/// A courier on this day.
#[derive(Debug)]
struct Rider {
    place: Position,
    /// Since when.
    on_duty: Option<u32>,
    phone: Phone,
    /// How many offers were answered.
    asked: u32,
    task: Option<Task>,
    /// The order after this one.
    next: Option<String>,
    acts: VecDeque<Act>,
}

/// What a courier is at.
#[derive(Debug, Clone)]
struct Task {
    order: String,
    number: usize,
    pickup: u32,
    dropoff: u32,
}

impl Rider {
    fn is_free(&self) -> bool {
        self.task.is_none() && self.next.is_none()
    }
}

impl<'a> Day<'a> {
    /// Of a town that has moved in.
    pub fn new(scenario: &'a Scenario, town: &'a mut Town, pace: &'a mut dyn Pace, seed: u64) -> Self {
        // Who was there on the day before begins where that one ended.
        let riders = scenario.couriers.iter().zip(&town.riders).map(|(courier, account)| Rider {
            place: account.place.unwrap_or(courier.place),
            on_duty: None,
            phone: Phone::default(),
            asked: 0,
            task: None,
            next: None,
            acts: VecDeque::new(),
        });
        Self {
            scenario,
            riders: riders.collect(),
            town,
            pace,
            random: Random::seeded(seed),
            orders: BTreeMap::new(),
            offers: HashMap::new(),
            tally: Tally::default(),
        }
    }

    /// Plays it to its end; `progress` hears the minute and how many orders are open.
    pub async fn play(mut self, mut progress: impl FnMut(u32, usize)) -> anyhow::Result<Figures> {
        let (mut minute, mut placed, last) = (0, 0, self.scenario.last());
        loop {
            self.pace.reach(minute).await?;
            self.act(minute).await?;
            self.begin_shifts(minute).await?;
            while self.scenario.orders.get(placed).is_some_and(|order| order.placed <= minute) {
                self.place_order(placed).await?;
                placed += 1;
            }
            self.give_work(minute).await?;
            self.end_shifts(minute).await?;
            progress(minute, self.standing([Standing::Waiting, Standing::Given]));
            if minute >= last && self.riders.iter().all(|rider| rider.on_duty.is_none() && rider.is_free()) {
                return self.close().await;
            }
            if minute > last + GRACE {
                bail!("{GRACE} minutes after the end of the day there is still work: {}", self.unfinished());
            }
            minute = self.next_minute(minute, placed);
        }
    }

    fn standing<const N: usize>(&self, any: [Standing; N]) -> usize {
        self.orders.values().filter(|order| any.contains(&order.standing)).count()
    }

    fn unfinished(&self) -> String {
        let names = self.scenario.couriers.iter().zip(&self.riders).filter_map(|(courier, rider)| {
            Some(format!("{} has {}", courier.name, rider.task.as_ref()?.order))
        });
        names.collect::<Vec<_>>().join(", ")
    }

    /// The next minute at which anything may happen.
    fn next_minute(&self, minute: u32, placed: usize) -> u32 {
        if self.standing([Standing::Waiting]) > 0 {
            return minute + 1;
        }
        let order = self.scenario.orders.get(placed).map(|order| order.placed);
        let couriers = self.scenario.couriers.iter().zip(&self.riders).flat_map(|(courier, rider)| {
            let acts = rider.acts.front().map(|act| act.minute);
            let report = rider.on_duty.map(|_| rider.phone.next_report(self.scenario.report_min));
            let (begin, end) = (courier.on, courier.off.saturating_sub(1));
            [acts, report, Some(begin), Some(end)].into_iter().flatten()
        });
        let soonest = order.into_iter().chain(couriers).filter(|next| *next > minute).min();
        soonest.map_or(minute + 1, |next| next.min(minute + LONGEST))
    }

    fn line(&mut self, index: usize, minute: u32) -> (&mut Phone, Line<'_>) {
        let now = self.pace.now();
        let signal = self.scenario.couriers[index].has_signal(minute);
        let Town { api, riders, run, .. } = &mut *self.town;
        let line = Line { api, account: &mut riders[index], run, minute, now, signal };
        (&mut self.riders[index].phone, line)
    }

    async fn begin_shifts(&mut self, minute: u32) -> anyhow::Result<()> {
        for index in 0..self.riders.len() {
            let courier = &self.scenario.couriers[index];
            let on_duty = self.riders[index].on_duty.is_some();
            if !on_duty && (courier.on..courier.off).contains(&minute) && courier.has_signal(minute) {
                self.report(index, minute).await?;
                self.say(index, "available").await?;
                self.riders[index].on_duty = Some(minute);
            } else if on_duty && minute >= self.riders[index].phone.next_report(self.scenario.report_min) {
                self.report(index, minute).await?;
            }
        }
        Ok(())
    }

    /// Who has nothing to do any more goes home before the minute at which the shift ends, or later.
    async fn end_shifts(&mut self, minute: u32) -> anyhow::Result<()> {
        for index in 0..self.riders.len() {
            let (courier, rider) = (&self.scenario.couriers[index], &self.riders[index]);
            let Some(begun) = rider.on_duty else { continue };
            if minute + 1 >= courier.off && rider.is_free() && courier.has_signal(minute) {
                self.report(index, minute).await?;
                self.say(index, "off_duty").await?;
                self.riders[index].on_duty = None;
                self.tally.shift(courier.off.max(minute) - begun);
            }
        }
        Ok(())
    }

    async fn say(&mut self, index: usize, availability: &str) -> anyhow::Result<()> {
        let now = self.pace.now();
        let account = &mut self.town.riders[index];
        let path = format!("/api/v1/drivers/{}/availability", account.id);
        let body = json!({ "availability": availability, "at": now });
        let (api, session) = (&self.town.api, &mut account.session);
        let answer = api.call(session, now, Method::PUT, &path, None, Some(&body)).await?;
        answer.ok().with_context(|| format!("{availability}: {path}"))?;
        self.pace.one_at_a_time().await
    }

    /// The phone says where it is.
    async fn report(&mut self, index: usize, minute: u32) -> anyhow::Result<()> {
        let place = self.riders[index].place;
        let (phone, line) = self.line(index, minute);
        let sent = phone.report(line, place).await?;
        self.heard(index, sent);
        Ok(())
    }

    /// Whose step was refused gives the order up: somebody else has cancelled it or given it to another.
    fn heard(&mut self, index: usize, sent: Sent) {
        self.tally.incidents.messages_sent_later += sent.later;
        if !sent.refused {
            return;
        }
        self.riders[index].acts.clear();
        if let Some(task) = self.riders[index].task.take() {
            self.note(&task.order, Standing::Lost);
        }
    }

    fn note(&mut self, order: &str, standing: Standing) {
        if let Some(placed) = self.orders.get_mut(order) {
            placed.standing = standing;
        }
    }

    /// The first orders of a new shop may come before everybody has heard of it: then it is tried again.
    async fn place_order(&mut self, number: usize) -> anyhow::Result<()> {
        let order = &self.scenario.orders[number];
        let shop = self.town.shops.get(order.shop).context("a shop")?;
        let body = json!({
            "shop_id": shop, "ready_at": self.pace.at(order.ready), "tags": [self.scenario.tag],
            "dropoff": {
                "street": order.street, "postcode": "00100", "city": "Helsinki", "country": "FI",
                "service_minutes": self.scenario.service_min,
                "position": { "lat": order.place.lat(), "lon": order.place.lon() },
                "contact": { "name": order.recipient, "phone": "+493023125999" },
            },
        });
        let (api, owner, path) = (&self.town.api, &mut self.town.owner, "/api/v1/orders");
        for attempt in 1..=TRIES {
            let key = format!("{}-order-{}-{number}-{attempt}", self.town.run, self.scenario.name);
            let now = self.pace.now();
            let answer = api.call(owner, now, Method::POST, path, Some(&key), Some(&body)).await?;
            if answer.status == StatusCode::UNPROCESSABLE_ENTITY && attempt < TRIES {
                self.pace.settle().await?;
                continue;
            }
            let made = answer.ok().with_context(|| format!("POST {path} {body}"))?;
            self.orders.insert(id_of(&made)?, Placed { number, standing: Standing::Waiting });
            self.tally.placed();
            break;
        }
        self.pace.one_at_a_time().await
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
                        self.riders[index].place = place;
                        self.report(index, minute).await?;
                    }
                    Kind::Step(status) => self.step(index, minute, status).await?,
                    Kind::Free => {
                        self.riders[index].task = None;
                        if let Some(order) = self.riders[index].next.take() {
                            self.begin(index, minute, order)?;
                        }
                    }
                }
            }
        }
        Ok(acted)
    }

    async fn step(&mut self, index: usize, minute: u32, status: &'static str) -> anyhow::Result<()> {
        let task = self.riders[index].task.clone().context("an order")?;
        let (phone, line) = self.line(index, minute);
        let sent = phone.step(line, &task.order, status).await?;
        self.heard(index, sent);
        if sent.refused {
            return Ok(());
        }
        match status {
            "delivered" => {
                let order = &self.scenario.orders[task.number];
                self.tally.delivered(order.placed, order.ready, task.pickup, task.dropoff);
                self.note(&task.order, Standing::Delivered);
            }
            "failed" => {
                self.tally.incidents.failed_deliveries += 1;
                return Ok(());
            }
            "returned" => self.note(&task.order, Standing::Returned),
            _ => return Ok(()),
        }
        // Dispatch has somebody more.
        self.pace.one_at_a_time().await
    }

    /// Couriers answer what they are asked and begin what they are given, as long as that makes others do something.
    async fn give_work(&mut self, minute: u32) -> anyhow::Result<()> {
        for _ in 0..ROUNDS {
            if self.standing([Standing::Waiting]) == 0 {
                break;
            }
            self.pace.settle().await?;
            let answered = self.town.dispatching.offers && self.answer_offers(minute).await?;
            if answered {
                self.pace.settle().await?;
            }
            self.take_work(minute).await?;
            if !self.act(minute).await? && !answered {
                break;
            }
        }
        Ok(())
    }

    async fn take_work(&mut self, minute: u32) -> anyhow::Result<()> {
        let (now, path) = (self.pace.now(), "/api/v1/orders?status=assigned&limit=200");
        let page = self.town.api.get(&mut self.town.owner, now, path).await?;
        // Newest first: the oldest of a courier is done first.
        for order in page["items"].as_array().into_iter().flatten().rev() {
            let (Some(id), Some(driver)) = (order["id"].as_str(), order["driver_id"].as_str()) else {
                continue;
            };
            let waits = self.orders.get(id).is_some_and(|placed| placed.standing == Standing::Waiting);
            let Some(index) = self.town.rider(driver).filter(|_| waits) else { continue };
            // Who has no signal does not know yet.
            if !self.scenario.couriers[index].has_signal(minute) {
                continue;
            }
            if self.riders[index].is_free() {
                self.begin(index, minute, id.to_owned())?;
            } else if self.riders[index].next.is_none() {
                self.riders[index].next = Some(id.to_owned());
                self.note(id, Standing::Given);
            }
        }
        Ok(())
    }

    fn begin(&mut self, index: usize, minute: u32, order: String) -> anyhow::Result<()> {
        let number = self.orders.get(&order).context("a known order")?.number;
        let character = self.scenario.couriers[index].character;
        let slower = 1.0 + character.slowness * self.random.fraction();
        let rider = &mut self.riders[index];
        let plan = plan(self.scenario, &self.scenario.orders[number], rider.place, minute, slower);
        ensure!(rider.acts.is_empty(), "a courier does one thing after the other");
        // Two stops, each with what comes before and after it.
        self.tally.worked(plan.driving_min + 2 * self.scenario.service_min);
        self.tally.incidents.delayed_orders += usize::from(plan.late_min > 0);
        rider.acts = plan.acts.into();
        self.note(&order, Standing::Given);
        self.riders[index].task = Some(Task { order, number, pickup: plan.pickup, dropoff: plan.dropoff });
        Ok(())
    }

    /// Answers what couriers have thought about; whether anything was answered.
    async fn answer_offers(&mut self, minute: u32) -> anyhow::Result<bool> {
        let (now, path) = (self.pace.now(), "/api/v1/offers?open=true&limit=200");
        let page = self.town.api.get(&mut self.town.owner, now, path).await?;
        let mut answered = false;
        for offer in page["items"].as_array().into_iter().flatten().rev() {
            let (Some(id), Some(driver)) = (offer["id"].as_str(), offer["driver_id"].as_str()) else {
                continue;
            };
            let Some(index) = self.town.rider(driver) else { continue };
            let courier = &self.scenario.couriers[index];
            if !courier.has_signal(minute) {
                continue;
            }
            let seen = *self.offers.entry(id.to_owned()).or_insert(minute);
            if minute >= seen + courier.character.thinks {
                let (each, asked) = (courier.character.declines, self.riders[index].asked);
                self.riders[index].asked += 1;
                self.answer(index, id, each > 0 && asked.is_multiple_of(each)).await?;
                answered = true;
            }
        }
        Ok(answered)
    }

    async fn answer(&mut self, index: usize, offer: &str, declines: bool) -> anyhow::Result<()> {
        let (word, reason) = ("decline", json!({ "reason": "too_far" }));
        let (word, body) = if declines { (word, Some(&reason)) } else { ("accept", None) };
        let (path, key) = (format!("/api/v1/offers/{offer}/{word}"), format!("{}-{offer}", self.town.run));
        let (now, api) = (self.pace.now(), &self.town.api);
        let session = &mut self.town.riders[index].session;
        let answer = api.call(session, now, Method::POST, &path, Some(&key), body).await?;
        // Another was faster, or it was too late.
        if answer.status == StatusCode::CONFLICT {
            return Ok(());
        }
        answer.ok().with_context(|| format!("POST {path}"))?;
        self.tally.incidents.declined_offers += usize::from(declines);
        self.pace.one_at_a_time().await
    }

    /// Calls off what nobody has taken, and looks whether the installation knows what couriers believe to have done.
    async fn close(mut self) -> anyhow::Result<Figures> {
        let waiting = self.orders.iter().filter(|(_, placed)| placed.standing == Standing::Waiting);
        let waiting: Vec<String> = waiting.map(|(id, _)| id.clone()).collect();
        for order in waiting {
            self.town.take_back(&order, "created", &*self.pace).await?;
            self.note(&order, Standing::Cancelled);
            self.tally.incidents.cancelled_orders += 1;
        }
        self.pace.settle().await?;
        for (order, placed) in &self.orders {
            let expected = match placed.standing {
                Standing::Delivered => "delivered",
                Standing::Returned => "returned",
                Standing::Cancelled => "cancelled",
                Standing::Lost => continue,
                Standing::Waiting | Standing::Given => bail!("{order} was left open"),
            };
            let (now, path) = (self.pace.now(), format!("/api/v1/orders/{order}/summary"));
            let read = self.town.api.get(&mut self.town.owner, now, &path).await?;
            ensure!(read["status"] == expected, "{order} is {}, couriers say {expected}", read["status"]);
        }
        Ok(self.tally.figures(&self.scenario.name))
    }
}
