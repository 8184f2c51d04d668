//! Who is killed when, drawn from a seed: the same seed gives the same kills.

use std::time::Duration;

use kernel::random::Random;

/// One strike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kill {
    /// How long after the last one everything was well again.
    pub after: Duration,
    /// Indices of the victims; two at once in one of ten.
    pub victims: Vec<usize>,
    /// Once more so long after the first victim was started again, in one of ten.
    pub during_start: Option<Duration>,
}

/// Draws kills.
#[derive(Debug, Clone)]
pub struct Killer {
    random: Random,
    members: u64,
}

impl Killer {
    /// Among so many processes.
    pub fn new(seed: u64, members: usize) -> Self {
        Self { random: Random::seeded(seed), members: u64::try_from(members).unwrap_or(1) }
    }

    fn index(&self, bound: u64) -> usize {
        usize::try_from(self.random.below(bound)).unwrap_or(0)
    }
}

impl Iterator for Killer {
    type Item = Kill;

    fn next(&mut self) -> Option<Kill> {
        let first = self.index(self.members);
        let mut victims = vec![first];
        if self.members > 1 && self.random.below(10) == 0 {
            let other =
                (first + 1 + self.index(self.members - 1)) % usize::try_from(self.members).unwrap_or(1);
            victims.push(other);
        }
        let during_start =
            (self.random.below(10) == 0).then(|| Duration::from_millis(self.random.below(300)));
        Some(Kill { after: Duration::from_millis(100 + self.random.below(400)), victims, during_start })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_says_everything_and_every_kind_comes() {
        let kills: Vec<Kill> = Killer::new(7, 3).take(300).collect();
        assert_eq!(kills, Killer::new(7, 3).take(300).collect::<Vec<_>>());
        let doubles = kills.iter().filter(|kill| kill.victims.len() == 2).count();
        let starts = kills.iter().filter(|kill| kill.during_start.is_some()).count();
        assert!((15..=50).contains(&doubles) && (15..=50).contains(&starts), "{doubles} {starts}");
        assert!(kills.iter().all(|kill| kill.victims.len() == 1 || kill.victims[0] != kill.victims[1]));
        assert!((0..3).all(|member| kills.iter().any(|kill| kill.victims[0] == member)));
    }
}
