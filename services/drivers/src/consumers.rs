//! What drivers does when it hears events.

pub mod onboarding;
