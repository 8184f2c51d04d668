//! # ETA
//!
//! When a courier will be there, as a window that holds as often as it says, learned from an owner's own finished deliveries.
//! Pure calculation: no clock, no files, no randomness.
//!
//! A prediction is put together from parts that can each be looked at, then corrected as a whole:
//!
//! | part | from | without data |
//! |---|---|---|
//! | driving | road time x factor of the road class and the hour ([`speeds`]), or of the source and the hour ([`legs`]) | 1 |
//! | stop: parking, stairs, hand-over | the address, else the shop, else the kind of stop ([`stops`]) | what is planned |
//! | waiting for the goods | how late the shop is at this hour ([`preparation`]) | on time |
//! | residual of the sum | ridge on the log ratio ([`residual`]) | 1 |
//! | today's shift of this driver | the mean of the last errors ([`shift`]) | 1 |
//! | window | split-conformal quantiles by horizon ([`conformal`]) | a rule of thumb, marked as such |
//!
//! Every part is shrunk towards what is known without it: three deliveries move a number a little, three hundred decide it.
//! [`Model::train`] makes all of them from finished deliveries; [`accuracy`] says how good the predictions were.

pub mod accuracy;
pub mod conformal;
pub mod legs;
pub mod preparation;
pub mod residual;
pub mod shift;
pub mod speeds;
pub mod stops;

mod linear;
mod model;
mod shrink;

pub use conformal::Window;
pub use model::{History, Model};

/// Hours of a day, in the shop's time zone.
pub const HOURS: usize = 24;
