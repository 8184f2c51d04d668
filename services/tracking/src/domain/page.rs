//! What the customer's page may show.
//!
//! | the order | state | until |
//! |---|---|---|
//! | on its way, or waiting | `active` | it ends |
//! | delivered, failed or brought back | `finished` | 7 days after the end |
//! | called off | `cancelled` | 7 days after the end |
//! | older | `expired`: a sentence, nothing else | 30 days after the end |
//! | older still | nothing: 404 | |
//!
//! The courier's position is shown while the order is carried or next, and no stop of another customer comes before it: nobody
//! sees where somebody else lives.

use contracts::dispatch::RouteStop;
use contracts::orders::OrderStatus;
use kernel::ids::OrderId;
use kernel::time::{SignedDuration, Timestamp};

use super::delivery::Delivery;

/// How long a page says how it ended.
pub const OPEN: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long a link is known at all.
pub const KNOWN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The state of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Something is still to come.
    Active,
    /// It has ended.
    Finished,
    /// It was called off.
    Cancelled,
    /// The link is old.
    Expired,
}

/// The state of a delivery's page; `None`: there is no page any more.
pub fn state(delivery: &Delivery, now: Timestamp) -> Option<State> {
    let age = delivery.ended_at.map(|ended| now.duration_since(ended));
    match age {
        Some(age) if age > KNOWN => None,
        Some(age) if age > OPEN => Some(State::Expired),
        _ if delivery.called_off || delivery.status == OrderStatus::Cancelled => Some(State::Cancelled),
        Some(_) => Some(State::Finished),
        None => Some(State::Active),
    }
}

/// The state in a sentence.
pub fn message(state: State, status: OrderStatus) -> &'static str {
    match (state, status) {
        (State::Expired, _) => "This delivery was completed some time ago. The link has expired.",
        (State::Cancelled, _) | (_, OrderStatus::Cancelled) => "This order was cancelled.",
        (_, OrderStatus::Created) => "Your order was received.",
        (_, OrderStatus::Assigned) => "A courier will take care of your order.",
        (_, OrderStatus::EnrouteToPickup) => "The courier is on the way to pick up your order.",
        (_, OrderStatus::ArrivedAtPickup) => "The courier is picking up your order.",
        (_, OrderStatus::PickedUp) => "The courier has your order.",
        (_, OrderStatus::EnrouteToDropoff) => "Your order is on the way to you.",
        (_, OrderStatus::ArrivedAtDropoff) => "The courier is at your door.",
        (_, OrderStatus::Delivered) => "Your order was delivered.",
        (_, OrderStatus::Failed) => "Your order could not be delivered.",
        (_, OrderStatus::Returning) => "Your order could not be delivered and is on its way back.",
        (_, OrderStatus::Returned) => "Your order could not be delivered and was brought back.",
    }
}

/// Whether the customer of an order may see where its courier is. `others` are the orders that the courier has besides.
pub fn shows_position(delivery: &Delivery, others: &[Delivery], route: &[RouteStop]) -> bool {
    if !delivery.is_under_way() {
        return false;
    }
    let open: Vec<OrderId> =
        others.iter().filter(|other| other.ended_at.is_none()).map(|other| other.order_id).collect();
    // Stops of orders that have ended are gone, even where the route does not say so yet.
    let first = route.iter().find(|stop| stop.order_id == delivery.order_id || open.contains(&stop.order_id));
    let on_route = |order: OrderId| route.iter().any(|stop| stop.order_id == order);
    match first {
        Some(stop) if on_route(delivery.order_id) => {
            stop.order_id == delivery.order_id && before_drop_off(delivery.order_id, &open, route)
        }
        // Without a plan: only what is being brought just now, and only if nothing else is.
        _ => open.is_empty() || (delivery.status.is_carried() && !others.iter().any(is_being_brought)),
    }
}

/// Whether no stop of another open order comes before the drop-off.
fn before_drop_off(order: OrderId, open: &[OrderId], route: &[RouteStop]) -> bool {
    let until = route.iter().position(|stop| stop.order_id == order && stop.kind == "dropoff");
    let before = route.get(..until.unwrap_or(route.len())).unwrap_or_default();
    // Fetching the goods of another order shows where a shop is, not where somebody lives.
    !before.iter().any(|stop| open.contains(&stop.order_id) && stop.kind != "pickup")
}

fn is_being_brought(other: &Delivery) -> bool {
    other.ended_at.is_none() && other.status.is_carried()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery::tests::{assigned_to, delivery, step, time};
    use kernel::ids::{StopId, Uuid};

    fn order(number: u128, status: OrderStatus) -> Delivery {
        let mut order = delivery();
        order.order_id = OrderId::new(Uuid::from_u128(number));
        order.assigned(2, &assigned_to(30), time("2026-11-20T11:00:00Z"));
        order.moved(3, &step(OrderStatus::Assigned, status));
        order
    }

    fn stop(number: u128, kind: &str) -> RouteStop {
        let (stop_id, order_id) = (StopId::new(Uuid::from_u128(1)), OrderId::new(Uuid::from_u128(number)));
        RouteStop { stop_id, order_id, kind: kind.to_owned(), locked: false }
    }

    #[test]
    fn a_page_ages() {
        let done = order(1, OrderStatus::Delivered);
        let after = |days: i64| {
            let at = time("2026-11-20T12:00:00Z").checked_add(SignedDuration::from_hours(24 * days)).unwrap();
            state(&done, at)
        };
        assert_eq!(after(0), Some(State::Finished));
        assert_eq!(after(7), Some(State::Finished));
        assert_eq!(after(8), Some(State::Expired));
        assert_eq!(after(30), Some(State::Expired));
        assert_eq!(after(31), None);
        assert_eq!(
            state(&order(1, OrderStatus::PickedUp), time("2027-11-20T12:00:00Z")),
            Some(State::Active)
        );
    }

    #[test]
    fn a_cancelled_order_says_so_also_on_its_way_back() {
        let now = time("2026-11-20T12:00:00Z");
        assert_eq!(state(&order(1, OrderStatus::Cancelled), now), Some(State::Cancelled));
        let mut back = order(1, OrderStatus::Returning);
        assert_eq!(state(&back, now), Some(State::Active));
        back.called_off = true;
        assert_eq!(state(&back, now), Some(State::Cancelled));
        for status in OrderStatus::ALL {
            assert!(message(State::Active, status).ends_with('.'));
        }
    }

    #[test]
    fn the_position_is_shown_to_the_next_customer_only() {
        let (one, two) = (order(1, OrderStatus::EnrouteToDropoff), order(2, OrderStatus::PickedUp));
        let route = [stop(1, "dropoff"), stop(2, "dropoff")];
        assert!(shows_position(&one, std::slice::from_ref(&two), &route));
        assert!(!shows_position(&two, std::slice::from_ref(&one), &route));
        let done = order(1, OrderStatus::Delivered);
        assert!(shows_position(&two, std::slice::from_ref(&done), &route), "the route lags behind");
        assert!(!shows_position(&done, std::slice::from_ref(&two), &route));
    }

    #[test]
    fn a_stop_between_pick_up_and_drop_off_hides_it() {
        let (one, two) = (order(1, OrderStatus::EnrouteToPickup), order(2, OrderStatus::PickedUp));
        let route = [stop(1, "pickup"), stop(2, "dropoff"), stop(1, "dropoff")];
        assert!(!shows_position(&one, std::slice::from_ref(&two), &route));
        let fetching = order(2, OrderStatus::Assigned);
        let route = [stop(1, "pickup"), stop(2, "pickup"), stop(1, "dropoff"), stop(2, "dropoff")];
        assert!(shows_position(&one, std::slice::from_ref(&fetching), &route));
    }

    #[test]
    fn without_a_route_it_is_shown_while_nothing_else_is_carried() {
        let one = order(1, OrderStatus::EnrouteToDropoff);
        assert!(shows_position(&one, &[], &[]));
        assert!(shows_position(&order(1, OrderStatus::Assigned), &[], &[]));
        assert!(shows_position(&one, &[order(2, OrderStatus::Assigned)], &[]));
        assert!(!shows_position(&one, &[order(2, OrderStatus::PickedUp)], &[]));
        assert!(!shows_position(&order(1, OrderStatus::Assigned), &[order(2, OrderStatus::Assigned)], &[]));
        assert!(!shows_position(&order(1, OrderStatus::Created), &[], &[]));
    }

    /// Whoever has a stop before the drop-off hides the courier, whatever the route looks like.
    #[test]
    fn every_order_of_two_customers_shows_the_courier_to_one_at_most() {
        let stops = [stop(1, "pickup"), stop(1, "dropoff"), stop(2, "pickup"), stop(2, "dropoff")];
        for first in 0..4 {
            for second in 0..4 {
                for third in 0..4 {
                    let route = [stops[first].clone(), stops[second].clone(), stops[third].clone()];
                    for (one, two) in [
                        (OrderStatus::PickedUp, OrderStatus::PickedUp),
                        (OrderStatus::Assigned, OrderStatus::PickedUp),
                        (OrderStatus::EnrouteToDropoff, OrderStatus::Assigned),
                    ] {
                        let (one, two) = (order(1, one), order(2, two));
                        let seen_by_one = shows_position(&one, std::slice::from_ref(&two), &route);
                        let seen_by_two = shows_position(&two, std::slice::from_ref(&one), &route);
                        let names_both = route.iter().any(|stop| stop.order_id == one.order_id)
                            && route.iter().any(|stop| stop.order_id == two.order_id);
                        assert!(!(names_both && seen_by_one && seen_by_two), "{route:?}");
                    }
                }
            }
        }
    }
}
