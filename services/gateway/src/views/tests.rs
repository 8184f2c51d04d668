//! The views of a gateway in front of services on paper: what they are made of, and what is missing when somebody is away.
//!
//! What is on paper is the contract between the gateway and the services, services/gateway/contract.json: what the
//! gateway asks, and what it needs of the answer. Here it is shown that this is enough; `tests/it/consumer.rs` shows that the
//! services keep it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, StatusCode};
use kernel::ids::{OrgId, SessionId, UserId, Uuid};
use kernel::random::Random;
use kernel::time::ManualClock;
use platform::auth::{Principal, Revocations, Role, StaticKeys, Verifier, Who};
use platform::http::Channel;
use platform::http::layers::Edge;
use platform::http::openapi::{Api, ServiceApi};
use platform::http::operations::{Authenticator, KeyExchange};
use platform::permissions::{PUBLIC, Permission, Tenant};
use platform::{Error, Result};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use utoipa_axum::routes;

use crate::{Dependency, Deps, Gateway, Phones, Readiness};

const ORDER: &str = "order_01h455vb4pex5vsknk084sn02q";
const DRIVER: &str = "driver_01h455vb4pex5vsknk084sn02q";

/// What the gateway asks the services, and what it needs of their answers.
fn contract() -> serde_json::Map<String, Value> {
    let text = include_str!("../../contract.json");
    let contract: Value = serde_json::from_str(text).unwrap();
    contract["interactions"].as_object().unwrap().clone()
}

/// What the services answer to each operation: everything else is 404.
#[derive(Clone)]
struct Paper {
    answers: Arc<Mutex<BTreeMap<String, (u16, Value)>>>,
    credentials: Arc<Mutex<BTreeSet<String>>>,
    /// The names in the queries of each operation.
    asked: Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>,
}

impl Paper {
    fn write(&self, operation: &str, answer: Value) {
        self.answers.lock().unwrap().insert(operation.to_owned(), (200, answer));
    }

    fn refuse(&self, operation: &str, status: u16) {
        let refusal = (status, json!({ "code": "on_paper", "detail": "No." }));
        self.answers.lock().unwrap().insert(operation.to_owned(), refusal);
    }

    fn read(
        &self,
        operation: &'static str,
        uri: &http::Uri,
        headers: &HeaderMap,
    ) -> (StatusCode, axum::Json<Value>) {
        let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let names = query.map(|(name, _)| name.into_owned());
        self.asked.lock().unwrap().entry(operation.to_owned()).or_default().extend(names);
        let credential =
            headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        self.credentials.lock().unwrap().insert(credential.to_owned());
        let missing = || (404, json!({ "code": "not_found", "detail": "Not here." }));
        let (status, body) = self.answers.lock().unwrap().get(operation).cloned().unwrap_or_else(missing);
        (StatusCode::from_u16(status).unwrap(), axum::Json(body))
    }
}

macro_rules! on_paper {
    ($($service:literal: $($name:ident $path:literal),*;)*) => {
        $($(
            /// On paper.
            #[utoipa::path(get, path = $path, operation_id = stringify!($name), tag = "paper",
                           responses((status = 200, description = "As it is written.")))]
            async fn $name(State(paper): State<Paper>, uri: http::Uri, headers: HeaderMap)
                -> (StatusCode, axum::Json<Value>) {
                paper.read(stringify!($name), &uri, &headers)
            }
        )*)*

        const ON_PAPER: &[(&str, &str, &str)] = &[$($((stringify!($name), $service, $path)),*),*];

        fn services(paper: &Paper) -> Vec<ServiceApi> {
            let row = |operation| Permission { operation, roles: PUBLIC, scope: None, tenant: Tenant::None };
            vec![$(
                Api::new($service)$(.routes(routes!($name)))*.with_state(paper.clone())
                    .finish(&[$(row(stringify!($name))),*]).unwrap()
            ),*]
        }
    };
}

on_paper! {
    "orders": list_orders "/api/v1/orders", count_orders "/api/v1/orders/counts", get_order "/api/v1/orders/{id}",
              list_order_events "/api/v1/orders/{id}/events";
    "drivers": list_drivers "/api/v1/drivers", get_my_driver "/api/v1/drivers/me", list_shifts "/api/v1/shifts";
    "dispatch": list_dispatch_queue "/api/v1/dispatch/queue", list_routes "/api/v1/routes", list_offers "/api/v1/offers";
    "tracking": list_last_locations "/api/v1/locations", get_tracking_page "/api/v1/track/{code}",
                get_tracking_map "/api/v1/track/{code}/map",
                get_order_tracking "/api/v1/orders/{id}/tracking", get_location "/api/v1/drivers/{id}/location";
}

struct Keys;

impl KeyExchange for Keys {
    fn exchange<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Principal>> {
        let role = match key {
            "dmk_owner" => Ok(Role::Owner),
            "dmk_driver" => Ok(Role::Driver),
            "dmk_customer" => Ok(Role::Customer),
            _ => Err(Error::unauthenticated()),
        };
        // People, as far as the gate is concerned.
        let who = Who::User { user: UserId::new(Uuid::nil()), session: SessionId::new(Uuid::nil()) };
        let org = Some(OrgId::new(Uuid::nil()));
        Box::pin(std::future::ready(role.map(|role| Principal { who, role, org, ..Principal::anonymous() })))
    }
}

struct Ready;

impl Readiness for Ready {
    fn check(&self) -> BoxFuture<'_, Vec<Dependency>> {
        Box::pin(std::future::ready(Vec::new()))
    }
}

/// A gateway in front of what is on paper; services that are `away` cannot be reached.
fn gateway(paper: &Paper, away: &[&str]) -> Gateway {
    let clock: kernel::time::SharedClock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().unwrap()));
    let keys = Arc::new(StaticKeys::default());
    let verifier =
        Verifier::new("https://x".to_owned(), keys.clone(), Arc::clone(&clock), Revocations::default());
    let reach = |api: ServiceApi| {
        let patience = Duration::from_secs(5);
        let gone = away.contains(&api.service());
        let channel =
            if gone { Channel::later(patience).0 } else { Channel::in_process(api.router(), patience) };
        (api, channel)
    };
    crate::service(Deps {
        services: services(paper).into_iter().map(reach).collect(),
        authenticator: Authenticator::new(verifier, Arc::new(Keys)),
        limits: None,
        keys,
        readiness: Arc::new(Ready),
        metrics: Arc::new(String::new),
        metrics_token: None,
        phones: Phones::default(),
        realtime: None,
        edge: Edge::new(clock, Random::seeded(1)),
    })
    .unwrap()
}

async fn get(paper: &Paper, away: &[&str], path: &str, key: &str) -> (u16, Value) {
    let request = Request::get(path).header("authorization", format!("Bearer {key}")).body(Body::empty());
    let response = gateway(paper, away).router.oneshot(request.unwrap()).await.unwrap();
    let status = response.status().as_u16();
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

/// A town with one driver who has one order that is late, and one order that waits: what is in the contract.
fn town() -> Paper {
    let answers =
        contract().into_iter().map(|(operation, part)| (operation, (200, part["answer"].clone()))).collect();
    Paper { answers: Arc::new(Mutex::new(answers)), credentials: Arc::default(), asked: Arc::default() }
}

/// A page as somebody sees it.
async fn page(paper: &Paper, path: &str) -> String {
    let request = Request::get(path).header("authorization", "Bearer dmk_owner").body(Body::empty());
    let response = gateway(paper, &[]).router.oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

/// Nothing is asked that the contract does not name, and nothing is named that is not asked.
#[tokio::test]
async fn the_gateway_asks_what_its_contract_says() {
    let (paper, contract) = (town(), contract());
    let named: Vec<_> = contract
        .iter()
        .map(|(operation, part)| (operation.as_str(), part["provider"].as_str(), part["path"].as_str()))
        .collect();
    let mut on_paper: Vec<_> =
        ON_PAPER.iter().map(|(operation, service, path)| (*operation, Some(*service), Some(*path))).collect();
    on_paper.sort_unstable();
    assert_eq!(named, on_paper);
    for (path, key) in [
        ("/api/v1/overview", "dmk_owner"),
        ("/api/v1/stats", "dmk_owner"),
        ("/api/v1/drivers/me/day", "dmk_driver"),
        (&format!("/api/v1/orders/{ORDER}/overview"), "dmk_owner"),
    ] {
        assert_eq!(get(&paper, &[], path, key).await.0, 200, "{path}");
    }
    // A queue of several pages is read on.
    let mut queue = contract["list_dispatch_queue"]["answer"].clone();
    queue["next_cursor"] = json!("x");
    paper.write("list_dispatch_queue", queue);
    get(&paper, &[], "/api/v1/stats", "dmk_owner").await;
    page(&paper, "/live/board").await;
    page(&paper, "/t/7KQ2M9XTB4HP").await;
    let asked: BTreeMap<_, Value> = paper
        .asked
        .lock()
        .unwrap()
        .iter()
        .map(|(operation, names)| (operation.clone(), json!(names)))
        .collect();
    let queries: BTreeMap<_, Value> =
        contract.iter().map(|(operation, part)| (operation.clone(), part["query"].clone())).collect();
    assert_eq!(asked, queries);
}

/// The pages need no more of an answer than the contract says.
#[tokio::test]
async fn the_pages_are_made_of_what_the_contract_says() {
    let paper = town();
    let track = page(&paper, "/t/7KQ2M9XTB4HP").await;
    for said in [
        "A-1",
        "Ada&#39;s Bakery",
        "+358912345678",
        "Your order is on the way to you.",
        "Ada comes by bicycle",
        "red bicycle",
        "ABC-123",
        "14:10",
        "14:18",
        "80 of 100",
        "It was picked up.",
        "7 s ago",
        "4071",
        "class=\"courier\"",
        "© OpenStreetMap contributors",
    ] {
        assert!(track.contains(said), "{said} is missing: {track}");
    }
    let board = page(&paper, "/live/board").await;
    for said in ["Ada Lovelace", "A-1", "A-2", "busy", "is late", "Door 5", "[24.0,60.0]", "[24.95,60.18]"] {
        assert!(board.contains(said), "{said} is missing: {board}");
    }
}

#[tokio::test]
async fn the_overview_joins_what_the_services_answer_to_the_caller() {
    let paper = town();
    let (status, view) = get(&paper, &[], "/api/v1/overview", "dmk_owner").await;
    assert_eq!((status, &view["unavailable"], &view["more"]), (200, &json!([]), &json!([])), "{view}");
    assert_eq!(view["orders"]["open"]["picked_up"], 1);
    assert_eq!(view["since"], "2026-11-19T12:00:00Z");
    let kinds: Vec<_> =
        view["exceptions"].as_array().unwrap().iter().map(|found| found["kind"].clone()).collect();
    // On paper the order is in both lists of orders; it is late once.
    assert_eq!(kinds, ["late", "position_stale", "waiting"]);
    let driver = &view["drivers"][0];
    assert_eq!((&driver["driver"]["id"], &driver["position"]["lat"]), (&json!(DRIVER), &json!(60.0)));
    assert_eq!(driver["orders"][0]["number"], "A-1");
    assert_eq!(view["queue"][0]["number"], "A-2");
    assert_eq!(*paper.credentials.lock().unwrap(), ["Bearer dmk_owner".to_owned()].into());
}

#[tokio::test]
async fn a_part_that_is_away_is_null_and_named_and_without_orders_there_is_no_overview() {
    let paper = town();
    let (status, view) = get(&paper, &["tracking", "dispatch"], "/api/v1/overview", "dmk_owner").await;
    assert_eq!((status, &view["unavailable"]), (200, &json!(["dispatch", "tracking"])), "{view}");
    assert_eq!((&view["queue"], &view["drivers"][0]["position"]), (&Value::Null, &Value::Null));
    let stale = view["exceptions"].as_array().unwrap().iter().any(|found| found["kind"] == "position_stale");
    assert!(!stale, "without tracking nobody knows who was seen when");
    let (status, view) = get(&paper, &["drivers"], "/api/v1/overview", "dmk_owner").await;
    assert_eq!((status, &view["drivers"], &view["unavailable"]), (200, &Value::Null, &json!(["drivers"])));
    let (status, problem) = get(&paper, &["orders"], "/api/v1/overview", "dmk_owner").await;
    assert_eq!(
        (status, &problem["code"], &problem["service"]),
        (503, &json!("unavailable"), &json!("orders"))
    );
    // A service that answers with an error of its own is no better than one that is away.
    paper.refuse("list_last_locations", 500);
    let (status, view) = get(&paper, &[], "/api/v1/overview", "dmk_owner").await;
    assert_eq!((status, &view["unavailable"]), (200, &json!(["tracking"])));
}

#[tokio::test]
async fn what_the_caller_may_not_read_is_null_and_nobody_is_away() {
    let paper = town();
    paper.refuse("list_dispatch_queue", 403);
    let (status, view) = get(&paper, &[], "/api/v1/overview", "dmk_owner").await;
    assert_eq!((status, &view["queue"], &view["unavailable"]), (200, &Value::Null, &json!([])));
    for (path, key, expected) in [
        ("/api/v1/overview", "dmk_driver", 403),
        ("/api/v1/stats", "dmk_customer", 403),
        ("/api/v1/drivers/me/day", "dmk_owner", 403),
        ("/api/v1/overview?since=yesterday", "dmk_owner", 422),
        ("/api/v1/overview?since=1969-12-31T00:00:00Z", "dmk_owner", 422),
    ] {
        assert_eq!(get(&paper, &[], path, key).await.0, expected, "{path} {key}");
    }
}

#[tokio::test]
async fn a_driver_s_day_has_route_orders_and_offers() {
    let paper = town();
    let (status, day) = get(&paper, &[], "/api/v1/drivers/me/day", "dmk_driver").await;
    assert_eq!((status, &day["driver"]["id"]), (200, &json!(DRIVER)), "{day}");
    let stop = &day["route"]["stops"][0];
    assert_eq!((&stop["place"]["street"], &stop["proof"]["photo"]), (&json!("Door 5"), &json!("required")));
    assert_eq!(stop["allowed"], json!(["arrived_at_dropoff"]));
    assert_eq!(
        (&day["unrouted"], &day["offers"][0]["id"]),
        (&json!([]), &json!("offer_01h455vb4pex5vsknk084sn02q"))
    );
    assert_eq!(day["shifts"][0]["id"], "shift_01h455vb4pex5vsknk084sn02q");
    let (status, day) = get(&paper, &["dispatch", "orders"], "/api/v1/drivers/me/day", "dmk_driver").await;
    assert_eq!(
        (status, &day["unavailable"], &day["route"]),
        (200, &json!(["dispatch", "orders"]), &Value::Null)
    );
    assert_eq!(get(&paper, &["drivers"], "/api/v1/drivers/me/day", "dmk_driver").await.0, 503);
    paper.refuse("get_my_driver", 404);
    let (status, problem) = get(&paper, &[], "/api/v1/drivers/me/day", "dmk_driver").await;
    assert_eq!(
        (status, &problem["code"]),
        (404, &json!("on_paper")),
        "a refusal of the main part is the view's"
    );
}

#[tokio::test]
async fn an_order_is_shown_to_each_with_what_is_for_them() {
    let (paper, path) = (town(), format!("/api/v1/orders/{ORDER}/overview"));
    let (status, view) = get(&paper, &[], &path, "dmk_owner").await;
    assert_eq!(
        (status, &view["order"]["id"], &view["page"]["state"]),
        (200, &json!(ORDER), &json!("active"))
    );
    assert_eq!((&view["position"]["lat"], &view["events"][0]["kind"]), (&json!(60.0), &json!("created")));
    assert_eq!(view["tracking"]["order_id"], ORDER);
    let (status, view) = get(&paper, &[], &path, "dmk_customer").await;
    assert_eq!((status, &view["page"]["state"], &view["unavailable"]), (200, &json!("active"), &json!([])));
    for staff_only in ["tracking", "position", "events"] {
        assert_eq!(view[staff_only], Value::Null, "{staff_only}");
    }
    let (status, view) = get(&paper, &["tracking"], &path, "dmk_owner").await;
    assert_eq!((status, &view["unavailable"], &view["page"]), (200, &json!(["tracking"]), &Value::Null));
    paper.refuse("get_order", 404);
    assert_eq!(get(&paper, &[], &path, "dmk_owner").await.0, 404);
}

#[tokio::test]
async fn stats_count_orders_and_the_queue() {
    let paper = town();
    let (status, numbers) = get(&paper, &[], "/api/v1/stats?since=2026-11-20T00:00:00Z", "dmk_owner").await;
    assert_eq!((status, &numbers["since"]), (200, &json!("2026-11-20T00:00:00Z")), "{numbers}");
    let queue =
        json!({ "depth": 1, "states": { "waiting": 1 }, "oldest": "2026-11-20T11:45:00Z", "more": false });
    assert_eq!((&numbers["queue"], &numbers["orders"]["placed"]["created"]), (&queue, &json!(1)));
    // A queue that goes on for ever is counted up to an end, and says so.
    let endless = json!({ "items": [{ "order_id": "order_2", "number": "A-2", "state": "stuck", "round": 0,
                                      "waiting_since": "2026-11-20T11:45:00Z" }], "next_cursor": "x" });
    paper.write("list_dispatch_queue", endless);
    let (_, numbers) = get(&paper, &[], "/api/v1/stats", "dmk_owner").await;
    assert_eq!((&numbers["queue"]["depth"], &numbers["queue"]["more"]), (&json!(10), &json!(true)));
    let (status, numbers) = get(&paper, &["dispatch"], "/api/v1/stats", "dmk_owner").await;
    assert_eq!(
        (status, &numbers["queue"], &numbers["unavailable"]),
        (200, &Value::Null, &json!(["dispatch"]))
    );
}

#[tokio::test]
async fn health_names_every_service_behind_the_gateway() {
    let paper = town();
    let (status, health) = get(&paper, &["tracking"], "/api/v1/health", "dmk_owner").await;
    let services: Vec<_> = health["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|service| (service["name"].as_str().unwrap(), service["ok"].as_bool().unwrap()))
        .collect();
    assert_eq!(services, [("dispatch", true), ("drivers", true), ("orders", true), ("tracking", false)]);
    assert_eq!((status, &health["status"]), (200, &json!("degraded")));
    assert_eq!(get(&paper, &[], "/api/v1/health", "dmk_owner").await.1["status"], "ok");
}
