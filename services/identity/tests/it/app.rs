//! Identity behind the gateway, as a caller meets it: every request goes through the edge, the gate, the channel, the
//! service's own gate and its handler, to a database of its own.
//!
//! The actors of the two organisations were all created by the operations themselves. Time moves with
//! [`App::pass`]; the clock also ticks one microsecond with each look, as real clocks do: what is compared by
//! "earlier" and "later" inside one transaction is wrong on a clock that stands still, and seems right.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use gateway::{Dependency, Readiness};
use identity::{CachedExchange, Deps, Identity, Settings};
use kernel::time::{Clock, ManualClock, SharedClock, SignedDuration, Timestamp};
use platform::auth::{Revocations, StaticKeys, Verifier};
use platform::bus::Sequencer;
use platform::db::{Db, PoolOptions};
use platform::http::Channel;
use platform::http::layers::Edge;
use platform::http::openapi::{Document, ServiceApi};
use platform::http::operations::{Authenticator, Gate, Operations, RateLimits};
use platform::http::rate_limit::MemoryLimiter;
use platform::jobs::Worker;
use serde_json::{Value, json};
use testkit::http::{Call, Client, Reply};
use testkit::{RecordingMailer, TestDb};

/// The public address of the installation under test.
pub const PUBLIC_URL: &str = "https://dropmate.test";
/// The password of everybody who has one.
pub const PASSWORD: &str = "correct horse battery";
/// The PIN of everybody who has one.
pub const PIN: &str = "493827";

/// Ticks one microsecond with each look.
#[derive(Debug)]
struct Ticking(ManualClock);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        self.0.advance(SignedDuration::from_micros(1));
        self.0.now()
    }
}

struct AllThere;

impl Readiness for AllThere {
    fn check(&self) -> BoxFuture<'_, Vec<Dependency>> {
        Box::pin(std::future::ready(Vec::new()))
    }
}

/// What a test may want otherwise.
pub struct Wishes {
    /// Whether customers may register by themselves.
    pub open_registration: bool,
    /// Password hashes at a time.
    pub hash_concurrency: usize,
    /// The public address.
    pub public_url: String,
    /// How long a signing key signs.
    pub key_rotation: SignedDuration,
    /// What `/metrics` shows.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Quotas at the gate.
    pub limits: Option<fn(Arc<MemoryLimiter>) -> RateLimits>,
    /// Changes the document and permissions of identity before the gateway sees them.
    pub api: fn(ServiceApi) -> ServiceApi,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            open_registration: false,
            hash_concurrency: 4,
            public_url: PUBLIC_URL.to_owned(),
            key_rotation: SignedDuration::from_hours(30 * 24),
            metrics: Arc::new(String::new),
            limits: None,
            api: |api| api,
        }
    }
}

/// The whole of it.
pub struct App {
    pub db: TestDb,
    pub mail: RecordingMailer,
    pub identity: Identity,
    pub published: StaticKeys,
    pub document: Document,
    /// Everything that was logged.
    pub logs: testkit::logs::Logs,
    /// Routes of identity, without the gate: to prove that the gate is what protects.
    pub api: ServiceApi,
    pub client: Client,
    /// Where files are.
    pub folder: tempfile::TempDir,
    worker: Worker,
    sequencer: Sequencer,
    sources: AtomicU32,
}

impl App {
    /// As it is after the installation.
    pub async fn new() -> Self {
        Self::with(Wishes::default()).await
    }

    /// With other decisions.
    pub async fn with(wishes: Wishes) -> Self {
        let logs = testkit::logs::capture();
        let db = TestDb::new(&[identity::manifest()]).await;
        let clock: SharedClock = Arc::new(Ticking(db.clock.clone()));
        let pool = PoolOptions { max_connections: 8, ..PoolOptions::default() };
        let options = db.options(&platform::migrate::service_role(identity::NAME));
        let own = Db::new(identity::NAME, options, pool, clock.clone(), db.random.clone(), db.wake.clone())
            .with_vault(db.vault.clone());
        let (mail, published, revocations) =
            (RecordingMailer::default(), StaticKeys::default(), Revocations::default());
        let limiter = Arc::new(MemoryLimiter::new(clock.clone()));
        let folder = tempfile::tempdir().expect("a folder");
        let identity = Identity::new(Deps {
            db: own.clone(),
            vault: db.vault.clone(),
            files: db.files(folder.path()),
            mailer: Arc::new(mail.clone()),
            limiter: limiter.clone(),
            published: published.clone(),
            revocations: revocations.clone(),
            settings: Settings {
                public_url: wishes.public_url.clone(),
                open_registration: wishes.open_registration,
                password_min_length: 10,
                secure_cookies: true,
                key_rotation: wishes.key_rotation,
            },
            hash_concurrency: wishes.hash_concurrency,
        });
        identity::keys::load(&identity).await.expect("the signing keys");
        let service = identity::service(&identity).expect("the service");
        let worker = Worker::new(own, service.jobs, Vec::new(), 4);
        let verifier =
            Verifier::new(wishes.public_url, Arc::new(published.clone()), clock.clone(), revocations.clone());
        let authenticator = Authenticator::new(verifier, Arc::new(CachedExchange::new(identity.clone())));
        let api = (wishes.api)(service.api);
        let own_operations = Operations::build(&[&api]).expect("the operations of identity");
        let inner = Gate::new(Arc::new(own_operations), authenticator.clone()).wrap(api.router());
        let gateway = gateway::service(gateway::Deps {
            services: vec![(api.clone(), Channel::in_process(inner, Duration::from_secs(30)))],
            authenticator,
            limits: wishes.limits.map(|make| make(limiter)),
            keys: Arc::new(published.clone()),
            readiness: Arc::new(AllThere),
            metrics: wishes.metrics,
            metrics_token: None,
            phones: gateway::Phones::default(),
            realtime: None,
            edge: Edge::new(clock, db.random.clone()),
        })
        .expect("the gateway");
        let sequencer = Sequencer::new(db.system());
        sequencer.open().await.expect("the log");
        Self {
            db,
            mail,
            identity,
            published,
            document: gateway.document,
            logs,
            api,
            client: Client::new(gateway.router),
            folder,
            worker,
            sequencer,
            sources: AtomicU32::new(1),
        }
    }

    /// Lets business time pass.
    pub fn pass(&self, time: SignedDuration) {
        self.db.clock.advance(time);
    }

    /// An address that nobody has used yet, so that one story does not use up another's guesses.
    pub fn source(&self) -> IpAddr {
        let number = self.sources.fetch_add(1, Ordering::Relaxed);
        IpAddr::from(Ipv4Addr::from(0x0a00_0000 + number))
    }

    pub fn get(&self, path: impl Into<String>) -> Call {
        self.client.get(path)
    }

    pub fn post(&self, path: impl Into<String>, body: impl Borrow<Value>) -> Call {
        self.client.post(path).json(body.borrow()).from(self.source())
    }

    pub fn patch(&self, path: impl Into<String>, body: impl Borrow<Value>) -> Call {
        self.client.patch(path).json(body.borrow())
    }

    pub fn delete(&self, path: impl Into<String>) -> Call {
        self.client.delete(path)
    }

    /// The secret of a fresh owner link.
    pub async fn owner_link(&self) -> String {
        let link = identity::commands::first_run::owner_link(&self.identity).await.expect("a link");
        last_segment(&link.expect("no owner yet"))
    }

    /// The first visitor of the printed link.
    pub fn first_run(&self, token: &str, email: &str) -> Call {
        self.post(
            "/api/v1/auth/first-run",
            json!({
                "token": token, "organization": "Bakery", "time_zone": "Europe/Berlin", "currency": "EUR",
                "name": "Olga Operator", "email": email, "password": PASSWORD,
            }),
        )
    }

    /// Olga, who set up the installation and owns the bakery.
    pub async fn founder(&self) -> Actor {
        let token = self.owner_link().await;
        let reply = self.first_run(&token, "olga@example.org").await.is(201);
        Actor::signed_in(&reply, Login::Email("olga@example.org".to_owned()))
    }

    /// Invites somebody by link; the secret of the link.
    pub async fn invite(&self, by: &Actor, role: &str) -> String {
        let call = self.post("/api/v1/invitations", json!({ "role": role })).bearer(&by.token);
        last_segment(&call.await.is(201).text("/link"))
    }

    /// Somebody new joins, with an address or, drivers, with a number.
    pub async fn join(&self, by: &Actor, role: &str, name: &str, login: Login) -> Actor {
        let token = self.invite(by, role).await;
        let mut body = login.body();
        body["token"] = token.into();
        body["name"] = name.into();
        let reply = self.post("/api/v1/auth/invitations/accept", body).await.is(201);
        Actor::signed_in(&reply, login)
    }

    /// A request to sign in.
    pub fn sign_in(&self, login: &Login) -> Call {
        self.post("/api/v1/auth/login", login.body())
    }

    /// The same person again, on another device.
    pub async fn again(&self, actor: &Actor) -> Actor {
        let mut body = actor.login.body();
        if let Some(org) = &actor.org {
            body["organization_id"] = org.as_str().into();
        }
        let reply = self.post("/api/v1/auth/login", body).await.is(200);
        Actor::signed_in(&reply, actor.login.clone())
    }

    /// A key of an organisation, as text.
    pub async fn api_key(&self, by: &Actor, kind: &str, scopes: &[&str]) -> Reply {
        let body = json!({ "kind": kind, "name": "Till", "scopes": scopes });
        self.post("/api/v1/api-keys", body).bearer(&by.token).await.is(201)
    }

    /// The membership of an actor in the organisation of the one who looks.
    pub async fn member_of(&self, looker: &Actor, user: &str) -> String {
        let page = self.get("/api/v1/members?limit=200").bearer(&looker.token).await.is(200).json();
        let members = page["items"].as_array().expect("items").clone();
        let found = members.iter().find(|member| member["user_id"] == user).expect("a member");
        found["id"].as_str().expect("an id").to_owned()
    }

    /// Refreshes with a token that an app keeps.
    pub fn refresh(&self, token: &str) -> Call {
        self.post("/api/v1/auth/token/refresh", json!({ "refresh_token": token }))
    }

    /// Does what waits: jobs and the log.
    pub async fn settle(&self) {
        self.worker.drain().await.expect("the jobs");
        while self.sequencer.advance().await.expect("the log") > 0 {}
    }

    /// Does what waits, and expects that nothing is left.
    pub async fn finish(self) {
        self.settle().await;
        self.db.assert_nothing_left().await;
    }

    /// The secrets of the links in the messages that went out since the last look, with the receivers.
    pub async fn mailed(&self) -> Vec<(String, String)> {
        self.settle().await;
        let secret = |text: &str| {
            let line = text.lines().find(|line| line.starts_with(PUBLIC_URL)).expect("a link in the message");
            last_segment(line)
        };
        self.mail.take().iter().map(|message| (message.to().address(), secret(message.text()))).collect()
    }

    /// Events of the log so far, oldest first: subject and payload.
    pub async fn events(&self) -> Vec<(String, Value)> {
        self.settle().await;
        let mut admin = self.db.admin().await;
        sqlx::query_as("SELECT subject, payload FROM bus.log ORDER BY \"offset\"")
            .fetch_all(&mut admin)
            .await
            .expect("the log")
    }

    /// Actions of the audit log so far, oldest first.
    pub async fn audited(&self) -> Vec<String> {
        let mut admin = self.db.admin().await;
        sqlx::query_scalar("SELECT action FROM platform.audit_entries ORDER BY at, id")
            .fetch_all(&mut admin)
            .await
            .expect("the audit log")
    }

    /// One number from the database.
    pub async fn count(&self, sql: &'static str) -> i64 {
        let mut admin = self.db.admin().await;
        sqlx::query_scalar(sql).fetch_one(&mut admin).await.expect("a number")
    }
}

/// Another process of the same installation: its own memory, its own copy of the keys.
pub fn process(app: &App) -> Identity {
    let db = app.identity.db().clone();
    let limiter = Arc::new(MemoryLimiter::new(db.clock().clone()));
    Identity::new(Deps {
        db,
        vault: app.db.vault.clone(),
        files: app.identity.files().clone(),
        mailer: Arc::new(app.mail.clone()),
        limiter,
        published: StaticKeys::default(),
        revocations: Revocations::default(),
        settings: app.identity.settings().clone(),
        hash_concurrency: 1,
    })
}

/// With what somebody signs in.
#[derive(Debug, Clone)]
pub enum Login {
    /// The address; the password is [`PASSWORD`].
    Email(String),
    /// The number; the PIN is [`PIN`].
    Phone(String),
}

impl Login {
    /// As the API takes it.
    pub fn body(&self) -> Value {
        match self {
            Self::Email(email) => json!({ "email": email, "password": PASSWORD }),
            Self::Phone(phone) => json!({ "phone": phone, "pin": PIN }),
        }
    }
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Actor {
    pub login: Login,
    pub token: String,
    pub refresh: String,
    pub user: String,
    pub role: String,
    pub org: Option<String>,
}

impl Actor {
    /// From the answer that opened the session.
    pub fn signed_in(reply: &Reply, login: Login) -> Self {
        let body = reply.json();
        Self {
            login,
            token: reply.text("/access_token"),
            refresh: body["refresh_token"].as_str().unwrap_or_default().to_owned(),
            user: reply.text("/user_id"),
            role: reply.text("/role"),
            org: body["organization_id"].as_str().map(str::to_owned),
        }
    }

    /// The organisation.
    pub fn org(&self) -> &str {
        self.org.as_deref().expect("an organisation")
    }

    /// The session in the access token.
    pub fn session(&self) -> String {
        claims(&self.token)["sid"].as_str().expect("a session").to_owned()
    }
}

/// One organisation with somebody in each role.
#[derive(Debug, Clone)]
pub struct Org {
    pub owner: Actor,
    pub manager: Actor,
    pub dispatcher: Actor,
    pub driver: Actor,
    pub customer: Actor,
    /// An integration that may read.
    pub api_key: String,
    /// A device that may report.
    pub device_key: String,
}

impl Org {
    /// Its identifier.
    pub fn id(&self) -> &str {
        self.owner.org()
    }

    /// Everybody, by role.
    pub fn people(&self) -> [(&'static str, &Actor); 5] {
        [
            ("owner", &self.owner),
            ("manager", &self.manager),
            ("dispatcher", &self.dispatcher),
            ("driver", &self.driver),
            ("customer", &self.customer),
        ]
    }

    /// Everything that can be presented as bearer, by role.
    pub fn credentials(&self) -> BTreeMap<&'static str, String> {
        let people = self.people().map(|(role, actor)| (role, actor.token.clone()));
        let keys = [("service", self.api_key.clone()), ("device", self.device_key.clone())];
        people.into_iter().chain(keys).collect()
    }
}

/// The bakery and the florist, and Olga who runs the installation and belongs to neither.
pub struct Town {
    pub app: App,
    pub operator: Actor,
    pub bakery: Org,
    pub florist: Org,
}

static PHONES: Mutex<u32> = Mutex::new(0);

/// A number that nobody has.
pub fn phone() -> String {
    let mut next = PHONES.lock().expect("a counter");
    *next += 1;
    format!("+49309018{:02}{:02}", 20 + *next / 100, *next % 100)
}

impl Town {
    /// A town with default decisions.
    pub async fn new() -> Self {
        Self::with(Wishes::default()).await
    }

    /// A town with other decisions.
    pub async fn with(wishes: Wishes) -> Self {
        let app = App::with(wishes).await;
        let founder = app.founder().await;
        let bakery = staff(&app, &founder, "bakery").await;
        let outside = app.post("/api/v1/auth/switch", json!({})).bearer(&founder.token).await.is(200);
        let operator =
            Actor { refresh: founder.refresh.clone(), ..Actor::signed_in(&outside, founder.login.clone()) };
        let details = json!({ "name": "Florist", "time_zone": "Asia/Shanghai", "currency": "CNY" });
        let made =
            app.post("/api/v1/organizations", details).bearer(&operator.token).await.is(201).text("/id");
        let inside = json!({ "organization_id": made });
        let inside = app.post("/api/v1/auth/switch", inside).bearer(&operator.token).await.is(200);
        let founder = Actor::signed_in(&inside, founder.login.clone());
        let florist = staff(&app, &founder, "florist").await;
        for org in [&bakery, &florist] {
            let member = app.member_of(&org.owner, &founder.user).await;
            app.delete(format!("/api/v1/members/{member}")).bearer(&org.owner.token).await.is(204);
        }
        // Leaving an organisation ended the session that was in it.
        let operator = app.sign_in(&founder.login).await.is(200);
        let operator = Actor::signed_in(&operator, founder.login);
        app.settle().await;
        app.mail.take();
        Self { app, operator, bakery, florist }
    }
}

async fn staff(app: &App, founder: &Actor, name: &str) -> Org {
    let login = |who: &str| Login::Email(format!("{who}@{name}.example"));
    let owner = app.join(founder, "owner", "Odile Owner", login("odile")).await;
    let manager = app.join(&owner, "manager", "Max Manager", login("max")).await;
    let dispatcher = app.join(&manager, "dispatcher", "Dora Dispatcher", login("dora")).await;
    let driver = app.join(&manager, "driver", "Dan Driver", Login::Phone(phone())).await;
    let customer = app.join(&manager, "customer", "Carla Customer", login("carla")).await;
    let api_key = app.api_key(&manager, "api", &["organization:read", "members:read"]).await.text("/secret");
    let device_key = app.api_key(&manager, "device", &["report:positions"]).await.text("/secret");
    Org { owner, manager, dispatcher, driver, customer, api_key, device_key }
}

/// What stands behind the last slash.
pub fn last_segment(link: &str) -> String {
    link.rsplit('/').next().unwrap_or_default().trim().to_owned()
}

/// The claims of a token, unchecked.
pub fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let part = token.split('.').nth(1).expect("a token");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).expect("base64");
    serde_json::from_slice(&bytes).expect("claims")
}

/// An identifier of the right form that belongs to nothing.
pub fn nobody(prefix: &str) -> String {
    format!("{prefix}_01h455vb4pex5vsknk084sn02q")
}
