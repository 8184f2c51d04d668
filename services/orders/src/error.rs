//! The closed list of refusals of orders, with their stable codes.
//!
//! | code | when | members |
//! |---|---|---|
//! | `illegal_step` | it is not the next thing that can happen | `status`, `driver_id`, `allowed`, `state`; of a correction also `corrections` |
//! | `order_taken` | another driver has the order | the same |
//! | `order_carried` | the driver has picked the goods up | the same |
//! | `other_attempt` | a decision was made about another attempt | the same |
//! | `proof_missing` | a step waits for proof | the same, `missing` |
//! | `illegal_preparation` | the shop cannot go there from where it is | `preparation`, `allowed` |
//! | `too_late` | the order has gone too far for this change | `status`, `fields` |
//! | `illegal_scan` | a package cannot go there, or its order cannot follow | `status`, `order_status` |
//! | `import_state` | an import cannot be confirmed or undone from where it stands | `state` |
//! | `import_invalid` | rows of an import are wrong, and it was not said to leave them out | `invalid` |
//! | `pin_wrong`, `pin_locked`, `pin_unset` | a presented PIN | `left` |

use contracts::orders::OrderStatus;
use kernel::ids::OrderId;
use platform::{Error, Kind};
use serde_json::{Value, json};

use crate::domain::import::State;
use crate::domain::package::PackageStatus;
use crate::domain::preparation::Preparation;
use crate::domain::proof::{self, PinVerdict};
use crate::domain::status::Refusal;
use crate::entities::Order;

/// An order that is not there, or not the caller's.
pub fn no_order() -> Error {
    Error::not_found("order")
}

/// A package that is not there, or not the caller's.
pub fn no_package() -> Error {
    Error::not_found("package")
}

/// A conflict with where an order stands; what can happen next stands in it.
fn conflict(order: &Order, code: &'static str, message: String) -> Error {
    let allowed: Vec<&str> = order.movement.steps().into_iter().map(OrderStatus::as_str).collect();
    Error::new(Kind::Conflict, code, message)
        .with_extension("status", order.movement.status().as_str())
        .with_extension("driver_id", order.driver().map_or(Value::Null, |driver| driver.to_string().into()))
        .with_extension("allowed", allowed)
        .with_extension("state", serde_json::to_value(order.state()).unwrap_or_default())
}

/// What the machine refused.
pub fn refused(order: &Order, refusal: Refusal) -> Error {
    let code = match refusal {
        Refusal::Illegal | Refusal::Nobody => "illegal_step",
        Refusal::Taken => "order_taken",
        Refusal::Carried => "order_carried",
    };
    conflict(order, code, format!("This is not possible: {refusal}."))
}

/// A decision about an attempt that is over.
pub fn other_attempt(order: &Order) -> Error {
    conflict(order, "other_attempt", "The order is at another attempt.".to_owned())
}

/// A step that waits for proof.
pub fn proof_missing(order: &Order, missing: &[proof::Kind]) -> Error {
    let missing: Vec<&str> = missing.iter().map(|kind| kind.as_str()).collect();
    conflict(order, "proof_missing", "Proof that this step needs is missing.".to_owned())
        .with_extension("missing", missing)
}

/// A step of the shop that is not the next one.
pub fn illegal_preparation(now: Preparation) -> Error {
    let allowed: Vec<&str> = now.next().iter().map(|one| one.as_str()).collect();
    Error::new(Kind::Conflict, "illegal_preparation", "The preparation cannot go there from where it is.")
        .with_extension("preparation", now.as_str())
        .with_extension("allowed", allowed)
}

/// A change that comes too late.
pub fn too_late(order: &Order, fields: &[&'static str]) -> Error {
    Error::new(Kind::Conflict, "too_late", "The order has gone too far for this change.")
        .with_extension("status", order.movement.status().as_str())
        .with_extension("fields", json!(fields))
}

/// A scan that does not fit.
pub fn illegal_scan(package: PackageStatus, order: &Order) -> Error {
    conflict(order, "illegal_scan", "The package, or its order, cannot go there from where it is.".to_owned())
        .with_extension("order_status", order.movement.status().as_str())
        .with_extension("status", package.as_str())
}

/// A PIN that is not accepted; `None` when it is.
pub fn pin(order: OrderId, verdict: PinVerdict) -> Option<Error> {
    let refusal = |code, message, left: i16| {
        Error::new(Kind::Conflict, code, message)
            .with_extension("order_id", order.to_string())
            .with_extension("left", left)
    };
    match verdict {
        PinVerdict::Right => None,
        PinVerdict::Wrong { left } => Some(refusal("pin_wrong", "This is not the PIN.", left)),
        PinVerdict::Locked => {
            Some(refusal("pin_locked", "Too many PINs were wrong. A manager can set it anew.", 0))
        }
    }
}

/// A PIN for a stop that has none.
pub fn pin_unset() -> Error {
    Error::new(Kind::Conflict, "pin_unset", "No PIN was set for this stop.")
}

/// A recurrence that is not there, or not the caller's.
pub fn no_recurrence() -> Error {
    Error::not_found("recurring order")
}

/// An import that is not there, or not the caller's.
pub fn no_import() -> Error {
    Error::not_found("import")
}

/// A step of an import that is not the next one.
pub fn import_state(state: State) -> Error {
    Error::new(Kind::Conflict, "import_state", "The import cannot go there from where it stands.")
        .with_extension("state", state.as_str())
}

/// An import with wrong rows.
pub fn import_invalid(invalid: i32) -> Error {
    Error::new(
        Kind::Conflict,
        "import_invalid",
        "Rows of the import are wrong; say `only_if_all_valid: false` to leave them out.",
    )
    .with_extension("invalid", invalid)
}

/// A refusal in one line, for those who were not there when it was made.
pub fn in_words(error: &Error) -> String {
    let fields: Vec<String> =
        error.fields().iter().map(|field| format!("{} {}", field.pointer, field.detail)).collect();
    if fields.is_empty() { error.message().to_owned() } else { fields.join("; ") }
}

/// Whether a command was refused on the state, so that it will be refused again; our failures are tried again.
pub fn is_refusal(error: &Error) -> bool {
    !error.kind().is_failure() && !error.is_transient()
}
