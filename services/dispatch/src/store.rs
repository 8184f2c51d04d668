//! The SQL of dispatch. Row types are private.

pub mod decisions;
pub mod drivers;
pub mod factors;
pub mod lease;
pub mod offers;
pub mod orders;
pub mod policies;
pub mod routes;
pub mod zones;
