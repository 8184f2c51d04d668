//! `GET /api/v1/offers`, `POST /api/v1/offers/{id}/accept`, `.../decline`

use axum::extract::State;
use garde::Validate;
use kernel::ids::{DriverId, OfferId, OrderId, Uuid};
use kernel::time::Timestamp;
use platform::Result;
use platform::http::call::{Action, Command, Reader};
use platform::http::openapi::{Api, type_id};
use platform::http::pagination::{Cursor, Limit, Page};
use platform::http::{Json, Path, Query};
use platform::idempotency::Answer;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use crate::commands::offers as command;
use crate::context::{Dispatch, own_only};
use crate::store::offers::{self, Filter, Offer};

pub(super) fn routes(api: Api<Dispatch>) -> Api<Dispatch> {
    api.routes(routes!(list_offers)).routes(routes!(accept_offer)).routes(routes!(decline_offer))
}

/// A question to a driver.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct OfferView {
    /// Identifier.
    #[schema(schema_with = type_id::<OfferId>)]
    id: OfferId,
    /// What is offered.
    #[schema(schema_with = type_id::<OrderId>)]
    order_id: OrderId,
    /// Who is asked.
    #[schema(schema_with = type_id::<DriverId>)]
    driver_id: DriverId,
    /// `open`, `accepted`, `declined`, `expired` or `withdrawn`.
    #[schema(example = "open")]
    state: &'static str,
    /// Why the driver declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "too_far")]
    reason: Option<String>,
    /// When it was made.
    #[schema(example = "2026-11-20T12:00:00Z")]
    made_at: Timestamp,
    /// Until when it may be accepted.
    #[schema(example = "2026-11-20T12:00:45Z")]
    expires_at: Timestamp,
}

impl From<Offer> for OfferView {
    fn from(offer: Offer) -> Self {
        Self {
            id: offer.id,
            order_id: offer.order_id,
            driver_id: offer.driver_id,
            state: offer.state.as_str(),
            reason: offer.reason,
            made_at: offer.made_at,
            expires_at: offer.expires_at,
        }
    }
}

/// Which offers.
#[derive(Debug, Clone, Default, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OfferQuery {
    /// Only those about this order.
    #[garde(skip)]
    #[param(
        value_type = String, required = false, pattern = "^order_[0-7][0-9a-hjkmnp-tv-z]{25}$",
        example = "order_01h455vb4pex5vsknk084sn02q"
    )]
    order: Option<OrderId>,
    /// Only those to this driver.
    #[garde(skip)]
    #[param(
        value_type = String, required = false, pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$",
        example = "driver_01h455vb4pex5vsknk084sn02q"
    )]
    driver: Option<DriverId>,
    /// Only those that wait for an answer.
    #[garde(skip)]
    #[serde(default)]
    #[param(required = false, example = true)]
    open: bool,
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

/// Lists offers, newest first. Drivers see their own.
#[utoipa::path(
    get, path = "/api/v1/offers", operation_id = "list_offers", tag = "dispatch", params(OfferQuery),
    responses((status = 200, description = "A page of offers.", body = Page<OfferView>))
)]
async fn list_offers(
    State(dispatch): State<Dispatch>,
    reader: Reader,
    Query(query): Query<OfferQuery>,
) -> Result<Json<Page<OfferView>>> {
    let before = query.cursor.as_ref().map(Cursor::key::<Uuid>).transpose()?;
    let mut tx = dispatch.db().read(&reader.scope).await?;
    let driver = own_only(&mut tx, &reader.principal).await?.or(query.driver);
    let filter = Filter { driver, order: query.order, open: query.open };
    let rows = offers::list(&mut tx, filter, before, query.limit.fetch()).await?;
    tx.rollback().await?;
    Ok(Json(Page::cut(rows, query.limit, |offer| offer.id.uuid())?.map(OfferView::from)))
}

/// Takes the order. The first of several drivers wins; the others are told 409 `offer_closed`.
///
/// The order is the driver's when `order.assigned.v1` says so, a moment later.
#[utoipa::path(
    post, path = "/api/v1/offers/{id}/accept", operation_id = "accept_offer", tag = "dispatch",
    params(("id" = String, Path, description = "The offer.", pattern = "^offer_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "offer_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "Accepted.", body = OfferView))
)]
async fn accept_offer(
    State(dispatch): State<Dispatch>,
    Path(id): Path<OfferId>,
    request: Action,
) -> Result<Answer> {
    let principal = request.principal;
    request
        .call
        .run(dispatch.db(), move |tx| {
            let principal = principal.clone();
            Box::pin(async move {
                let own = own_only(tx, &principal).await?;
                Answer::json(200, &OfferView::from(command::accept(tx, id, own).await?))
            })
        })
        .await
}

/// Why a driver declines.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DeclineReason {
    /// Too far away.
    TooFar,
    /// Too heavy or too large.
    TooHeavy,
    /// The shift ends.
    EndOfShift,
    /// The vehicle is not fit for it.
    Vehicle,
    /// Something else.
    Other,
}

/// A driver's no.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "too_far" }))]
struct Declined {
    /// Why; need not be said.
    #[garde(skip)]
    #[serde(default)]
    #[schema(inline)]
    reason: Option<DeclineReason>,
}

impl DeclineReason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::TooFar => "too_far",
            Self::TooHeavy => "too_heavy",
            Self::EndOfShift => "end_of_shift",
            Self::Vehicle => "vehicle",
            Self::Other => "other",
        }
    }
}

/// Does not take the order. The driver is not asked again for this attempt of it.
#[utoipa::path(
    post, path = "/api/v1/offers/{id}/decline", operation_id = "decline_offer", tag = "dispatch",
    params(("id" = String, Path, description = "The offer.", pattern = "^offer_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "offer_01h455vb4pex5vsknk084sn02q")),
    request_body = Declined,
    responses((status = 200, description = "Declined.", body = OfferView))
)]
async fn decline_offer(
    State(dispatch): State<Dispatch>,
    Path(id): Path<OfferId>,
    request: Command<Declined>,
) -> Result<Answer> {
    let (principal, reason) = (request.principal, request.body.reason.map(DeclineReason::as_str));
    request
        .call
        .run(dispatch.db(), move |tx| {
            let principal = principal.clone();
            Box::pin(async move {
                let own = own_only(tx, &principal).await?;
                Answer::json(200, &OfferView::from(command::decline(tx, id, own, reason).await?))
            })
        })
        .await
}
