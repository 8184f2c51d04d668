//! A client against a log on paper: what it is told, in what order, and what it is not.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use contracts::calls::{PublicOrder, TrackedOrder};
use http::{HeaderMap, StatusCode};
use kernel::ids::{ApiKeyId, OrderId, Uuid};
use kernel::time::{ManualClock, Timestamp};
use platform::auth::{Principal, Revocations, Role, StaticKeys, Verifier, Who};
use platform::db::BoxFuture;
use platform::http::operations::{Authenticator, KeyExchange};
use platform::http::{Channel, Peers};
use platform::live::{Entry, Live as _, MemoryLive};
use serde_json::{Value, json};
use testkit::service::FakePeer;

use super::super::hub::tests::{Paper, hub, org};
use super::*;
use crate::forward::Channels;

/// A town of one organisation with an owner and a driver, whose orders may be taken away.
struct World {
    paper: Arc<Paper>,
    realtime: Realtime,
    channels: Channels,
    authenticator: Authenticator,
    /// Whether the driver may (still) read orders.
    reads: Arc<AtomicBool>,
    live: Arc<MemoryLive>,
}

struct Keys;

impl KeyExchange for Keys {
    fn exchange<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Principal>> {
        let of = |number, role, owner| Principal {
            who: Who::Key(ApiKeyId::new(Uuid::from_u128(number))),
            role,
            org: Some(org(owner)),
            scopes: BTreeSet::new(),
        };
        let found = match key {
            "dmk_owner" => Ok(of(1, Role::Owner, 1)),
            "dmk_driver" => Ok(of(2, Role::Driver, 1)),
            "dmk_florist" => Ok(of(3, Role::Owner, 2)),
            _ => Err(Error::unauthenticated()),
        };
        Box::pin(std::future::ready(found))
    }
}

fn order(number: u128) -> OrderId {
    OrderId::new(Uuid::from_u128(number))
}

impl World {
    async fn new() -> Self {
        let reads = Arc::new(AtomicBool::new(true));
        let may = Arc::clone(&reads);
        // The owner reads every order of theirs, the driver as long as they may; order 9 belongs to nobody here.
        let one = move |headers: HeaderMap, Path(id): Path<String>| async move {
            let key = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
            let there = id != order(9).to_string();
            let may = key.ends_with("owner") || (key.ends_with("driver") && may.load(Ordering::SeqCst));
            if there && may { StatusCode::OK } else { StatusCode::NOT_FOUND }
        };
        let router = Router::new()
            .route("/api/v1/orders", get(|| async { StatusCode::OK }))
            .route("/api/v1/drivers", get(|| async { StatusCode::OK }))
            .route("/api/v1/orders/{id}", get(one));
        let channel = Channel::in_process(router, Duration::from_secs(5));
        let channels = [("orders", channel.clone()), ("drivers", channel)].into();
        let tracking = FakePeer::new("tracking");
        tracking.on::<TrackedOrder, _>(|asked| match asked.code.as_str() {
            "7KQ2M9XTB4HP" => Ok(PublicOrder { org_id: org(1), order_id: order(1) }),
            _ => Err(Error::not_found("delivery")),
        });
        let clock = ManualClock::at("2026-11-20T12:00:00Z".parse().unwrap());
        let clock: kernel::time::SharedClock = Arc::new(clock);
        let (paper, live) = (Paper::begin(), Arc::new(MemoryLive::new(Arc::clone(&clock))));
        let verifier = Verifier::new(
            "https://dropmate.test".to_owned(),
            Arc::new(StaticKeys::default()),
            Arc::clone(&clock),
            Revocations::default(),
        );
        let realtime = Realtime {
            hub: hub(&paper).await,
            live: Arc::clone(&live) as Arc<dyn platform::live::Live>,
            peers: Peers::new().with("tracking", tracking.channel()),
            clock,
        };
        let authenticator = Authenticator::new(verifier, Arc::new(Keys));
        Self { paper, realtime, channels: Channels(Arc::new(channels)), authenticator, reads, live }
    }

    /// A client with this key, or without.
    async fn client(&self, key: Option<&str>) -> Session {
        let mut rights =
            Rights::new(self.channels.clone(), self.realtime.peers.clone(), self.authenticator.clone());
        if let Some(key) = key {
            rights.present(key).await.unwrap();
        }
        Session::new(self.realtime.clone(), rights)
    }

    /// Something about an order of an organisation; the hub hands it out.
    async fn write(&self, org: u128, order: u128) -> i64 {
        let offset = self.paper.write(org, order);
        while self.realtime.hub.step().await.unwrap() {}
        offset
    }
}

/// All that waits for a client.
async fn drain(session: &mut Session) -> Vec<Value> {
    let mut told = Vec::new();
    session.catch_up(session.heard, &mut told).await;
    json_of(told)
}

fn json_of(told: Vec<Told>) -> Vec<Value> {
    told.into_iter().map(|message| serde_json::from_str(&message.into_text()).unwrap()).collect()
}

async fn says(session: &mut Session, message: Value) -> Vec<Value> {
    let told = match Said::read(&message.to_string()) {
        Some(said) => session.said(said).await,
        None => vec![Told::NOT_UNDERSTOOD],
    };
    json_of(told)
}

fn subscribe(topic: &str) -> Value {
    json!({ "type": "subscribe", "topic": topic })
}

fn places(told: &[Value]) -> Vec<(i64, i64)> {
    told.iter().map(|event| (event["prev"].as_i64().unwrap(), event["offset"].as_i64().unwrap())).collect()
}

#[tokio::test]
async fn a_topic_is_told_from_now_on_each_message_after_the_one_before() {
    let world = World::new().await;
    world.write(1, 1).await;
    let mut owner = world.client(Some("dmk_owner")).await;
    let told = says(&mut owner, subscribe("orders")).await;
    assert_eq!(told, [json!({ "type": "subscribed", "topic": "orders", "epoch": 1, "offset": 1 })]);
    for number in [1, 2, 3] {
        world.write(number % 2, number).await;
    }
    let told = drain(&mut owner).await;
    assert_eq!(places(&told), [(1, 2), (2, 4)], "the one in between is of another organisation");
    assert_eq!((&told[0]["type"], &told[0]["subject"]), (&json!("event"), &json!("order.updated.v1")));
}

#[tokio::test]
async fn a_client_that_comes_back_gets_exactly_what_it_missed() {
    let world = World::new().await;
    for number in 1..=6 {
        world.write(1, number % 2).await;
    }
    let mut owner = world.client(Some("dmk_owner")).await;
    let topic = format!("order:{}", order(1));
    let again = json!({ "type": "subscribe", "topic": topic, "from": { "epoch": 1, "offset": 2 } });
    let told = says(&mut owner, again).await;
    assert_eq!(told[0]["offset"], 2);
    assert_eq!(places(&told[1..]), [(2, 3), (3, 5)]);
    world.write(1, 1).await;
    assert_eq!(places(&drain(&mut owner).await), [(5, 7)], "no gap, nothing twice");
}

#[tokio::test]
async fn another_log_or_too_old_a_place_is_a_resync_before_anything_newer() {
    let world = World::new().await;
    for _ in 0..5 {
        world.write(1, 1).await;
    }
    world.paper.change(|range, events| {
        range.first = 4;
        events.retain(|event| event.offset >= 4);
    });
    // Not in this process's memory either.
    let fresh =
        World { realtime: Realtime { hub: hub(&world.paper).await, ..world.realtime.clone() }, ..world };
    let mut owner = fresh.client(Some("dmk_owner")).await;
    for from in [json!({ "epoch": 1, "offset": 1 }), json!({ "epoch": 7, "offset": 5 })] {
        let told = says(&mut owner, json!({ "type": "subscribe", "topic": "orders", "from": from })).await;
        assert_eq!(told, [json!({ "type": "resync", "topic": "orders", "epoch": 1, "offset": 5 })]);
    }
    fresh.write(1, 1).await;
    assert_eq!(places(&drain(&mut owner).await), [(5, 6)]);
}

#[tokio::test]
async fn a_gateway_that_is_behind_the_client_never_rewinds() {
    let world = World::new().await;
    world.write(1, 1).await;
    let mut owner = world.client(Some("dmk_owner")).await;
    let ahead = json!({ "type": "subscribe", "topic": "orders", "from": { "epoch": 1, "offset": 3 } });
    assert_eq!(says(&mut owner, ahead).await[0]["offset"], 3);
    for _ in 2..=4 {
        world.write(1, 1).await;
    }
    assert_eq!(places(&drain(&mut owner).await), [(3, 4)], "2 and 3 were told by another gateway");
}

#[tokio::test]
async fn nobody_follows_what_they_may_not_read() {
    let world = World::new().await;
    let code = |told: Vec<Value>| told[0]["code"].as_str().unwrap_or_default().to_owned();
    let mut driver = world.client(Some("dmk_driver")).await;
    assert_eq!(
        code(says(&mut driver, subscribe("orders")).await),
        "forbidden",
        "a list shows drivers their own only"
    );
    assert_eq!(code(says(&mut driver, subscribe("drivers")).await), "forbidden");
    assert_eq!(code(says(&mut driver, subscribe(&format!("order:{}", order(9)))).await), "not_found");
    assert_eq!(code(says(&mut driver, subscribe("weather")).await), "unknown_topic");
    let mut nobody = world.client(None).await;
    for topic in ["orders", "drivers"] {
        assert_eq!(code(says(&mut nobody, subscribe(topic)).await), "unauthenticated");
    }
    assert_eq!(code(says(&mut nobody, subscribe(&format!("order:{}", order(1)))).await), "not_found");
    assert_eq!(code(says(&mut nobody, subscribe("track:AAAAAAAAAAAA")).await), "not_found");
    assert_eq!(says(&mut nobody, json!({ "type": "shout" })).await[0]["type"], "malformed");
}

#[tokio::test]
async fn a_public_code_shows_the_delivery_and_not_who_does_it() {
    let world = World::new().await;
    let mut customer = world.client(None).await;
    assert_eq!(says(&mut customer, subscribe("track:7kq2m9xtb4hp")).await[0]["type"], "subscribed");
    world.write(1, 1).await;
    world.write(1, 2).await;
    let told = drain(&mut customer).await;
    assert_eq!(told.len(), 1, "the other order is nobody's business");
    assert_eq!(told[0]["data"], json!({}), "no ids");
}

#[tokio::test]
async fn a_right_that_is_taken_ends_the_topic() {
    let world = World::new().await;
    let mut driver = world.client(Some("dmk_driver")).await;
    let topic = format!("order:{}", order(1));
    assert_eq!(says(&mut driver, subscribe(&topic)).await[0]["type"], "subscribed");
    world.reads.store(false, Ordering::SeqCst);
    let offset = world.paper.write(1, 1);
    world.paper.change(|_, events| {
        let mut event = (**events.last().unwrap()).clone();
        event.subject = OrderAssigned::SUBJECT.to_owned();
        *events.last_mut().unwrap() = Arc::new(event);
    });
    world.realtime.hub.step().await.unwrap();
    let told = drain(&mut driver).await;
    assert_eq!(
        told,
        [json!({ "type": "refused", "topic": topic, "code": "not_found" })],
        "{offset}: not even this event"
    );
    world.write(1, 1).await;
    assert_eq!(drain(&mut driver).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_heartbeat_says_up_to_where_everything_was_told() {
    let world = World::new().await;
    let mut owner = world.client(Some("dmk_owner")).await;
    says(&mut owner, subscribe("orders")).await;
    world.write(1, 1).await;
    world.write(2, 1).await;
    let told = json_of(owner.heartbeat().await);
    assert_eq!(places(&told[..1]), [(0, 1)], "what waited is told first");
    assert_eq!(told[1], json!({ "type": "heartbeat", "epoch": 1, "offset": 2 }));
    // Coming back with it, nothing is missing and nothing comes twice.
    let mut again = world.client(Some("dmk_owner")).await;
    let from = json!({ "type": "subscribe", "topic": "orders", "from": { "epoch": 1, "offset": 2 } });
    assert_eq!(says(&mut again, from).await.len(), 1);
}

#[tokio::test]
async fn what_waits_is_told_before_another_topic_begins_and_nothing_wakes_who_follows_nothing() {
    let world = World::new().await;
    let mut owner = world.client(Some("dmk_owner")).await;
    let topic = format!("order:{}", order(1));
    says(&mut owner, subscribe("orders")).await;
    world.write(1, 1).await;
    let told = says(&mut owner, subscribe(&topic)).await;
    assert_eq!((&told[0]["topic"], &told[0]["offset"]), (&json!("orders"), &json!(1)), "what waited");
    assert_eq!(told[1], json!({ "type": "subscribed", "topic": topic, "epoch": 1, "offset": 1 }));
    world.write(1, 2).await;
    world.write(1, 1).await;
    assert_eq!(places(&drain(&mut owner).await), [(1, 2), (2, 3), (1, 3)], "each topic by itself");
    for topic in ["orders", &topic] {
        says(&mut owner, json!({ "type": "unsubscribe", "topic": topic })).await;
        world.write(1, 2).await;
    }
    assert_eq!(owner.ear.as_mut().map(Ear::try_next), Some(None));
}

#[tokio::test]
async fn one_connection_is_one_organisation_and_one_person() {
    let world = World::new().await;
    let mut florist = world.client(Some("dmk_florist")).await;
    assert_eq!(says(&mut florist, subscribe("orders")).await[0]["type"], "subscribed");
    world.write(1, 1).await;
    assert_eq!(drain(&mut florist).await, Vec::<Value>::new());
    let told = says(&mut florist, subscribe("track:7KQ2M9XTB4HP")).await;
    assert_eq!(told[0]["code"], "other_organization");
    let token = |token: &str| json!({ "type": "token", "token": token });
    assert_eq!(says(&mut florist, token("dmk_florist")).await, [json!({ "type": "token_accepted" })]);
    assert_eq!(says(&mut florist, token("dmk_owner")).await[0]["code"], "forbidden");
    assert_eq!(says(&mut florist, token("dmk_nobody")).await[0]["code"], "unauthenticated");
}

#[tokio::test(start_paused = true)]
async fn of_many_positions_the_newest_is_sent_once_a_second() {
    let world = World::new().await;
    let mut owner = world.client(Some("dmk_owner")).await;
    says(&mut owner, subscribe("drivers")).await;
    let driver = DriverId::new(Uuid::from_u128(5));
    let start = world.realtime.clock.now();
    let put = async |tenths: i64| {
        let at = Timestamp::from_millisecond(start.as_millisecond() + tenths * 100).unwrap();
        let location = DriverLocation {
            driver_id: driver,
            position: kernel::geo::Position::new(60.0, f64::from(i32::try_from(tenths).unwrap()) / 1_000.0)
                .unwrap(),
            device_at: at,
            server_at: at,
            accuracy_m: None,
            speed_m_s: None,
            heading_deg: None,
            battery: None,
        };
        let value = Some(serde_json::to_vec(&location).unwrap().into());
        let topic = LiveTopic { name: DriverLocation::TOPIC, org: org(1) };
        world.live.put(topic, Entry { key: driver.to_string(), at, value }, Duration::from_mins(10)).await;
    };
    let mut sent = Vec::new();
    for tenths in 0..35 {
        put(tenths).await;
        let Woken::Position(change) = owner.next().await else { panic!("a position") };
        assert!(owner.position(change));
        sent.extend(
            owner.due_positions(Instant::now()).into_iter().map(|(_, location)| location.position.lon()),
        );
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    assert_eq!(sent, [0.0, 0.01, 0.02, 0.03], "the newest at each second");
    // The florist hears nothing of it.
    let mut florist = world.client(Some("dmk_florist")).await;
    says(&mut florist, subscribe("drivers")).await;
    put(40).await;
    assert!(tokio::time::timeout(Duration::from_millis(50), florist.next()).await.is_err());
}
