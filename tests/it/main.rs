//! Whole-system stories.

mod kill;
