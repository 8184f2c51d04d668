//! Whether a driver fits an order, and if not, why: every rule is looked at, so that a person sees all that is in the way.
//!
//! | rule | stands in the way when |
//! |---|---|
//! | active | the driver does not work here (any more), or a document has run out |
//! | availability | the driver is off duty, busy or on a break |
//! | shift | the driver follows shifts and none is on, or it is a planned break |
//! | pool | the order's zone has drivers of its own and this is none of them |
//! | skills | the order asks for something that the driver cannot do or does not have |
//! | capacity | the vehicle does not hold it beside what the driver already has |
//! | orders | the driver has as many as the organisation allows |
//! | refused | the driver has declined this order, or did not answer |
//! | place | nobody knows where the driver or the pick-up is, or there is no way |
//! | radius | the pick-up is farther than the organisation allows |

use contracts::drivers::Availability;
use kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::policy::Policy;
use super::snapshot::{DriverNow, OpenOrder, Snapshot};

/// What stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// Does not work here.
    Inactive,
    /// Off duty, busy or on a break.
    Unavailable,
    /// Not within a shift.
    OffShift,
    /// Not one of the zone's drivers.
    NotInPool,
    /// Lacks a skill.
    MissingSkill,
    /// The vehicle does not hold it.
    TooMuch,
    /// Has as many orders as are allowed.
    EnoughOrders,
    /// Has declined it, or did not answer.
    Refused,
    /// No position, or no way.
    NoWay,
    /// Too far away.
    TooFar,
}

/// One driver, looked at for one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The driver.
    pub driver_id: kernel::ids::DriverId,
    /// When the driver could be at the pick-up, seconds from the moment of the snapshot; `None` without a way.
    pub arrives_in_s: Option<u32>,
    /// How far the driver has to go for it, metres.
    pub distance_m: Option<u32>,
    /// What stands in the way; nothing: the driver fits.
    pub obstacles: Vec<Obstacle>,
}

/// Looks at one driver for one order.
pub fn look(snapshot: &Snapshot, order: &OpenOrder, driver: &DriverNow) -> Candidate {
    let way = snapshot.ways.get(&(driver.driver_id, order.order_id)).copied();
    let arrives_in_s =
        way.zip(driver.start()).map(|(way, (_, free_in_s))| way.duration_s.saturating_add(free_in_s));
    let distance_m = way.map(|way| way.distance_m);
    let mut obstacles = about_driver(&snapshot.policy, driver, snapshot.at);
    obstacles.extend(about_order(order, driver));
    match distance_m {
        None => obstacles.push(Obstacle::NoWay),
        Some(distance) if snapshot.policy.radius_m.is_some_and(|radius| distance > radius) => {
            obstacles.push(Obstacle::TooFar);
        }
        Some(_) => {}
    }
    Candidate { driver_id: driver.driver_id, arrives_in_s, distance_m, obstacles }
}

/// What stands in the way whatever the order.
fn about_driver(policy: &Policy, driver: &DriverNow, now: Timestamp) -> Vec<Obstacle> {
    let checks = [
        (!driver.facts.active, Obstacle::Inactive),
        (driver.availability != Availability::Available, Obstacle::Unavailable),
        (driver.facts.follows_shifts && !on_shift(driver, now), Obstacle::OffShift),
        (driver.orders >= policy.max_orders, Obstacle::EnoughOrders),
    ];
    checks.into_iter().filter_map(|(applies, obstacle)| applies.then_some(obstacle)).collect()
}

fn about_order(order: &OpenOrder, driver: &DriverNow) -> Vec<Obstacle> {
    let capacity = driver.facts.vehicle.as_ref().map(|vehicle| vehicle.capacity).unwrap_or_default();
    let checks = [
        (!order.pool.is_empty() && !order.pool.contains(&driver.driver_id), Obstacle::NotInPool),
        (!order.skills.is_subset(&driver.facts.skills), Obstacle::MissingSkill),
        (!capacity.holds(driver.carried.plus(order.load)), Obstacle::TooMuch),
        (order.refused.contains(&driver.driver_id), Obstacle::Refused),
    ];
    checks.into_iter().filter_map(|(applies, obstacle)| applies.then_some(obstacle)).collect()
}

/// Within a shift and not within one of its breaks. A shift begins with its first moment and ends before its last.
fn on_shift(driver: &DriverNow, now: Timestamp) -> bool {
    driver.facts.shifts.iter().any(|shift| {
        let within = shift.from <= now && now < shift.until;
        within && !shift.breaks.iter().any(|(from, until)| *from <= now && now < *until)
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scene, at, driver, order};
    use super::*;
    use contracts::drivers::ShiftFacts;
    use kernel::ids::{ShiftId, Uuid};
    use kernel::load::{Capacity, Load};

    fn obstacles(scene: &Scene) -> Vec<Obstacle> {
        let snapshot = scene.snapshot();
        look(&snapshot, &snapshot.orders[0], &snapshot.drivers[0]).obstacles
    }

    #[test]
    fn who_is_there_and_able_fits() {
        let scene = Scene::new([order(1, 0.0)], [driver(1, 0.01)]);
        assert_eq!(obstacles(&scene), []);
    }

    #[test]
    fn each_rule_stands_in_the_way_by_itself() {
        type Change = fn(&mut Scene);
        let cases: [(Obstacle, Change); 10] = [
            (Obstacle::Inactive, |scene| scene.drivers[0].facts.active = false),
            (Obstacle::Unavailable, |scene| scene.drivers[0].availability = Availability::OnBreak),
            (Obstacle::OffShift, |scene| scene.drivers[0].facts.follows_shifts = true),
            (Obstacle::NotInPool, |scene| scene.orders[0].pool = vec![driver(9, 0.0).driver_id]),
            (Obstacle::MissingSkill, |scene| {
                scene.orders[0].skills.insert("age_check".to_owned());
            }),
            (Obstacle::TooMuch, |scene| {
                scene.orders[0].load = Load { count: 3, ..Load::default() };
                scene.drivers[0].carried = Load { count: 3, ..Load::default() };
                let vehicle = scene.drivers[0].facts.vehicle.as_mut().unwrap();
                vehicle.capacity = Capacity { count: Some(5), ..Capacity::default() };
            }),
            (Obstacle::EnoughOrders, |scene| scene.drivers[0].orders = scene.policy.max_orders),
            (Obstacle::Refused, |scene| {
                let id = scene.drivers[0].driver_id;
                scene.orders[0].refused.insert(id);
            }),
            (Obstacle::NoWay, |scene| scene.drivers[0].position = None),
            (Obstacle::TooFar, |scene| scene.policy.radius_m = Some(1_000)),
        ];
        for (obstacle, change) in cases {
            let mut scene = Scene::new([order(1, 0.0)], [driver(1, 0.01)]);
            change(&mut scene);
            assert_eq!(obstacles(&scene), [obstacle]);
        }
    }

    #[test]
    fn a_shift_counts_from_its_first_moment_to_before_its_last_and_not_in_its_breaks() {
        let mut scene = Scene::new([order(1, 0.0)], [driver(1, 0.01)]);
        scene.drivers[0].facts.follows_shifts = true;
        scene.drivers[0].facts.shifts = vec![ShiftFacts {
            shift_id: ShiftId::new(Uuid::nil()),
            from: at("12:00"),
            until: at("14:00"),
            breaks: vec![(at("13:00"), at("13:15"))],
        }];
        for (now, fits) in [
            ("11:59", false),
            ("12:00", true),
            ("12:59", true),
            ("13:00", false),
            ("13:14", false),
            ("13:15", true),
            ("14:00", false),
        ] {
            scene.now = at(now);
            assert_eq!(obstacles(&scene).is_empty(), fits, "{now}");
        }
    }

    #[test]
    fn a_busy_driver_arrives_after_what_they_have() {
        let mut scene = Scene::new([order(1, 0.0)], [driver(1, 0.01)]);
        let alone = look(&scene.snapshot(), &scene.orders[0], &scene.drivers[0]);
        let position = scene.drivers[0].position.unwrap();
        scene.drivers[0].free = Some((position, 600));
        let later = look(&scene.snapshot(), &scene.orders[0], &scene.drivers[0]);
        assert_eq!(later.arrives_in_s.unwrap(), alone.arrives_in_s.unwrap() + 600);
        assert_eq!(later.distance_m, alone.distance_m);
    }
}
