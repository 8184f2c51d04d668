//! What services ask each other when an event would come too late: the bodies of internal operations, which are no part
//! of the public API. Keep them few.
//!
//! A call is sent with `platform::http::Peer` and served by `platform::http::internal`; both sides share the type.

mod drivers;
mod identity;
mod orders;
mod tracking;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use drivers::{DriverCard, DriverCards, DriverOfUser};
pub use identity::{KEY_EXCHANGE, KnownKey, Person, PersonOf, PresentedKey};
pub use orders::{
    AssignOrder, Assigned, HandOverPin, OrderState, PackageOrder, ReportStep, ShownPin, StepReported,
    UnassignOrder,
};
pub use tracking::{LastPositions, Positions, PublicOrder, TrackedOrder};

/// One internal operation: a `POST` of this body, answered with [`Call::Answer`].
pub trait Call: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Who answers it.
    const SERVICE: &'static str;
    /// Where: `/internal/<service>/<name>`.
    const PATH: &'static str;
    /// With what.
    type Answer: Serialize + DeserializeOwned + Send + Sync + 'static;
}
