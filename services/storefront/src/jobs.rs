//! What storefront does in the background.

pub mod purge_quotes;
