//! The state machine through HTTP against a model of it: the same random commands to both, no divergence. A sequence that
//! diverges is shrunk to the shortest that does.
//!
//! The model is written from the table of the design and shares no code with the service.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use kernel::ids::DriverId;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{RngSeed, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use serde_json::{Value, json};
use testkit::Proof;
use testkit::http::Reply;

use crate::world::{World, path, plain_order};

/// The way out, in its order.
const WAY: [&str; 7] = [
    "assigned",
    "enroute_to_pickup",
    "arrived_at_pickup",
    "picked_up",
    "enroute_to_dropoff",
    "arrived_at_dropoff",
    "delivered",
];

/// What the model knows of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Model {
    status: &'static str,
    driver: Option<usize>,
    attempt: u64,
    goods: bool,
    /// What it answered last.
    said: Option<Said>,
}

/// What somebody asks for.
#[derive(Debug, Clone, Copy)]
enum Ask {
    Assign(usize, Option<usize>),
    Unassign,
    Step(&'static str),
    Cancel,
    Reattempt,
    HandOver(usize),
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Moved,
    Already,
    Conflict,
}

impl Model {
    fn stage(&self) -> Option<usize> {
        WAY.iter().position(|one| *one == self.status).filter(|at| *at < 6)
    }

    fn has(&self) -> Option<usize> {
        let works = self.stage().is_some() || self.status == "returning";
        self.driver.filter(|_| works)
    }

    fn ask(&mut self, ask: Ask) -> Said {
        match ask {
            Ask::Assign(to, None) => match self.has() {
                None if self.status == "created" => self.give(to, "assigned"),
                Some(has) if has == to => Said::Already,
                _ => Said::Conflict,
            },
            Ask::Assign(to, Some(from)) => match self.has() {
                Some(has) if has == to => Said::Already,
                Some(has) if has == from => {
                    let status = if self.goods { self.status } else { "assigned" };
                    self.give(to, status)
                }
                _ => Said::Conflict,
            },
            Ask::Unassign => match self.has() {
                _ if self.status == "created" => Said::Already,
                Some(_) if !self.goods => {
                    self.driver = None;
                    self.become_("created")
                }
                _ => Said::Conflict,
            },
            Ask::Step(to) => self.step(to),
            Ask::Cancel => match (self.status, self.goods) {
                ("cancelled" | "returning", _) => Said::Already,
                ("delivered" | "returned", _) | ("failed", false) => Said::Conflict,
                (_, true) => self.become_("returning"),
                (_, false) => self.become_("cancelled"),
            },
            Ask::Reattempt if self.status == "failed" && self.goods => {
                self.attempt += 1;
                self.become_("assigned")
            }
            Ask::Reattempt => Said::Conflict,
            Ask::HandOver(to) => match self.has() {
                Some(has) if self.goods && has == to => Said::Already,
                Some(_) if self.goods => self.give(to, self.status),
                _ => Said::Conflict,
            },
        }
    }

    fn step(&mut self, to: &'static str) -> Said {
        if self.status == "created" {
            return Said::Conflict;
        }
        if self.status == to {
            return Said::Already;
        }
        match (to, self.stage()) {
            ("failed", Some(_)) => self.become_("failed"),
            ("returning", _) if self.status == "failed" && self.goods => self.become_("returning"),
            ("returned", _) if self.status == "returning" => self.become_("returned"),
            (_, Some(from)) => match WAY.iter().position(|one| *one == to) {
                Some(at) if at > from && (at <= 3 || from >= 3) => {
                    self.goods |= at >= 3;
                    self.become_(to)
                }
                _ => Said::Conflict,
            },
            _ => Said::Conflict,
        }
    }

    fn give(&mut self, to: usize, status: &'static str) -> Said {
        self.driver = Some(to);
        self.become_(status)
    }

    fn become_(&mut self, status: &'static str) -> Said {
        self.status = status;
        Said::Moved
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Ask;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self { status: "created", driver: None, attempt: 1, goods: false, said: None }).boxed()
    }

    fn transitions(_state: &Self) -> BoxedStrategy<Ask> {
        let driver = || 0..3_usize;
        let steps = [&WAY[1..], &["failed", "returning", "returned"]].concat();
        prop_oneof![
            6 => driver().prop_map(|to| Ask::Assign(to, None)),
            3 => (driver(), driver()).prop_map(|(to, from)| Ask::Assign(to, Some(from))),
            3 => Just(Ask::Unassign),
            1 => Just(Ask::Cancel),
            3 => Just(Ask::Reattempt),
            3 => driver().prop_map(Ask::HandOver),
            17 => select(steps).prop_map(Ask::Step),
        ]
        .boxed()
    }

    fn apply(mut state: Self, ask: &Ask) -> Self {
        state.said = Some(state.ask(*ask));
        state
    }
}

async fn send(world: &World, order: &str, drivers: &[DriverId], ask: Ask) -> Reply {
    let post = |verb: &str, body: Value| {
        world.town.post(format!("{order}/{verb}"), body).bearer(&world.town.bakery.api_key)
    };
    match ask {
        Ask::Assign(to, from) => {
            post("assign", json!({ "driver_id": drivers[to], "instead_of": from.map(|from| drivers[from]) }))
                .await
        }
        Ask::Unassign => {
            world.town.client.post(format!("{order}/unassign")).bearer(&world.town.bakery.api_key).await
        }
        Ask::Step(status) => post("status", json!({ "status": status })).await,
        Ask::Cancel => post("cancel", json!({ "reason": "other" })).await,
        Ask::Reattempt => {
            world.town.client.post(format!("{order}/reattempt")).bearer(&world.town.bakery.api_key).await
        }
        Ask::HandOver(to) => post("handover", json!({ "to_driver_id": drivers[to] })).await,
    }
}

fn said(reply: &Reply) -> Said {
    match (reply.status, reply.json()["moved"].as_bool()) {
        (200, Some(true)) => Said::Moved,
        (200, Some(false)) => Said::Already,
        (409, _) => Said::Conflict,
        _ => panic!("{reply}"),
    }
}

/// Where the commands go: one service for all sequences.
struct Bed {
    runtime: tokio::runtime::Runtime,
    world: World,
    drivers: [DriverId; 3],
    commands: Cell<usize>,
    moves: Cell<usize>,
}

thread_local! {
    static BED: RefCell<Option<Rc<Bed>>> = const { RefCell::new(None) };
}

/// An order of the service.
struct Real {
    bed: Rc<Bed>,
    order: String,
}

impl StateMachineTest for Real {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(_model: &Model) -> Self {
        let bed = BED.with_borrow(|bed| Rc::clone(bed.as_ref().unwrap()));
        let order = bed.runtime.block_on(async { path(&bed.world.place(plain_order()).await) });
        Self { bed, order }
    }

    fn apply(real: Self, model: &Model, ask: Ask) -> Self {
        let bed = &real.bed;
        let reply = bed.runtime.block_on(send(&bed.world, &real.order, &bed.drivers, ask));
        assert_eq!(Some(said(&reply)), model.said, "{ask:?} leads to {model:?}: {reply}");
        bed.commands.set(bed.commands.get() + 1);
        bed.moves.set(bed.moves.get() + usize::from(model.said == Some(Said::Moved)));
        real
    }

    fn teardown(real: Self, model: Model) {
        let (bed, order) = (&real.bed, &real.order);
        let (now, history) = bed.runtime.block_on(async {
            (bed.world.read(order).await, bed.world.read(&format!("{order}/events?limit=100")).await)
        });
        let driver = model.driver.map(|driver| json!(bed.drivers[driver]));
        assert_eq!(now.get("driver_id").cloned(), driver, "{model:?}");
        assert_eq!((&now["status"], &now["attempt"]), (&json!(model.status), &json!(model.attempt)));
        assert!(history["items"].as_array().unwrap().len() <= 1 + LONGEST);
    }
}

/// The longest sequence.
const LONGEST: usize = 20;

#[test]
fn proof_order_model() {
    let proof = Proof::new("order model");
    let sequences: u32 = proof.size(200, 2_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::new());
    let drivers = [world.stranger(), world.stranger(), world.stranger()];
    let bed = Bed { runtime, world, drivers, commands: Cell::new(0), moves: Cell::new(0) };
    BED.set(Some(Rc::new(bed)));
    let config = ProptestConfig {
        cases: sequences,
        rng_seed: RngSeed::Fixed(if proof.is_full() { 2_026 } else { 7 }),
        failure_persistence: None,
        max_shrink_iters: 300,
        ..ProptestConfig::default()
    };
    let strategy = Model::sequential_strategy(1..=LONGEST);
    let run = TestRunner::new(config.clone()).run(&strategy, |(model, asks, seen)| {
        Real::test_sequential(config.clone(), model, asks, seen);
        Ok(())
    });
    run.unwrap_or_else(|divergence| panic!("{divergence}"));
    let bed = Rc::into_inner(BED.take().unwrap()).unwrap();
    let (commands, moves) = (bed.commands.get(), bed.moves.get());
    assert!(moves > commands / 10, "{moves} of {commands} moved anything");
    proof.report(&format!("{sequences} sequences, {commands} commands, {moves} moves, 0 divergences"));
    bed.runtime.block_on(bed.world.town.finish());
}
