//! Strategies: from a [`Snapshot`] to proposals with their reasons. A strategy is a pure function, so that the same
//! snapshot gives the same proposals, today and when somebody asks why.
//!
//! Orders are looked at by priority, then by what is due first, then by age; each proposal changes what the next one sees.
//!
//! | strategy | proposes |
//! |---|---|
//! | `manual` | nothing: people decide, and see the candidates |
//! | `nearest` | the driver who fits and is at the pick-up first; asks, or assigns |
//! | `broadcast` | an offer to the nearest few at once; twice as many in each further round |

use std::collections::BTreeMap;

use kernel::ids::{DriverId, OrderId};
use kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::fit::{Candidate, look};
use super::policy::{Escalation, Policy, StrategyKind};
use super::snapshot::{OpenOrder, Snapshot};

/// What should happen with an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Step {
    /// This driver gets it.
    Assign {
        /// Who.
        driver_id: DriverId,
    },
    /// These are asked; the first to accept gets it.
    Offer {
        /// Whom.
        driver_ids: Vec<DriverId>,
    },
    /// Nobody fits now.
    Wait,
    /// All rounds are over: a person has to decide.
    AskHuman,
}

/// What a strategy proposes for one order, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The order.
    pub order_id: OrderId,
    /// What should happen.
    pub step: Step,
    /// Everybody who was looked at: who fits first, the earliest first.
    pub candidates: Vec<Candidate>,
}

/// Decides.
pub trait Strategy: Sync {
    /// Its name, as in the policy and in decisions.
    fn name(&self) -> &'static str;
    /// What it proposes at this moment.
    fn propose(&self, snapshot: &Snapshot) -> Vec<Proposal>;
}

/// The strategy of a policy.
pub fn of(kind: StrategyKind) -> &'static dyn Strategy {
    match kind {
        StrategyKind::Manual => &Manual,
        StrategyKind::Nearest => &Nearest,
        StrategyKind::Broadcast => &Broadcast,
    }
}

/// People decide.
#[derive(Debug, Clone, Copy)]
pub struct Manual;

impl Strategy for Manual {
    fn name(&self) -> &'static str {
        StrategyKind::Manual.as_str()
    }

    fn propose(&self, _snapshot: &Snapshot) -> Vec<Proposal> {
        Vec::new()
    }
}

/// The driver who is at the pick-up first.
#[derive(Debug, Clone, Copy)]
pub struct Nearest;

impl Strategy for Nearest {
    fn name(&self) -> &'static str {
        StrategyKind::Nearest.as_str()
    }

    fn propose(&self, snapshot: &Snapshot) -> Vec<Proposal> {
        let asks = snapshot.policy.offers;
        one_by_one(snapshot, |order, fitting| match fitting.first() {
            Some(first) if !asks => Step::Assign { driver_id: *first },
            Some(first) => Step::Offer { driver_ids: vec![*first] },
            None => in_vain(&snapshot.policy, order),
        })
    }
}

/// The first to accept of the nearest few.
#[derive(Debug, Clone, Copy)]
pub struct Broadcast;

impl Strategy for Broadcast {
    fn name(&self) -> &'static str {
        StrategyKind::Broadcast.as_str()
    }

    fn propose(&self, snapshot: &Snapshot) -> Vec<Proposal> {
        let policy = &snapshot.policy;
        one_by_one(snapshot, |order, fitting| {
            if order.round >= policy.rounds {
                return match (policy.escalation, fitting.first()) {
                    (Escalation::AssignNearest, Some(first)) => Step::Assign { driver_id: *first },
                    _ => in_vain(policy, order),
                };
            }
            let breadth = usize::from(policy.breadth.max(1)) << order.round.min(8);
            match fitting {
                [] => in_vain(policy, order),
                some => Step::Offer { driver_ids: some.iter().take(breadth).copied().collect() },
            }
        })
    }
}

/// Nobody fits. Where somebody was asked before, the last resort of the policy applies after its rounds.
fn in_vain(policy: &Policy, order: &OpenOrder) -> Step {
    if order.round >= policy.rounds { Step::AskHuman } else { Step::Wait }
}

/// Looks at the orders in their turn. Who was proposed for one has it in mind for the next ones.
fn one_by_one(snapshot: &Snapshot, decide: impl Fn(&OpenOrder, &[DriverId]) -> Step) -> Vec<Proposal> {
    let mut now = snapshot.clone();
    let index: BTreeMap<DriverId, usize> =
        now.drivers.iter().enumerate().map(|(index, driver)| (driver.driver_id, index)).collect();
    let mut proposals = Vec::new();
    for order in in_turn(&snapshot.orders) {
        let candidates = candidates(&now, order);
        let fitting: Vec<DriverId> = candidates
            .iter()
            .filter(|candidate| candidate.obstacles.is_empty())
            .map(|candidate| candidate.driver_id)
            .collect();
        let step = decide(order, &fitting);
        let taken: &[DriverId] = match &step {
            Step::Assign { driver_id } => std::slice::from_ref(driver_id),
            Step::Offer { driver_ids } => driver_ids,
            Step::Wait | Step::AskHuman => &[],
        };
        for driver in taken.iter().filter_map(|driver| index.get(driver)) {
            let driver = &mut now.drivers[*driver];
            driver.orders = driver.orders.saturating_add(1);
            driver.carried = driver.carried.plus(order.load);
        }
        proposals.push(Proposal { order_id: order.order_id, step, candidates });
    }
    proposals
}

/// Who could take the order: those who fit first, then by arrival; the id settles a tie.
pub fn candidates(snapshot: &Snapshot, order: &OpenOrder) -> Vec<Candidate> {
    let mut all: Vec<Candidate> =
        snapshot.drivers.iter().map(|driver| look(snapshot, order, driver)).collect();
    all.sort_by_key(|one| {
        (!one.obstacles.is_empty(), one.arrives_in_s.unwrap_or(u32::MAX), one.driver_id.uuid())
    });
    all
}

fn in_turn(orders: &[OpenOrder]) -> Vec<&OpenOrder> {
    let mut orders: Vec<&OpenOrder> = orders.iter().collect();
    let due = |order: &OpenOrder| order.until.unwrap_or(Timestamp::MAX);
    orders.sort_by_key(|order| {
        (std::cmp::Reverse(order.priority), due(order), order.placed_at, order.order_id.uuid())
    });
    orders
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kernel::ids::DriverId;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::super::fit::Obstacle;
    use super::super::policy::{Escalation, StrategyKind};
    use super::super::snapshot::Snapshot;
    use super::super::testing::{Scene, at, driver, order};
    use super::{Nearest, Step, Strategy, of};

    fn steps(scene: &Scene, strategy: StrategyKind) -> Vec<Step> {
        of(strategy).propose(&scene.snapshot()).into_iter().map(|proposal| proposal.step).collect()
    }

    fn id(number: u128) -> DriverId {
        driver(number, 0.0).driver_id
    }

    #[test]
    fn people_decide_when_it_is_manual() {
        let scene = Scene::new([order(1, 0.0)], [driver(1, 0.0)]);
        assert_eq!(steps(&scene, StrategyKind::Manual), []);
    }

    #[test]
    fn the_nearest_who_fits_gets_it_and_everybody_has_a_reason() {
        let mut scene = Scene::new([order(1, 0.0)], [driver(1, 0.03), driver(2, 0.01), driver(3, 0.02)]);
        scene.drivers[1].facts.active = false;
        let proposals = Nearest.propose(&scene.snapshot());
        assert_eq!(proposals[0].step, Step::Assign { driver_id: id(3) });
        let reasons: Vec<_> =
            proposals[0].candidates.iter().map(|one| (one.driver_id, one.obstacles.clone())).collect();
        assert_eq!(reasons, [(id(3), vec![]), (id(1), vec![]), (id(2), vec![Obstacle::Inactive])]);
    }

    #[test]
    fn urgent_orders_come_first_and_take_the_nearest() {
        let mut scene = Scene::new([order(1, 0.0), order(2, 0.0)], [driver(1, 0.01), driver(2, 0.02)]);
        scene.policy.max_orders = 1;
        scene.orders[1].priority = 5;
        let proposals = Nearest.propose(&scene.snapshot());
        assert_eq!(proposals[0].order_id, scene.orders[1].order_id);
        assert_eq!(proposals[0].step, Step::Assign { driver_id: id(1) });
        assert_eq!(proposals[1].step, Step::Assign { driver_id: id(2) });
        // Without a priority, what is due first.
        scene.orders[1].priority = 0;
        scene.orders[1].until = Some(at("12:30"));
        assert_eq!(Nearest.propose(&scene.snapshot())[0].order_id, scene.orders[1].order_id);
    }

    #[test]
    fn nobody_is_overloaded_by_one_decision() {
        let mut scene = Scene::new([order(1, 0.0), order(2, 0.0), order(3, 0.0)], [driver(1, 0.01)]);
        scene.policy.max_orders = 2;
        let assigned = Step::Assign { driver_id: id(1) };
        assert_eq!(steps(&scene, StrategyKind::Nearest), [assigned.clone(), assigned, Step::Wait]);
    }

    #[test]
    fn a_broadcast_widens_and_then_escalates() {
        let drivers: [_; 8] = std::array::from_fn(|n| {
            let number = u32::try_from(n).unwrap() + 1;
            driver(number.into(), f64::from(number) / 100.0)
        });
        let mut scene = Scene::new([order(1, 0.0)], drivers);
        scene.policy.breadth = 2;
        scene.policy.rounds = 2;
        let asked = |numbers: &[u128]| Step::Offer { driver_ids: numbers.iter().map(|n| id(*n)).collect() };
        assert_eq!(steps(&scene, StrategyKind::Broadcast), [asked(&[1, 2])]);
        scene.orders[0].round = 1;
        scene.orders[0].refused = [id(1), id(2)].into();
        assert_eq!(steps(&scene, StrategyKind::Broadcast), [asked(&[3, 4, 5, 6])]);
        scene.orders[0].round = 2;
        assert_eq!(steps(&scene, StrategyKind::Broadcast), [Step::AskHuman]);
        scene.policy.escalation = Escalation::AssignNearest;
        assert_eq!(steps(&scene, StrategyKind::Broadcast), [Step::Assign { driver_id: id(3) }]);
    }

    #[test]
    fn asking_instead_of_telling_is_a_setting() {
        let mut scene = Scene::new([order(1, 0.0)], [driver(1, 0.01), driver(2, 0.02)]);
        scene.policy.offers = true;
        assert_eq!(steps(&scene, StrategyKind::Nearest), [Step::Offer { driver_ids: vec![id(1)] }]);
    }

    proptest! {
        /// Whatever the world looks like: only who fits is proposed, nobody beyond the limit, each order once, and the
        /// same snapshot, also read back from what is stored, gives the same proposals.
        #[test]
        fn proposals_keep_the_rules_and_can_be_repeated(
            places in proptest::collection::vec(-0.2..0.2_f64, 1..8),
            drivers in proptest::collection::vec((-0.2..0.2_f64, any::<bool>(), 0..4_u16), 0..8),
            max_orders in 1..4_u16, offers: bool, broadcast: bool,
        ) {
            let orders = places.iter().enumerate().map(|(n, lat)| order(n as u128 + 1, *lat));
            let drivers = drivers.iter().enumerate().map(|(n, (lat, active, has))| {
                let mut one = driver(n as u128 + 1, *lat);
                one.facts.active = *active;
                one.orders = *has;
                one
            });
            let mut scene = Scene::new(orders, drivers);
            (scene.policy.max_orders, scene.policy.offers) = (max_orders, offers);
            let strategy = of(if broadcast { StrategyKind::Broadcast } else { StrategyKind::Nearest });
            let snapshot = scene.snapshot();
            let proposals = strategy.propose(&snapshot);
            prop_assert_eq!(proposals.len(), snapshot.orders.len());
            let mut load: BTreeMap<DriverId, u16> =
                snapshot.drivers.iter().map(|driver| (driver.driver_id, driver.orders)).collect();
            for proposal in &proposals {
                let taken = match &proposal.step {
                    Step::Assign { driver_id } => vec![*driver_id],
                    Step::Offer { driver_ids } => driver_ids.clone(),
                    _ => Vec::new(),
                };
                for driver in taken {
                    let seen = proposal.candidates.iter().find(|one| one.driver_id == driver).unwrap();
                    prop_assert!(seen.obstacles.is_empty());
                    *load.get_mut(&driver).unwrap() += 1;
                    prop_assert!(load[&driver] <= max_orders);
                }
            }
            let stored = serde_json::to_string(&snapshot).unwrap();
            let again: Snapshot = serde_json::from_str(&stored).unwrap();
            prop_assert_eq!(strategy.propose(&again), proposals);
        }
    }
}
