//! The pages in a browser: the owner watches, the driver works, the customer follows, each in a browser of their own.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use fantoccini::Locator;
use fantoccini::actions::{InputSource, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use platform::lifecycle::pause;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::sandbox::{App, Shape};

use crate::browser::Browser;

/// How long something that happens in the background may take to be seen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

impl Browser {
    /// Waits until this stands somewhere on the page, without loading it again.
    pub(crate) async fn reads(&self, wanted: &str) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let script = "return document.body.innerText";
            let text = self.client.execute(script, Vec::new()).await?;
            let text = text.as_str().unwrap_or_default();
            if text.contains(wanted) {
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "{wanted:?} is not on the page: {text}");
            pause(Duration::from_millis(50)).await;
        }
    }

    /// Writes into a field, in place of what stands there; the page may be in the middle of being made anew.
    async fn enter(&self, field: &str, text: &str) -> anyhow::Result<()> {
        let (css, begun) = (format!("[name={field}]"), Instant::now());
        loop {
            let entered = async {
                let found = self.client.find(Locator::Css(&css)).await?;
                found.clear().await?;
                found.send_keys(text).await
            };
            match entered.await {
                Ok(()) => return Ok(()),
                Err(error) if begun.elapsed() > PATIENCE => return Err(error).context(css),
                Err(_not_yet) => pause(Duration::from_millis(50)).await,
            }
        }
    }

    /// Waits until the page says that something was refused; what it says.
    async fn notice(&self) -> anyhow::Result<String> {
        let begun = Instant::now();
        loop {
            let script = "const said = document.getElementById('notice'); return said && !said.hidden ? said.innerText : ''";
            let text = self.client.execute(script, Vec::new()).await?;
            if let Some(text) = text.as_str().filter(|text| !text.is_empty()) {
                return Ok(text.to_owned());
            }
            ensure!(begun.elapsed() < PATIENCE, "nothing was refused");
            pause(Duration::from_millis(20)).await;
        }
    }

    /// The owner opens the day's page, having signed in.
    pub(crate) async fn signs_in(&self, town: &Town) -> anyhow::Result<()> {
        self.client.goto(&town.app.url("/live")).await?;
        self.reads("Sign in").await?;
        self.enter("email", "ada@example.org").await?;
        self.enter("password", "correct horse battery").await?;
        self.press("Sign in").await?;
        self.reads("Drivers").await
    }

    /// Clicks it, when it is there and stays.
    pub(crate) async fn choose(&self, css: &str) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let chosen = async { self.client.find(Locator::Css(css)).await?.click().await }.await;
            match chosen {
                Ok(()) => return Ok(()),
                Err(error) if begun.elapsed() > PATIENCE => return Err(error).context(css.to_owned()),
                Err(_not_yet) => pause(Duration::from_millis(50)).await,
            }
        }
    }

    /// Draws something where a signature belongs.
    async fn sign(&self) -> anyhow::Result<()> {
        let element = self.client.find(Locator::Css("canvas.signature")).await?;

        let (button, duration) = (MOUSE_BUTTON_LEFT, Some(Duration::from_millis(50)));
        let strokes = MouseActions::new("finger".to_owned())
            .then(PointerAction::MoveToElement { element, duration, x: -60.0, y: 0.0 })
            .then(PointerAction::Down { button })
            .then(PointerAction::MoveBy { duration, x: 60.0, y: -20.0 })
            .then(PointerAction::MoveBy { duration, x: 60.0, y: 30.0 })
            .then(PointerAction::Up { button });
        Ok(self.client.perform_actions(strokes).await?)
    }

    /// Presses the button that says so, when it is there: the page may be in the middle of being made anew.
    async fn press(&self, label: &str) -> anyhow::Result<()> {
        let begun = Instant::now();
        let path = format!("//button[normalize-space()='{label}' and not(@disabled)]");
        loop {
            let pressed = async { self.client.find(Locator::XPath(&path)).await?.click().await }.await;
            match pressed {
                Ok(()) => return Ok(()),
                Err(error) if begun.elapsed() > PATIENCE => {
                    return Err(error).context(format!("button {label}"));
                }
                Err(_not_yet) => pause(Duration::from_millis(50)).await,
            }
        }
    }
}

pub(crate) struct Town {
    pub(crate) app: App,
    pub(crate) owner: String,
}

impl Town {
    pub(crate) async fn post(&self, path: &str, token: &str, body: Value) -> anyhow::Result<Value> {
        let (status, answer) = self.app.call(Method::POST, path, token, &body).await?;
        ensure!((200..300).contains(&status), "POST {path} {body} -> {status} {answer}");
        Ok(answer)
    }

    /// Sends it until the shop or the driver is known where it is needed.
    pub(crate) async fn soon(&self, path: &str, token: &str, body: Value) -> anyhow::Result<Value> {
        let begun = Instant::now();
        loop {
            match self.post(path, token, body.clone()).await {
                Err(_not_yet) if begun.elapsed() < PATIENCE => pause(Duration::from_millis(100)).await,
                done => return done,
            }
        }
    }

    pub(crate) async fn driver(&self) -> anyhow::Result<(String, String)> {
        let invited = self.post("/api/v1/invitations", &self.owner, json!({ "role": "driver" })).await?;
        let link = invited["link"].as_str().and_then(|link| link.rsplit('/').next()).context("a link")?;
        let joined =
            json!({ "token": link, "name": "Grace Hopper", "phone": "+358401234567", "pin": "493827" });
        let joined = self.post("/api/v1/auth/invitations/accept", "", joined).await?;
        let token = joined["access_token"].as_str().context("a token")?.to_owned();
        let begun = Instant::now();
        loop {
            let (status, me) = self.app.call(Method::GET, "/api/v1/drivers/me", &token, &Value::Null).await?;
            if status == 200 {
                return Ok((me["id"].as_str().context("an id")?.to_owned(), token));
            }
            ensure!(begun.elapsed() < PATIENCE, "no profile was made: {status} {me}");
            pause(Duration::from_millis(50)).await;
        }
    }
}

async fn day(shape: Shape) -> anyhow::Result<()> {
    let Some(console) = Browser::open(1200, 1000).await? else {
        return Ok(());
    };
    let dir = testkit::cluster::temp_dir("dropmate-pages-")?;
    let app = Box::pin(App::start(shape, dir.path(), &[])).await?;
    let owner = app.first_run().await?.access_token;
    let mut town = Town { app, owner };
    watch(&town, &console).await?;
    let (order, code) = ordered(&town, &console).await?;
    let phone = Browser::open(390, 844).await?.context("a second browser")?;
    let customer = Browser::open(390, 844).await?.context("a third browser")?;
    customer.client.goto(&town.app.url(&format!("/t/{code}"))).await?;
    customer.reads("Ada's Kitchen").await?;
    customer.assert_fits().await?;
    deliver(&town, &phone, &customer, &order).await?;
    console.reads("delivered").await?;
    console.picture("live").await?;
    for browser in [console, phone, customer] {
        browser.close().await?;
    }
    town.app.stop()
}

/// The owner comes back to the page, and has to sign in.
async fn watch(town: &Town, console: &Browser) -> anyhow::Result<()> {
    console.client.goto(&town.app.url("/live")).await?;
    console.reads("Sign in").await?;
    console.enter("email", "ada@example.org").await?;
    console.enter("password", "not my password").await?;
    console.press("Sign in").await?;
    console.notice().await?;
    console.picture("sign-in-refused").await?;
    console.enter("password", "correct horse battery").await?;
    console.press("Sign in").await?;
    console.reads("You are ready to start").await
}

/// A shop, a driver and an order appear on the page by themselves.
async fn ordered(town: &Town, console: &Browser) -> anyhow::Result<(String, String)> {
    let shop = json!({
        "name": "Ada's Kitchen", "number_prefix": "A", "street": "Aleksanterinkatu 52", "postcode": "00100", "city": "Helsinki",
        "country": "FI", "position": { "lat": 60.1699, "lon": 24.9384 }, "phone": "+358912345678",
        "time_zone": "Europe/Helsinki", "currency": "EUR", "preparation_minutes": 10, "service_minutes": 1,
    });
    let shop = town.post("/api/v1/shops", &town.owner, shop).await?;
    let (driver, token) = town.driver().await?;
    console.reads("Grace Hopper").await?;
    let available = json!({ "availability": "available" });
    let path = format!("/api/v1/drivers/{driver}/availability");
    town.app.call(Method::PUT, &path, &token, &available).await?;
    let order = json!({
        "shop_id": shop["id"],
        "dropoff": {
            "street": "Hämeentie 1", "postcode": "00530", "city": "Helsinki", "country": "FI", "door": "B 12",
            "position": { "lat": 60.181, "lon": 24.951 }, "contact": { "name": "Linus Pauling", "phone": "+358407654321" },
        },
        "cash": { "amount_minor": 1250, "currency": "EUR" },
        "proof": { "dropoff": { "pin": "required", "signature": "required" } },
    });
    let order = town.soon("/api/v1/orders", &town.owner, order).await?;
    console.reads("A-001").await?;
    console.reads("Hämeentie 1, Helsinki").await?;
    let id = order["id"].as_str().context("an id")?.to_owned();
    town.soon(&format!("/api/v1/orders/{id}/assign"), &town.owner, json!({ "driver_id": driver })).await?;
    let code = order["tracking_code"].as_str().context("a code")?.to_owned();
    Ok((id, code))
}

/// The driver makes every step on the page; the customer's page follows.
async fn deliver(town: &Town, phone: &Browser, customer: &Browser, order: &str) -> anyhow::Result<()> {
    phone.client.goto(&town.app.url("/drive")).await?;
    phone.reads("PIN").await?;
    phone.enter("phone", "+358401234567").await?;
    phone.enter("pin", "493827").await?;
    phone.press("Sign in").await?;
    phone.reads("Next: Pick up A-001").await?;
    phone.assert_fits().await?;
    phone.picture("drive").await?;
    for step in ["I am on my way to the pick-up", "I am there", "I have it", "I am on my way to the customer"]
    {
        phone.press(step).await?;
    }
    customer.reads("on the way to you").await?;
    customer.picture("track").await?;
    phone.press("I am at the door").await?;
    phone.reads("Collect 12.50 EUR").await?;
    phone.reads("PIN of the customer").await?;
    let pin = customer.client.find(Locator::Css(".pin")).await?.text().await?;
    ensure!(pin.len() == 4, "{pin:?} is no PIN");
    phone.enter("signature_name", "Linus Pauling").await?;
    phone.enter("pin", if pin == "0000" { "0001" } else { "0000" }).await?;
    phone.press("Delivered").await?;
    let notice = phone.notice().await?;
    ensure!(notice.contains("The signature is missing"), "{notice}");
    phone.sign().await?;
    phone.press("Delivered").await?;
    let notice = phone.notice().await?;
    ensure!(notice.to_lowercase().contains("pin"), "{notice}");
    phone.picture("drive-refused").await?;
    // What was drawn is still there.
    phone.enter("pin", &pin).await?;
    phone.press("Delivered").await?;
    phone.reads("Nothing to do at the moment").await?;
    customer.reads("I have received it").await?;
    customer.press("I have received it").await?;
    customer.choose("[name=stars][value='5']").await?;
    customer.press("Send").await?;
    customer.reads("You gave 5 of 5").await?;
    customer.picture("track-finished").await?;
    let (_, read) =
        town.app.call(Method::GET, &format!("/api/v1/orders/{order}"), &town.owner, &Value::Null).await?;
    ensure!(read["status"] == "delivered", "{read}");
    let path = format!("/api/v1/orders/{order}/proofs");
    let (_, proofs) = town.app.call(Method::GET, &path, &town.owner, &Value::Null).await?;
    let last = proofs["items"].as_array().and_then(|proofs| proofs.last()).context("a proof")?;
    ensure!(last["pin"] == true && last["signature_name"] == "Linus Pauling", "{proofs}");
    ensure!(last["signature_url"].is_string(), "{proofs}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_on_the_pages() {
    Box::pin(day(Shape::Whole)).await.unwrap_or_else(|error| panic!("{error:#}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_on_the_pages_split() {
    Box::pin(day(Shape::Split)).await.unwrap_or_else(|error| panic!("{error:#}"));
}
