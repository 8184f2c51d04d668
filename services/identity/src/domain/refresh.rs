//! What happens when a refresh token is presented.
//!
//! | token | session | decision |
//! |---|---|---|
//! | unused | alive | rotate: a new one, the presented one is used |
//! | used less than 10 s ago, its successor unused, same client | alive | the same successor again (the answer was lost) |
//! | used otherwise | alive | theft: the whole session is revoked |
//! | any | revoked or expired | refused |
//!
//! The grace is for the direct parent only: a grandparent's successor has itself been used, which is theft. It is for the
//! client that opened the session only: a token that turns up somewhere else was copied, however soon.

use kernel::time::{SignedDuration, Timestamp};

/// How long the direct parent gets the same successor again.
pub const GRACE: SignedDuration = SignedDuration::from_secs(10);
/// How long a session lives without a refresh.
pub const IDLE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What is known about a presented token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    /// When it was used, if it was.
    pub used_at: Option<Timestamp>,
    /// Whether its successor was used already.
    pub successor_used: bool,
    /// Whether the client looks like the one that opened the session.
    pub same_client: bool,
    /// When the session was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// When the session expires.
    pub expires_at: Timestamp,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A new token.
    Rotate,
    /// The successor that was given out before.
    Repeat,
    /// Revoke the session.
    Theft,
    /// Nothing; the session is over.
    Refuse,
}

/// Decides.
pub fn decide(token: Presented, now: Timestamp) -> Decision {
    if token.revoked_at.is_some() || token.expires_at <= now {
        return Decision::Refuse;
    }
    match token.used_at {
        None => Decision::Rotate,
        Some(used) if !token.successor_used && token.same_client && now.duration_since(used) < GRACE => {
            Decision::Repeat
        }
        Some(_) => Decision::Theft,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    fn token(used: Option<i64>, successor_used: bool) -> Presented {
        Presented {
            used_at: used.map(at),
            successor_used,
            same_client: true,
            revoked_at: None,
            expires_at: at(1000),
        }
    }

    #[test]
    fn the_table_of_the_module_holds() {
        assert_eq!(decide(token(None, false), at(0)), Decision::Rotate);
        assert_eq!(decide(token(Some(0), false), at(9)), Decision::Repeat);
        assert_eq!(decide(token(Some(0), false), at(10)), Decision::Theft, "after the grace");
        assert_eq!(decide(token(Some(0), true), at(1)), Decision::Theft, "a grandparent");
        let elsewhere = |token| Presented { same_client: false, ..token };
        assert_eq!(decide(elsewhere(token(Some(0), false)), at(1)), Decision::Theft, "another client");
        assert_eq!(decide(elsewhere(token(None, false)), at(0)), Decision::Rotate, "a client may be updated");
        assert_eq!(decide(token(None, false), at(1000)), Decision::Refuse, "expired");
        let revoked = Presented { revoked_at: Some(at(0)), ..token(None, false) };
        assert_eq!(decide(revoked, at(1)), Decision::Refuse);
    }
}
