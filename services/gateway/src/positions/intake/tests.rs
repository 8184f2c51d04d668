//! Against a tracking of our own: what it is told, how much at once, and what becomes of what it does not answer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::Path;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, HeaderValue, StatusCode};
use kernel::ids::{OrgId, UserId, Uuid};
use kernel::time::{ManualClock, SignedDuration, Timestamp};
use platform::auth::{Principal, Who};
use platform::http::Channel;
use platform::http::operations::RateLimits;
use platform::http::rate_limit::{MemoryLimiter, Policy};
use serde_json::json;

use super::*;
use crate::forward::Channels;

/// What tracking was asked: whose positions, with what credential, how many.
type Asked = Arc<Mutex<Vec<(String, String, usize)>>>;

fn driver(number: u128) -> DriverId {
    DriverId::new(Uuid::from_u128(number))
}

/// Takes positions: those with a `sequence` of 0 are duplicates, those without a place are rejected. 503 for driver 9.
fn reporter(asked: &Asked, role: Role, limits: Option<RateLimits>) -> Reporter {
    let asked = Arc::clone(asked);
    let take = move |Path(id): Path<String>, headers: HeaderMap, Json(body): Json<Vec<Value>>| async move {
        let credential = headers["authorization"].to_str().unwrap_or_default().to_owned();
        tokio::task::yield_now().await;
        asked.lock().unwrap().push((id.clone(), credential, body.len()));
        if id == driver(9).to_string() {
            return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "code": "unavailable" })));
        }
        if id == driver(8).to_string() {
            return (
                StatusCode::NOT_FOUND,
                Json(json!({ "code": "not_found", "detail": "There is no such driver." })),
            );
        }
        let result = |position: &Value| match (position.get("lat"), position["sequence"].as_u64()) {
            (None, _) => json!({ "status": "rejected", "reason": "invalid" }),
            (_, Some(0)) => json!({ "status": "duplicate" }),
            _ => json!({ "status": "accepted" }),
        };
        let results: Vec<Value> = body.iter().map(result).collect();
        (StatusCode::MULTI_STATUS, Json(json!({ "results": results })))
    };
    let router = Router::new()
        .route("/api/v1/drivers/{id}/location", post(take))
        .route("/api/v1/drivers/me", get(|| async { Json(json!({ "id": driver(1) })) }));
    let channel = Channel::in_process(router, Duration::from_secs(5));
    let user = Who::User { user: UserId::new(Uuid::from_u128(5)), session: Uuid::nil().into() };
    let org = Some(OrgId::new(Uuid::nil()));
    Reporter {
        channels: Channels(Arc::new([("tracking", channel.clone()), ("drivers", channel)].into())),
        limits,
        credential: Some(HeaderValue::from_static("Bearer one")),
        principal: Principal { who: user, role, org, ..Principal::anonymous() },
    }
}

fn batch(id: u64, driver: Option<DriverId>, positions: &[Value]) -> Batch {
    Batch::new(id, driver, positions.to_vec()).unwrap()
}

fn fixes(count: usize) -> Vec<Value> {
    vec![json!({ "lat": 60.0, "lon": 24.0, "sequence": 1 }); count]
}

fn ids(verdicts: &[Verdict]) -> Vec<(u64, bool)> {
    verdicts.iter().map(|verdict| (verdict.id, verdict.outcome.is_ok())).collect()
}

#[tokio::test]
async fn what_waits_is_handed_over_together_and_each_message_has_its_own_answer() {
    let asked = Asked::default();
    let mut intake = Intake::new(reporter(&asked, Role::Driver, None));
    let mixed = [
        json!({ "lat": 1, "lon": 1 }),
        json!({ "sequence": 4 }),
        json!({ "lat": 1, "lon": 1, "sequence": 0 }),
    ];
    intake.push(batch(1, None, &fixes(2)));
    intake.push(batch(2, None, &mixed));
    let verdicts = intake.next().await;
    let taken = Taken { accepted: 2, ..Taken::default() };
    assert_eq!(verdicts[0], Verdict { id: 1, outcome: Ok(taken) });
    let taken = Taken { accepted: 1, duplicates: 1, rejected: vec![(1, "invalid".to_owned())] };
    assert_eq!(verdicts[1], Verdict { id: 2, outcome: Ok(taken) });
    assert_eq!(*asked.lock().unwrap(), [(driver(1).to_string(), "Bearer one".to_owned(), 5)]);
    assert!(intake.is_empty());

    // A fresh credential is shown from then on.
    intake.present(Some(HeaderValue::from_static("Bearer two")));
    intake.push(batch(3, Some(driver(2)), &fixes(1)));
    intake.next().await;
    assert_eq!(asked.lock().unwrap()[1].1, "Bearer two");
}

#[tokio::test]
async fn a_group_is_about_one_driver_and_no_larger_than_tracking_takes() {
    let asked = Asked::default();
    let mut intake = Intake::new(reporter(&asked, Role::Device, None));
    for (id, whose, count) in [(1, 2, 300), (2, 2, 200), (3, 2, 1), (4, 3, 1), (5, 2, 1)] {
        intake.push(batch(id, Some(driver(whose)), &fixes(count)));
    }
    let mut answered = Vec::new();
    while !intake.is_empty() {
        answered.extend(ids(&intake.next().await));
    }
    assert_eq!(answered, [(1, true), (2, true), (3, true), (4, true), (5, true)]);
    let sizes: Vec<usize> = asked.lock().unwrap().iter().map(|(.., count)| *count).collect();
    assert_eq!(sizes, [500, 1, 1, 1]);
}

#[tokio::test]
async fn nothing_is_read_while_too_much_waits_and_nothing_is_lost_when_nobody_listens() {
    let asked = Asked::default();
    let mut intake = Intake::new(reporter(&asked, Role::Driver, None));
    for id in 0..WAITING {
        assert!(!intake.is_full());
        intake.push(batch(u64::try_from(id).unwrap(), None, &fixes(1)));
    }
    assert!(intake.is_full());
    // What was begun goes on when it is asked for again.
    let cut_short = futures::future::poll_immediate(intake.next()).await;
    assert!(cut_short.is_none() && !intake.is_empty());
    let verdicts = intake.next().await;
    assert_eq!(verdicts.len(), WAITING);
    assert!(!intake.is_full());
    assert!(futures::future::poll_immediate(intake.next()).await.is_none(), "nothing waits");
}

#[tokio::test]
async fn what_tracking_does_not_take_is_refused_and_says_whether_to_come_again() {
    let asked = Asked::default();
    let mut intake = Intake::new(reporter(&asked, Role::Driver, None));
    intake.push(batch(1, Some(driver(9)), &fixes(1)));
    intake.push(batch(2, Some(driver(8)), &fixes(1)));
    let away = intake.next().await.remove(0).outcome.unwrap_err();
    assert_eq!((away.code.as_str(), away.retry_after_ms), ("unavailable", Some(1_000)));
    let unknown = intake.next().await.remove(0).outcome.unwrap_err();
    assert_eq!((unknown.code.as_str(), unknown.retry_after_ms), ("not_found", None));
    // A device is nobody's driver: it has to say whose positions it brings.
    let mut device = Intake::new(reporter(&asked, Role::Device, None));
    device.push(batch(3, None, &fixes(1)));
    let nobody = device.next().await.remove(0).outcome.unwrap_err();
    assert_eq!((nobody.status, nobody.retry_after_ms), (422, None));
    let mut lost = reporter(&asked, Role::Driver, None);
    lost.channels = Channels(Arc::default());
    let mut lost = Intake::new(lost);
    lost.push(batch(4, Some(driver(1)), &fixes(1)));
    assert!(lost.next().await.remove(0).outcome.unwrap_err().retry_after_ms.is_some());
}

#[tokio::test]
async fn messages_are_counted_with_those_over_http() {
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    let policy = |name, quota| Policy { name, quota, window: Duration::from_mins(1) };
    let limits = RateLimits {
        limiter: Arc::new(MemoryLimiter::new(Arc::new(clock.clone()))),
        anonymous: policy("anonymous", 1),
        principal: policy("user", 1),
        key: policy("key", 1),
        operations: [("report_location".to_owned(), policy("positions", 3))].into(),
    };
    let asked = Asked::default();
    let reporter = reporter(&asked, Role::Driver, Some(limits.clone()));
    // One came over HTTP: the gate counts it under the same name.
    limits.limiter.check(&policy("positions", 3), &reporter.principal.label()).await.unwrap();
    let mut intake = Intake::new(reporter);
    for id in 1..=3 {
        intake.push(batch(id, None, &fixes(1)));
    }
    let mut verdicts = intake.next().await;
    verdicts.sort_by_key(|verdict| verdict.id);
    assert_eq!(ids(&verdicts), [(1, true), (2, true), (3, false)]);
    let refusal = verdicts.remove(2).outcome.unwrap_err();
    assert_eq!((refusal.code.as_str(), refusal.retry_after_ms), ("rate_limited", Some(20_000)));
    clock.advance(SignedDuration::from_secs(20));
    intake.push(batch(3, None, &fixes(1)));
    assert_eq!(ids(&intake.next().await), [(3, true)]);
    assert_eq!(asked.lock().unwrap().iter().map(|(.., count)| count).sum::<usize>(), 3);
}
