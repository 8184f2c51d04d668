//! A day of deliveries that nobody has to make: shops, couriers who behave like people, and orders that arrive one after the
//! other, driven only through the public API of an installation and the protocols of real devices.
//!
//! A [`Scenario`] says who is where and what happens when: a made-up town ([`world`]), or an instance of the meal delivery
//! routing problem ([`instance`]). [`Day`] plays it. Time is either that of an installation of its own, which moves on when
//! everything there was to do is done ([`Private`]), or the wall clock in front of a running one ([`Live`]). What came out of
//! it is counted in [`Figures`].
//!
//! One seed decides everything that is drawn.

pub mod instance;
pub mod world;

mod api;
mod day;
mod figures;
mod pace;
mod phone;
mod plan;
mod plane;
mod private;
mod scenario;
mod streets;
mod town;
mod tracker;

pub use api::{Api, Session};
pub use day::Day;
pub use figures::{Figures, Incidents};
pub use pace::{Live, Pace};
pub use private::Private;
pub use scenario::{Character, Courier, Order, Scenario, Shop};
pub use streets::Streets;
pub use town::{Dispatching, Town};
pub use tracker::Device;
