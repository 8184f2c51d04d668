//! Moving in: an organisation, shops, couriers with accounts, and how work is given out.

use anyhow::Context;
use kernel::geo::Position;
use kernel::random::Random;
use kernel::time::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::{Api, Session};
use crate::pace::Pace;
use crate::scenario::{Courier, Scenario};
use crate::tracker::{Device, Tracker};

/// How work is given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dispatching {
    /// `nearest` or `broadcast`.
    pub strategy: &'static str,
    /// Whether couriers are asked instead of told.
    pub offers: bool,
    /// Orders of one courier at a time.
    pub max_orders: u16,
    /// How long before goods are ready somebody is looked for, seconds.
    pub lead_s: u32,
}

impl Dispatching {
    /// Couriers are told, one order at a time.
    pub const TOLD: Self = Self { strategy: "nearest", offers: false, max_orders: 1, lead_s: 900 };
    /// Couriers are asked, one order at a time.
    pub const ASKED: Self = Self { offers: true, ..Self::TOLD };
}

/// An organisation in which a day can be played.
#[derive(Debug)]
pub struct Town {
    pub(crate) api: Api,
    pub(crate) owner: Session,
    pub(crate) shops: Vec<String>,
    pub(crate) riders: Vec<Account>,
    pub(crate) dispatching: Dispatching,
    random: Random,
    /// What tells the requests of this run from those of others.
    pub(crate) run: String,
}

/// A courier's account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) session: Session,
    /// How many positions were reported.
    pub(crate) fixes: i64,
    /// The last one.
    pub(crate) place: Option<Position>,
    /// How positions are reported.
    pub(crate) tracker: Tracker,
}

impl Town {
    /// Becomes the owner of a fresh installation through its link.
    pub async fn found(
        api: Api,
        link: &str,
        password: &str,
        seed: u64,
        pace: &dyn Pace,
    ) -> anyhow::Result<Self> {
        let token = link.rsplit('/').next().context("a link")?;
        let body = json!({
            "token": token, "organization": "DropMate Demo (simulated)", "time_zone": "Europe/Helsinki", "currency": "EUR",
            "name": "Demo Owner", "email": OWNER, "password": password,
        });
        let answer = api.send(Method::POST, "/api/v1/auth/first-run", None, None, Some(&body), None).await?;
        let owner = Session::read(&answer.ok().context("becoming the owner")?, pace.now())?;
        Ok(Self::of(api, owner, seed))
    }

    /// With somebody who is signed in already.
    pub fn of(api: Api, owner: Session, seed: u64) -> Self {
        let random = Random::seeded(seed);
        let run = name_of_run(&random);
        let (shops, riders) = (Vec::new(), Vec::new());
        Self { api, owner, shops, riders, dispatching: Dispatching::TOLD, random, run }
    }

    /// Which courier that is.
    pub(crate) fn rider(&self, driver: &str) -> Option<usize> {
        self.riders.iter().position(|account| account.id == driver)
    }

    /// Makes shops and couriers, and says how work is given out.
    pub async fn move_in(
        &mut self,
        scenario: &Scenario,
        dispatching: Dispatching,
        pace: &mut dyn Pace,
    ) -> anyhow::Result<()> {
        let known = self.all("/api/v1/shops", pace).await?;
        for (number, shop) in scenario.shops.iter().enumerate() {
            if let Some(open) = known.iter().find(|known| known["name"] == shop.name.as_str()) {
                self.shops.push(id_of(open)?);
                continue;
            }
            let body = json!({
                "name": shop.name, "number_prefix": prefix(number), "street": shop.street, "postcode": "00100",
                "city": "Helsinki", "country": "FI", "position": { "lat": shop.place.lat(), "lon": shop.place.lon() },
                "time_zone": "Europe/Helsinki", "currency": "EUR", "preparation_minutes": 10,
                "service_minutes": scenario.service_min,
            });
            let key = format!("{}-shop-{number}", self.run);
            let made = self.api.post(&mut self.owner, pace.now(), "/api/v1/shops", &key, &body).await?;
            self.shops.push(id_of(&made)?);
        }
        pace.settle().await?;
        for (number, courier) in scenario.couriers.iter().enumerate() {
            let mut session = self.join(courier, number, pace).await?;
            pace.pass(BETWEEN_JOINS).await?;
            let me = self.known(&mut session, pace).await?;
            let id = id_of(&me)?;
            let tracker = self.equip(courier.device, &id, pace).await?;
            self.riders.push(Account { id, session, fixes: 0, place: None, tracker });
        }
        self.dispatching = dispatching;
        let policy = "/api/v1/dispatch/policy";
        self.api
            .change(&mut self.owner, pace.now(), policy, |policy| {
                policy["strategy"] = dispatching.strategy.into();
                policy["offers"] = dispatching.offers.into();
                policy["max_orders"] = dispatching.max_orders.into();
                policy["lead_s"] = dispatching.lead_s.into();
                policy["offer_s"] = OFFER_S.into();
                policy["escalation"] = "assign_nearest".into();
            })
            .await?;
        pace.settle().await
    }

    /// Takes away what an earlier run has left behind: open orders, and couriers whom nobody moves any more.
    pub async fn clear_stage(&mut self, pace: &mut dyn Pace) -> anyhow::Result<()> {
        for order in self.all(&format!("/api/v1/orders?status={OPEN}"), pace).await? {
            let status = order["status"].as_str().unwrap_or_default();
            self.take_back(&id_of(&order)?, status, pace).await?;
        }
        for driver in self.all("/api/v1/drivers?active=true", pace).await? {
            if driver["availability"] != "off_duty" {
                let path = format!("/api/v1/drivers/{}/availability", id_of(&driver)?);
                let (api, owner, off) = (&self.api, &mut self.owner, json!({ "availability": "off_duty" }));
                api.call(owner, pace.now(), Method::PUT, &path, None, Some(&off))
                    .await?
                    .ok()
                    .context(path)?;
            }
        }
        for member in self.all("/api/v1/members?role=driver", pace).await? {
            let path = format!("/api/v1/members/{}", id_of(&member)?);
            let (api, owner) = (&self.api, &mut self.owner);
            api.call(owner, pace.now(), Method::DELETE, &path, None, None).await?.ok().context(path)?;
        }
        pace.settle().await
    }

    /// Calls an order off; what is carried is brought back.
    pub(crate) async fn take_back(&mut self, id: &str, status: &str, pace: &dyn Pace) -> anyhow::Result<()> {
        let run = self.run.clone();
        let (api, owner, now) = (&self.api, &mut self.owner, pace.now());
        let path = format!("/api/v1/orders/{id}");
        let mut status = Value::from(status);
        if status != "returning" {
            let (path, key) = (format!("{path}/cancel"), format!("{run}-cancel-{id}"));
            let moved = api.post(owner, now, &path, &key, &json!({ "reason": "no_driver" })).await?;
            status = moved["order"]["status"].clone();
        }
        if status == "returning" {
            let (path, key) = (format!("{path}/status"), format!("{run}-return-{id}"));
            api.post(owner, now, &path, &key, &json!({ "status": "returned" })).await?;
        }
        Ok(())
    }

    /// All items of a list.
    async fn all(&mut self, list: &str, pace: &dyn Pace) -> anyhow::Result<Vec<Value>> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let mark = if list.contains('?') { '&' } else { '?' };
            let path = format!("{list}{mark}limit=100{cursor}");
            let read = self.api.get(&mut self.owner, pace.now(), &path).await?;
            items.extend(read["items"].as_array().cloned().unwrap_or_default());
            match read["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(items),
            }
        }
    }

    async fn join(&mut self, courier: &Courier, number: usize, pace: &dyn Pace) -> anyhow::Result<Session> {
        let (now, key) = (pace.now(), format!("{}-invitation-{number}", self.run));
        let asked = json!({ "role": "driver" });
        let invited = self.api.post(&mut self.owner, now, "/api/v1/invitations", &key, &asked).await?;
        let token = invited["link"].as_str().and_then(|link| link.rsplit('/').next()).context("a link")?;
        let first = self.number(NUMBERS) + number;
        for attempt in 0..TRIES {
            let pin = format!("{:06}", 100_000 + self.number(899_999));
            let phone = format!("+493023125{:03}", (first + attempt * STRIDE) % 1_000);
            let body = json!({ "token": token, "name": courier.name, "phone": phone, "pin": pin });
            let path = "/api/v1/auth/invitations/accept";
            let answer = self.api.send(Method::POST, path, None, None, Some(&body), None).await?;
            // Somebody of an earlier run has this number, or the PIN is easy to guess.
            if ![StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY].contains(&answer.status) {
                return Session::read(&answer.ok().with_context(|| format!("{} joins", courier.name))?, now);
            }
        }
        anyhow::bail!("no number and PIN were accepted for {}", courier.name)
    }

    /// A device, with a key of its own where its protocol asks for one.
    async fn equip(&mut self, device: Device, driver: &str, pace: &dyn Pace) -> anyhow::Result<Tracker> {
        let Some(protocol) = device.protocol() else { return Ok(Tracker::new(device, String::new())) };
        let (path, key) =
            (format!("/api/v1/drivers/{driver}/devices"), format!("{}-device-{driver}", self.run));
        let body = json!({ "name": format!("Simulated ({protocol})"), "protocol": protocol });
        let added = self.api.post(&mut self.owner, pace.now(), &path, &key, &body).await?;
        let secret = added["secret"].as_str().context("the key of a device")?;
        Ok(Tracker::new(device, secret.to_owned()))
    }

    /// The profile, which follows from the account a moment later.
    async fn known(&self, session: &mut Session, pace: &mut dyn Pace) -> anyhow::Result<Value> {
        for _ in 0..20 {
            let answer =
                self.api.call(session, pace.now(), Method::GET, "/api/v1/drivers/me", None, None).await?;
            if answer.status.is_success() {
                return Ok(answer.body);
            }
            pace.settle().await?;
        }
        anyhow::bail!("a courier joined and no profile was made")
    }

    fn number(&self, below: u64) -> usize {
        usize::try_from(self.random.below(below)).unwrap_or(0)
    }
}

/// Numbers of +49 30 23125 are for films and nobody's; how many there are, and how they are gone through.
const NUMBERS: u64 = 1_000;
const STRIDE: usize = 37;
const TRIES: usize = 100;

/// How orders stand that are not over.
const OPEN: &str = "created,assigned,enroute_to_pickup,arrived_at_pickup,picked_up,enroute_to_dropoff,arrived_at_dropoff,\
                    failed,returning";
/// From one address, twenty people a minute may join.
const BETWEEN_JOINS: SignedDuration = SignedDuration::from_secs(4);

/// How long couriers may think, seconds: longer than anybody in a scenario does.
const OFFER_S: u32 = 180;

/// The owner's address in a simulated organisation.
pub(crate) const OWNER: &str = "owner@demo.example";

/// A, B ... Z, then AA, AB ...
fn prefix(number: usize) -> String {
    let letter = |number: usize| char::from(b'A' + u8::try_from(number % 26).unwrap_or(0));
    match number / 26 {
        0 => letter(number).to_string(),
        more => format!("{}{}", letter(more - 1), letter(number)),
    }
}

fn name_of_run(random: &Random) -> String {
    format!("sim-{:08x}", random.below(1 << 32))
}

pub(crate) fn id_of(made: &Value) -> anyhow::Result<String> {
    Ok(made["id"].as_str().with_context(|| format!("an id: {made}"))?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shop_has_letters_of_its_own() {
        let all: std::collections::BTreeSet<_> = (0..300).map(prefix).collect();
        assert_eq!(all.len(), 300);
        assert_eq!(
            (prefix(0), prefix(25), prefix(26), prefix(53)),
            ("A".into(), "Z".into(), "AA".into(), "BB".into())
        );
    }
}
