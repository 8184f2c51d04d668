//! The pages in a real browser: Chromium through its WebDriver, as a person would use them.

use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::json;
use testkit::sandbox::{App, Shape};

/// Starts ChromeDriver, and ends with everything that it has started as soon as nobody holds the other end of its input.
const TIED: &str = r#"chromedriver "--port=$1" </dev/null & read -r _; kill -s KILL -- "-$$""#;

/// ChromeDriver and what it starts, as a group of processes of their own. It ends with this value, also where a test panics: a
/// browser outlives a ChromeDriver that was killed. Where the test itself is killed, its end of the pipe is closed all the same.
struct Driver {
    leader: Child,
    /// Where browsers put their profiles; removed after they have ended.
    profiles: tempfile::TempDir,
}

impl Driver {
    /// `None` where there is no ChromeDriver.
    fn start(port: u16) -> anyhow::Result<Option<Self>> {
        let asked = Command::new("chromedriver").arg("--version").stdout(Stdio::null()).status();
        if asked.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
            return Ok(None);
        }
        let profiles = testkit::cluster::temp_dir("dropmate-chromium-")?;
        let leader = Command::new("sh")
            .args(["-c", TIED, "sh", &port.to_string()])
            .env("TMPDIR", profiles.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("a shell for chromedriver")?;
        Ok(Some(Self { leader, profiles }))
    }

    /// The number of the group.
    fn group(&self) -> i32 {
        self.leader.id().cast_signed()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        killpg(Pid::from_raw(self.group()), Signal::SIGKILL).ok();
        self.leader.wait().ok();
    }
}

/// A browser for one test; ends with its value.
pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Driver,
}

impl Browser {
    /// `None` (with a message) where there is no ChromeDriver; in CI that is a failure.
    pub(crate) async fn open(width: u32, height: u32) -> anyhow::Result<Option<Self>> {
        // One that cannot draw maps: pages have to do without.
        Self::with(&["--disable-gpu", "--disable-3d-apis"], width, height).await
    }

    /// The same, which draws maps, without a graphics card.
    pub(crate) async fn drawing(width: u32, height: u32) -> anyhow::Result<Option<Self>> {
        let flags = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"];
        Self::with(&flags, width, height).await
    }

    async fn with(flags: &[&str], width: u32, height: u32) -> anyhow::Result<Option<Self>> {
        let port = testkit::server::free_port()?;
        let Some(driver) = Driver::start(port)? else {
            let advice = "chromedriver is not there; `script/setup --test` installs it";
            ensure!(std::env::var_os("CI").is_none(), advice);
            println!("skipped: {advice}");
            return Ok(None);
        };
        let usual = [
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            format!("--window-size={width},{height}"),
        ];
        let arguments: Vec<String> =
            usual.into_iter().chain(flags.iter().map(|flag| (*flag).to_owned())).collect();
        let capabilities = json!({ "goog:chromeOptions": { "args": arguments } });
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(serde_json::from_value(capabilities)?);
        let begun = Instant::now();
        loop {
            match builder.connect(&format!("http://127.0.0.1:{port}")).await {
                Ok(client) => return Ok(Some(Self { client, driver })),
                Err(error) if begun.elapsed() > Duration::from_secs(20) => return Err(error.into()),
                Err(_not_yet) => platform::lifecycle::pause(Duration::from_millis(50)).await,
            }
        }
    }
}

impl Browser {
    async fn fill(&self, field: &str, text: &str) -> anyhow::Result<()> {
        let found = self.client.find(Locator::Css(&format!("[name={field}]"))).await?;
        Ok(found.send_keys(text).await?)
    }

    async fn submit(&self) -> anyhow::Result<()> {
        Ok(self.client.find(Locator::Css("form button")).await?.click().await?)
    }

    /// Waits for a page with this heading.
    async fn heading(&self, wanted: &str) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let found = self.client.find(Locator::Css("h1")).await;
            let text = match found {
                Ok(found) => found.text().await.unwrap_or_default(),
                Err(_between_pages) => String::new(),
            };
            if text == wanted {
                return Ok(());
            }
            let in_time = begun.elapsed() < Duration::from_secs(10);
            anyhow::ensure!(
                in_time,
                "the heading is {text:?} instead of {wanted:?} at {}",
                self.client.current_url().await?
            );
            platform::lifecycle::pause(Duration::from_millis(30)).await;
        }
    }

    /// Keeps a picture under `target/screenshots`, for people to look at.
    pub(crate) async fn picture(&self, name: &str) -> anyhow::Result<()> {
        let folder = testkit::cluster::workspace().join("target/screenshots");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(format!("{name}.png")), self.client.screenshot().await?)?;
        Ok(())
    }

    /// Nothing sticks out to the side.
    pub(crate) async fn assert_fits(&self) -> anyhow::Result<()> {
        let script = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth";
        let fits = self.client.execute(script, Vec::new()).await?;
        anyhow::ensure!(fits == true, "the page is wider than the window");
        Ok(())
    }

    /// Lets the browser end by itself; whatever is left of it ends afterwards.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        Ok(self.client.clone().close().await?)
    }
}

async fn first_run_and_join(shape: Shape) -> anyhow::Result<()> {
    let Some(browser) = Browser::open(1100, 900).await? else {
        return Ok(());
    };
    let dir = testkit::cluster::temp_dir("dropmate-browser-")?;
    let mut app = Box::pin(App::start(shape, dir.path(), &[])).await?;
    let printed = app.run(&["owner-link"])?;
    let token = printed.split("/setup/").nth(1).context("no owner link")?;
    let token: String = token.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    browser.client.goto(&app.url(&format!("/setup/{token}"))).await?;
    browser.heading("Set up your deliveries").await?;
    browser.picture("setup").await?;
    // A refusal keeps what was entered and says what is wrong.
    browser.fill("organization", "Ada's Bakery").await?;
    browser.fill("name", "Ada Lovelace").await?;
    browser.fill("email", "ada@localhost").await?;
    browser.fill("password", "correct horse battery").await?;
    browser.submit().await?;
    let refusal = browser.client.wait().for_element(Locator::Css(".refusal")).await?.text().await?;
    anyhow::ensure!(refusal.contains("not accepted"), "{refusal}");
    browser.picture("setup-refused").await?;
    browser.client.find(Locator::Css("[name=email]")).await?.clear().await?;
    browser.fill("email", "ada@example.org").await?;
    browser.fill("password", "correct horse battery").await?;
    browser.submit().await?;
    browser.heading("You are ready to start").await?;
    browser.picture("live-first").await?;
    // The link works once.
    browser.client.goto(&app.url(&format!("/setup/{token}"))).await?;
    browser.heading("This link does not work").await?;
    join_as_driver(&browser, &app).await?;
    browser.close().await?;
    app.stop()
}

/// A driver without an e-mail address, on a phone.
async fn join_as_driver(browser: &Browser, app: &App) -> anyhow::Result<()> {
    let login = json!({ "email": "ada@example.org", "password": "correct horse battery" });
    let http = app.http();
    let signed_in: serde_json::Value = http
        .post(app.url("/api/v1/auth/login"))
        .json(&login)
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    let token = signed_in["access_token"].as_str().context("no token")?;
    let invite =
        http.post(app.url("/api/v1/invitations")).bearer_auth(token).json(&json!({ "role": "driver" }));
    let invitation: serde_json::Value = invite.send().await?.error_for_status()?.json().await?;
    let link = invitation["link"].as_str().context("no link")?;
    let path = link.find("/join/").map(|at| &link[at..]).context("no join link")?;
    browser.client.set_window_size(390, 844).await?;
    browser.client.goto(&app.url(path)).await?;
    browser.heading("Join Ada's Bakery").await?;
    browser.assert_fits().await?;
    browser.fill("name", "Grace Hopper").await?;
    browser.fill("phone", "+49 30 901820").await?;
    browser.fill("pin", "493827").await?;
    browser.picture("join-on-a-phone").await?;
    browser.submit().await?;
    browser.heading("Welcome").await?;
    let login = json!({ "phone": "+4930901820", "pin": "493827" });
    let driver: serde_json::Value = http
        .post(app.url("/api/v1/auth/login"))
        .json(&login)
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    anyhow::ensure!(driver["role"] == "driver", "{driver}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_sets_up_and_a_driver_joins_in_a_browser() {
    first_run_and_join(Shape::Whole).await.unwrap_or_else(|error| panic!("{error:#}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_sets_up_and_a_driver_joins_in_a_browser_split() {
    first_run_and_join(Shape::Split).await.unwrap_or_else(|error| panic!("{error:#}"));
}

/// Names how the test in the child ends.
const ENDS: &str = "DROPMATE_TEST_BROWSER_ENDS";

/// So many processes are in the group, and have not ended.
fn alive(group: i32) -> anyhow::Result<usize> {
    let all = Command::new("ps").args(["-A", "-o", "pgid=,stat="]).output()?;
    let all = String::from_utf8(all.stdout)?;
    let mut rows = all.lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
    let group = group.to_string();
    Ok(rows.by_ref().filter(|row| row[0] == group && !row[1].starts_with('Z')).count())
}

/// Waits until nobody is left in the group.
async fn is_gone(group: i32) -> anyhow::Result<()> {
    let begun = Instant::now();
    while alive(group)? > 0 {
        ensure!(begun.elapsed() < Duration::from_secs(10), "{} processes are left", alive(group)?);
        platform::lifecycle::pause(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// A test with a browser that ends in some way, in a child: how that went, the group of the browser, and where its profile is.
fn a_test_that_ends(how: &str) -> anyhow::Result<(Output, Option<(i32, String)>)> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--exact", "browser::that_ends_badly", "--ignored", "--nocapture"])
        .env(ENDS, how)
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let left = said.lines().find_map(|line| {
        let (group, profiles) = line.strip_prefix("group ")?.split_once(' ')?;
        Some((group.parse().ok()?, profiles.to_owned()))
    });
    Ok((output, left))
}

#[tokio::test]
async fn a_test_that_fails_or_is_killed_leaves_no_browser_behind() -> anyhow::Result<()> {
    for (how, signal) in [("panic", None), ("kill", Some(9))] {
        let (output, left) = a_test_that_ends(how)?;
        let said = String::from_utf8_lossy(&output.stdout);
        if said.contains("skipped: ") {
            println!("{said}");
            return Ok(());
        }
        ensure!(!output.status.success() && output.status.signal() == signal, "{how}: {}", output.status);
        let (group, profiles) = left.with_context(|| format!("{how}: {said}"))?;
        is_gone(group).await.context(how)?;
        // Whoever is killed removes no folders.
        std::fs::remove_dir_all(profiles).ok();
    }
    Ok(())
}

#[tokio::test]
#[ignore = "run by the test above, in a process of its own"]
async fn that_ends_badly() -> anyhow::Result<()> {
    let Some(how) = std::env::var_os(ENDS) else { return Ok(()) };
    let Some(browser) = Browser::open(400, 300).await? else { return Ok(()) };
    let group = browser.driver.group();
    // The shell, ChromeDriver and the browser; a browser that is somewhere else would not end with them.
    ensure!(alive(group)? > 3, "the browser is not in the group");
    println!("\ngroup {group} {}", browser.driver.profiles.path().display());
    if how == "kill" {
        nix::sys::signal::kill(Pid::this(), Signal::SIGKILL)?;
    }
    panic!("on purpose");
}
