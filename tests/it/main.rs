//! Whole-system stories.

mod browser;
mod contract;
mod kill;
mod passkey;
