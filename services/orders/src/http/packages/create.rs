//! `POST /api/v1/packages`

use std::collections::BTreeSet;

use axum::extract::State;
use garde::Validate;
use kernel::ids::{OrderId, ShopId};
use platform::http::call::Command;
use platform::http::openapi::optional_type_id;
use platform::idempotency::Answer;
use platform::{Error, Result};
use serde::Deserialize;
use utoipa::ToSchema;

use super::on_package;
use super::view::PackageView;
use crate::commands::create::{NewOrder, NewPackage, NewStop, create};
use crate::commands::packages::add;
use crate::context::Orders;
use crate::domain::proof::Requirements;
use crate::entities::Package;
use crate::error::no_package;
use crate::http::orders::body::{NewOrderPackage, NewOrderStop};

/// A package of an order that is there, or with an order of its own.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "package": { "description": "Two loaves of rye bread", "weight_g": 1200 },
    "pickup": { "street": "Aleksanterinkatu 52", "postcode": "00100", "city": "Helsinki" },
    "dropoff": { "street": "Hämeentie 5", "postcode": "00530", "city": "Helsinki" }
}))]
pub(crate) struct NewPackageBody {
    /// The package.
    #[garde(dive)]
    package: NewOrderPackage,
    /// The order that it is added to. Without it, the package has an order of its own.
    #[garde(skip)]
    #[schema(schema_with = optional_type_id::<OrderId>)]
    order_id: Option<OrderId>,
    /// Of an order of its own: where it comes from.
    #[garde(skip)]
    #[schema(schema_with = optional_type_id::<ShopId>)]
    shop_id: Option<ShopId>,
    /// Of an order of its own: where it is picked up.
    #[garde(dive)]
    pickup: Option<NewOrderStop>,
    /// Of an order of its own: where it is dropped off.
    #[garde(dive)]
    dropoff: Option<NewOrderStop>,
}

#[derive(Debug, Clone)]
enum Wanted {
    Added(OrderId, NewPackage),
    Alone(Box<NewOrder>),
}

impl NewPackageBody {
    fn read(self) -> Result<Wanted> {
        let package = NewPackage::from(self.package);
        if let Some(order) = self.order_id {
            let more = [self.shop_id.is_some(), self.pickup.is_some(), self.dropoff.is_some()];
            if more.contains(&true) {
                return Err(Error::invalid_field("/order_id", "the order has its places already"));
            }
            return Ok(Wanted::Added(order, package));
        }
        let dropoff =
            self.dropoff.ok_or_else(|| Error::invalid_field("/dropoff", "is needed without an order"))?;
        Ok(Wanted::Alone(Box::new(NewOrder {
            source: "package",
            shop_id: self.shop_id,
            pickup: self.pickup.map(NewStop::from),
            dropoff: dropoff.into(),
            customer_id: None,
            packages: vec![package],
            ready_at: None,
            priority: 0,
            tags: Vec::new(),
            metadata: serde_json::Map::new(),
            cash: None,
            skills: BTreeSet::new(),
            proof: Requirements::default(),
            pins: Vec::new(),
            driver_id: None,
            reference: None,
        })))
    }
}

/// Adds a package to an order, or places one with an order of its own.
#[utoipa::path(
    post, path = "/api/v1/packages", operation_id = "create_package", tag = "packages",
    request_body = NewPackageBody,
    responses((status = 201, description = "It has a tracking number.", body = PackageView))
)]
pub(crate) async fn create_package(
    State(context): State<Orders>,
    request: Command<NewPackageBody>,
) -> Result<Answer> {
    let (wanted, orders) = (request.body.read()?, context.clone());
    on_package(&context, &request.call, move |tx| {
        let (wanted, orders) = (wanted.clone(), orders.clone());
        Box::pin(async move {
            let package: Package = match &wanted {
                Wanted::Added(id, new) => add(tx, &orders, *id, new).await?.1,
                Wanted::Alone(new) => {
                    let order = create(tx, &orders, new, "create_package").await?;
                    order.packages.into_iter().next().ok_or_else(no_package)?
                }
            };
            let location = format!("/api/v1/packages/{}", package.tracking_number);
            let answer = Answer::json(201, &PackageView::from(&package))?;
            Ok((answer.versioned(package.version).with_header("location", location), package.order_id))
        })
    })
    .await
}
