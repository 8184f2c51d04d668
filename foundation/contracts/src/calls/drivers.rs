//! Asked of drivers.

use kernel::ids::{DriverId, UserId};
use kernel::travel::Profile;
use serde::{Deserialize, Serialize};

use super::Call;

/// Asks for what a customer may know of drivers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriverCards {
    /// At most 100.
    pub driver_ids: Vec<DriverId>,
}

/// What a customer may know of a driver.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverCard {
    /// The driver.
    pub driver_id: DriverId,
    /// The first word of the driver's name; absent after an erasure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// How the driver comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vehicle: Option<Profile>,
    /// What the vehicle looks like, in the driver's words: "red cargo bike".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vehicle_description: Option<String>,
    /// The licence plate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plate: Option<String>,
}

impl std::fmt::Debug for DriverCard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DriverCard").field("driver_id", &self.driver_id).finish_non_exhaustive()
    }
}

impl Call for DriverCards {
    const SERVICE: &'static str = "drivers";
    const PATH: &'static str = "/internal/drivers/cards";
    type Answer = Vec<DriverCard>;
}

/// Asks which driver somebody who is signed in is. Answered with 404 when none.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriverOfUser {
    /// The account.
    pub user_id: UserId,
}

impl Call for DriverOfUser {
    const SERVICE: &'static str = "drivers";
    const PATH: &'static str = "/internal/drivers/of-user";
    type Answer = DriverId;
}
