//! The movement of an order (design section 7): the one place where it is decided who has an order and where it stands.
//!
//! Beside its status, the record of an order knows its attempt and whether the goods were **picked up**: from then on they
//! are with the driver, also while a second attempt has not begun to move.
//!
//! | command | from | to |
//! |---|---|---|
//! | `Assign` | created | assigned |
//! | `Reassign` | assigned, enroute_to_pickup, arrived_at_pickup; not picked up | assigned, with the other driver |
//! | `Reassign` (hand-over) | anything before the end, picked up | the same status, with the other driver |
//! | `Unassign` | assigned, enroute_to_pickup, arrived_at_pickup; not picked up | created, with nobody |
//! | `Step` | assigned ... arrived_at_pickup | anything later, up to picked_up |
//! | `Step` | picked_up ... arrived_at_dropoff | anything later, up to delivered |
//! | `Step` | returning | returned |
//! | `Fail` | assigned ... arrived_at_dropoff | failed; final unless picked up |
//! | `Cancel` | created ... arrived_at_pickup; not picked up | cancelled |
//! | `Cancel` | assigned ... arrived_at_dropoff, failed; picked up | returning |
//! | `Return` | failed, picked up | returning |
//! | `Reattempt` | failed, picked up | assigned, the same driver, attempt n + 1 |
//! | `Correct` | anything | what the history could have had: see [`Movement::corrections`] |
//!
//! What is as the command wants it answers "already", so that a repeated message is harmless. Everything else is refused by
//! name ([`Refusal`]).

use contracts::orders::OrderStatus;
use kernel::ids::DriverId;

#[cfg(test)]
mod tests;

/// Where an order stands, with who has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has it.
    Created,
    /// A driver has it and has not set out.
    Assigned(DriverId),
    /// On the way to the pick-up.
    EnrouteToPickup(DriverId),
    /// There.
    ArrivedAtPickup(DriverId),
    /// Carried.
    PickedUp(DriverId),
    /// On the way to the drop-off.
    EnrouteToDropoff(DriverId),
    /// There.
    ArrivedAtDropoff(DriverId),
    /// Handed over.
    Delivered(DriverId),
    /// Not delivered.
    Failed(DriverId),
    /// On the way back.
    Returning(DriverId),
    /// Back.
    Returned(DriverId),
    /// Called off, by then with this driver.
    Cancelled(Option<DriverId>),
}

impl State {
    /// The state of these columns; `None` when they contradict each other.
    pub fn of(status: OrderStatus, driver: Option<DriverId>) -> Option<Self> {
        Some(match (status, driver) {
            (OrderStatus::Created, None) => Self::Created,
            (OrderStatus::Cancelled, driver) => Self::Cancelled(driver),
            (OrderStatus::Created, Some(_)) | (_, None) => return None,
            (OrderStatus::Assigned, Some(driver)) => Self::Assigned(driver),
            (OrderStatus::EnrouteToPickup, Some(driver)) => Self::EnrouteToPickup(driver),
            (OrderStatus::ArrivedAtPickup, Some(driver)) => Self::ArrivedAtPickup(driver),
            (OrderStatus::PickedUp, Some(driver)) => Self::PickedUp(driver),
            (OrderStatus::EnrouteToDropoff, Some(driver)) => Self::EnrouteToDropoff(driver),
            (OrderStatus::ArrivedAtDropoff, Some(driver)) => Self::ArrivedAtDropoff(driver),
            (OrderStatus::Delivered, Some(driver)) => Self::Delivered(driver),
            (OrderStatus::Failed, Some(driver)) => Self::Failed(driver),
            (OrderStatus::Returning, Some(driver)) => Self::Returning(driver),
            (OrderStatus::Returned, Some(driver)) => Self::Returned(driver),
        })
    }

    /// Its word.
    pub fn status(self) -> OrderStatus {
        match self {
            Self::Created => OrderStatus::Created,
            Self::Assigned(_) => OrderStatus::Assigned,
            Self::EnrouteToPickup(_) => OrderStatus::EnrouteToPickup,
            Self::ArrivedAtPickup(_) => OrderStatus::ArrivedAtPickup,
            Self::PickedUp(_) => OrderStatus::PickedUp,
            Self::EnrouteToDropoff(_) => OrderStatus::EnrouteToDropoff,
            Self::ArrivedAtDropoff(_) => OrderStatus::ArrivedAtDropoff,
            Self::Delivered(_) => OrderStatus::Delivered,
            Self::Failed(_) => OrderStatus::Failed,
            Self::Returning(_) => OrderStatus::Returning,
            Self::Returned(_) => OrderStatus::Returned,
            Self::Cancelled(_) => OrderStatus::Cancelled,
        }
    }

    /// Who has it, or had it when it ended.
    pub fn driver(self) -> Option<DriverId> {
        match self {
            Self::Created => None,
            Self::Cancelled(driver) => driver,
            Self::Assigned(driver)
            | Self::EnrouteToPickup(driver)
            | Self::ArrivedAtPickup(driver)
            | Self::PickedUp(driver)
            | Self::EnrouteToDropoff(driver)
            | Self::ArrivedAtDropoff(driver)
            | Self::Delivered(driver)
            | Self::Failed(driver)
            | Self::Returning(driver)
            | Self::Returned(driver) => Some(driver),
        }
    }
}

/// What somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// A driver gets it; nobody has it yet.
    Assign(DriverId),
    /// Another driver gets it: instead of the one who has not picked it up, or by hand-over.
    Reassign(DriverId),
    /// Nobody has it any more.
    Unassign,
    /// The driver went on.
    Step(OrderStatus),
    /// It could not be done.
    Fail,
    /// It is called off.
    Cancel,
    /// What failed goes back.
    Return,
    /// What failed is tried again.
    Reattempt,
    /// A wrong step is put right.
    Correct(OrderStatus),
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It moved.
    Moved(Movement),
    /// It was so already.
    Already,
}

/// Why a command is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not the next thing that can happen.
    #[error("the order cannot do this from where it stands")]
    Illegal,
    /// Another driver has it.
    #[error("another driver has the order")]
    Taken,
    /// Nobody has it.
    #[error("nobody has the order")]
    Nobody,
    /// The goods are with the driver.
    #[error("the driver has picked the goods up")]
    Carried,
}

/// Where an order stands, and what is remembered beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Movement {
    state: State,
    attempt: u16,
    picked_up: bool,
}

/// How far the way is; the same order as in [`OrderStatus::ALL`]. `None` for what is no stage of the way out.
fn stage(status: OrderStatus) -> Option<usize> {
    OrderStatus::ALL[1..=7].iter().position(|one| *one == status)
}

/// The stage at which the goods change hands.
const PICK_UP: usize = 3;

impl Movement {
    /// A new order.
    pub const NEW: Self = Self { state: State::Created, attempt: 1, picked_up: false };

    /// What a row says; `None` when its columns contradict each other.
    pub fn restore(
        status: OrderStatus,
        driver: Option<DriverId>,
        attempt: u16,
        picked_up: bool,
    ) -> Option<Self> {
        let state = State::of(status, driver)?;
        let needs = stage(status).is_some_and(|at| at >= PICK_UP)
            || matches!(status, OrderStatus::Returning | OrderStatus::Returned);
        let excludes = matches!(status, OrderStatus::Created | OrderStatus::Cancelled);
        (attempt > 0 && (picked_up || !needs) && !(picked_up && excludes)).then_some(Self {
            state,
            attempt,
            picked_up,
        })
    }

    /// Where it stands.
    pub fn status(&self) -> OrderStatus {
        self.state.status()
    }

    /// Who has it, or had it when it ended.
    pub fn driver(&self) -> Option<DriverId> {
        self.state.driver()
    }

    /// Which attempt.
    pub fn attempt(&self) -> u16 {
        self.attempt
    }

    /// Whether the goods were picked up.
    pub fn picked_up(&self) -> bool {
        self.picked_up
    }

    /// Whether a driver is at work with it.
    pub fn is_under_way(&self) -> bool {
        stage(self.status()).is_some_and(|at| at < 6) || self.status() == OrderStatus::Returning
    }

    /// Whether nothing follows by itself.
    pub fn is_over(&self) -> bool {
        match self.status() {
            OrderStatus::Delivered | OrderStatus::Returned | OrderStatus::Cancelled => true,
            OrderStatus::Failed => !self.picked_up,
            _ => false,
        }
    }

    /// Does it, or says why not.
    pub fn apply(self, command: Command) -> Result<Verdict, Refusal> {
        match command {
            Command::Assign(driver) => self.assign(driver),
            Command::Reassign(driver) => self.reassign(driver),
            Command::Unassign => self.unassign(),
            Command::Step(to) => self.step(to),
            Command::Fail => self.fail(),
            Command::Cancel => self.cancel(),
            Command::Return => self.go_back(),
            Command::Reattempt => self.reattempt(),
            Command::Correct(to) => self.correct(to),
        }
    }

    /// Steps that the driver can report now.
    pub fn steps(&self) -> Vec<OrderStatus> {
        let moves = |to: &OrderStatus| {
            let command = match to {
                OrderStatus::Failed => Command::Fail,
                OrderStatus::Returning => Command::Return,
                to => Command::Step(*to),
            };
            matches!(self.apply(command), Ok(Verdict::Moved(_)))
        };
        OrderStatus::ALL.into_iter().filter(moves).collect()
    }

    /// What a correction may set: any status that the history could have had.
    ///
    /// | | without a driver | with a driver, not picked up | picked up |
    /// |---|---|---|---|
    /// | created | yes | first attempt | first attempt |
    /// | assigned ... picked_up, failed | | yes | yes |
    /// | enroute_to_dropoff ... delivered, returning, returned | | | yes |
    /// | cancelled | yes | yes | |
    ///
    /// Set back to before the pick-up, the first attempt counts as not picked up; in a later one the goods stay with the driver.
    pub fn corrections(&self) -> Vec<OrderStatus> {
        OrderStatus::ALL.into_iter().filter(|to| *to != self.status() && self.could_be(*to)).collect()
    }

    fn could_be(&self, to: OrderStatus) -> bool {
        let has_driver = self.driver().is_some();
        match (to, stage(to)) {
            (OrderStatus::Created, _) => !has_driver || self.attempt == 1,
            (OrderStatus::Cancelled, _) => !self.picked_up,
            (OrderStatus::Failed, _) => has_driver,
            (_, Some(at)) if at <= PICK_UP => has_driver,
            _ => self.picked_up,
        }
    }

    fn at(self, state: State) -> Verdict {
        Verdict::Moved(Self { state, ..self })
    }

    fn to(self, status: OrderStatus, driver: DriverId) -> Result<Verdict, Refusal> {
        Ok(self.at(State::of(status, Some(driver)).ok_or(Refusal::Illegal)?))
    }

    /// The driver, while the order is somewhere from assigned to arrived_at_dropoff.
    fn on_the_way_out(&self) -> Option<DriverId> {
        stage(self.status()).filter(|at| *at < 6).and(self.driver())
    }

    fn assign(self, driver: DriverId) -> Result<Verdict, Refusal> {
        match self.driver() {
            None if self.state == State::Created => Ok(self.at(State::Assigned(driver))),
            Some(has) if self.is_under_way() && has == driver => Ok(Verdict::Already),
            Some(_) if self.is_under_way() => Err(Refusal::Taken),
            _ => Err(Refusal::Illegal),
        }
    }

    fn reassign(self, driver: DriverId) -> Result<Verdict, Refusal> {
        match self.driver() {
            None if self.state == State::Created => Err(Refusal::Nobody),
            Some(has) if self.is_under_way() && has == driver => Ok(Verdict::Already),
            Some(_) if self.is_under_way() && self.picked_up => self.to(self.status(), driver),
            Some(_) if self.is_under_way() => Ok(self.at(State::Assigned(driver))),
            _ => Err(Refusal::Illegal),
        }
    }

    fn unassign(self) -> Result<Verdict, Refusal> {
        match self.state {
            State::Created => Ok(Verdict::Already),
            _ if self.is_under_way() && self.picked_up => Err(Refusal::Carried),
            _ if self.is_under_way() => Ok(self.at(State::Created)),
            _ => Err(Refusal::Illegal),
        }
    }

    fn step(self, to: OrderStatus) -> Result<Verdict, Refusal> {
        if self.state == State::Created {
            return Err(Refusal::Nobody);
        }
        if to == self.status() && (stage(to).is_some() || to == OrderStatus::Returned) {
            return Ok(Verdict::Already);
        }
        if let (State::Returning(driver), OrderStatus::Returned) = (self.state, to) {
            return Ok(self.at(State::Returned(driver)));
        }
        let (Some(driver), Some(from), Some(until)) =
            (self.on_the_way_out(), stage(self.status()), stage(to))
        else {
            return Err(Refusal::Illegal);
        };
        let over_pick_up = from < PICK_UP && until > PICK_UP;
        if until <= from || over_pick_up {
            return Err(Refusal::Illegal);
        }
        Self { picked_up: self.picked_up || until >= PICK_UP, ..self }.to(to, driver)
    }

    fn fail(self) -> Result<Verdict, Refusal> {
        match (self.state, self.on_the_way_out()) {
            (State::Failed(_), _) => Ok(Verdict::Already),
            (State::Created, _) => Err(Refusal::Nobody),
            (_, Some(driver)) => Ok(self.at(State::Failed(driver))),
            _ => Err(Refusal::Illegal),
        }
    }

    fn cancel(self) -> Result<Verdict, Refusal> {
        match (self.state, self.on_the_way_out()) {
            (State::Cancelled(_) | State::Returning(_), _) => Ok(Verdict::Already),
            (State::Created, _) => Ok(self.at(State::Cancelled(None))),
            (_, Some(driver)) if self.picked_up => Ok(self.at(State::Returning(driver))),
            (_, Some(driver)) => Ok(self.at(State::Cancelled(Some(driver)))),
            (State::Failed(driver), _) if self.picked_up => Ok(self.at(State::Returning(driver))),
            _ => Err(Refusal::Illegal),
        }
    }

    fn go_back(self) -> Result<Verdict, Refusal> {
        match self.state {
            State::Returning(_) => Ok(Verdict::Already),
            State::Failed(driver) if self.picked_up => Ok(self.at(State::Returning(driver))),
            _ => Err(Refusal::Illegal),
        }
    }

    fn reattempt(self) -> Result<Verdict, Refusal> {
        match (self.state, self.attempt.checked_add(1)) {
            (State::Failed(driver), Some(attempt)) if self.picked_up => {
                Ok(Self { attempt, ..self }.at(State::Assigned(driver)))
            }
            _ => Err(Refusal::Illegal),
        }
    }

    fn correct(self, to: OrderStatus) -> Result<Verdict, Refusal> {
        if to == self.status() {
            return Ok(Verdict::Already);
        }
        if !self.could_be(to) {
            return Err(Refusal::Illegal);
        }
        let picked_up = match (to, stage(to)) {
            (OrderStatus::Created, _) => false,
            (OrderStatus::Cancelled | OrderStatus::Failed, _) => self.picked_up,
            (_, Some(at)) if at < PICK_UP => self.picked_up && self.attempt > 1,
            _ => true,
        };
        let driver = self.driver().filter(|_| to != OrderStatus::Created);
        Ok(Self { picked_up, ..self }.at(State::of(to, driver).ok_or(Refusal::Illegal)?))
    }
}
