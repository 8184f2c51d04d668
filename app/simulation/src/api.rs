//! The public API, as an app calls it.

use std::time::Duration;

use anyhow::{Context, bail};
use kernel::time::{SignedDuration, Timestamp};
use platform::lifecycle::pause;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// How often a request is sent while the server asks for patience or cannot be reached.
const TRIES: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How long before its end an access token is replaced.
const MARGIN: SignedDuration = SignedDuration::from_mins(3);

/// An installation.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Session {
    access: String,
    refresh: String,
    until: Timestamp,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    pub(crate) etag: Option<String>,
}

impl Answer {
    /// The body of a success.
    pub(crate) fn ok(self) -> anyhow::Result<Value> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        bail!("{} {}", self.status, self.body)
    }
}

impl Session {
    /// From tokens that were answered at this time.
    pub(crate) fn read(tokens: &Value, now: Timestamp) -> anyhow::Result<Self> {
        let text = |name: &str| {
            tokens[name].as_str().map(str::to_owned).with_context(|| format!("no {name}: {tokens}"))
        };
        let seconds = tokens["expires_in"].as_i64().context("expires_in")?;
        let until = now.checked_add(SignedDuration::from_secs(seconds))?;
        Ok(Self { access: text("access_token")?, refresh: text("refresh_token")?, until })
    }
}

impl Api {
    /// At this address.
    #[expect(
        clippy::disallowed_methods,
        reason = "the address is the one that the person gave, mostly of this machine; deadlines are set here"
    )]
    pub fn at(base: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned() })
    }

    /// Sends a request until it is answered by more than "later"; a write always has the same key.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        key: Option<&str>,
        body: Option<&Value>,
        etag: Option<&str>,
    ) -> anyhow::Result<Answer> {
        // Without a key a write may have happened.
        let repeatable = key.is_some() || method != Method::POST;
        let request = || {
            let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            if let Some(key) = key {
                request = request.header("idempotency-key", key);
            }
            if let Some(etag) = etag {
                request = request.header("if-match", etag);
            }
            if let Some(body) = body {
                request = request.json(body);
            }
            request
        };
        self.repeat(repeatable, request).await.with_context(|| format!("{method} {path}"))
    }

    /// What a tracker app sends: its positions are stored once, so that it may always be sent again.
    pub(crate) async fn device(
        &self,
        path: &str,
        authorization: Option<&str>,
        body: Option<&Value>,
    ) -> anyhow::Result<()> {
        let request = || {
            let mut request = self.http.post(format!("{}{path}", self.base));
            if let Some(authorization) = authorization {
                request = request.header("authorization", authorization);
            }
            if let Some(body) = body {
                request = request.json(body);
            }
            request
        };
        // The path of some protocols carries the key of the device.
        let shown = path.split('?').next().unwrap_or_default();
        self.repeat(true, request).await.and_then(Answer::ok).with_context(|| format!("POST {shown}"))?;
        Ok(())
    }

    async fn repeat(
        &self,
        repeatable: bool,
        request: impl Fn() -> reqwest::RequestBuilder,
    ) -> anyhow::Result<Answer> {
        let mut wait = FIRST_PAUSE;
        for attempt in 1.. {
            match request().send().await {
                Ok(answer) if attempt < TRIES && later(answer.status()) => {
                    wait = wait.max(asked_for(answer.headers()));
                }
                Ok(answer) => {
                    let status = answer.status();
                    let etag =
                        answer.headers().get("etag").and_then(|etag| etag.to_str().ok()).map(str::to_owned);
                    let bytes = answer.bytes().await?;
                    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
                    return Ok(Answer { status, body, etag });
                }
                Err(_broken) if attempt < TRIES && repeatable => {}
                Err(error) => return Err(error.into()),
            }
            pause(wait).await;
            wait *= 2;
        }
        bail!("it was tried too often")
    }

    /// Its address.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// An access token that is good for a while.
    pub(crate) async fn token(&self, session: &mut Session, now: Timestamp) -> anyhow::Result<String> {
        self.keep(session, now).await?;
        Ok(session.access.clone())
    }

    /// Signs in with an address and a password.
    pub async fn sign_in(&self, email: &str, password: &str, now: Timestamp) -> anyhow::Result<Session> {
        let body = json!({ "email": email, "password": password });
        let answer = self.send(Method::POST, "/api/v1/auth/login", None, None, Some(&body), None).await?;
        Session::read(&answer.ok().context("signing in")?, now)
    }

    /// A request as somebody, whose token is replaced before it ends.
    pub(crate) async fn call(
        &self,
        session: &mut Session,
        now: Timestamp,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        self.keep(session, now).await?;
        self.send(method, path, Some(&session.access), key, body, None).await
    }

    pub(crate) async fn get(
        &self,
        session: &mut Session,
        now: Timestamp,
        path: &str,
    ) -> anyhow::Result<Value> {
        let answer = self.call(session, now, Method::GET, path, None, None).await?;
        answer.ok().with_context(|| format!("GET {path}"))
    }

    pub(crate) async fn post(
        &self,
        session: &mut Session,
        now: Timestamp,
        path: &str,
        key: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        let answer = self.call(session, now, Method::POST, path, Some(key), Some(body)).await?;
        answer.ok().with_context(|| format!("POST {path} {body}"))
    }

    /// Reads a resource and puts it back changed.
    pub(crate) async fn change(
        &self,
        session: &mut Session,
        now: Timestamp,
        path: &str,
        change: impl FnOnce(&mut Value),
    ) -> anyhow::Result<()> {
        self.keep(session, now).await?;
        let token = Some(session.access.as_str());
        let read = self.send(Method::GET, path, token, None, None, None).await?;
        let etag = read.etag.clone();
        let mut body = read.ok().with_context(|| format!("GET {path}"))?;
        change(&mut body);
        let put = self.send(Method::PUT, path, token, None, Some(&body), etag.as_deref()).await?;
        put.ok().with_context(|| format!("PUT {path} {body}"))?;
        Ok(())
    }

    async fn keep(&self, session: &mut Session, now: Timestamp) -> anyhow::Result<()> {
        if now.checked_add(MARGIN)? < session.until {
            return Ok(());
        }
        let body = json!({ "refresh_token": session.refresh });
        let answer =
            self.send(Method::POST, "/api/v1/auth/token/refresh", None, None, Some(&body), None).await?;
        *session = Session::read(&answer.ok().context("a fresh token")?, now)?;
        Ok(())
    }
}

/// How long the server asks to wait.
fn asked_for(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    seconds.map_or(Duration::ZERO, Duration::from_secs).min(LONGEST_PAUSE)
}

fn later(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE
}
