//! A passkey from end to end: Chromium makes the key in its virtual authenticator and signs with it, on the page of a
//! running installation. The page is asked by its loopback name, as somebody would on the machine itself.

use anyhow::{Context, ensure};
use fantoccini::wd::WebDriverCompatibleCommand;
use serde_json::{Value, json};
use testkit::sandbox::{App, Shape};
use url::Url;

use crate::browser::Browser;

/// `POST /session/{id}/webauthn/authenticator` (Web Authentication, section 11.3).
#[derive(Debug)]
struct AddAuthenticator;

impl WebDriverCompatibleCommand for AddAuthenticator {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/webauthn/authenticator", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _url: &Url) -> (http::Method, Option<String>) {
        let device = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
            "isUserConsenting": true, "isUserVerified": true,
        });
        (http::Method::POST, Some(device.to_string()))
    }
}

const CREATE: &str = "const [options, done] = arguments;
    navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        .then(made => done({ made: made.toJSON() }), error => done({ error: String(error) }));";
const GET: &str = "const [options, done] = arguments;
    navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) })
        .then(made => done({ made: made.toJSON() }), error => done({ error: String(error) }));";

impl Browser {
    /// What the device answers to these options.
    async fn ask(&self, script: &str, options: &Value) -> anyhow::Result<Value> {
        let answer = self.client.execute_async(script, vec![options.clone()]).await?;
        let made = answer.get("made").cloned();
        made.with_context(|| format!("the browser refused: {answer}"))
    }
}

async fn post(app: &App, path: &str, bearer: &str, body: &Value) -> anyhow::Result<(u16, Value)> {
    app.call(reqwest::Method::POST, path, bearer, body).await
}

async fn register_and_sign_in(shape: Shape) -> anyhow::Result<()> {
    let Some(browser) = Browser::open(800, 600).await? else {
        return Ok(());
    };
    let dir = testkit::cluster::temp_dir("dropmate-passkey-")?;
    let mut app = Box::pin(App::start(shape, dir.path(), &[])).await?;
    let owner = app.first_run().await?;
    let page = app.url("/").replace("127.0.0.1", "localhost");
    browser.client.goto(&page).await?;
    browser.client.issue_cmd(AddAuthenticator).await?;

    let token = owner.access_token.as_str();
    let (status, begun) = post(&app, "/api/v1/users/me/passkeys/begin", token, &json!({})).await?;
    ensure!(status == 200, "{begun}");
    let made = browser.ask(CREATE, &begun["options"]).await?;
    let body = json!({ "ceremony": begun["ceremony"], "name": "This browser", "credential": made });
    let (status, registered) = post(&app, "/api/v1/users/me/passkeys", token, &body).await?;
    ensure!(status == 201, "{registered}");

    let path = "/api/v1/auth/login/passkey/begin";
    let (_, begun) = post(&app, path, "", &json!({})).await?;
    let answer = browser.ask(GET, &begun["options"]).await?;
    let body = json!({ "ceremony": begun["ceremony"], "credential": answer });
    let (status, session) = post(&app, "/api/v1/auth/login/passkey", "", &body).await?;
    ensure!(status == 200 && session["role"] == "owner", "{session}");
    let (status, again) = post(&app, "/api/v1/auth/login/passkey", "", &body).await?;
    ensure!(status == 401 && again["code"] == "ceremony_expired", "{again}");

    // On a page of another name the browser does not even ask the device.
    let stranger = page.replace("localhost", "127.0.0.1");
    browser.client.goto(&stranger).await?;
    let (_, begun) = post(&app, path, "", &json!({})).await?;
    let refused = browser.ask(GET, &begun["options"]).await;
    ensure!(refused.is_err_and(|error| error.to_string().contains("SecurityError")), "the browser answered");
    browser.close().await?;
    app.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_registers_a_passkey_and_signs_in_with_it() {
    register_and_sign_in(Shape::Whole).await.unwrap_or_else(|error| panic!("{error:#}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_registers_a_passkey_and_signs_in_with_it_split() {
    register_and_sign_in(Shape::Split).await.unwrap_or_else(|error| panic!("{error:#}"));
}
