//! One service as its callers meet it: every request goes through the layers, the gate and its handler, to a database of
//! its own. Events of other services are published as if they had done so, calls to them are answered by [`FakePeer`].
//!
//! ```text
//! let town = Stage::new(storefront::manifest(), storefront::service).open().await;
//! let shop = town.post("/api/v1/shops", json!({ ... })).bearer(&town.bakery.manager.token).await.is(201);
//! town.settle().await;      // sequencer, consumers and jobs, until nothing moves
//! town.finish().await;      // and nothing is left behind
//! ```

mod access;
mod actors;
mod peers;

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use contracts::Event;
use kernel::ids::{OrgId, Uuid};
use kernel::time::{Clock, ManualClock, SharedClock, SignedDuration, Timestamp};
use platform::auth::{Revocations, StaticKeys, Verifier};
use platform::bus::{Runner, Sequencer};
use platform::cache::{Loading, MemoryCache};
use platform::db::{Db, PoolOptions, ToSqlx as _};
use platform::http::Peers;
use platform::http::layers::Edge;
use platform::http::openapi::{Document, Info, ServiceApi};
use platform::http::operations::{Authenticator, Gate, Operations};
use platform::http::rate_limit::MemoryLimiter;
use platform::jobs::Worker;
use platform::live::{Live, MemoryLive};
use platform::service::{Ground, Manifest, MapFiles, Service};
use platform::travel::{Straight, TravelTimes};
use serde_json::Value;

use crate::TestDb;
use crate::http::{Call, Client};

pub use actors::{Actor, Org};
pub use peers::{FakePeer, Told};

/// The public address of the installation under test.
pub const PUBLIC_URL: &str = "https://dropmate.test";

/// Ticks one microsecond with each look, as real clocks do: what is compared by "earlier" and "later" inside one
/// transaction is wrong on a clock that stands still, and seems right.
#[derive(Debug)]
struct Ticking(ManualClock);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        self.0.advance(SignedDuration::from_micros(1));
        self.0.now()
    }
}

/// A service before it is opened.
pub struct Stage<F> {
    manifest: Manifest,
    make: F,
    peers: Peers,
    travel: Arc<dyn TravelTimes>,
    map: MapFiles,
    seed: u64,
}

impl<F> Stage<F>
where
    F: FnOnce(&Ground) -> platform::Result<Service>,
{
    /// This service, alone.
    pub fn new(manifest: Manifest, make: F) -> Self {
        let travel = Arc::new(Straight::default());
        Self { manifest, make, peers: Peers::new(), travel, map: MapFiles::default(), seed: 42 }
    }

    /// With somebody that it may call.
    pub fn with(mut self, peer: &FakePeer) -> Self {
        self.peers = self.peers.with(peer.service(), peer.channel());
        self
    }

    /// With other travel times.
    pub fn with_travel(mut self, travel: impl TravelTimes + 'static) -> Self {
        self.travel = Arc::new(travel);
        self
    }

    /// With a map.
    pub fn with_map(mut self, map: MapFiles) -> Self {
        self.map = map;
        self
    }

    /// With other draws.
    pub fn seeded(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Opens it, with two organisations and somebody in each role.
    pub async fn open(self) -> Town {
        let logs = crate::logs::capture();
        let (name, subjects) = (self.manifest.name, self.manifest.subjects);
        let db = TestDb::seeded(&[self.manifest], self.seed).await;
        let clock: SharedClock = Arc::new(Ticking(db.clock.clone()));
        let folder = tempfile::tempdir().expect("a folder");
        let own = Db::new(
            name,
            db.options(&platform::migrate::service_role(name)),
            PoolOptions { max_connections: 8, ..PoolOptions::default() },
            Arc::clone(&clock),
            db.random.clone(),
            db.wake.clone(),
        );
        let live: Arc<dyn Live> = Arc::new(MemoryLive::new(Arc::clone(&clock)));
        let ground = Ground {
            db: own.with_vault(db.vault.clone()),
            vault: db.vault.clone(),
            files: db.files(folder.path()),
            cache: Loading::new(Arc::new(MemoryCache::new(Arc::clone(&clock), 1 << 20))),
            live,
            limiter: Arc::new(MemoryLimiter::new(Arc::clone(&clock))),
            peers: self.peers,
            travel: self.travel,
            map: self.map,
            public_url: PUBLIC_URL.to_owned(),
        };
        let service = (self.make)(&ground).expect("the service");
        let (signer, published) = actors::signing_key();
        let bakery = Org::new(&signer, &db.random, "bakery", clock.now());
        let florist = Org::new(&signer, &db.random, "florist", clock.now());
        let keys = actors::Keys::of(&[&bakery, &florist]);
        let verifier = Verifier::new(
            PUBLIC_URL.to_owned(),
            Arc::new(published),
            Arc::clone(&clock),
            Revocations::default(),
        );
        let authenticator = Authenticator::new(verifier, Arc::new(keys));
        let router = routed(&service.api, &authenticator);
        let internal = service.internal.as_ref().map(|api| routed(api, &authenticator));
        let info = Info { title: name, version: "0", description: "Under test.", licence: "AGPL-3.0-only" };
        let document = platform::http::openapi::assemble(&info, &[&service.api]).expect("the document");
        let runners: Vec<Runner> =
            service.consumers.into_iter().map(|consumer| Runner::new(ground.db.clone(), consumer)).collect();
        for runner in &runners {
            runner.declare().await.expect("a consumer");
        }
        let worker = Worker::new(ground.db.clone(), service.jobs, service.schedules, 4);
        worker.declare().await.expect("the jobs");
        let sequencer = Sequencer::new(db.system());
        sequencer.open().await.expect("the log");
        Town {
            client: Client::new(Edge::new(clock, db.random.clone()).wrap(router)),
            own: subjects.iter().copied().collect(),
            internal,
            document,
            signer,
            db,
            ground,
            logs,
            bakery,
            florist,
            folder,
            runners,
            worker,
            sequencer,
        }
    }
}

fn routed(api: &ServiceApi, authenticator: &Authenticator) -> axum::Router {
    let operations = Operations::build(&[api]).unwrap_or_else(|faults| panic!("{faults}"));
    Gate::new(Arc::new(operations), authenticator.clone()).wrap(api.router())
}

/// A service with its world: the bakery and the florist, whose people have a token for each role.
pub struct Town {
    /// Its database.
    pub db: TestDb,
    /// What it stands on.
    pub ground: Ground,
    /// Its API document.
    pub document: Document,
    /// Everything that was logged.
    pub logs: crate::logs::Logs,
    /// Sends requests.
    pub client: Client,
    /// One organisation.
    pub bakery: Org,
    /// Another one, which must never see anything of the first.
    pub florist: Org,
    /// Where its files are.
    pub folder: tempfile::TempDir,
    own: BTreeSet<&'static str>,
    internal: Option<axum::Router>,
    signer: platform::auth::Signer,
    runners: Vec<Runner>,
    worker: Worker,
    sequencer: Sequencer,
}

impl Town {
    /// Lets business time pass. Tokens live for 15 minutes: take new ones with [`Town::again`] after a longer time.
    pub fn pass(&self, time: SignedDuration) {
        self.db.clock.advance(time);
    }

    /// Business time.
    pub fn now(&self) -> Timestamp {
        self.db.clock.now()
    }

    /// The same person with a token that was made now.
    pub fn again(&self, actor: &Actor) -> Actor {
        actor.again(&self.signer, self.now())
    }

    /// Everybody of an organisation with tokens that were made now.
    pub fn refreshed(&self, org: &Org) -> Org {
        org.again(&self.signer, self.now())
    }

    /// A further driver of an organisation.
    pub fn driver(&self, org: &Org) -> Actor {
        Actor::person(&self.signer, &self.db.random, org.id, platform::auth::Role::Driver, self.now())
    }

    /// `GET`
    pub fn get(&self, path: impl Into<String>) -> Call {
        self.client.get(path)
    }

    /// `POST` with a JSON body.
    pub fn post(&self, path: impl Into<String>, body: impl Borrow<Value>) -> Call {
        self.client.post(path).json(body.borrow())
    }

    /// `PUT` with a JSON body.
    pub fn put(&self, path: impl Into<String>, body: impl Borrow<Value>) -> Call {
        self.client.put(path).json(body.borrow())
    }

    /// `PATCH` with a JSON body.
    pub fn patch(&self, path: impl Into<String>, body: impl Borrow<Value>) -> Call {
        self.client.patch(path).json(body.borrow())
    }

    /// `DELETE`
    pub fn delete(&self, path: impl Into<String>) -> Call {
        self.client.delete(path)
    }

    /// The operations for other services, called by one of them.
    pub fn as_service(&self, caller: &'static str) -> Peers {
        let router = self.internal.clone().expect("the service answers other services");
        let limit = std::time::Duration::from_secs(10);
        let channel = platform::http::Channel::in_process_from(caller, router, limit);
        Peers::new().with(self.ground.db.service(), channel)
    }

    /// Publishes an event of another service, as if it had done so. Consumers hear it with the next [`Town::settle`].
    pub async fn publish<E: Event>(&self, org: OrgId, key: impl Into<Uuid>, version: i64, event: &E) {
        assert!(!self.own.contains(E::SUBJECT), "the service publishes {} itself", E::SUBJECT);
        sqlx::query(
            "INSERT INTO bus.outbox (event_id, org_id, subject, key, version, payload, actor, source, occurred_at)
             VALUES ($1, $2, $3, $4, $5, $6, 'testkit', 'testkit', $7)",
        )
        .bind(self.db.random.uuid_v7(self.now()))
        .bind(org.uuid())
        .bind(E::SUBJECT)
        .bind(key.into())
        .bind(version)
        .bind(serde_json::to_value(event).expect("an event"))
        .bind(self.now().to_sqlx())
        .execute(&mut self.db.admin().await)
        .await
        .expect("the outbox");
    }

    /// Does what waits until nothing moves any more: log, consumers, jobs that are due.
    pub async fn settle(&self) {
        loop {
            let mut moved = self.worker.drain().await.expect("the jobs");
            moved += self.sequencer.advance().await.expect("the log");
            for runner in &self.runners {
                for part in 0..runner.consumer().parts() {
                    while runner.run_batch(part).await.expect("a consumer").moved {
                        moved += 1;
                    }
                }
                while runner.run_deferred().await.expect("a consumer") {
                    moved += 1;
                }
            }
            if moved == 0 {
                return;
            }
        }
    }

    /// Does what waits, and expects that nothing is left.
    pub async fn finish(self) {
        self.settle().await;
        self.db.assert_nothing_left().await;
    }

    /// Events of this service in the log so far, oldest first: subject and payload.
    pub async fn events(&self) -> Vec<(String, Value)> {
        self.settle().await;
        let own: Vec<&str> = self.own.iter().copied().collect();
        sqlx::query_as("SELECT subject, payload FROM bus.log WHERE subject = ANY ($1) ORDER BY \"offset\"")
            .bind(own)
            .fetch_all(&mut self.db.admin().await)
            .await
            .expect("the log")
    }

    /// Subjects of this service's events so far, oldest first.
    pub async fn subjects(&self) -> Vec<String> {
        self.events().await.into_iter().map(|(subject, _)| subject).collect()
    }

    /// Actions of the audit log so far, oldest first.
    pub async fn audited(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT action FROM platform.audit_entries ORDER BY at, id")
            .fetch_all(&mut self.db.admin().await)
            .await
            .expect("the audit log")
    }

    /// One number from the database.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut self.db.admin().await).await.expect("a number")
    }

    /// An address that others do not use.
    pub fn source(number: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, number])
    }
}

/// The keys that a verifier knows.
pub(crate) type Published = StaticKeys;
