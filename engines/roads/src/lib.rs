//! Routes, travel-time matrices and reachable areas from an OpenStreetMap extract.
//!
//! [`import`] reads the extract once for each [`Profile`] (car, bicycle, an owner's own) and writes one file into the
//! map folder. [`Network::open`] maps that file; queries run on many threads at once. Speeds are not in the file:
//! [`Network::with_speeds`] gives a network with other speeds in a fraction of a second, which [`Live`] swaps in while
//! queries go on.
//!
//! What is kept of the map: one-way streets, legal limits, access (private roads for the last metres only), gates and
//! barriers, ferries, turn restrictions at nodes and over ways, the common rules by time of the week, traffic lights,
//! the cost of turning, the side of the road that people drive on.
//!
//! Roads that the edge of the extract, water or a closed road cuts off from the rest are kept: within such a part people
//! drive from door to door. A route between it and elsewhere begins or ends on the next road that is not cut off, and
//! [`Route`] tells where that is and how far from the point that was asked for.

mod cost;
mod error;
mod geometry;
mod graph;
mod hierarchy;
mod import;
mod matrix;
mod network;
mod profile;
#[cfg(test)]
mod proofs;
mod reach;
mod route;
mod snap;
mod speeds;
mod steps;
mod time;

pub use error::Error;
pub use import::{Options, ProfileSummary, Summary, import, import_with};
pub use matrix::{MAX_CELLS, Matrix};
pub use network::{Live, Network};
pub use profile::{Class, Profile};
pub use reach::{Reach, Stretch};
pub use route::Route;
pub use snap::Snap;
pub use speeds::SpeedTable;
pub use steps::{Manoeuvre, Step};
pub use time::TimeOfWeek;
