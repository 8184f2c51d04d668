//! An installation with what an order needs: somebody who owns it, a shop, drivers.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use kernel::ids::OrgId;
use platform::lifecycle::pause;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::Installation;
use testkit::process::SignedIn;
use testkit::sandbox::App;

use crate::server::Server;
use crate::usage::cpu_seconds;

/// How long something that happens in the background may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// It, running in one process.
#[derive(Debug)]
pub struct Town {
    /// The installation.
    pub app: App,
    /// Its process.
    pub pid: u32,
    /// Its database.
    pub server: Server,
    /// Who owns it.
    pub owner: SignedIn,
}

/// Who carries.
#[derive(Debug, Clone)]
pub struct Driver {
    /// As the API names it.
    pub id: String,
    /// Of the person's session.
    pub token: String,
}

impl Town {
    /// Starts it in this folder.
    pub async fn start(binary: &Path, folder: &Path) -> anyhow::Result<Self> {
        ensure!(binary.is_file(), "build it first: cargo build --release -p dropmate");
        let data: PathBuf = folder.join("data");
        let mut app = Installation::new(binary.to_owned(), &data)?;
        app.start().await?;
        let (pid, server) = (app.pid().context("it does not run")?, Server::of(&data)?);
        let app = App::Whole(app);
        let owner = app.first_run().await?;
        Ok(Self { app, pid, server, owner })
    }

    /// The organisation, as the database names it.
    pub fn org(&self) -> anyhow::Result<OrgId> {
        Ok(self.owner.organization_id.parse()?)
    }

    /// What the program and its database have used so far, in seconds.
    pub fn cpu_seconds(&self) -> anyhow::Result<f64> {
        Ok(cpu_seconds(self.pid)? + self.server.cpu_seconds()?)
    }

    /// A write that must succeed.
    pub async fn post(&self, path: &str, token: &str, body: Value) -> anyhow::Result<Value> {
        let (status, answer) = self.app.call(Method::POST, path, token, &body).await?;
        ensure!((200..300).contains(&status), "POST {path} {body} -> {status} {answer}");
        Ok(answer)
    }

    /// A shop in the middle of Helsinki; its id.
    pub async fn shop(&self) -> anyhow::Result<String> {
        let shop = json!({
            "name": "Kitchen", "number_prefix": "A", "street": "Aleksanterinkatu 52", "postcode": "00100", "city": "Helsinki",
            "country": "FI", "position": { "lat": 60.1699, "lon": 24.9384 }, "phone": "+358912345678",
            "time_zone": "Europe/Helsinki", "currency": "EUR", "preparation_minutes": 0, "service_minutes": 1,
        });
        id_of(&self.post("/api/v1/shops", &self.owner.access_token, shop).await?)
    }

    /// Somebody joins as a driver and is known.
    pub async fn driver(&self, number: usize) -> anyhow::Result<Driver> {
        let owner = &self.owner.access_token;
        let invited = self.post("/api/v1/invitations", owner, json!({ "role": "driver" })).await?;
        let token = invited["link"].as_str().and_then(|link| link.rsplit('/').next()).context("a link")?;
        let joined = json!({
            "token": token, "name": format!("Driver {number}"), "phone": format!("+49301231{number:05}"), "pin": "493827",
        });
        let joined = self.post("/api/v1/auth/invitations/accept", "", joined).await?;
        let token = joined["access_token"].as_str().context("a token")?.to_owned();
        let begun = Instant::now();
        loop {
            let (status, me) = self.app.call(Method::GET, "/api/v1/drivers/me", &token, &Value::Null).await?;
            if status == 200 {
                return Ok(Driver { id: id_of(&me)?, token });
            }
            ensure!(begun.elapsed() < PATIENCE, "no profile was made: {status} {me}");
            pause(Duration::from_millis(50)).await;
        }
    }
}

/// The body of an order of a shop.
pub fn order(shop: &str) -> Value {
    json!({
        "shop_id": shop,
        "dropoff": {
            "street": "Hämeentie 1", "postcode": "00530", "city": "Helsinki", "country": "FI",
            "position": { "lat": 60.181, "lon": 24.951 }, "contact": { "name": "Grace Hopper", "phone": "+358401234567" },
        },
        "packages": [{ "description": "Lunch", "weight_g": 700 }],
    })
}

/// The id of what was made.
pub fn id_of(made: &Value) -> anyhow::Result<String> {
    Ok(made["id"].as_str().with_context(|| format!("an id: {made}"))?.to_owned())
}

/// A number of things, to calculate with.
#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are far below 2^52")]
pub fn count(number: u64) -> f64 {
    number as f64
}

/// The middle one; and the range as text.
pub fn median(mut figures: Vec<f64>) -> (f64, String) {
    figures.sort_by(f64::total_cmp);
    let middle = figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN);
    let ends = figures.first().zip(figures.last());
    (middle, ends.map_or_else(String::new, |(least, most)| format!("{least:.2} to {most:.2}")))
}
