//! Where a driver's next stops go: the places in the route that make it least longer, without moving what is fixed.
//!
//! Fixed are the stops before the last locked one: what a driver has set out for keeps its place. A drop-off comes after its
//! pick-up; the rest keeps its order.

use kernel::geo::Position;
use kernel::ids::OrderId;
use kernel::travel::StraightLine;
use serde::{Deserialize, Serialize};

/// What is done at a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopKind {
    /// Goods are taken.
    Pickup,
    /// Goods are handed over.
    Dropoff,
    /// Goods are brought back.
    Return,
}

impl StopKind {
    /// The word of the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pickup => "pickup",
            Self::Dropoff => "dropoff",
            Self::Return => "return",
        }
    }

    /// The kind of this word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pickup, Self::Dropoff, Self::Return].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// One stop that is still to be made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planned {
    /// Of which order.
    pub order_id: OrderId,
    /// What for.
    pub kind: StopKind,
    /// Where; an unknown place costs nothing and says nothing.
    pub position: Option<Position>,
    /// Whether it keeps its place.
    pub locked: bool,
}

/// Puts the stops of one order into a route; where each went, counted in the new route.
pub fn insert(
    start: Option<Position>,
    route: &[Planned],
    stops: &[Planned],
    line: &StraightLine,
) -> (Vec<Planned>, Vec<usize>) {
    let first = route.iter().rposition(|stop| stop.locked).map_or(0, |last| last + 1);
    match stops {
        [] => (route.to_vec(), Vec::new()),
        [one] => {
            let best = (first..=route.len())
                .min_by_key(|&place| length(start, &with(route, &[(place, *one)]), line))
                .unwrap_or(route.len());
            (with(route, &[(best, *one)]), vec![best])
        }
        [one, other, ..] => {
            let pairs = (first..=route.len()).flat_map(|a| (a + 1..=route.len() + 1).map(move |b| (a, b)));
            let (a, b) = pairs
                .min_by_key(|&(a, b)| length(start, &with(route, &[(a, *one), (b, *other)]), line))
                .unwrap_or((route.len(), route.len() + 1));
            (with(route, &[(a, *one), (b, *other)]), vec![a, b])
        }
    }
}

fn with(route: &[Planned], additions: &[(usize, Planned)]) -> Vec<Planned> {
    let mut route = route.to_vec();
    for (place, stop) in additions {
        route.insert(*place, *stop);
    }
    route
}

/// Seconds from the start through all stops whose place is known. A little is added for each stop that comes later, so
/// that of two routes of one length the one that serves earlier is shorter.
fn length(start: Option<Position>, route: &[Planned], line: &StraightLine) -> u64 {
    let (mut at, mut seconds, mut sum) = (start, 0_u64, 0_u64);
    for stop in route {
        let Some(position) = stop.position else { continue };
        if let Some(from) = at {
            seconds += u64::from(line.leg(from, position).duration_s);
        }
        at = Some(position);
        sum += seconds;
    }
    seconds * 1_000 + sum
}

/// Why an order of stops is not one that a driver can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// A stop is missing, is named twice, or belongs to another route.
    #[error("name every stop that is still to be made, each once")]
    Other,
    /// A drop-off before its pick-up.
    #[error("an order is dropped off after it was picked up")]
    Backwards,
    /// A stop that keeps its place was moved.
    #[error("a locked stop keeps its place")]
    Locked,
}

/// Whether a route may be made in this order: `order` holds places of the present route.
pub fn check_order(route: &[Planned], order: &[usize]) -> Result<(), OrderError> {
    let mut seen: Vec<usize> = order.to_vec();
    seen.sort_unstable();
    if seen != (0..route.len()).collect::<Vec<_>>() {
        return Err(OrderError::Other);
    }
    let moved_lock = order.iter().enumerate().any(|(to, &from)| route[from].locked && to != from);
    if moved_lock {
        return Err(OrderError::Locked);
    }
    let place =
        |kind, id| order.iter().position(|&from| route[from].kind == kind && route[from].order_id == id);
    let backwards = route.iter().filter(|stop| stop.kind == StopKind::Dropoff).any(|stop| {
        let (pickup, dropoff) =
            (place(StopKind::Pickup, stop.order_id), place(StopKind::Dropoff, stop.order_id));
        pickup.is_some_and(|pickup| dropoff.is_some_and(|dropoff| dropoff < pickup))
    });
    if backwards { Err(OrderError::Backwards) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::ids::Uuid;
    use kernel::travel::Profile;
    use proptest::prelude::*;

    fn stop(order: u128, kind: StopKind, lat: f64) -> Planned {
        let order_id = OrderId::new(Uuid::from_u128(order));
        Planned { order_id, kind, position: Position::new(lat, 0.0).ok(), locked: false }
    }

    fn pair(order: u128, from: f64, to: f64) -> [Planned; 2] {
        [stop(order, StopKind::Pickup, from), stop(order, StopKind::Dropoff, to)]
    }

    fn lats(route: &[Planned]) -> Vec<f64> {
        route.iter().map(|stop| stop.position.unwrap().lat()).collect()
    }

    fn line() -> StraightLine {
        StraightLine::usual(Profile::Bicycle)
    }

    #[test]
    fn stops_go_where_they_lie_on_the_way() {
        let start = Position::new(0.0, 0.0).ok();
        let route = pair(1, 0.01, 0.04);
        let (longer, places) = insert(start, &route, &pair(2, 0.02, 0.03), &line());
        assert_eq!((lats(&longer), places), (vec![0.01, 0.02, 0.03, 0.04], vec![1, 2]));
        let (after, places) = insert(start, &route, &pair(2, 0.05, 0.06), &line());
        assert_eq!((lats(&after), places), (vec![0.01, 0.04, 0.05, 0.06], vec![2, 3]));
    }

    #[test]
    fn what_is_locked_keeps_its_place() {
        let start = Position::new(0.0, 0.0).ok();
        let mut route = pair(1, 0.04, 0.05).to_vec();
        route[0].locked = true;
        let (new, _) = insert(start, &route, &pair(2, 0.01, 0.02), &line());
        assert_eq!(new[0].order_id, route[0].order_id, "although the others lie before it");
    }

    #[test]
    fn a_carried_order_has_a_single_stop() {
        let (route, places) = insert(
            Position::new(0.0, 0.0).ok(),
            &pair(1, 0.01, 0.03),
            &[stop(2, StopKind::Dropoff, 0.02)],
            &line(),
        );
        assert_eq!((lats(&route), places), (vec![0.01, 0.02, 0.03], vec![1]));
    }

    #[test]
    fn an_order_of_stops_is_checked() {
        let mut route = [pair(1, 0.0, 0.1), pair(2, 0.2, 0.3)].concat();
        assert_eq!(check_order(&route, &[0, 2, 1, 3]), Ok(()));
        assert_eq!(check_order(&route, &[0, 1, 2]), Err(OrderError::Other));
        assert_eq!(check_order(&route, &[0, 0, 1, 2]), Err(OrderError::Other));
        assert_eq!(check_order(&route, &[1, 0, 2, 3]), Err(OrderError::Backwards));
        route[0].locked = true;
        assert_eq!(check_order(&route, &[2, 0, 1, 3]), Err(OrderError::Locked));
        assert_eq!(check_order(&route, &[0, 2, 3, 1]), Ok(()));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_the_rest_keeps_its_order(
            old in proptest::collection::vec((-0.1..0.1_f64, -0.1..0.1_f64), 0..5),
            new in (-0.1..0.1_f64, -0.1..0.1_f64), locked in 0..6_usize,
        ) {
            let mut route: Vec<Planned> =
                old.iter().enumerate().flat_map(|(n, (a, b))| pair(n as u128, *a, *b)).collect();
            if let Some(stop) = route.get_mut(locked) {
                stop.locked = true;
            }
            let stops = pair(99, new.0, new.1);
            let (after, places) = insert(Position::new(0.0, 0.0).ok(), &route, &stops, &line());
            prop_assert!(places[0] < places[1]);
            prop_assert_eq!((after[places[0]], after[places[1]]), (stops[0], stops[1]));
            let rest: Vec<Planned> =
                after.iter().enumerate().filter(|(n, _)| !places.contains(n)).map(|(_, stop)| *stop).collect();
            prop_assert_eq!(rest, route.clone());
            if let Some(last) = route.iter().rposition(|stop| stop.locked) {
                prop_assert!(places[0] > last);
            }
        }
    }
}
