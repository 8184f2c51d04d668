//! What happens on a day. Times are whole minutes from its beginning.

use kernel::geo::Position;
use kernel::travel::StraightLine;

use crate::streets::{Streets, Way};
use crate::tracker::Device;

/// Who is where, and what happens when.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it is called.
    pub name: String,
    /// How couriers move where there are no streets.
    pub line: StraightLine,
    /// The streets that they keep to.
    pub streets: Option<Streets>,
    /// Minutes that a stop takes: half of them before the goods change hands, half after.
    pub service_min: u32,
    /// Where goods come from.
    pub shops: Vec<Shop>,
    /// Who carries them.
    pub couriers: Vec<Courier>,
    /// What is ordered, the earliest first.
    pub orders: Vec<Order>,
    /// A word on every order, so that people can tell it from real ones.
    pub tag: &'static str,
    /// How often a phone says where it is, in minutes.
    pub report_min: u32,
}

/// A shop.
#[derive(Debug, Clone, PartialEq)]
pub struct Shop {
    /// Its name.
    pub name: String,
    /// Its address.
    pub street: String,
    /// Where it is.
    pub place: Position,
}

/// Somebody who carries goods.
#[derive(Debug, Clone, PartialEq)]
pub struct Courier {
    /// How the courier is called.
    pub name: String,
    /// Where the shift begins.
    pub place: Position,
    /// Begin of the shift.
    pub on: u32,
    /// End of the shift.
    pub off: u32,
    /// How the courier behaves.
    pub character: Character,
    /// What reports the courier's positions.
    pub device: Device,
}

/// How somebody behaves. The default does what is asked, at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Character {
    /// Of so many offers in a row, the first is declined; 0: none.
    pub declines: u32,
    /// How much longer than expected ways take, at most: 0.5 is half as long again.
    pub slowness: f64,
    /// How many minutes the courier thinks before an offer is answered.
    pub thinks: u32,
    /// When the phone has no signal: from and until.
    pub offline: Option<(u32, u32)>,
}

impl Default for Character {
    fn default() -> Self {
        Self { declines: 0, slowness: 0.0, thinks: 0, offline: None }
    }
}

impl Courier {
    /// Whether the phone has a signal at this minute.
    pub fn has_signal(&self, minute: u32) -> bool {
        !self.character.offline.is_some_and(|(from, until)| (from..until).contains(&minute))
    }
}

/// An order.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Which shop, by its place in the list.
    pub shop: usize,
    /// Where it goes.
    pub place: Position,
    /// The address.
    pub street: String,
    /// Who receives it.
    pub recipient: String,
    /// When it is placed.
    pub placed: u32,
    /// When the goods can be picked up.
    pub ready: u32,
    /// Nobody opens the door.
    pub fails: bool,
}

impl Scenario {
    /// The last minute at which something is planned.
    pub fn last(&self) -> u32 {
        let orders = self.orders.iter().map(|order| order.ready.max(order.placed)).max().unwrap_or(0);
        self.couriers.iter().map(|courier| courier.off).max().unwrap_or(0).max(orders)
    }

    /// Minutes from here to there.
    pub fn minutes(&self, from: Position, to: Position) -> u32 {
        self.way(from, to).0
    }

    /// The same with the way along the streets, where there are some.
    pub(crate) fn way(&self, from: Position, to: Position) -> (u32, Option<Way>) {
        match self.streets.as_ref().and_then(|streets| streets.way(from, to)) {
            Some(way) => (minutes_of(way.duration_s), Some(way)),
            None => (self.line.leg(from, to).duration_s.div_ceil(60), None),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ways within a town")]
fn minutes_of(seconds: f64) -> u32 {
    (seconds.max(0.0) / 60.0).ceil() as u32
}
