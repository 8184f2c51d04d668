//! Orders from tables: which column is which field, what its texts mean, and where an import stands.
//!
//! | from \ to | running | done | undoing | undone |
//! |---|---|---|---|---|
//! | previewed | confirm | | | |
//! | running | | the last row | | |
//! | done | | | undo | |
//! | undoing | | | | the last row |

pub mod cells;
pub mod columns;

use serde::{Deserialize, Serialize};

use columns::Mapping;

/// Where an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Read; nothing was made.
    Previewed,
    /// Its orders are being made.
    Running,
    /// All that could be made are made.
    Done,
    /// Its orders are being called off.
    Undoing,
    /// Those that could be called off are.
    Undone,
}

impl State {
    /// All, in their order.
    pub const ALL: [Self; 5] = [Self::Previewed, Self::Running, Self::Done, Self::Undoing, Self::Undone];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Previewed => "previewed",
            Self::Running => "running",
            Self::Done => "done",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
        }
    }

    /// From the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// Confirming: `Some(false)` when it was confirmed already, `None` when it cannot be any more.
    pub fn confirm(self) -> Option<bool> {
        match self {
            Self::Previewed => Some(true),
            Self::Running | Self::Done => Some(false),
            Self::Undoing | Self::Undone => None,
        }
    }

    /// Undoing: `Some(false)` when it was begun already, `None` when it cannot be yet.
    pub fn undo(self) -> Option<bool> {
        match self {
            Self::Done => Some(true),
            Self::Undoing | Self::Undone => Some(false),
            Self::Previewed | Self::Running => None,
        }
    }
}

/// What is wrong with a row, in words about its columns and never with their values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowError {
    /// The heading of the column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Where it would be in the body of an order.
    pub pointer: String,
    /// What is wrong.
    pub text: String,
}

impl RowError {
    /// What a refusal says of a row.
    pub fn of(refusal: &platform::Error, mapping: &Mapping) -> Vec<Self> {
        let said = |pointer: &str, text: &str| Self {
            column: mapping.heading_of(pointer).map(str::to_owned),
            pointer: pointer.to_owned(),
            text: text.to_owned(),
        };
        if refusal.fields().is_empty() {
            return vec![said("", refusal.message())];
        }
        refusal.fields().iter().map(|field| said(&field.pointer, &field.detail)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_confirmed_and_undone_as_the_table_says() {
        let said: Vec<_> = State::ALL.into_iter().map(|state| (state.confirm(), state.undo())).collect();
        let table = [
            (Some(true), None),
            (Some(false), None),
            (Some(false), Some(true)),
            (None, Some(false)),
            (None, Some(false)),
        ];
        assert_eq!(said, table);
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        assert_eq!(State::parse("gone"), None);
    }
}
