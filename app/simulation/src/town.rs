//! Moving in: an organisation, shops, couriers with accounts, and how work is given out.

use anyhow::Context;
use kernel::random::Random;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::{Api, Session};
use crate::pace::Pace;
use crate::scenario::{Courier, Scenario};

/// How work is given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dispatching {
    /// `nearest` or `broadcast`.
    pub strategy: &'static str,
    /// Whether couriers are asked instead of told.
    pub offers: bool,
    /// Orders of one courier at a time.
    pub max_orders: u16,
}

/// An organisation in which a day can be played.
#[derive(Debug)]
pub struct Town {
    pub(crate) api: Api,
    pub(crate) owner: Session,
    pub(crate) shops: Vec<String>,
    pub(crate) riders: Vec<Account>,
    random: Random,
    /// What tells the requests of this run from those of others.
    pub(crate) run: String,
}

/// A courier's account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) session: Session,
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
        Self { api, owner, shops: Vec::new(), riders: Vec::new(), random, run }
    }

    /// Makes shops and couriers, and says how work is given out.
    pub async fn move_in(
        &mut self,
        scenario: &Scenario,
        dispatching: Dispatching,
        pace: &mut dyn Pace,
    ) -> anyhow::Result<()> {
        let shops = self.api.get(&mut self.owner, pace.now(), "/api/v1/shops?limit=100").await?;
        let known = shops["items"].as_array().cloned().unwrap_or_default();
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
        let mut sessions = Vec::new();
        for (number, courier) in scenario.couriers.iter().enumerate() {
            sessions.push(self.join(courier, number, pace).await?);
        }
        pace.settle().await?;
        for mut session in sessions {
            let me = self.known(&mut session, pace).await?;
            self.riders.push(Account { id: id_of(&me)?, session });
        }
        let policy = "/api/v1/dispatch/policy";
        self.api
            .change(&mut self.owner, pace.now(), policy, |policy| {
                policy["strategy"] = dispatching.strategy.into();
                policy["offers"] = dispatching.offers.into();
                policy["max_orders"] = dispatching.max_orders.into();
                policy["escalation"] = "assign_nearest".into();
            })
            .await?;
        pace.settle().await
    }

    /// Sends home who is still on duty from an earlier run: nobody moves them any more.
    pub async fn clear_stage(&mut self, pace: &dyn Pace) -> anyhow::Result<()> {
        let now = pace.now();
        let drivers = self.api.get(&mut self.owner, now, "/api/v1/drivers?active=true&limit=100").await?;
        for driver in drivers["items"].as_array().into_iter().flatten() {
            if driver["availability"] != "off_duty" {
                let path = format!("/api/v1/drivers/{}/availability", id_of(driver)?);
                let body = json!({ "availability": "off_duty" });
                let (api, owner) = (&self.api, &mut self.owner);
                api.call(owner, now, Method::PUT, &path, None, Some(&body)).await?.ok().context(path)?;
            }
        }
        Ok(())
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
