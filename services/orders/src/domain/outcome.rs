//! How an order ended: Spoke's names of outcomes, CoopCycle's reasons of failures (`reference/peers.md` 3.1 and 3.2), and
//! who is to blame for a reason.

use contracts::orders::OrderStatus;

/// How a delivery ended well.
pub const DELIVERED: [&str; 7] = [
    "delivered_to_recipient",
    "delivered_to_third_party",
    "delivered_to_mailbox",
    "delivered_to_safe_place",
    "delivered_to_pickup_point",
    "delivered_other",
    PARTIALLY,
];

/// Some of the packages were handed over.
pub const PARTIALLY: &str = "partially_delivered";

/// How a delivery ended badly.
pub const FAILED: [&str; 8] = [
    "failed_not_home",
    "failed_cant_find_address",
    "failed_no_parking",
    "failed_no_time",
    "failed_package_not_available",
    "failed_missing_required_proof",
    "failed_payment_not_received",
    "failed_other",
];

/// Who is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// Those who deliver.
    Carrier,
    /// Those who sell.
    Merchant,
    /// Those who receive.
    Recipient,
    /// Nobody.
    Weather,
    /// Somebody else.
    Other,
}

impl Blame {
    /// The word of the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Carrier => "carrier",
            Self::Merchant => "merchant",
            Self::Recipient => "recipient",
            Self::Weather => "weather",
            Self::Other => "other",
        }
    }
}

/// Why something failed, and who is to blame for it.
pub const REASONS: [(&str, Blame); 22] = [
    ("damaged", Blame::Carrier),
    ("lost", Blame::Carrier),
    ("late", Blame::Carrier),
    ("not_at_home", Blame::Recipient),
    ("closed_store", Blame::Merchant),
    ("wrong_addr", Blame::Recipient),
    ("refused", Blame::Recipient),
    ("item_missing", Blame::Merchant),
    ("incorrect_item", Blame::Merchant),
    ("weather", Blame::Weather),
    ("vehicle_breakdown", Blame::Carrier),
    ("traffic", Blame::Other),
    ("route_issue", Blame::Carrier),
    ("customs_issue", Blame::Other),
    ("inventory_issue", Blame::Merchant),
    ("address_unreachable", Blame::Recipient),
    ("insufficient_fund", Blame::Recipient),
    ("data_error", Blame::Merchant),
    ("packaging_issue", Blame::Merchant),
    ("holiday", Blame::Other),
    ("address_review_needed", Blame::Merchant),
    ("price_review_needed", Blame::Merchant),
];

/// How it ended, as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ending {
    /// `delivered_...`, `failed_...`.
    pub outcome: Option<&'static str>,
    /// `not_at_home` ...
    pub reason: Option<&'static str>,
    /// Who is to blame for the reason.
    pub blame: Option<&'static str>,
}

/// Why an ending means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndingError {
    /// Not a word, or not one of this status.
    #[error("not an outcome of this status")]
    Outcome,
    /// Not a word, or nothing failed.
    #[error("not a reason of this status")]
    Reason,
}

/// The ending of a status. Without words, a delivery went to the recipient and a failure is `failed_other`.
pub fn ending(to: OrderStatus, outcome: Option<&str>, reason: Option<&str>) -> Result<Ending, EndingError> {
    let known = |list: &'static [&'static str], word: &str| list.iter().copied().find(|one| *one == word);
    let blamed =
        reason.map(|word| REASONS.into_iter().find(|(one, _)| *one == word).ok_or(EndingError::Reason));
    match to {
        OrderStatus::Delivered => {
            let outcome = known(&DELIVERED, outcome.unwrap_or(DELIVERED[0])).ok_or(EndingError::Outcome)?;
            if blamed.is_some() && outcome != PARTIALLY {
                return Err(EndingError::Reason);
            }
            let blamed = blamed.transpose()?;
            Ok(Ending {
                outcome: Some(outcome),
                reason: blamed.map(|(word, _)| word),
                blame: blamed.map(|(_, blame)| blame.as_str()),
            })
        }
        OrderStatus::Failed => {
            let blamed = blamed.transpose()?;
            Ok(Ending {
                outcome: Some(known(&FAILED, outcome.unwrap_or("failed_other")).ok_or(EndingError::Outcome)?),
                reason: blamed.map(|(word, _)| word),
                blame: blamed.map(|(_, blame)| blame.as_str()),
            })
        }
        _ if outcome.is_some() => Err(EndingError::Outcome),
        _ if reason.is_some() => Err(EndingError::Reason),
        _ => Ok(Ending::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ends_have_an_ending() {
        for status in OrderStatus::ALL {
            let silent = ending(status, None, None).unwrap();
            let wanted = match status {
                OrderStatus::Delivered => Some("delivered_to_recipient"),
                OrderStatus::Failed => Some("failed_other"),
                _ => None,
            };
            assert_eq!(silent.outcome, wanted, "{status:?}");
            if wanted.is_none() {
                assert_eq!(ending(status, Some("failed_other"), None), Err(EndingError::Outcome));
                assert_eq!(ending(status, None, Some("lost")), Err(EndingError::Reason));
            }
        }
    }

    #[test]
    fn every_reason_names_who_is_to_blame() {
        for (word, blame) in REASONS {
            let end = ending(OrderStatus::Failed, None, Some(word)).unwrap();
            assert_eq!((end.reason, end.blame), (Some(word), Some(blame.as_str())));
        }
        assert_eq!(ending(OrderStatus::Failed, None, Some("bad_mood")), Err(EndingError::Reason));
    }

    #[test]
    fn words_of_one_end_are_not_those_of_the_other() {
        for word in FAILED {
            assert_eq!(ending(OrderStatus::Delivered, Some(word), None), Err(EndingError::Outcome));
        }
        for word in DELIVERED {
            assert_eq!(ending(OrderStatus::Failed, Some(word), None), Err(EndingError::Outcome));
        }
        let partly = ending(OrderStatus::Delivered, Some(PARTIALLY), Some("damaged")).unwrap();
        assert_eq!(partly.blame, Some("carrier"));
        assert_eq!(ending(OrderStatus::Delivered, None, Some("damaged")), Err(EndingError::Reason));
    }
}
