//! The pages in a browser: the owner watches, the driver works, the customer follows, each in a browser of their own.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use fantoccini::Locator;
use fantoccini::actions::{InputSource, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use fantoccini::key::Key;
use kernel::time::Clock as _;
use platform::clock::SystemClock;
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

    /// Waits until a script says that it is so.
    async fn sees(&self, script: &str) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let found = self.client.execute(&format!("return {script}"), Vec::new()).await?;
            if found == true {
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "it is not so on the page: {script}: {found}");
            pause(Duration::from_millis(50)).await;
        }
    }

    /// Presses a key wherever the focus is.
    async fn types(&self, key: Key) -> anyhow::Result<()> {
        Ok(self.client.active_element().await?.send_keys(&String::from(char::from(key))).await?)
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
        self.courier("Grace Hopper", "+358401234567").await
    }

    /// Somebody who drives: their id and their token.
    async fn courier(&self, name: &str, phone: &str) -> anyhow::Result<(String, String)> {
        let invited = self.post("/api/v1/invitations", &self.owner, json!({ "role": "driver" })).await?;
        let link = invited["link"].as_str().and_then(|link| link.rsplit('/').next()).context("a link")?;
        let joined = json!({ "token": link, "name": name, "phone": phone, "pin": "493827" });
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

impl Town {
    /// A courier says to be there for work.
    async fn works(&self, driver: &str, token: &str) -> anyhow::Result<()> {
        let path = format!("/api/v1/drivers/{driver}/availability");
        let (status, answer) =
            self.app.call(Method::PUT, &path, token, &json!({ "availability": "available" })).await?;
        ensure!(status == 200, "{status} {answer}");
        Ok(())
    }

    /// A courier is there, and says so.
    async fn stands(&self, (driver, token): &(String, String), lat: f64, lon: f64) -> anyhow::Result<()> {
        let fix = json!({ "lat": lat, "lon": lon, "at": SystemClock.now(), "accuracy_m": 6.0 });
        self.post(&format!("/api/v1/drivers/{driver}/location"), token, fix).await?;
        Ok(())
    }

    /// An order that this courier fetches: its id and the code of its customer's page.
    async fn fetched_by(&self, (driver, token): &(String, String)) -> anyhow::Result<(String, String)> {
        let shop = self.post("/api/v1/shops", &self.owner, shop()).await?;
        let order = json!({
            "shop_id": shop["id"],
            "dropoff": { "street": "Eteläesplanadi 1", "postcode": "00130", "city": "Helsinki", "country": "FI",
                         "position": { "lat": 60.1676, "lon": 24.9515 },
                         "contact": { "name": "Linus Pauling", "phone": "+358407654321" } },
        });
        let order = self.soon("/api/v1/orders", &self.owner, order).await?;
        let text = |name: &str| order[name].as_str().map(str::to_owned).context("a text");
        let (id, code) = (text("id")?, text("tracking_code")?);
        self.soon(&format!("/api/v1/orders/{id}/assign"), &self.owner, json!({ "driver_id": driver }))
            .await?;
        let step = json!({ "status": "enroute_to_pickup", "at": SystemClock.now() });
        self.soon(&format!("/api/v1/orders/{id}/status"), token, step).await?;
        Ok((id, code))
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

fn shop() -> Value {
    json!({
        "name": "Ada's Kitchen", "number_prefix": "A", "street": "Aleksanterinkatu 52", "postcode": "00100", "city": "Helsinki",
        "country": "FI", "position": { "lat": 60.1699, "lon": 24.9384 }, "phone": "+358912345678",
        "time_zone": "Europe/Helsinki", "currency": "EUR", "preparation_minutes": 10, "service_minutes": 1,
    })
}

/// A shop, a driver and an order appear on the page by themselves.
async fn ordered(town: &Town, console: &Browser) -> anyhow::Result<(String, String)> {
    let shop = town.post("/api/v1/shops", &town.owner, shop()).await?;
    let (driver, token) = town.driver().await?;
    console.reads("Grace Hopper").await?;
    town.works(&driver, &token).await?;
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

/// No two of the names on the map touch each other.
const APART: &str = "(() => { const all = [...document.querySelectorAll('#place .mark-name')].filter((one) => one.offsetParent).map((one) => one.getBoundingClientRect()); \
                     return all.length > 1 && all.every((a, i) => all.slice(i + 1).every((b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top)); })()";
/// What the mark of several says.
const COUNT: &str = "document.querySelector('.mark.many b')?.innerText";

async fn crowd() -> anyhow::Result<()> {
    let Some(console) = Browser::drawing(1400, 900).await? else {
        return Ok(());
    };
    let dir = testkit::cluster::temp_dir("dropmate-crowd-")?;
    let app = Box::pin(App::start(Shape::Whole, dir.path(), &[])).await?;
    let extract = testkit::cluster::workspace().join("demo/helsinki.osm.pbf");
    app.run(&["map", "import", &extract.to_string_lossy(), "--profile", "bicycle", "--profile", "car"])?;
    let owner = app.first_run().await?.access_token;
    let mut town = Town { app, owner };
    let names = ["Grace Hopper", "Alan Turing", "Barbara Liskov"];
    let mut couriers = Vec::new();
    for (name, phone) in names.into_iter().zip(["+358401234567", "+358401234568", "+358401234569"]) {
        let one = town.courier(name, phone).await?;
        town.works(&one.0, &one.1).await?;
        town.stands(&one, 60.1699, 24.9384).await?;
        couriers.push(one);
    }
    let (order, code) = town.fetched_by(&couriers[2]).await?;
    console.signs_in(&town).await?;
    in_one_place(&town, &console, &couriers).await?;
    // The way of an order is asked for where customers see it.
    console.choose(&format!("[data-pick={order}]")).await?;
    console
        .sees(&format!(
            "performance.getEntriesByType('resource').some((one) => one.name.endsWith('/track/{code}/map'))"
        ))
        .await?;
    console.assert_fits().await?;
    console.picture("live-crowd").await?;
    console.close().await?;
    town.app.stop()
}

/// Three who stand in the restaurant are one mark; whoever leaves has one of their own.
async fn in_one_place(town: &Town, console: &Browser, couriers: &[(String, String)]) -> anyhow::Result<()> {
    console.sees(&format!("{COUNT} === '3'")).await?;
    console.sees("document.querySelectorAll('.mark.courier:not([hidden])').length === 1").await?;
    // With the keyboard: one stop of the tab key, which opens into a list, and Escape goes back to it.
    console.sees("document.querySelectorAll('.mark[tabindex=\"0\"]').length === 1").await?;
    console.sees("(document.querySelector('.mark.many').focus(), true)").await?;
    console.types(Key::Enter).await?;
    console.sees("document.activeElement.closest('.crowd') !== null").await?;
    console.sees("document.querySelectorAll('.crowd [data-pick]').length === 3").await?;
    console.types(Key::Escape).await?;
    console.sees("document.activeElement.matches('.mark.many[aria-expanded=false]')").await?;
    // What is chosen there is chosen in the lists.
    console.choose(".mark.many").await?;
    let turing = &couriers[1].0;
    console.choose(&format!(".crowd [data-pick={turing}]")).await?;
    console
        .sees(&format!("document.querySelector('td [data-pick={turing}]')?.ariaPressed === 'true'"))
        .await?;
    console
        .sees("document.querySelector('.mark.many.picked .mark-name')?.innerText === 'Alan Turing +2'")
        .await?;
    town.stands(&couriers[1], 60.1702, 24.9420).await?;
    console.sees(&format!("{COUNT} === '2'")).await?;
    town.stands(&couriers[2], 60.1690, 24.9400).await?;
    console.sees("document.querySelectorAll('.mark.courier:not([hidden])').length === 3").await?;
    console.sees(APART).await?;
    // From west to east with the arrow keys.
    console
        .sees("(window.was = document.querySelector('.mark.courier[tabindex=\"0\"]'), window.was.focus(), true)")
        .await?;
    console.types(Key::Right).await?;
    console
        .sees("document.activeElement !== window.was && document.activeElement.matches('.mark.courier[tabindex=\"0\"]')")
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn couriers_who_stand_together_are_one_mark_that_opens_into_a_list() {
    Box::pin(crowd()).await.unwrap_or_else(|error| panic!("{error:#}"));
}

async fn own_archive() -> anyhow::Result<()> {
    let dir = testkit::cluster::temp_dir("dropmate-archive-")?;
    let file = testkit::cluster::workspace().join("engines/tiles/tests/archive/town.pmtiles");
    let settings = [("DROPMATE__MAP__PMTILES", &*file.to_string_lossy())];
    let app = Box::pin(App::start(Shape::Whole, dir.path(), &settings)).await?;
    let owner = app.first_run().await?.access_token;
    let mut town = Town { app, owner };
    let (status, told) = town.app.call(Method::GET, "/api/v1/map", "", &Value::Null).await?;
    ensure!(status == 200 && told["attribution"] == "© OpenStreetMap contributors", "{status} {told}");
    ensure!((&told["minzoom"], &told["maxzoom"]) == (&json!(0), &json!(14)), "{told}");
    ensure!(told["bounds"] == json!([24.935_176_2, 60.164_155, 24.953_414_6, 60.179_112_9]), "{told}");
    // The bytes of a tile are those in the file.
    let whole = std::fs::read(&file)?;
    for tile in ["11/1165/592", "7/10/100", "7/125/3"] {
        let url = town.app.url(&format!("/api/v1/map/tiles/{tile}"));
        let answer = town.app.http().get(url).header("accept-encoding", "gzip").send().await?;
        ensure!(answer.status() == 200 && answer.headers()["content-encoding"] == "gzip", "{answer:?}");
        let bytes = answer.bytes().await?;
        ensure!(whole.windows(bytes.len()).any(|part| part == bytes), "{tile} is not in the archive");
    }
    if let Some(console) = Browser::drawing(1100, 900).await? {
        console.signs_in(&town).await?;
        console
            .sees("document.querySelector('.maplibregl-ctrl-attrib-inner')?.innerText === '© OpenStreetMap contributors'")
            .await?;
        console.sees("document.getElementById('place-note').hidden").await?;
        console.picture("live-archive").await?;
        console.close().await?;
    }
    town.app.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_s_own_archive_is_served_as_it_is_and_drawn() {
    Box::pin(own_archive()).await.unwrap_or_else(|error| panic!("{error:#}"));
}
