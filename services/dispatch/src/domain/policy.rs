//! What an organisation wants of dispatch.

use serde::{Deserialize, Serialize};

/// Who is asked for, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrategyKind {
    /// People decide.
    Manual,
    /// The nearest driver who fits.
    Nearest,
    /// The first to accept of the nearest few.
    Broadcast,
}

impl StrategyKind {
    /// The word of the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Nearest => "nearest",
            Self::Broadcast => "broadcast",
        }
    }

    /// The strategy of this word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Manual, Self::Nearest, Self::Broadcast].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What happens when everybody who fits was asked in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Escalation {
    /// The order waits for a person, and is marked.
    AskHuman,
    /// The nearest driver who fits is given the order.
    AssignNearest,
}

impl Escalation {
    /// The word of the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AskHuman => "ask_human",
            Self::AssignNearest => "assign_nearest",
        }
    }

    /// The escalation of this word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::AskHuman, Self::AssignNearest].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The decisions of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Who is asked for.
    pub strategy: StrategyKind,
    /// Whether drivers are asked (`offer`) or told (`auto`). Broadcast always asks.
    pub offers: bool,
    /// How many orders a driver has at most at a time.
    pub max_orders: u16,
    /// How far a driver may be from the pick-up, metres; `None`: any distance.
    pub radius_m: Option<u32>,
    /// How long a new order waits before anybody is asked, seconds: others may come that go well with it.
    pub wait_s: u32,
    /// How long before the goods are ready somebody is asked, seconds.
    pub lead_s: u32,
    /// How long a driver may think, seconds.
    pub offer_s: u32,
    /// How many are asked at once in the first round of a broadcast; each further round asks twice as many.
    pub breadth: u16,
    /// How many rounds there are before [`Policy::escalation`].
    pub rounds: u16,
    /// What happens then.
    pub escalation: Escalation,
}

impl Default for Policy {
    /// People decide, until somebody says otherwise.
    fn default() -> Self {
        Self {
            strategy: StrategyKind::Manual,
            offers: false,
            max_orders: 3,
            radius_m: None,
            wait_s: 0,
            lead_s: 900,
            offer_s: 45,
            breadth: 3,
            rounds: 3,
            escalation: Escalation::AskHuman,
        }
    }
}
