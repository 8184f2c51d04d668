//! Whole-system stories.

mod browser;
mod kill;
