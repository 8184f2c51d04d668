//! Whole-system stories.

mod browser;
mod contract;
mod faults;
mod kill;
mod load;
mod passkey;
mod split;
