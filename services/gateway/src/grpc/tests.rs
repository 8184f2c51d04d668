//! One call: messages in, what became of them out, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use axum::routing::post;
use axum::{Json, Router};
use kernel::ids::{DriverId, Uuid};
use platform::auth::Principal;
use platform::http::Channel;
use serde_json::{Value, json};

use super::message::{Outcome, Position};
use super::*;

/// Accepts everything, but driver 9 has lost the right to report.
fn intake() -> Intake {
    let take = |axum::extract::Path(id): axum::extract::Path<String>, Json(body): Json<Vec<Value>>| async move {
        if id == driver(9) {
            return (http::StatusCode::UNAUTHORIZED, Json(json!({ "code": "invalid_token" })));
        }
        (http::StatusCode::OK, Json(json!({ "results": vec![json!({ "status": "accepted" }); body.len()] })))
    };
    let router = Router::new().route("/api/v1/drivers/{id}/location", post(take));
    let channel = Channel::in_process(router, Duration::from_secs(5));
    let channels = Channels(Arc::new([("tracking", channel)].into()));
    Intake::new(Reporter { channels, limits: None, credential: None, principal: Principal::anonymous() })
}

fn driver(number: u128) -> String {
    DriverId::new(Uuid::from_u128(number)).to_string()
}

fn message(id: u64, driver_id: String, count: usize) -> ReportRequest {
    let positions = vec![Position { lat: 60.0, lon: 24.0, ..Position::default() }; count];
    ReportRequest { id, driver_id, positions }
}

fn accepted(reply: &Result<ReportReply, Status>) -> Option<(u64, u32)> {
    match reply.as_ref().ok()? {
        ReportReply { id, outcome: Some(Outcome::Taken(taken)) } => Some((*id, taken.accepted)),
        _ => None,
    }
}

#[tokio::test]
async fn every_message_is_answered_and_the_call_ends_when_the_client_has_said_all() {
    let said = stream::iter((1..=40).map(|id| Ok(message(id, driver(1), 2))));
    let told: Vec<_> = replies(said, intake(), CancellationToken::new()).collect().await;
    let answered: Vec<_> = told.iter().filter_map(accepted).collect();
    assert_eq!(answered, (1..=40).map(|id| (id, 2)).collect::<Vec<_>>());
    assert_eq!(told.len(), 40);
}

#[tokio::test]
async fn what_is_wrong_with_one_message_is_said_of_it_and_the_call_goes_on() {
    let said = [message(1, "nobody".to_owned(), 1), message(2, driver(1), 0), message(3, driver(1), 1)];
    let told: Vec<_> =
        replies(stream::iter(said.map(Ok)), intake(), CancellationToken::new()).collect().await;
    let refused = |reply: &Result<ReportReply, Status>| match reply {
        Ok(ReportReply { id, outcome: Some(Outcome::Refused(refused)) }) => Some((*id, refused.code.clone())),
        _ => None,
    };
    let mut refusals: Vec<_> = told.iter().filter_map(refused).collect();
    refusals.sort();
    assert_eq!(refusals, [(1, "invalid".to_owned()), (2, "invalid".to_owned())]);
    assert!(told.iter().filter_map(accepted).eq([(3, 1)]));
}

#[tokio::test]
async fn a_credential_that_is_not_good_any_more_ends_the_call() {
    let said = stream::iter([Ok(message(1, driver(9), 1))]).chain(stream::pending());
    let told: Vec<_> = replies(said, intake(), CancellationToken::new()).collect().await;
    assert_eq!(told.len(), 2);
    assert_eq!(told[1].as_ref().unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_process_that_stops_says_so() {
    let stopping = CancellationToken::new();
    stopping.cancel();
    let told: Vec<_> = replies(stream::pending(), intake(), stopping).collect().await;
    assert_eq!(told[0].as_ref().unwrap_err().code(), Code::Unavailable);
    assert_eq!(told.len(), 1);
}
