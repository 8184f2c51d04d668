//! What drivers does in the background.

pub mod daily;
pub mod forget_roster;
pub mod learn_person;
