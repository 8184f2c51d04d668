//! What dispatch decides, without a database: who fits an order, in what sequence a driver makes stops, when an order is
//! looked at.

pub mod fit;
pub mod insertion;
pub mod policy;
pub mod snapshot;
pub mod strategy;
pub mod timing;

#[cfg(test)]
pub(crate) mod testing {
    //! Small worlds for the tests of the domain: everything lies on one meridian.

    use std::collections::{BTreeMap, BTreeSet};

    use contracts::drivers::{Availability, DriverFacts};
    use kernel::geo::Position;
    use kernel::ids::{DriverId, OrderId, Uuid};
    use kernel::load::Load;
    use kernel::time::Timestamp;
    use kernel::travel::StraightLine;

    use super::policy::Policy;
    use super::snapshot::{DriverNow, OpenOrder, Snapshot};

    /// A time of the day on which the tests play.
    pub(crate) fn at(time: &str) -> Timestamp {
        format!("2026-11-20T{time}:00Z").parse().unwrap()
    }

    /// An order whose pick-up lies at this latitude.
    pub(crate) fn order(number: u128, lat: f64) -> OpenOrder {
        OpenOrder {
            order_id: OrderId::new(Uuid::from_u128(number)),
            attempt: 1,
            pickup: Position::new(lat, 0.0).ok(),
            load: Load::default(),
            skills: BTreeSet::new(),
            pool: Vec::new(),
            priority: 0,
            until: None,
            placed_at: at("12:00"),
            refused: BTreeSet::new(),
            round: 0,
        }
    }

    /// A driver at this latitude who takes orders.
    pub(crate) fn driver(number: u128, lat: f64) -> DriverNow {
        DriverNow {
            driver_id: DriverId::new(Uuid::from_u128(1_000 + number)),
            facts: DriverFacts { skills: BTreeSet::new(), ..DriverFacts::example() },
            availability: Availability::Available,
            position: Position::new(lat, 0.0).ok(),
            orders: 0,
            carried: Load::default(),
            free: None,
        }
    }

    /// Orders, drivers and what the organisation wants.
    pub(crate) struct Scene {
        pub now: Timestamp,
        pub policy: Policy,
        pub orders: Vec<OpenOrder>,
        pub drivers: Vec<DriverNow>,
    }

    impl Scene {
        pub(crate) fn new(
            orders: impl IntoIterator<Item = OpenOrder>,
            drivers: impl IntoIterator<Item = DriverNow>,
        ) -> Self {
            let (orders, drivers) = (orders.into_iter().collect(), drivers.into_iter().collect());
            Self { now: at("12:00"), policy: Policy::default(), orders, drivers }
        }

        /// With the ways between them.
        pub(crate) fn snapshot(&self) -> Snapshot {
            let mut ways = BTreeMap::new();
            for driver in &self.drivers {
                for order in &self.orders {
                    if let (Some((from, _)), Some(to)) = (driver.start(), order.pickup) {
                        let leg = StraightLine::usual(driver.profile()).leg(from, to);
                        ways.insert((driver.driver_id, order.order_id), leg);
                    }
                }
            }
            Snapshot {
                at: self.now,
                policy: self.policy.clone(),
                orders: self.orders.clone(),
                drivers: self.drivers.clone(),
                ways,
                source: "straight_line".to_owned(),
            }
        }
    }
}
