//! What clients asked for and what they were told, and the verdict over what is there in the end.
//!
//! The rule: what was acknowledged is there, once; what is there was acknowledged or its result is unknown; what was
//! refused is not there.

use std::collections::BTreeMap;
use std::time::Duration;

/// What a client knows about an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was acknowledged, with this id.
    Ok(String),
    /// It was refused for good.
    Fail,
    /// No answer: it may have happened or not.
    Unknown,
}

/// The operations of one or more clients by their idempotency key.
#[derive(Debug, Clone, Default)]
pub struct OpLog {
    operations: BTreeMap<String, (Outcome, Duration)>,
}

/// What breaks the rule; empty when all is well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Acknowledged and not there, or there with another id.
    pub lost: Vec<String>,
    /// There more than once.
    pub doubled: Vec<String>,
    /// Refused and there, or never asked for.
    pub ghosts: Vec<String>,
}

impl OpLog {
    /// Notes the end of an operation, and how long it took from the first try on.
    pub fn note(&mut self, key: impl Into<String>, outcome: Outcome, took: Duration) {
        self.operations.insert(key.into(), (outcome, took));
    }

    /// Adds what another client saw.
    pub fn extend(&mut self, other: Self) {
        self.operations.extend(other.operations);
    }

    /// How many had this kind of end.
    pub fn count(&self, like: fn(&Outcome) -> bool) -> usize {
        self.operations.values().filter(|(outcome, _)| like(outcome)).count()
    }

    /// How many were acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Ok(_)))
    }

    /// How long operations took, shortest first, in seconds.
    pub fn seconds(&self) -> Vec<f64> {
        let mut all: Vec<f64> = self.operations.values().map(|(_, took)| took.as_secs_f64()).collect();
        all.sort_by(f64::total_cmp);
        all
    }

    /// Compares with what is there: key and id of every effect.
    pub fn judge(&self, present: &[(String, String)]) -> Verdict {
        let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (key, id) in present {
            found.entry(key).or_default().push(id);
        }
        let mut verdict = Verdict::default();
        for (key, (outcome, _)) in &self.operations {
            let ids = found.get(key.as_str()).map_or(&[] as &[&str], Vec::as_slice);
            match outcome {
                Outcome::Ok(id) if !ids.contains(&id.as_str()) => verdict.lost.push(key.clone()),
                Outcome::Fail if !ids.is_empty() => verdict.ghosts.push(key.clone()),
                _ => {}
            }
        }
        for (key, ids) in found {
            if ids.len() > 1 {
                verdict.doubled.push(key.to_owned());
            }
            if !self.operations.contains_key(key) {
                verdict.ghosts.push(key.to_owned());
            }
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(operations: &[(&str, Outcome)]) -> OpLog {
        let mut log = OpLog::default();
        for (key, outcome) in operations {
            log.note(*key, outcome.clone(), Duration::ZERO);
        }
        log
    }

    fn there(rows: &[(&str, &str)]) -> Vec<(String, String)> {
        rows.iter().map(|(key, id)| ((*key).to_owned(), (*id).to_owned())).collect()
    }

    #[test]
    fn the_rule_holds_for_an_honest_server() {
        let log = log(&[
            ("a", Outcome::Ok("1".into())),
            ("b", Outcome::Unknown),
            ("c", Outcome::Unknown),
            ("d", Outcome::Fail),
        ]);
        assert_eq!(log.judge(&there(&[("a", "1"), ("b", "2")])), Verdict::default());
    }

    /// Each kind of lie is found.
    #[test]
    fn a_lying_server_is_found_out() {
        let log =
            log(&[("a", Outcome::Ok("1".into())), ("b", Outcome::Fail), ("c", Outcome::Ok("3".into()))]);
        let verdict = log.judge(&there(&[("b", "2"), ("c", "3"), ("c", "4"), ("x", "9")]));
        assert_eq!((verdict.lost, verdict.doubled), (vec!["a".to_owned()], vec!["c".to_owned()]));
        assert_eq!(verdict.ghosts, ["b", "x"]);
        let other_id = log.judge(&there(&[("a", "7"), ("c", "3")]));
        assert_eq!(other_id.lost, ["a"], "the effect of somebody else is not this one's");
    }
}
