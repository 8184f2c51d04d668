//! One use case per file: load, decide (domain), save, publish, commit.

pub mod quotes;
pub mod shops;
pub mod zones;
