//! A package and its order: each moves the other by this table, and by nothing else.
//!
//! | the order becomes | its packages become (unless they have ended) |
//! |---|---|
//! | created ... arrived_at_pickup | pending |
//! | picked_up | picked_up |
//! | enroute_to_dropoff, arrived_at_dropoff | out_for_delivery |
//! | delivered | delivered |
//! | failed | delivery_failed |
//! | returning | return_to_sender |
//! | returned | returned |
//! | cancelled | cancelled |
//!
//! | scans say of the packages | the order does |
//! |---|---|
//! | all picked_up or further, none ended badly | `Step(picked_up)` |
//! | all out_for_delivery or delivered | `Step(enroute_to_dropoff)` |
//! | all delivered | `Step(delivered)` |
//! | all ended, some delivered and some delivery_failed | `Step(delivered)`, outcome partially_delivered |
//! | all delivery_failed | `Fail` |
//! | all returned | `Step(returned)` |
//! | anything else | nothing: the scan is history |

use contracts::orders::OrderStatus;

use super::status::Command;

/// Where a package stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PackageStatus {
    /// Nobody has it.
    Pending,
    /// Carried.
    PickedUp,
    /// Carried, seen on the way.
    InTransit,
    /// Carried, this driver's turn.
    OutForDelivery,
    /// Handed over.
    Delivered,
    /// Not handed over.
    DeliveryFailed,
    /// On the way back.
    ReturnToSender,
    /// Back.
    Returned,
    /// Waits.
    OnHold,
    /// Called off.
    Cancelled,
}

impl PackageStatus {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::PickedUp,
        Self::InTransit,
        Self::OutForDelivery,
        Self::Delivered,
        Self::DeliveryFailed,
        Self::ReturnToSender,
        Self::Returned,
        Self::OnHold,
        Self::Cancelled,
    ];

    /// The word of the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::PickedUp => "picked_up",
            Self::InTransit => "in_transit",
            Self::OutForDelivery => "out_for_delivery",
            Self::Delivered => "delivered",
            Self::DeliveryFailed => "delivery_failed",
            Self::ReturnToSender => "return_to_sender",
            Self::Returned => "returned",
            Self::OnHold => "on_hold",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of this word. `canceled` is understood as well.
    pub fn parse(word: &str) -> Option<Self> {
        if word == "canceled" {
            return Some(Self::Cancelled);
        }
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// Whether nothing follows.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Delivered | Self::Returned | Self::Cancelled)
    }

    /// What the packages become when their order becomes this.
    pub const fn of_order(status: OrderStatus) -> Self {
        match status {
            OrderStatus::Created
            | OrderStatus::Assigned
            | OrderStatus::EnrouteToPickup
            | OrderStatus::ArrivedAtPickup => Self::Pending,
            OrderStatus::PickedUp => Self::PickedUp,
            OrderStatus::EnrouteToDropoff | OrderStatus::ArrivedAtDropoff => Self::OutForDelivery,
            OrderStatus::Delivered => Self::Delivered,
            OrderStatus::Failed => Self::DeliveryFailed,
            OrderStatus::Returning => Self::ReturnToSender,
            OrderStatus::Returned => Self::Returned,
            OrderStatus::Cancelled => Self::Cancelled,
        }
    }

    /// Whether a package that stands here is taken along by its order to `to`. What has ended stays, and what was seen further
    /// on the way does not go back; a correction moves everything.
    pub fn follows(self, to: Self, correction: bool) -> bool {
        let ahead = |one| matches!(one, Self::PickedUp | Self::InTransit | Self::OutForDelivery);
        let seen_further = ahead(self) && ahead(to) && self >= to;
        self != to && (correction || !(self.is_over() || seen_further))
    }

    /// What may be reported of a package that stands here.
    pub fn may_become(self, to: Self) -> bool {
        match self {
            Self::Delivered | Self::Returned | Self::Cancelled => false,
            Self::Pending => matches!(to, Self::PickedUp | Self::OnHold | Self::Cancelled),
            Self::ReturnToSender => matches!(to, Self::Returned | Self::OnHold | Self::InTransit),
            Self::PickedUp | Self::InTransit | Self::OutForDelivery | Self::DeliveryFailed | Self::OnHold => {
                !matches!(to, Self::Pending | Self::Cancelled) && to != self
            }
        }
    }
}

/// What scans make of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consequence {
    /// What the order does.
    pub command: Command,
    /// Some were handed over and some were not.
    pub partly: bool,
}

/// What the packages, all together, make of their order, which stands at `order`.
pub fn consequence(order: OrderStatus, packages: &[PackageStatus]) -> Option<Consequence> {
    use PackageStatus as P;
    // What was called off is no longer part of the order.
    let packages: Vec<P> = packages.iter().copied().filter(|one| *one != P::Cancelled).collect();
    let all = |wanted: &[P]| !packages.is_empty() && packages.iter().all(|one| wanted.contains(one));
    let any = |wanted: P| packages.contains(&wanted);
    let does = |command, partly| Some(Consequence { command, partly });
    let target = if all(&[P::Delivered]) {
        return does(Command::Step(OrderStatus::Delivered), false);
    } else if all(&[P::DeliveryFailed]) {
        return does(Command::Fail, false);
    } else if all(&[P::Delivered, P::DeliveryFailed, P::Returned]) && any(P::Delivered) {
        return does(Command::Step(OrderStatus::Delivered), true);
    } else if all(&[P::Returned]) {
        return does(Command::Step(OrderStatus::Returned), false);
    } else if all(&[P::OutForDelivery, P::Delivered]) {
        OrderStatus::EnrouteToDropoff
    } else if all(&[P::PickedUp, P::InTransit, P::OutForDelivery, P::Delivered]) {
        OrderStatus::PickedUp
    } else {
        return None;
    };
    // Scans never take an order back: what it has passed is history.
    (order < target).then_some(Consequence { command: Command::Step(target), partly: false })
}

#[cfg(test)]
mod tests {
    use PackageStatus as P;

    use super::*;

    fn of(order: OrderStatus, packages: &[P]) -> Option<Command> {
        consequence(order, packages).map(|found| found.command)
    }

    #[test]
    fn all_packages_together_move_their_order() {
        let assigned = OrderStatus::Assigned;
        assert_eq!(of(assigned, &[P::PickedUp, P::Pending]), None);
        assert_eq!(of(assigned, &[P::PickedUp, P::InTransit]), Some(Command::Step(OrderStatus::PickedUp)));
        assert_eq!(of(OrderStatus::EnrouteToDropoff, &[P::PickedUp]), None, "never back");
        let carried = OrderStatus::PickedUp;
        assert_eq!(of(carried, &[P::OutForDelivery]), Some(Command::Step(OrderStatus::EnrouteToDropoff)));
        assert_eq!(of(carried, &[P::Delivered, P::Delivered]), Some(Command::Step(OrderStatus::Delivered)));
        assert_eq!(of(carried, &[P::DeliveryFailed]), Some(Command::Fail));
        assert_eq!(of(OrderStatus::Returning, &[P::Returned]), Some(Command::Step(OrderStatus::Returned)));
        assert_eq!(of(carried, &[P::OnHold, P::Delivered]), None);
        assert_eq!(of(carried, &[]), None);
    }

    #[test]
    fn some_handed_over_and_some_not_is_a_partial_delivery() {
        let found = consequence(OrderStatus::PickedUp, &[P::Delivered, P::DeliveryFailed]).unwrap();
        assert_eq!(found, Consequence { command: Command::Step(OrderStatus::Delivered), partly: true });
    }

    #[test]
    fn what_is_over_stays_over() {
        for from in P::ALL {
            for to in P::ALL {
                let may = from.may_become(to);
                assert!(!(may && from.is_over()), "{from:?} -> {to:?}");
                assert!(!(may && to == P::Pending), "{from:?} -> {to:?}");
                assert!(!may || from != to);
            }
            assert_eq!(P::parse(from.as_str()), Some(from));
        }
        assert!(P::Pending.may_become(P::PickedUp) && !P::Pending.may_become(P::Delivered));
    }

    #[test]
    fn what_was_seen_further_on_the_way_is_not_taken_back() {
        assert!(
            !P::OutForDelivery.follows(P::PickedUp, false) && P::OutForDelivery.follows(P::PickedUp, true)
        );
        assert!(P::DeliveryFailed.follows(P::PickedUp, false), "another attempt");
        assert!(
            !P::Delivered.follows(P::ReturnToSender, false) && P::Delivered.follows(P::OutForDelivery, true)
        );
        assert!(!P::Pending.follows(P::Pending, true));
    }

    #[test]
    fn what_was_called_off_does_not_hold_the_others_up() {
        let found = of(OrderStatus::Assigned, &[P::PickedUp, P::Cancelled]);
        assert_eq!(found, Some(Command::Step(OrderStatus::PickedUp)));
        assert_eq!(of(OrderStatus::Assigned, &[P::Cancelled]), None);
    }

    #[test]
    fn packages_follow_their_order_through_its_whole_life() {
        let words: Vec<_> = OrderStatus::ALL.iter().map(|one| P::of_order(*one).as_str()).collect();
        assert_eq!(
            words,
            [
                "pending",
                "pending",
                "pending",
                "pending",
                "picked_up",
                "out_for_delivery",
                "out_for_delivery",
                "delivered",
                "delivery_failed",
                "return_to_sender",
                "returned",
                "cancelled",
            ]
        );
    }
}
