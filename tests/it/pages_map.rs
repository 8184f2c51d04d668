//! The map in the pages, in browsers: the customer follows the courier on it, the owner everybody. Nothing is asked of anybody
//! but this installation, and without a map the pages say so.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use kernel::time::Clock as _;
use platform::clock::SystemClock;
use platform::lifecycle::pause;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::sandbox::{App, Shape};

use crate::browser::Browser;
use crate::pages::{PATIENCE, Town};

/// Within the demo's map.
const SHOP: (f64, f64) = (60.1699, 24.9384);
const DOOR: (f64, f64) = (60.1676, 24.9515);

impl Browser {
    /// What a script of the test finds on the page.
    async fn finds(&self, script: &str) -> anyhow::Result<Value> {
        Ok(self.client.execute(script, Vec::new()).await?)
    }

    /// Waits until a script finds something that is neither nothing nor false.
    async fn until(&self, script: &str) -> anyhow::Result<Value> {
        let begun = Instant::now();
        loop {
            let found = self.finds(script).await?;
            if !matches!(found, Value::Null | Value::Bool(false)) {
                return Ok(found);
            }
            if begun.elapsed() > PATIENCE {
                let page = self.finds("return document.body.innerText").await?;
                anyhow::bail!("not on the page: {script}: {page}");
            }
            pause(Duration::from_millis(50)).await;
        }
    }

    /// What a script finds once nothing moves any more: the same in two looks.
    async fn settled(&self, script: &str) -> anyhow::Result<Value> {
        let (begun, mut before) = (Instant::now(), self.finds(script).await?);
        loop {
            pause(Duration::from_millis(400)).await;
            let now = self.finds(script).await?;
            if now == before {
                return Ok(now);
            }
            ensure!(begun.elapsed() < PATIENCE, "it goes on moving: {script}");
            before = now;
        }
    }

    /// A map is drawn, and the words about whose data it is stand on it.
    async fn draws(&self, town: &Town) -> anyhow::Result<()> {
        self.until("return document.querySelector('#place[data-live] canvas.maplibregl-canvas') !== null")
            .await?;
        let said = self
            .until("return document.querySelector('.maplibregl-ctrl-attrib-inner')?.innerText || false")
            .await?;
        ensure!(said.as_str().is_some_and(|said| said.contains("© OpenStreetMap contributors")), "{said}");
        town.served_tiles().await
    }

    /// Nothing came from elsewhere, and nothing was tried that the policy of the page forbids. That the browser would tell is
    /// seen by a violation that is made at the end.
    async fn stays_at_home(&self) -> anyhow::Result<()> {
        let elsewhere = self
            .finds("return performance.getEntriesByType('resource').map((one) => one.name).filter((name) => !name.startsWith(location.origin) && !name.startsWith('data:'))")
            .await?;
        ensure!(elsewhere == json!([]), "asked elsewhere: {elsewhere}");
        let forbidden = "window.told = []; new ReportingObserver((all) => window.told.push(...all.map((one) => `${one.body.effectiveDirective} ${one.body.blockedURL}`)), \
                         { types: ['csp-violation'], buffered: true }).observe(); return true";
        self.finds(forbidden).await?;
        pause(Duration::from_millis(200)).await;
        let before = self.finds("return window.told").await?;
        ensure!(before == json!([]), "forbidden: {before}");
        self.finds("const image = new Image(); image.src = 'https://elsewhere.invalid/x.png'; return true")
            .await?;
        self.until("return window.told.some((one) => one.startsWith('img-src'))").await?;
        Ok(())
    }
}

impl Town {
    /// Tiles were asked for and given out. Workers ask for them, whose requests and refusals no page sees.
    async fn served_tiles(&self) -> anyhow::Result<()> {
        let metrics = self.app.http().get(self.app.url("/metrics")).send().await?.text().await?;
        let served = |line: &str| {
            line.contains("http_requests_total")
                && line.contains("/map/tiles/")
                && line.contains("status=\"200\"")
        };
        ensure!(metrics.lines().any(served), "no tile was asked for");
        Ok(())
    }

    async fn at(
        &self,
        driver: &str,
        token: &str,
        (lat, lon): (f64, f64),
        heading: f64,
    ) -> anyhow::Result<()> {
        let at = SystemClock.now();
        let fix = json!({ "lat": lat, "lon": lon, "at": at, "accuracy_m": 6.0, "heading_deg": heading });
        self.post(&format!("/api/v1/drivers/{driver}/location"), token, fix).await?;
        Ok(())
    }

    /// An order that is on its way to the door: its id, its code, who has it.
    async fn on_the_way(&self) -> anyhow::Result<(String, String, String, String)> {
        let shop = json!({
            "name": "Ada's Kitchen", "number_prefix": "A", "street": "Mannerheimintie 5", "postcode": "00100", "city": "Helsinki",
            "country": "FI", "position": { "lat": SHOP.0, "lon": SHOP.1 }, "phone": "+358912345678",
            "time_zone": "Europe/Helsinki", "currency": "EUR", "preparation_minutes": 10, "service_minutes": 1,
        });
        let shop = self.post("/api/v1/shops", &self.owner, shop).await?;
        let (driver, token) = self.driver().await?;
        let available = json!({ "availability": "available" });
        self.app
            .call(Method::PUT, &format!("/api/v1/drivers/{driver}/availability"), &token, &available)
            .await?;
        let order = json!({
            "shop_id": shop["id"],
            "dropoff": { "street": "Eteläesplanadi 1", "postcode": "00130", "city": "Helsinki", "country": "FI",
                         "position": { "lat": DOOR.0, "lon": DOOR.1 },
                         "contact": { "name": "Linus Pauling", "phone": "+358407654321" } },
        });
        let order = self.soon("/api/v1/orders", &self.owner, order).await?;
        let text = |name: &str| order[name].as_str().map(str::to_owned).context("a text");
        let (id, code) = (text("id")?, text("tracking_code")?);
        self.soon(&format!("/api/v1/orders/{id}/assign"), &self.owner, json!({ "driver_id": driver }))
            .await?;
        for status in ["enroute_to_pickup", "arrived_at_pickup", "picked_up", "enroute_to_dropoff"] {
            let step = json!({ "status": status, "at": SystemClock.now() });
            self.soon(&format!("/api/v1/orders/{id}/status"), &token, step).await?;
        }
        Ok((id, code, driver, token))
    }
}

async fn opened(folder: &std::path::Path, with_map: bool) -> anyhow::Result<Town> {
    let app = Box::pin(App::start(Shape::Whole, folder, &[])).await?;
    if with_map {
        let file = testkit::cluster::workspace().join("demo/helsinki.osm.pbf");
        app.run(&["map", "import", &file.to_string_lossy(), "--profile", "car", "--profile", "bicycle"])?;
    }
    let owner = app.first_run().await?.access_token;
    Ok(Town { app, owner })
}

async fn followed() -> anyhow::Result<()> {
    let Some(customer) = Browser::drawing(390, 844).await? else {
        return Ok(());
    };
    let dir = testkit::cluster::temp_dir("dropmate-map-")?;
    let mut town = opened(dir.path(), true).await?;
    let (order, code, driver, token) = town.on_the_way().await?;
    town.at(&driver, &token, (60.1692, 24.9395), 140.0).await?;
    customer_follows(&town, &customer, &code, &driver, &token).await?;
    customer.close().await?;
    let console = Browser::drawing(1400, 900).await?.context("a second browser")?;
    owner_watches(&town, &console, &order, &driver, &token).await?;
    console.close().await?;
    town.app.stop()
}

async fn customer_follows(
    town: &Town,
    customer: &Browser,
    code: &str,
    driver: &str,
    token: &str,
) -> anyhow::Result<()> {
    customer.client.goto(&town.app.url(&format!("/t/{code}"))).await?;
    // The text and the drawing are there at once, without the library.
    customer.reads("on the way to you").await?;
    let sketch = customer
        .until("return document.querySelector('#place svg.sketch')?.getAttribute('aria-label') || false")
        .await?;
    ensure!(sketch.as_str().is_some_and(|text| text.contains("your door, the courier")), "{sketch}");
    let before =
        customer.finds("return document.getElementById('place').getBoundingClientRect().height").await?;
    customer.draws(town).await?;
    let after =
        customer.finds("return document.getElementById('place').getBoundingClientRect().height").await?;
    ensure!(before == after, "the page jumps from {before} to {after}");
    let name = "return document.querySelector('.mark.courier')?.getAttribute('aria-label') || false";
    let said = customer.until(name).await?;
    ensure!(said.as_str().is_some_and(|said| said.starts_with("Your courier, ")), "{said}");
    customer.assert_fits().await?;
    // A new position: the courier moves on the map, the door stays where it is.
    let place = "const at = (kind) => /translate\\(([-\\d.]+)px, ([-\\d.]+)px/.exec(document.querySelector(`.mark.${kind}`).style.transform).slice(1).map(Math.round).join(); \
                 return [at('courier'), at('dropoff')]";
    let stood = customer.settled(place).await?;
    town.at(driver, token, (60.1690, 24.9398), 140.0).await?;
    let moved = format!("const now = (() => {{ {place} }})(); return now[0] !== {stood}[0]");
    customer.until(&moved).await?;
    let now = customer.settled(place).await?;
    ensure!(now[1] == stood[1], "the map moved under the courier: {stood} {now}");
    customer.picture("track-map").await?;
    let policy = customer
        .client
        .execute_async(
            "const done = arguments[0]; fetch('/api/v1/map/tiles/14/9326/4742').then((answer) => done(`${answer.status} ${answer.headers.get('ratelimit-policy')}`))",
            Vec::new(),
        )
        .await?;
    ensure!(policy == "200 \"tiles\";q=1200;w=60", "{policy}");
    customer.stays_at_home().await
}

async fn owner_watches(
    town: &Town,
    console: &Browser,
    order: &str,
    driver: &str,
    token: &str,
) -> anyhow::Result<()> {
    console.signs_in(town).await?;
    console.draws(town).await?;
    let courier = "return document.querySelector('.mark.courier')?.getAttribute('aria-label') || false";
    let said = console.until(courier).await?;
    ensure!(said.as_str().is_some_and(|said| said.starts_with("Grace Hopper")), "{said}");
    // From the map to the list, and back.
    console
        .until("const mark = document.querySelector('.mark.order'); mark?.click(); return Boolean(mark)")
        .await?;
    let chosen = format!(
        "return document.querySelector('[data-pick={order}]')?.getAttribute('aria-pressed') === 'true'"
    );
    console.until(&chosen).await?;
    console.choose(&format!("[data-pick={driver}]")).await?;
    console.until("return document.querySelector('.mark.courier.picked') !== null").await?;
    // The stream tells of positions; nothing is fetched anew for that.
    let stood = console.finds("return document.querySelector('.mark.courier').style.transform").await?;
    town.at(driver, token, (60.1688, 24.9401), 140.0).await?;
    console
        .until(&format!("return document.querySelector('.mark.courier').style.transform !== {stood}"))
        .await?;
    console.choose("#pin-drop").await?;
    let address = "const said = document.getElementById('pin-address').innerText; return said && !said.startsWith('Looking') && said";
    let address = console.until(address).await?;
    ensure!(
        address
            .as_str()
            .is_some_and(|text| text.contains("Helsinki") || text.contains(',') || text.len() > 5),
        "{address}"
    );
    console.assert_fits().await?;
    console.picture("live-map").await?;
    console.stays_at_home().await
}

async fn without() -> anyhow::Result<()> {
    let Some(browser) = Browser::drawing(1100, 900).await? else {
        return Ok(());
    };
    let dir = testkit::cluster::temp_dir("dropmate-map-")?;
    let mut town = opened(dir.path(), false).await?;
    let (_, code, driver, token) = town.on_the_way().await?;
    town.at(&driver, &token, (60.1692, 24.9395), 140.0).await?;
    browser.client.goto(&town.app.url(&format!("/t/{code}"))).await?;
    browser.reads("There is no street map here: the line is straight").await?;
    let loaded =
        "return performance.getEntriesByType('resource').some((one) => one.name.includes('maplibre'))";
    ensure!(
        browser.finds(loaded).await? == false,
        "the library is not fetched where there is nothing to draw"
    );
    browser.picture("track-no-map").await?;
    browser.signs_in(&town).await?;
    browser.reads("dropmate map import CITY.osm.pbf").await?;
    browser.until("return document.querySelector('#place[data-live] .mark.courier') !== null").await?;
    browser.picture("live-no-map").await?;
    browser.stays_at_home().await?;
    browser.close().await?;
    let plain = Browser::open(1100, 900).await?.context("a second browser")?;
    plain.signs_in(&town).await?;
    plain.reads("This browser cannot draw the map").await?;
    plain.choose(&format!("[data-pick={driver}]")).await?;
    let chosen = format!(
        "return document.querySelector('[data-pick={driver}]')?.getAttribute('aria-pressed') === 'true'"
    );
    plain.until(&chosen).await?;
    plain.close().await?;
    town.app.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_and_the_owner_follow_a_courier_on_the_map() {
    Box::pin(followed()).await.unwrap_or_else(|error| panic!("{error:#}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_map_the_pages_draw_straight_lines_and_say_how_to_get_one() {
    Box::pin(without()).await.unwrap_or_else(|error| panic!("{error:#}"));
}
