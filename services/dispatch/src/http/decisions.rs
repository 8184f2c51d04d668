//! `GET /api/v1/dispatch/decisions`, `.../{id}`: why this driver, why not that one.

use axum::extract::State;
use garde::Validate;
use kernel::ids::{DecisionId, DriverId, OrderId, Uuid};
use kernel::time::Timestamp;
use platform::http::call::Reader;
use platform::http::openapi::{Api, type_id};
use platform::http::pagination::{Cursor, Limit, Page};
use platform::http::{Json, Path, Query};
use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use crate::context::Dispatch;
use crate::domain::fit::{Candidate, Obstacle};
use crate::domain::strategy::{Proposal, Step};
use crate::store::decisions::{self, Decision};

pub(super) fn routes(api: Api<Dispatch>) -> Api<Dispatch> {
    api.routes(routes!(list_decisions)).routes(routes!(get_decision))
}

/// What stands in the way of a driver.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DispatchObstacle {
    /// Does not work here (any more), or a document has run out.
    Inactive,
    /// Off duty, busy or on a break.
    Unavailable,
    /// Follows shifts, and none is on.
    OffShift,
    /// The zone has drivers of its own.
    NotInPool,
    /// Lacks a skill that the order asks for.
    MissingSkill,
    /// The vehicle does not hold it beside what the driver has.
    TooMuch,
    /// Has as many orders as are allowed.
    EnoughOrders,
    /// Has declined it, or did not answer.
    Refused,
    /// Nobody knows where the driver or the pick-up is, or there is no way.
    NoWay,
    /// The pick-up is farther than is allowed.
    TooFar,
}

impl From<Obstacle> for DispatchObstacle {
    fn from(obstacle: Obstacle) -> Self {
        match obstacle {
            Obstacle::Inactive => Self::Inactive,
            Obstacle::Unavailable => Self::Unavailable,
            Obstacle::OffShift => Self::OffShift,
            Obstacle::NotInPool => Self::NotInPool,
            Obstacle::MissingSkill => Self::MissingSkill,
            Obstacle::TooMuch => Self::TooMuch,
            Obstacle::EnoughOrders => Self::EnoughOrders,
            Obstacle::Refused => Self::Refused,
            Obstacle::NoWay => Self::NoWay,
            Obstacle::TooFar => Self::TooFar,
        }
    }
}

/// One driver, looked at for one order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct DispatchCandidate {
    /// The driver.
    #[schema(schema_with = type_id::<DriverId>)]
    driver_id: DriverId,
    /// Whether nothing stands in the way.
    #[schema(example = true)]
    fits: bool,
    /// In how many seconds the driver could be at the pick-up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 240)]
    arrives_in_s: Option<u32>,
    /// How far the driver has to go for it, metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1300)]
    distance_m: Option<u32>,
    /// What stands in the way.
    #[schema(inline)]
    obstacles: Vec<DispatchObstacle>,
}

impl From<Candidate> for DispatchCandidate {
    fn from(candidate: Candidate) -> Self {
        Self {
            driver_id: candidate.driver_id,
            fits: candidate.obstacles.is_empty(),
            arrives_in_s: candidate.arrives_in_s,
            distance_m: candidate.distance_m,
            obstacles: candidate.obstacles.into_iter().map(DispatchObstacle::from).collect(),
        }
    }
}

/// What was decided about one order.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct DispatchProposal {
    /// The order.
    #[schema(schema_with = type_id::<OrderId>)]
    order_id: OrderId,
    /// `assign`, `offer`, `wait` or `ask_human`.
    #[schema(example = "assign")]
    step: &'static str,
    /// Who gets it, or who is asked.
    #[schema(value_type = Vec<String>, example = json!(["driver_01h455vb4pex5vsknk084sn02q"]))]
    driver_ids: Vec<DriverId>,
    /// Everybody who was looked at: who fits first, the earliest first.
    candidates: Vec<DispatchCandidate>,
}

impl From<Proposal> for DispatchProposal {
    fn from(proposal: Proposal) -> Self {
        let (step, driver_ids) = match proposal.step {
            Step::Assign { driver_id } => ("assign", vec![driver_id]),
            Step::Offer { driver_ids } => ("offer", driver_ids),
            Step::Wait => ("wait", Vec::new()),
            Step::AskHuman => ("ask_human", Vec::new()),
        };
        let candidates = proposal.candidates.into_iter().map(DispatchCandidate::from).collect();
        Self { order_id: proposal.order_id, step, driver_ids, candidates }
    }
}

/// One decision with its reasons.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct DispatchDecision {
    /// Identifier.
    #[schema(schema_with = type_id::<DecisionId>)]
    id: DecisionId,
    /// When it was made.
    #[schema(example = "2026-11-20T12:00:00Z")]
    at: Timestamp,
    /// By which strategy.
    #[schema(example = "nearest")]
    strategy: String,
    /// Who: `system`, a job, or a person.
    #[schema(example = "system")]
    by: String,
    /// Where the travel times came from.
    #[schema(example = "straight_line")]
    travel_times: String,
    /// What was decided, order by order.
    proposals: Vec<DispatchProposal>,
}

impl From<Decision> for DispatchDecision {
    fn from(decision: Decision) -> Self {
        Self {
            id: decision.id,
            at: decision.at,
            strategy: decision.strategy,
            by: decision.by,
            travel_times: decision.snapshot.source,
            proposals: decision.proposals.into_iter().map(DispatchProposal::from).collect(),
        }
    }
}

/// Which decisions.
#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DecisionQuery {
    /// Only those about this order.
    #[garde(skip)]
    #[param(
        value_type = String, required = false, pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
        example = "order_01h455vb4pex5vsknk084sn02q"
    )]
    order: Option<OrderId>,
    /// How many items at most.
    #[garde(skip)]
    #[serde(default)]
    #[param(value_type = u16, required = false, minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Limit,
    /// Where to continue: the `next_cursor` of the page before.
    #[garde(skip)]
    #[param(
        value_type = String, required = false, format = "cursor",
        example = "IjAxOTM0ODRlLThjMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMCI"
    )]
    cursor: Option<Cursor>,
}

/// Lists decisions of the strategies, newest first.
#[utoipa::path(
    get, path = "/api/v1/dispatch/decisions", operation_id = "list_decisions", tag = "dispatch", params(DecisionQuery),
    responses((status = 200, description = "A page of decisions.", body = Page<DispatchDecision>))
)]
async fn list_decisions(
    State(dispatch): State<Dispatch>,
    reader: Reader,
    Query(query): Query<DecisionQuery>,
) -> Result<Json<Page<DispatchDecision>>> {
    let before = query.cursor.as_ref().map(Cursor::key::<Uuid>).transpose()?;
    let mut tx = dispatch.db().read(&reader.scope).await?;
    let rows = decisions::list(&mut tx, query.order, before, query.limit.fetch()).await?;
    tx.rollback().await?;
    Ok(Json(Page::cut(rows, query.limit, |decision| decision.id.uuid())?.map(DispatchDecision::from)))
}

/// Reads one decision.
#[utoipa::path(
    get, path = "/api/v1/dispatch/decisions/{id}", operation_id = "get_decision", tag = "dispatch",
    params(("id" = String, Path, description = "The decision.", pattern = "^decision_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "decision_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "The decision.", body = DispatchDecision))
)]
async fn get_decision(
    State(dispatch): State<Dispatch>,
    Path(id): Path<DecisionId>,
    reader: Reader,
) -> Result<Json<DispatchDecision>> {
    let mut tx = dispatch.db().read(&reader.scope).await?;
    let found = decisions::find(&mut tx, id).await?;
    tx.rollback().await?;
    found.map(|decision| Json(decision.into())).ok_or_else(|| Error::not_found("decision"))
}
