//! `GET/PUT /api/v1/dispatch/policy`

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use garde::Validate;
use platform::Result;
use platform::http::Json;
use platform::http::call::{Command, Reader};
use platform::http::etag::{IfMatch, IfNoneMatch, Versioned};
use platform::http::openapi::Api;
use platform::idempotency::Answer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::commands::policy as command;
use crate::context::Dispatch;
use crate::domain::policy::{Escalation, Policy, StrategyKind};
use crate::store::policies;

pub(super) fn routes(api: Api<Dispatch>) -> Api<Dispatch> {
    api.routes(routes!(get_dispatch_policy, put_dispatch_policy))
}

/// Who is asked for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum DispatchStrategy {
    /// People decide.
    Manual,
    /// The driver who fits and is at the pick-up first.
    Nearest,
    /// The first to accept of the nearest few.
    Broadcast,
}

/// What happens when all rounds of asking were in vain.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum DispatchEscalation {
    /// The order waits for a person.
    AskHuman,
    /// The nearest driver who fits is given the order.
    AssignNearest,
}

/// What an organisation wants of dispatch.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "strategy": "nearest", "offers": false, "max_orders": 3, "radius_m": 6000, "wait_s": 0,
    "lead_s": 900, "offer_s": 45, "breadth": 3, "rounds": 3, "escalation": "ask_human" }))]
pub(super) struct DispatchPolicy {
    /// Who is asked for.
    #[garde(skip)]
    #[schema(inline)]
    strategy: DispatchStrategy,
    /// Whether drivers are asked instead of told. Broadcast always asks.
    #[garde(skip)]
    offers: bool,
    /// How many orders a driver has at most at a time, those that are being asked about included.
    #[garde(range(min = 1, max = 100))]
    #[schema(minimum = 1, maximum = 100)]
    max_orders: u16,
    /// How far a driver may be from the pick-up, metres; absent: any distance.
    #[garde(inner(range(min = 1, max = 1_000_000)))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    radius_m: Option<u32>,
    /// How long a new order waits before anybody is asked, seconds.
    #[garde(range(max = 86_400))]
    #[schema(maximum = 86_400)]
    wait_s: u32,
    /// How long before the goods are ready somebody is asked, seconds.
    #[garde(range(max = 86_400))]
    #[schema(maximum = 86_400)]
    lead_s: u32,
    /// How long a driver may think, seconds.
    #[garde(range(min = 5, max = 3_600))]
    #[schema(minimum = 5, maximum = 3_600)]
    offer_s: u32,
    /// How many are asked at once in the first round of a broadcast; each further round asks twice as many.
    #[garde(range(min = 1, max = 100))]
    #[schema(minimum = 1, maximum = 100)]
    breadth: u16,
    /// How many rounds there are before the escalation.
    #[garde(range(min = 1, max = 10))]
    #[schema(minimum = 1, maximum = 10)]
    rounds: u16,
    /// What happens then.
    #[garde(skip)]
    #[schema(inline)]
    escalation: DispatchEscalation,
}

impl From<Policy> for DispatchPolicy {
    fn from(policy: Policy) -> Self {
        Self {
            strategy: match policy.strategy {
                StrategyKind::Manual => DispatchStrategy::Manual,
                StrategyKind::Nearest => DispatchStrategy::Nearest,
                StrategyKind::Broadcast => DispatchStrategy::Broadcast,
            },
            offers: policy.offers,
            max_orders: policy.max_orders,
            radius_m: policy.radius_m,
            wait_s: policy.wait_s,
            lead_s: policy.lead_s,
            offer_s: policy.offer_s,
            breadth: policy.breadth,
            rounds: policy.rounds,
            escalation: match policy.escalation {
                Escalation::AskHuman => DispatchEscalation::AskHuman,
                Escalation::AssignNearest => DispatchEscalation::AssignNearest,
            },
        }
    }
}

impl From<DispatchPolicy> for Policy {
    fn from(policy: DispatchPolicy) -> Self {
        Self {
            strategy: match policy.strategy {
                DispatchStrategy::Manual => StrategyKind::Manual,
                DispatchStrategy::Nearest => StrategyKind::Nearest,
                DispatchStrategy::Broadcast => StrategyKind::Broadcast,
            },
            offers: policy.offers,
            max_orders: policy.max_orders,
            radius_m: policy.radius_m,
            wait_s: policy.wait_s,
            lead_s: policy.lead_s,
            offer_s: policy.offer_s,
            breadth: policy.breadth,
            rounds: policy.rounds,
            escalation: match policy.escalation {
                DispatchEscalation::AskHuman => Escalation::AskHuman,
                DispatchEscalation::AssignNearest => Escalation::AssignNearest,
            },
        }
    }
}

/// Reads the organisation's policy. Until somebody sets one, people decide.
#[utoipa::path(
    get, path = "/api/v1/dispatch/policy", operation_id = "get_dispatch_policy", tag = "dispatch",
    params(("if-none-match" = Option<String>, Header, description = "The ETag you have.", example = "\"0\"")),
    responses((status = 200, description = "The policy; its version is in `ETag`.", body = DispatchPolicy))
)]
async fn get_dispatch_policy(
    State(dispatch): State<Dispatch>,
    known: IfNoneMatch,
    reader: Reader,
) -> Result<Response> {
    let mut tx = dispatch.db().read(&reader.scope).await?;
    let (policy, version) = policies::find(&mut tx).await?;
    tx.rollback().await?;
    // Nobody has looked yet: the row that an update finds has version 1.
    let version = version.max(1);
    Ok(known.respond(version, || Versioned(version, Json(DispatchPolicy::from(policy))).into_response()))
}

/// Replaces the organisation's policy. Orders that wait are looked at under the new one at once.
#[utoipa::path(
    put, path = "/api/v1/dispatch/policy", operation_id = "put_dispatch_policy", tag = "dispatch",
    params(("if-match" = String, Header, description = "The ETag you have read.", example = "\"1\"")),
    request_body = DispatchPolicy,
    responses((status = 200, description = "As it is now.", body = DispatchPolicy))
)]
async fn put_dispatch_policy(
    State(dispatch): State<Dispatch>,
    seen: IfMatch,
    request: Command<DispatchPolicy>,
) -> Result<Answer> {
    let policy = Policy::from(request.body);
    request
        .call
        .run(dispatch.db(), move |tx| {
            let (policy, seen) = (policy.clone(), seen.clone());
            Box::pin(async move {
                let version = command::replace(tx, &policy, move |version| seen.check(version)).await?;
                Ok(Answer::json(200, &DispatchPolicy::from(policy))?.versioned(version))
            })
        })
        .await
}
