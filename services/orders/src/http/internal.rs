//! Operations for other services: dispatch gives and takes orders, tracking notices arrivals and shows the PIN.

use contracts::calls::{AssignOrder, Assigned, HandOverPin, PackageOrder, ReportStep, UnassignOrder};
use kernel::ids::OrderId;
use platform::Result;
use platform::http::internal::Internal;
use platform::http::openapi::ServiceApi;
use platform::idempotency::{Answer, Call};

use super::orders::on_order;
use crate::commands::{assign, steps};
use crate::context::Orders;
use crate::queries::{packages, pins};

/// The routes with their permission rows.
pub(crate) fn api(context: &Orders) -> ServiceApi {
    Internal::new(crate::NAME, context.clone())
        .tell::<AssignOrder, _>("internal_assign_order", |context, call, asked| {
            Box::pin(async move { give(&context, &call, asked).await })
        })
        .tell::<UnassignOrder, _>("internal_unassign_order", |context, call, asked| {
            Box::pin(async move { take(&context, &call, asked).await })
        })
        .tell::<ReportStep, _>("internal_report_step", |context, call, asked| {
            Box::pin(async move { notice(&context, &call, asked).await })
        })
        .ask::<HandOverPin, _>("internal_hand_over_pin", |context, scope, asked| {
            Box::pin(async move { pins::shown(&context, &scope, asked.order_id).await })
        })
        .ask_installation::<PackageOrder, _>("internal_package_order", |context, _scope, asked| {
            Box::pin(async move { packages::order_of(&context, &asked.tracking_number).await })
        })
        .finish()
}

async fn give(context: &Orders, call: &Call, asked: AssignOrder) -> Result<Answer> {
    let (id, orders): (OrderId, _) = (asked.order_id, context.clone());
    on_order(context, call, id, move |tx| {
        let (orders, asked) = (orders.clone(), asked.clone());
        Box::pin(async move {
            let attempt = Some(asked.attempt);
            let (order, _) =
                assign::assign(tx, &orders, id, asked.driver_id, asked.instead_of, attempt, "assign_order")
                    .await?;
            Answer::json(200, &Assigned { version: order.version })
        })
    })
    .await
}

async fn take(context: &Orders, call: &Call, asked: UnassignOrder) -> Result<Answer> {
    let (id, orders) = (asked.order_id, context.clone());
    on_order(context, call, id, move |tx| {
        let orders = orders.clone();
        Box::pin(async move {
            let driver = Some(asked.driver_id);
            let (order, _) = assign::unassign(tx, &orders, id, driver, "unassign_order").await?;
            Answer::json(200, &Assigned { version: order.version })
        })
    })
    .await
}

async fn notice(context: &Orders, call: &Call, asked: ReportStep) -> Result<Answer> {
    let (id, orders) = (asked.order_id, context.clone());
    on_order(context, call, id, move |tx| {
        let (orders, asked) = (orders.clone(), asked.clone());
        Box::pin(async move { Answer::json(200, &steps::noticed(tx, &orders, &asked).await?) })
    })
    .await
}
