//! The rows of a delivery's timeline, and what else is noticed about it.
//!
//! | kind | when |
//! |---|---|
//! | a status | the movement changed to it; `assigned` also when another driver gets an order that is not yet carried |
//! | `handed_over` | another driver carries it on |
//! | `corrected` | a status was set right instead of being reached |
//! | `proof` | proof was captured |
//! | `arriving` | the courier is near the drop-off; once for each attempt |
//! | `arrival_suggested` | positions say that the courier is there, and the organisation makes arrivals by hand |
//! | `left_pickup`, `left_dropoff` | positions say that the courier has left a stop whose arrival was reported |
//! | `delayed` | it will be later than promised |
//! | `confirmed`, `rated` | the customer said so |

use contracts::orders::OrderStatus;
use contracts::tracking::EtaWindow;
use kernel::geo::Position;
use kernel::ids::DriverId;
use kernel::time::Timestamp;

/// One end of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// Where it is picked up.
    Pickup,
    /// Where it is dropped off.
    Dropoff,
}

impl Stop {
    /// The word of the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pickup => "pickup",
            Self::Dropoff => "dropoff",
        }
    }

    /// The stop of this word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pickup, Self::Dropoff].into_iter().find(|stop| stop.as_str() == word)
    }

    /// The status of an order whose driver is there.
    pub const fn arrived(self) -> OrderStatus {
        match self {
            Self::Pickup => OrderStatus::ArrivedAtPickup,
            Self::Dropoff => OrderStatus::ArrivedAtDropoff,
        }
    }
}

/// What a look at a delivery brought: to be written down and told.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// A row of the timeline and nothing else.
    Row {
        /// Its kind.
        kind: &'static str,
        /// When it happened.
        at: Timestamp,
    },
    /// The expected time became known or moved.
    EtaChanged(EtaWindow),
    /// The courier is near.
    Arriving {
        /// Who.
        driver_id: DriverId,
        /// Straight line, metres.
        distance_m: u32,
        /// When.
        at: Timestamp,
    },
    /// Later than promised.
    Delayed {
        /// The promise.
        promised_until: Timestamp,
        /// What is expected.
        expected: Timestamp,
        /// When that became known.
        at: Timestamp,
    },
    /// The courier is there.
    Arrived {
        /// Who.
        driver_id: DriverId,
        /// Where.
        stop: Stop,
        /// When.
        at: Timestamp,
        /// Where exactly.
        position: Position,
    },
}

/// A row in the words of the customer's page.
pub fn words(kind: &str) -> &'static str {
    match kind {
        "created" => "The order was placed.",
        "assigned" => "A courier will take care of it.",
        "enroute_to_pickup" => "The courier is on the way to pick it up.",
        "arrived_at_pickup" => "The courier is at the pick-up.",
        "picked_up" => "It was picked up.",
        "enroute_to_dropoff" => "It is on the way.",
        "arriving" => "The courier is nearly there.",
        "arrived_at_dropoff" => "The courier is at the door.",
        "delivered" => "It was delivered.",
        "failed" => "It could not be delivered.",
        "returning" => "It is on the way back.",
        "returned" => "It was brought back.",
        "cancelled" => "It was cancelled.",
        "delayed" => "It will be later than promised.",
        "proof" => "The hand-over was documented.",
        "handed_over" => "Another courier carries it on.",
        "confirmed" => "You confirmed the receipt.",
        "rated" => "You rated the delivery.",
        "corrected" => "The status was corrected.",
        "arrival_suggested" => "The courier seems to be there.",
        "left_pickup" => "The courier left the pick-up.",
        "left_dropoff" => "The courier left the drop-off.",
        _ => "Something happened.",
    }
}

/// Whether customers see rows of this kind; the others are for those who work with them.
pub fn is_public(kind: &str) -> bool {
    !matches!(kind, "corrected" | "arrival_suggested" | "left_pickup" | "left_dropoff" | "proof")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_words_and_is_public() {
        for status in OrderStatus::ALL {
            assert_ne!(words(status.as_str()), "Something happened.", "{status:?}");
            assert!(is_public(status.as_str()));
        }
        assert!(!is_public("arrival_suggested"));
    }

    #[test]
    fn stops_have_words() {
        for stop in [Stop::Pickup, Stop::Dropoff] {
            assert_eq!(Stop::parse(stop.as_str()), Some(stop));
        }
        assert_eq!(Stop::parse("return"), None);
        assert_eq!(Stop::Dropoff.arrived(), OrderStatus::ArrivedAtDropoff);
    }
}
