//! Positions that come in over a connection that stays: WebSocket ([`crate::realtime::ws`]) and gRPC ([`crate::grpc`]).
//!
//! What arrives is handed to tracking's own operation, `POST /api/v1/drivers/{id}/location`, as the caller, and answered when
//! that has answered: **an acknowledgement means that the positions are durable**, the same promise as over HTTP. A message that is
//! not acknowledged is sent again by the client; tracking keeps each position once.
//!
//! | limit of one connection | |
//! |---|---|
//! | positions of a message | [`MOST`] |
//! | messages that wait while tracking answers | [`intake::WAITING`]; then nothing more is read, and the client's own sending stops |
//! | positions that are handed over at once | [`intake::GROUP`] |
//! | messages per minute | the quota of `report_location`, counted per driver, key or device over all ways together |

pub(crate) mod frame;
pub(crate) mod intake;

use http::HeaderValue;
use kernel::ids::DriverId;
use platform::auth::{Principal, Who};
use platform::http::operations::RateLimits;
use platform::{Error, Result};
use serde_json::Value;

use crate::forward::Channels;

/// Positions of one message.
pub(crate) const MOST: usize = 400;
/// The operation that takes them.
const OPERATION: &str = "report_location";

/// Positions of one message, as the client numbered it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Batch {
    /// The client's number of the message.
    pub(crate) id: u64,
    /// Whose; `None`: the caller's own.
    pub(crate) driver: Option<DriverId>,
    /// In the form of the HTTP operation.
    pub(crate) positions: Vec<Value>,
}

impl Batch {
    /// Refuses what nobody would take.
    pub(crate) fn new(id: u64, driver: Option<DriverId>, positions: Vec<Value>) -> Result<Self, Verdict> {
        if positions.is_empty() || positions.len() > MOST {
            let error = Error::invalid_field("/positions", format!("from 1 to {MOST} positions"));
            return Err(Verdict { id, outcome: Err(Refusal::from(&error)) });
        }
        Ok(Self { id, driver, positions })
    }
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The client's number of it.
    pub(crate) id: u64,
    /// It is stored, or it was not taken.
    pub(crate) outcome: Result<Taken, Refusal>,
}

/// The positions of a message are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// New ones.
    pub(crate) accepted: u32,
    /// Those that were stored before.
    pub(crate) duplicates: u32,
    /// Those that are not kept, by their place in the message, with the reason.
    pub(crate) rejected: Vec<(u32, String)>,
}

/// The positions of a message were not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The code of a problem document.
    pub(crate) code: String,
    /// Its status.
    pub(crate) status: u16,
    /// When to send them again; `None`: never.
    pub(crate) retry_after_ms: Option<u64>,
}

impl From<&Error> for Refusal {
    fn from(error: &Error) -> Self {
        let kind = error.kind();
        // What is our fault, or only a matter of time, is worth another try.
        let again = kind.is_failure() || matches!(kind.status(), 408 | 429);
        let wait = error.retry_after().unwrap_or(std::time::Duration::from_secs(1));
        let retry_after_ms = again.then(|| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1));
        Self { code: error.code().to_owned(), status: kind.status(), retry_after_ms }
    }
}

/// Who reports, and how tracking is reached.
#[derive(Clone)]
pub(crate) struct Reporter {
    /// How to reach the services.
    pub(crate) channels: Channels,
    /// Quotas.
    pub(crate) limits: Option<RateLimits>,
    /// What the caller presented.
    pub(crate) credential: Option<HeaderValue>,
    /// Who that is.
    pub(crate) principal: Principal,
}

impl Reporter {
    /// Counts one message against the quota that the HTTP operation counts against. A counter that is away counts nothing.
    pub(crate) async fn count(&self) -> Result<()> {
        let Some(limits) = &self.limits else { return Ok(()) };
        let general = if matches!(self.principal.who, Who::Key(_)) { limits.key } else { limits.principal };
        let policy = limits.operations.get(OPERATION).copied().unwrap_or(general);
        match limits.limiter.check(&policy, &self.principal.label()).await {
            Ok(decision) => decision.enforce(),
            Err(error) => {
                tracing::warn!(
                    cause = error.chain(),
                    "the rate limiter did not answer; positions pass uncounted"
                );
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::Kind;
    use std::time::Duration;

    #[test]
    fn what_is_a_matter_of_time_is_to_be_sent_again_and_nothing_else() {
        let refusal = |error: Error| Refusal::from(&error).retry_after_ms;
        let busy =
            Error::new(Kind::TooMany, "rate_limited", "x").with_retry_after(Duration::from_millis(100));
        assert_eq!(refusal(busy), Some(100));
        assert_eq!(refusal(Error::unavailable("tracking")), Some(1_000));
        assert_eq!(refusal(Error::internal("broken")), Some(1_000));
        assert_eq!(refusal(Error::forbidden()), None);
        assert_eq!(refusal(Error::not_found("driver")), None);
    }

    #[test]
    fn a_message_has_from_one_to_four_hundred_positions() {
        assert!(Batch::new(1, None, vec![Value::Null; MOST]).is_ok());
        for wrong in [0, MOST + 1] {
            let verdict = Batch::new(1, None, vec![Value::Null; wrong]).unwrap_err();
            let refusal = verdict.outcome.unwrap_err();
            assert_eq!((refusal.status, refusal.retry_after_ms), (422, None));
        }
    }
}
