//! Whole-system stories.

mod backup;
mod broker;
mod browser;
mod contract;
mod faults;
mod kill;
mod load;
mod lunch;
mod passkey;
mod second_factor;
mod shared;
mod split;
