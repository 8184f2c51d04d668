//! The preparation of an order in the shop: an axis of its own.
//!
//! | from | to |
//! |---|---|
//! | `none` | (nothing to prepare) |
//! | `pending` | `accepted`, `rejected` |
//! | `accepted` | `preparing`, `ready`, `rejected` |
//! | `preparing` | `ready`, `rejected` |
//! | `ready`, `rejected` | - |

/// Where the preparation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preparation {
    /// Nothing is prepared.
    None,
    /// The shop has not answered.
    Pending,
    /// The shop will prepare it.
    Accepted,
    /// The shop prepares it.
    Preparing,
    /// It can be picked up.
    Ready,
    /// The shop will not prepare it.
    Rejected,
}

impl Preparation {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::None, Self::Pending, Self::Accepted, Self::Preparing, Self::Ready, Self::Rejected];

    /// The word of the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Preparing => "preparing",
            Self::Ready => "ready",
            Self::Rejected => "rejected",
        }
    }

    /// The preparation of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// What may follow.
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::None | Self::Ready | Self::Rejected => &[],
            Self::Pending => &[Self::Accepted, Self::Rejected],
            Self::Accepted => &[Self::Preparing, Self::Ready, Self::Rejected],
            Self::Preparing => &[Self::Ready, Self::Rejected],
        }
    }

    /// Whether it may go there: `Some(true)` moves, `Some(false)` is so already, `None` is refused.
    pub fn moves_to(self, to: Self) -> Option<bool> {
        if to == self {
            return Some(false);
        }
        self.next().contains(&to).then_some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_as_the_table_says() {
        let allowed = [
            ("pending", "accepted"),
            ("pending", "rejected"),
            ("accepted", "preparing"),
            ("accepted", "ready"),
            ("accepted", "rejected"),
            ("preparing", "ready"),
            ("preparing", "rejected"),
        ];
        for from in Preparation::ALL {
            for to in Preparation::ALL {
                let wanted = match () {
                    () if from == to => Some(false),
                    () if allowed.contains(&(from.as_str(), to.as_str())) => Some(true),
                    () => None,
                };
                assert_eq!(from.moves_to(to), wanted, "{from:?} -> {to:?}");
            }
        }
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for one in Preparation::ALL {
            assert_eq!(Preparation::parse(one.as_str()), Some(one));
        }
        assert_eq!(Preparation::parse("done"), None);
    }
}
