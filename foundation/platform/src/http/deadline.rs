//! Until when an answer is of use: set at the edge, carried by the request, passed on with every call.
//!
//! It is time of this machine, not business time. Across a wire goes what is left of it ([`DEADLINE_MS`]), because two
//! machines agree on durations, not on clocks; the called service takes the smaller of its own and the one passed on.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

/// Milliseconds that are left for the answer to begin.
pub const DEADLINE_MS: HeaderName = HeaderName::from_static("x-dropmate-deadline-ms");

/// The moment at which the caller stops waiting; an extension of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// So much from now on.
    pub fn after(budget: Duration) -> Self {
        let now = Instant::now();
        // A budget that cannot be added is one of centuries: a day is as good.
        Self(now.checked_add(budget).unwrap_or(now + Duration::from_hours(24)))
    }

    /// What is left; zero when it is over.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// What a caller passed on. Anything but a number is no deadline.
    pub fn passed_on(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(DEADLINE_MS)?.to_str().ok()?;
        Some(Self::after(Duration::from_millis(text.parse().ok()?)))
    }

    /// As it travels.
    pub fn header(self) -> HeaderValue {
        HeaderValue::from(u64::try_from(self.left().as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_travels_is_what_is_left() {
        let deadline = Deadline::after(Duration::from_secs(5));
        tokio::time::advance(Duration::from_secs(2)).await;
        let mut headers = HeaderMap::new();
        headers.insert(DEADLINE_MS, deadline.header());
        assert_eq!(headers[DEADLINE_MS], "3000");
        assert_eq!(Deadline::passed_on(&headers), Some(deadline));
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!((deadline.left(), deadline.header()), (Duration::ZERO, HeaderValue::from(0)));
        headers.insert(DEADLINE_MS, HeaderValue::from_static("soon"));
        assert_eq!(Deadline::passed_on(&headers), None);
    }
}
