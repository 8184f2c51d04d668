//! One use case per file: load, decide (domain), save, publish, commit.

pub mod availability;
pub mod daily;
pub mod documents;
pub mod onboarding;
pub mod profiles;
pub mod ratings;
pub mod save;
pub mod shifts;
pub mod vehicles;
