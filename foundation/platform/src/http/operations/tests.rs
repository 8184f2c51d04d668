//! The gate in front of a small service, walked with every kind of caller.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use futures::future::BoxFuture;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use kernel::ids::{ApiKeyId, OrgId, SessionId, UserId, Uuid};
use kernel::random::Random;
use kernel::time::{ManualClock, SignedDuration, Timestamp};
use serde_json::Value;
use tower::ServiceExt as _;
use utoipa_axum::routes;

use super::*;
use crate::auth::{
    ACCESS_TOKEN_LIFETIME, Audience, PublicKey, Revocations, Role, Signer, StaticKeys, Verifier, Who,
};
use crate::http::layers::Edge;
use crate::http::openapi::{Api, ServiceApi};
use crate::http::pagination::PageQuery;
use crate::http::rate_limit::{MemoryLimiter, Policy};
use crate::http::{Json, Path, Query};
use crate::permissions::{MANAGERS, MEMBERS, PUBLIC, Permission, Tenant};

#[derive(serde::Deserialize, serde::Serialize, garde::Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Thing {
    #[garde(length(chars, min = 1, max = 20))]
    name: String,
}

#[utoipa::path(get, path = "/api/v1/things", operation_id = "list_things", params(PageQuery), responses((status = 200)))]
async fn list(Caller(caller): Caller, Query(_page): Query<PageQuery>) -> String {
    caller.label()
}

#[utoipa::path(post, path = "/api/v1/things", operation_id = "create_thing", responses((status = 201)))]
async fn create(Caller(caller): Caller, Json(_thing): Json<Thing>) -> (StatusCode, String) {
    (StatusCode::CREATED, caller.label())
}

#[utoipa::path(get, path = "/api/v1/things/{id}", operation_id = "get_thing", params(("id" = String, Path)), responses((status = 200)))]
async fn one(Path(id): Path<OrgId>) -> String {
    id.to_string()
}

#[utoipa::path(get, path = "/api/v1/hello", operation_id = "hello", responses((status = 200)))]
async fn hello(Caller(caller): Caller) -> String {
    caller.label()
}

#[utoipa::path(get, path = "/healthz", operation_id = "probe", responses((status = 200)), extensions(("x-probe" = json!(true))))]
async fn probe() -> &'static str {
    "ok"
}

#[utoipa::path(
    get, path = "/api/v1/foreign", operation_id = "foreign", responses((status = 200)),
    extensions(("x-own-credential" = json!(true)), ("x-any-query" = json!(true)))
)]
async fn foreign(Caller(caller): Caller, headers: http::HeaderMap) -> String {
    format!("{} {}", caller.label(), headers["authorization"].to_str().unwrap_or_default())
}

const ROWS: &[Permission] = &[
    Permission { operation: "list_things", roles: MEMBERS, scope: Some("things:read"), tenant: Tenant::Own },
    Permission { operation: "create_thing", roles: MANAGERS, scope: None, tenant: Tenant::Own },
    Permission { operation: "get_thing", roles: MEMBERS, scope: Some("things:read"), tenant: Tenant::Own },
    Permission { operation: "hello", roles: PUBLIC, scope: None, tenant: Tenant::None },
    Permission { operation: "foreign", roles: PUBLIC, scope: None, tenant: Tenant::None },
    Permission { operation: "probe", roles: PUBLIC, scope: None, tenant: Tenant::None },
];

fn api(rows: &[Permission]) -> ServiceApi {
    Api::new("things")
        .routes(routes!(list, create))
        .routes(routes!(one))
        .routes(routes!(hello))
        .routes(routes!(foreign))
        .routes(routes!(probe))
        .finish(rows)
        .unwrap()
}

struct OneKey;

impl KeyExchange for OneKey {
    fn exchange<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Principal>> {
        let principal = Principal {
            who: Who::Key(ApiKeyId::new(Uuid::nil())),
            role: Role::Manager,
            org: Some(OrgId::new(Uuid::nil())),
            scopes: BTreeSet::from(["things:read".to_owned()]),
        };
        Box::pin(async move {
            match key {
                "dmk_good" => Ok(principal),
                "dmk_away" => Err(Error::unavailable("identity service")),
                _ => Err(Error::unauthenticated()),
            }
        })
    }
}

struct World {
    app: Router,
    clock: ManualClock,
    signer: Signer,
}

/// An Ed25519 key in PKCS#8 (RFC 8410, section 10.3) and its public half (RFC 8032, section 7.1, test 1).
const PRIVATE: &str =
    "302e020100300506032b6570042204209d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const PUBLIC_HALF: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

fn world() -> World {
    let clock = ManualClock::at("2026-11-20T12:00:00Z".parse::<Timestamp>().unwrap());
    let keys = StaticKeys::default();
    let bytes = hex::decode(PUBLIC_HALF).unwrap().try_into().unwrap();
    keys.replace([PublicKey { kid: "k1".to_owned(), bytes }]);
    let issuer = "https://dropmate.test".to_owned();
    let shared = Arc::new(clock.clone());
    let verifier = Verifier::new(issuer.clone(), Arc::new(keys), shared.clone(), Revocations::default());
    let api = api(ROWS);
    let limits = RateLimits {
        limiter: Arc::new(MemoryLimiter::new(shared.clone())),
        anonymous: Policy { name: "anonymous", quota: 20, window: Duration::from_secs(20) },
        principal: Policy { name: "default", quota: 100, window: Duration::from_secs(100) },
        key: Policy { name: "default", quota: 100, window: Duration::from_secs(100) },
        operations: BTreeMap::new(),
    };
    let gate = Gate::new(
        Arc::new(Operations::build(&[&api]).unwrap()),
        Authenticator::new(verifier, Arc::new(OneKey)),
    );
    let app = Edge::new(shared, Random::seeded(1)).wrap(gate.with_limits(limits).wrap(api.router()));
    World { app, clock, signer: Signer::new("k1".to_owned(), issuer, &hex::decode(PRIVATE).unwrap()) }
}

fn person(role: Role) -> Principal {
    let who = Who::User { user: UserId::new(Uuid::nil()), session: SessionId::new(Uuid::nil()) };
    let org = (role != Role::Operator).then(|| OrgId::new(Uuid::nil()));
    Principal { who, role, org, scopes: BTreeSet::new() }
}

impl World {
    fn token(&self, role: Role) -> String {
        use kernel::time::Clock as _;
        let now = self.clock.now();
        self.signer.sign(Audience::Api, &person(role), now, ACCESS_TOKEN_LIFETIME).unwrap()
    }

    async fn send(&self, request: http::request::Builder, body: &str) -> Response {
        self.app.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap()
    }

    async fn get(&self, path: &str, authorization: Option<&str>) -> Response {
        let request = Request::get(path);
        let request =
            authorization.into_iter().fold(request, |request, value| request.header("authorization", value));
        self.send(request, "").await
    }

    async fn refused(&self, path: &str, authorization: Option<&str>) -> (u16, String) {
        code(self.get(path, authorization).await).await
    }
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn code(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Value = serde_json::from_str(&text(response).await).unwrap();
    (status, problem["code"].as_str().unwrap().to_owned())
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn every_role_may_do_what_its_row_says() {
    let world = world();
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Anonymous) {
        let bearer = format!("Bearer {}", world.token(role));
        for row in ROWS.iter().filter(|row| !["probe", "foreign"].contains(&row.operation)) {
            let (method, path, body) = match row.operation {
                "create_thing" => ("POST", "/api/v1/things", "{\"name\":\"a\"}"),
                "list_things" => ("GET", "/api/v1/things", ""),
                "get_thing" => ("GET", "/api/v1/things/org_00000000000000000000000000", ""),
                _ => ("GET", "/api/v1/hello", ""),
            };
            let request = Request::builder().method(method).uri(path).header("authorization", &bearer);
            let response = world.send(request.header("content-type", "application/json"), body).await;
            let expected = row.check(&person(role)).is_ok();
            assert_eq!(response.status().is_success(), expected, "{role} {}", row.operation);
            assert!(expected || response.status() == StatusCode::FORBIDDEN, "{role} {}", row.operation);
        }
    }
    assert_eq!(world.refused("/api/v1/things", None).await, is(401, "unauthenticated"));
    assert_eq!(text(world.get("/api/v1/hello", None).await).await, "anonymous");
}

#[tokio::test]
async fn a_credential_counts_only_in_the_authorization_header() {
    let world = world();
    let token = world.token(Role::Owner);
    let elsewhere = [
        Request::get(format!("/api/v1/things?access_token={token}")),
        Request::get("/api/v1/things").header("cookie", format!("access_token={token}")),
        Request::get("/api/v1/things").header("x-api-key", &token),
        Request::get("/api/v1/things").header("proxy-authorization", format!("Bearer {token}")),
    ];
    for request in elsewhere {
        assert_eq!(world.send(request, "").await.status(), StatusCode::UNAUTHORIZED);
    }
    let twice = Request::get("/api/v1/things").header("authorization", format!("Bearer {token}"));
    let twice = twice.header("authorization", format!("Bearer {token}"));
    assert_eq!(world.send(twice, "").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_damaged_credential_is_401_on_public_operations_too() {
    let world = world();
    let token = world.token(Role::Owner);
    let forged = format!("{}x", &token[..token.len() - 1]);
    let none = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    let unsigned = format!("{none}.{}.", token.split('.').nth(1).unwrap());
    for bad in ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer a b", "Bearer dmk_bad"] {
        assert_eq!(world.get("/api/v1/hello", Some(bad)).await.status(), StatusCode::UNAUTHORIZED, "{bad}");
    }
    for bad in [&forged, &unsigned, "nonsense"] {
        let response = world.get("/api/v1/hello", Some(&format!("Bearer {bad}"))).await;
        assert!(response.headers()["www-authenticate"].to_str().unwrap().contains("invalid_token"));
        assert_eq!(code(response).await, is(401, "invalid_token"));
    }
    let bearer = format!("bearer   {token}");
    assert_eq!(world.get("/api/v1/hello", Some(&bearer)).await.status(), StatusCode::OK);
    world.clock.advance(SignedDuration::from_mins(16));
    assert_eq!(world.refused("/api/v1/hello", Some(&bearer)).await, is(401, "invalid_token"));
}

#[tokio::test]
async fn keys_are_exchanged_and_need_the_scope() {
    let world = world();
    let good = Some("Bearer dmk_good");
    assert!(text(world.get("/api/v1/things", good).await).await.starts_with("key_"));
    let create = Request::post("/api/v1/things").header("authorization", "Bearer dmk_good");
    assert_eq!(world.send(create, "{}").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(world.refused("/api/v1/things", Some("Bearer dmk_away")).await, is(503, "unavailable"));
}

#[tokio::test]
async fn unknown_paths_methods_and_parameters_are_refused() {
    let world = world();
    let owner = format!("Bearer {}", world.token(Role::Owner));
    for path in ["/nowhere", "/api/v1/things/", "/api/v1//things", "/api/v1/things/a/b"] {
        assert_eq!(world.refused(path, None).await, is(404, "not_found"), "{path}");
    }
    for method in ["TRACE", "QUERY", "OPTIONS", "PUT", "DELETE", "PATCH"] {
        let response = world.send(Request::builder().method(method).uri("/api/v1/things"), "").await;
        assert_eq!(response.headers()["allow"], "GET, HEAD, POST");
        assert_eq!(code(response).await, is(405, "method_not_allowed"));
    }
    let head = Request::head("/api/v1/things").header("authorization", &owner);
    assert_eq!(world.send(head, "").await.status(), StatusCode::OK);
    assert_eq!(world.refused("/api/v1/things/org_x", Some(&owner)).await, is(404, "not_found"));
    assert_eq!(world.refused("/api/v1/things?offset=1", Some(&owner)).await, is(422, "invalid"));
    assert_eq!(world.refused("/api/v1/things?limit=0", Some(&owner)).await, is(422, "invalid"));
    assert_eq!(world.refused("/api/v1/things?limit=%ff", Some(&owner)).await, is(400, "invalid_query"));
    assert_eq!(world.get("/api/v1/things?limit=7", Some(&owner)).await.status(), StatusCode::OK);
    let key =
        Request::post("/api/v1/things").header("authorization", &owner).header("idempotency-key", "a b");
    assert_eq!(code(world.send(key, "{}").await).await, is(400, "invalid_idempotency_key"));
}

#[tokio::test]
async fn anonymous_callers_share_a_quota_by_address_and_probes_none() {
    let world = world();
    let mut last = StatusCode::OK;
    for _ in 0..21 {
        let response = world.get("/api/v1/hello", None).await;
        assert_eq!(response.headers()["ratelimit-policy"], "\"anonymous\";q=20;w=20");
        last = response.status();
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let refused = world.get("/nowhere", None).await;
    assert_eq!(refused.status(), StatusCode::NOT_FOUND);
    assert_eq!(refused.headers()["ratelimit"], "\"anonymous\";r=0;t=20");
    let owner = format!("Bearer {}", world.token(Role::Owner));
    assert_eq!(world.get("/api/v1/hello", Some(&owner)).await.status(), StatusCode::OK);
    let probe = world.get("/healthz", Some("Bearer of another kind")).await;
    assert!(probe.status() == StatusCode::OK && !probe.headers().contains_key("ratelimit"));
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(world.get("/api/v1/hello", None).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_foreign_protocol_brings_its_own_credential_and_parameters_and_is_counted_by_address() {
    let world = world();
    let response = world.get("/api/v1/foreign?lat=1&anything=2", Some("Basic dXNlcjpwYXNz")).await;
    assert!(response.headers()["ratelimit-policy"].to_str().unwrap().starts_with("\"anonymous\""));
    assert_eq!(text(response).await, "anonymous Basic dXNlcjpwYXNz");
    let damaged = world.refused("/api/v1/foreign?lat=%ff", Some("Basic dXNlcjpwYXNz")).await;
    assert_eq!(damaged, is(400, "invalid_query"));
}

#[test]
fn documents_and_rows_that_do_not_agree_make_no_table() {
    let faults = |api: &[&ServiceApi]| Operations::build(api).unwrap_err().0;
    assert_eq!(faults(&[&api(&ROWS[1..])]), [Fault::NoPermission("list_things".to_owned())]);
    let orphan = Permission { operation: "ghost", ..ROWS[0] };
    let rows: Vec<_> = ROWS.iter().copied().chain([orphan]).collect();
    assert_eq!(faults(&[&api(&rows)]), [Fault::NoOperation("ghost".to_owned())]);
    let doubled = faults(&[&api(ROWS), &api(&[])]);
    assert!(doubled.contains(&Fault::DoubleOperation("hello".to_owned())), "{doubled:?}");
}

#[tokio::test]
async fn a_handler_without_a_gate_fails_closed() {
    let request = Request::get("/api/v1/hello").body(Body::empty()).unwrap();
    let response = api(ROWS).router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

/// Behind other processes: what a caller may do, and what the calling service may do besides.
#[tokio::test]
async fn a_call_needs_what_both_the_caller_and_the_service_may() {
    use crate::auth::{OnBehalf, ServiceCaller};
    let world = world();
    let rows: Vec<Permission> = ROWS
        .iter()
        .map(|row| match row.operation {
            "get_thing" => Permission { roles: &[Role::Owner, Role::Service], ..*row },
            _ => *row,
        })
        .collect();
    let api = api(&rows);
    let keys = StaticKeys::default();
    let bytes = hex::decode(PUBLIC_HALF).unwrap().try_into().unwrap();
    keys.replace([PublicKey { kid: "k1".to_owned(), bytes }]);
    let clock = Arc::new(world.clock.clone());
    let issuer = "https://dropmate.test".to_owned();
    let verifier = Verifier::new(issuer, Arc::new(keys), clock, Revocations::default());
    let operations = Arc::new(Operations::build(&[&api]).unwrap());
    let gate = Gate::new(operations, Authenticator::new(verifier, Arc::new(OneKey))).with_door("gateway");
    let app = gate.wrap(api.router());
    let (list, one) = ("/api/v1/things", "/api/v1/things/org_00000000000000000000000000");
    let owner = format!("Bearer {}", world.token(Role::Owner));
    let system = OnBehalf::System(Some(OrgId::new(Uuid::nil())));
    for (service, on_behalf, path, authorization, status) in [
        ("gateway", OnBehalf::Caller, list, Some(&owner), 200),
        ("gateway", OnBehalf::Caller, list, None, 401),
        ("orders", OnBehalf::Caller, list, Some(&owner), 403),
        ("orders", OnBehalf::Caller, one, Some(&owner), 200),
        ("orders", OnBehalf::Caller, one, None, 401),
        ("orders", system, one, None, 200),
        ("orders", system, list, None, 403),
        ("orders", OnBehalf::System(None), one, None, 403),
        // In its own name the gateway is a service like any other, whatever credential it brings along.
        ("gateway", system, list, Some(&owner), 403),
    ] {
        let request = Request::get(path).extension(ServiceCaller { service: service.to_owned(), on_behalf });
        let request =
            authorization.into_iter().fold(request, |request, value| request.header("authorization", value));
        let answer = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(
            answer.status().as_u16(),
            status,
            "{service} {on_behalf:?} {path} {}",
            authorization.is_some()
        );
    }
}
