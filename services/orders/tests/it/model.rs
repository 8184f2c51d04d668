//! The state machine through HTTP against a model of it: the same random commands to both, no divergence.
//!
//! The model is written from the table of the design and shares no code with the service.

use kernel::ids::DriverId;
use kernel::random::Random;
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
#[derive(Debug, PartialEq, Eq)]
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

fn draw(random: &Random) -> Ask {
    let pick = |bound: usize| usize::try_from(random.below(bound as u64)).unwrap();
    let steps = [&WAY[1..], &["failed", "returning", "returned"]].concat();
    match pick(12) {
        0 | 1 => Ask::Assign(pick(3), None),
        2 => Ask::Assign(pick(3), Some(pick(3))),
        3 => Ask::Unassign,
        4 if pick(3) == 0 => Ask::Cancel,
        5 => Ask::Reattempt,
        6 => Ask::HandOver(pick(3)),
        _ => Ask::Step(steps[pick(steps.len())]),
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

#[tokio::test]
async fn random_commands_have_the_same_effect_as_in_the_model() {
    let proof = Proof::new("proof_order_model");
    let sequences = proof.size(20, 2_000);
    let world = World::new().await;
    let drivers = [world.stranger(), world.stranger(), world.stranger()];
    let random = Random::seeded(if proof.is_full() { 2_026 } else { 7 });
    let (mut commands, mut moves) = (0, 0);
    for sequence in 0..sequences {
        let order = path(&world.place(plain_order()).await);
        let mut model = Model { status: "created", driver: None, attempt: 1, goods: false };
        for _ in 0..12 {
            let ask = draw(&random);
            let before = model.clone();
            let wanted = model.ask(ask);
            let reply = send(&world, &order, &drivers, ask).await;
            assert_eq!(said(&reply), wanted, "sequence {sequence}: {ask:?} at {before:?}: {reply}");
            commands += 1;
            moves += usize::from(wanted == Said::Moved);
        }
        let now = world.read(&order).await;
        let driver = model.driver.map(|driver| json!(drivers[driver]));
        assert_eq!(now.get("driver_id").cloned(), driver, "sequence {sequence}: {model:?}");
        assert_eq!((&now["status"], &now["attempt"]), (&json!(model.status), &json!(model.attempt)));
        let history = world.read(&format!("{order}/events")).await;
        assert!(history["items"].as_array().unwrap().len() <= 13);
    }
    proof.report(&format!("{sequences} sequences, {commands} commands, {moves} moves, 0 divergences"));
    world.town.finish().await;
}
