//! A person with an authenticator app, from the first code to the last recovery code, in either shape. The clock is the
//! machine's: what has to be a newer code is the one of the next step, which the server accepts as well. Five guesses a
//! minute are allowed, so it makes no more.

use anyhow::{Context, ensure};
use identity::domain::totp::Authenticator;
use kernel::time::{Clock as _, SignedDuration};
use platform::clock::SystemClock;
use platform::vault::Private;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::sandbox::{App, Shape};

const LOGIN: &str = "/api/v1/auth/login";
const SECOND_STEP: &str = "/api/v1/auth/login/second-factor";

struct Person {
    app: App,
    token: String,
}

impl Person {
    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<(u16, Value)> {
        self.app.call(Method::POST, path, &self.token, body).await
    }

    async fn state(&self) -> anyhow::Result<Value> {
        let path = "/api/v1/users/me/second-factor";
        Ok(self.app.call(Method::GET, path, &self.token, &Value::Null).await?.1)
    }

    /// The challenge after the password.
    async fn first_step(&self) -> anyhow::Result<String> {
        let body = json!({ "email": "ada@example.org", "password": "correct horse battery" });
        let (status, asked) = self.app.call(Method::POST, LOGIN, "", &body).await?;
        ensure!((status, &asked["code"]) == (401, &json!("second_factor_required")), "{status} {asked}");
        ensure!(asked["methods"] == json!(["totp", "recovery_code"]), "{asked}");
        Ok(asked["challenge"].as_str().context("a challenge")?.to_owned())
    }

    async fn second_step(&self, challenge: &str, code: &str) -> anyhow::Result<(u16, Value)> {
        let body = json!({ "challenge": challenge, "code": code });
        self.app.call(Method::POST, SECOND_STEP, "", &body).await
    }
}

fn code(app: &Authenticator, ahead_s: i64) -> anyhow::Result<String> {
    Ok(app.code(SystemClock.now().checked_add(SignedDuration::from_secs(ahead_s))?))
}

fn refused((status, body): &(u16, Value), with: u16, code: &str) -> anyhow::Result<()> {
    ensure!((*status, body["code"].as_str()) == (with, Some(code)), "{status} {body}, not {with} {code}");
    Ok(())
}

async fn two_steps(shape: Shape) -> anyhow::Result<()> {
    let dir = testkit::cluster::temp_dir("dropmate-second-factor-")?;
    let app = Box::pin(App::start(shape, dir.path(), &[])).await?;
    let owner = app.first_run().await?;
    let mut ada = Person { app, token: owner.access_token };

    let (status, shown) = ada.post("/api/v1/users/me/totp", &Value::Null).await?;
    ensure!(status == 200, "{status} {shown}");
    let phone = Authenticator::read(&Private::from(shown["secret"].as_str().context("a secret")?))?;
    let wrong = ada.post("/api/v1/users/me/totp/confirm", &json!({ "code": code(&phone, 3600)? })).await?;
    refused(&wrong, 403, "wrong_code")?;
    // The step before: the present one stays for signing in.
    let first = code(&phone, -30)?;
    let (status, confirmed) = ada.post("/api/v1/users/me/totp/confirm", &json!({ "code": first })).await?;
    ensure!(status == 200, "{status} {confirmed}");
    let recovery: Vec<&str> =
        confirmed["recovery_codes"].as_array().context("codes")?.iter().filter_map(Value::as_str).collect();
    ensure!(recovery.len() == 10, "{confirmed}");

    // A code opens one session, and none that was shown before it.
    let challenge = ada.first_step().await?;
    let shown = code(&phone, 30)?;
    let (status, session) = ada.second_step(&challenge, &shown).await?;
    ensure!(status == 200 && session["role"] == "owner", "{status} {session}");
    refused(&ada.second_step(&challenge, &shown).await?, 401, "challenge_expired")?;
    let challenge = ada.first_step().await?;
    refused(&ada.second_step(&challenge, &shown).await?, 401, "wrong_code")?;

    // A recovery code works once; the session is good at every door.
    let (status, session) = ada.second_step(&challenge, recovery[0]).await?;
    ensure!(status == 200, "{status} {session}");
    session["access_token"].as_str().context("a token")?.clone_into(&mut ada.token);
    ensure!(ada.state().await?["recovery_codes_left"] == 9, "one is used up");

    // Proved a moment ago, so the app may be removed; then the password is enough again.
    let (status, removed) = ada.post("/api/v1/users/me/totp/disable", &Value::Null).await?;
    ensure!(status == 204, "{status} {removed}");
    let body = json!({ "email": "ada@example.org", "password": "correct horse battery" });
    let (status, session) = ada.app.call(Method::POST, LOGIN, "", &body).await?;
    // Guesses of one account are counted, also across processes.
    ensure!(matches!(status, 200 | 429), "{status} {session}");
    ensure!(ada.app.run(&["audit", "verify"])?.contains("\"findings\": []"), "the trail is sound");
    ada.app.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authenticator_app_is_the_second_step_in_one_process() {
    two_steps(Shape::Whole).await.unwrap_or_else(|error| panic!("{error:#}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authenticator_app_is_the_second_step_split() {
    two_steps(Shape::Split).await.unwrap_or_else(|error| panic!("{error:#}"));
}
