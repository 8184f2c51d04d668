//! Proof of a pick-up, a drop-off or a return: what an order asks for, and whether what was captured is enough.
//!
//! | level | captured | missing |
//! |---|---|---|
//! | `required` | fine | the step is refused |
//! | `warn` | fine | the step is done, and what is missing is recorded |
//! | `optional` | fine | fine |
//! | `off` | kept, not asked for | fine |
//!
//! A PIN that was set is checked when it is presented: at most [`PIN_TRIES`] wrong ones for a stop, then a manager has to
//! set it anew. It is stored as a hash that is keyed with the organisation's key and bound to order and stop: whoever has
//! only the rows cannot try the million PINs.

use std::collections::BTreeSet;

use contracts::orders::OrderStatus;
use kernel::random::Random;
use serde::{Deserialize, Serialize};

/// Wrong PINs until a stop is locked.
pub const PIN_TRIES: i16 = 5;

/// How much a kind of proof is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The step waits for it.
    Required,
    /// Its absence is recorded.
    Warn,
    /// Nice to have.
    Optional,
    /// Not asked for.
    #[default]
    Off,
}

/// A kind of proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A picture of the goods or the place.
    Photo,
    /// A drawn name.
    Signature,
    /// A number that only the right person knows.
    Pin,
    /// Codes on the packages.
    Barcodes,
    /// A sentence.
    Notes,
    /// Somebody looked at a document. The result only, never the document.
    MinimumAge,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Photo, Self::Signature, Self::Pin, Self::Barcodes, Self::Notes, Self::MinimumAge];

    /// The word of the API and the events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Photo => "photo",
            Self::Signature => "signature",
            Self::Pin => "pin",
            Self::Barcodes => "barcodes",
            Self::Notes => "notes",
            Self::MinimumAge => "minimum_age",
        }
    }
}

/// Where proof is captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stop {
    /// Where the goods come from.
    Pickup,
    /// Where they go.
    Dropoff,
    /// Where they go back to.
    Return,
}

impl Stop {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pickup, Self::Dropoff, Self::Return];

    /// The word of the API, the database and the events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pickup => "pickup",
            Self::Dropoff => "dropoff",
            Self::Return => "return",
        }
    }

    /// The stop of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// The stop that a step completes, and whose proof it therefore needs.
    pub const fn completed_by(status: OrderStatus) -> Option<Self> {
        match status {
            OrderStatus::PickedUp => Some(Self::Pickup),
            OrderStatus::Delivered => Some(Self::Dropoff),
            OrderStatus::Returned => Some(Self::Return),
            _ => None,
        }
    }
}

/// What one stop asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wanted {
    /// A picture.
    pub photo: Level,
    /// A signature.
    pub signature: Level,
    /// The PIN.
    pub pin: Level,
    /// The codes of all packages that have one.
    pub barcodes: Level,
    /// A sentence.
    pub notes: Level,
    /// A look at a document.
    pub minimum_age: Level,
}

impl Wanted {
    /// How much a kind is wanted.
    pub const fn level(self, kind: Kind) -> Level {
        match kind {
            Kind::Photo => self.photo,
            Kind::Signature => self.signature,
            Kind::Pin => self.pin,
            Kind::Barcodes => self.barcodes,
            Kind::Notes => self.notes,
            Kind::MinimumAge => self.minimum_age,
        }
    }

    /// Whether somebody is asked for a PIN, so that there has to be one.
    pub const fn asks_for_pin(self) -> bool {
        matches!(self.pin, Level::Required | Level::Warn)
    }

    /// What is missing of what was captured.
    pub fn missing(self, captured: &BTreeSet<Kind>) -> Missing {
        let of = |level| {
            let lacks = |kind: &Kind| self.level(*kind) == level && !captured.contains(kind);
            Kind::ALL.into_iter().filter(lacks).collect()
        };
        Missing { required: of(Level::Required), warned: of(Level::Warn) }
    }
}

/// What an order asks for at its stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Requirements {
    /// At the pick-up.
    pub pickup: Wanted,
    /// At the drop-off.
    pub dropoff: Wanted,
    /// When it comes back.
    #[serde(rename = "return")]
    pub back: Wanted,
}

impl Requirements {
    /// What a stop asks for.
    pub const fn at(self, stop: Stop) -> Wanted {
        match stop {
            Stop::Pickup => self.pickup,
            Stop::Dropoff => self.dropoff,
            Stop::Return => self.back,
        }
    }
}

/// What is missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Missing {
    /// The step waits for these.
    pub required: Vec<Kind>,
    /// The step is done without these, and that is recorded.
    pub warned: Vec<Kind>,
}

/// A PIN as it is made where a drop-off asks for one and nobody has set it.
pub fn pin(random: &Random) -> String {
    format!("{:04}", random.below(10_000))
}

/// What becomes of a presented PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinVerdict {
    /// It is the one.
    Right,
    /// It is not; so many tries are left.
    Wrong {
        /// Tries that are left.
        left: i16,
    },
    /// Too many were wrong.
    Locked,
}

/// Judges a PIN after so many wrong ones.
pub const fn judge_pin(matches: bool, wrong_before: i16) -> PinVerdict {
    if wrong_before >= PIN_TRIES {
        PinVerdict::Locked
    } else if matches {
        PinVerdict::Right
    } else if wrong_before + 1 >= PIN_TRIES {
        PinVerdict::Locked
    } else {
        PinVerdict::Wrong { left: PIN_TRIES - wrong_before - 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_required_stops_a_step() {
        let wanted = Wanted {
            photo: Level::Required,
            signature: Level::Warn,
            notes: Level::Optional,
            ..Wanted::default()
        };
        let missing = wanted.missing(&BTreeSet::new());
        assert_eq!((missing.required, missing.warned), (vec![Kind::Photo], vec![Kind::Signature]));
        let all = BTreeSet::from(Kind::ALL);
        assert_eq!(wanted.missing(&all), Missing::default());
    }

    #[test]
    fn every_kind_has_its_own_level() {
        for kind in Kind::ALL {
            let wanted: Wanted =
                serde_json::from_str(&format!(r#"{{"{}":"required"}}"#, kind.as_str())).unwrap();
            assert_eq!(wanted.missing(&BTreeSet::new()).required, [kind]);
        }
    }

    #[test]
    fn a_stop_is_completed_by_one_status() {
        let stops: Vec<_> = OrderStatus::ALL.into_iter().filter_map(Stop::completed_by).collect();
        assert_eq!(stops, Stop::ALL);
        for stop in Stop::ALL {
            assert_eq!(Stop::parse(stop.as_str()), Some(stop));
        }
        assert_eq!(Requirements::default().at(Stop::Return), Wanted::default());
    }

    #[test]
    fn the_fifth_wrong_pin_locks_and_the_right_one_does_not_help_then() {
        let mut left = Vec::new();
        for before in 0..PIN_TRIES {
            left.push(judge_pin(false, before));
        }
        assert_eq!(left[0], PinVerdict::Wrong { left: 4 });
        assert_eq!(left[3], PinVerdict::Wrong { left: 1 });
        assert_eq!(left[4], PinVerdict::Locked);
        assert_eq!(judge_pin(true, 4), PinVerdict::Right);
        assert_eq!(judge_pin(true, PIN_TRIES), PinVerdict::Locked);
    }
}
