//! What a broker's adapter needs of the log: reading it in order for everybody, and stamping each event with what came
//! before it, so that a consumer behind the broker can tell a complete row of events from one with a hole.
//!
//! A broker filters: its consumer sees offsets 4, 9, 17 and cannot know whether 12 was never meant for it or was lost.
//! Therefore the relay, which sees everything, writes down for each consumer that an event is meant for which offset
//! was the one before (the *stamp*). A consumer goes on only from an offset that is not below the stamp; anything else
//! it reads from the log. What a broker loses, repeats or shuffles is found out by arithmetic, not by trust.

use std::collections::HashMap;
use std::fmt::Write as _;

use kernel::ids::Uuid;
use sqlx::Row;

use super::Delivery;
use super::runner::delivery;
use crate::Result;
use crate::db::{SystemDb, Tx};

/// Into how many parts a relay spreads keys. Consumers with 1, 2, 3, 4, 6 or 12 partitions get exactly theirs; others
/// get all and drop what is not theirs.
pub const BUCKETS: i32 = 12;

/// One event on its way to a broker.
#[derive(Debug, Clone)]
pub struct Logged {
    /// The event.
    pub delivery: Delivery,
    /// The hash of its key that decides about partitions.
    pub hash: i64,
}

impl Logged {
    /// Its part of [`BUCKETS`].
    pub fn bucket(&self) -> i64 {
        self.hash.rem_euclid(BUCKETS.into())
    }
}

/// The log as a relay finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Names the log and its epoch.
    pub identity: String,
    /// The lowest offset that is kept.
    pub first_offset: i64,
    /// The offset that the next event will get.
    pub next_offset: i64,
    /// From here on some consumer still waits.
    pub wanted_from: i64,
    /// What a broker had confirmed when it was last noted.
    pub confirmed: i64,
}

/// What one consumer wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// Durable name.
    pub consumer: String,
    /// How many hash partitions.
    pub parts: i32,
    /// Which subjects.
    pub subjects: Vec<String>,
    /// Short name of these two.
    pub filter: String,
}

/// The log, for relays.
#[derive(Debug, Clone)]
pub struct RelayLog {
    system: SystemDb,
}

impl RelayLog {
    /// On the system's connection.
    pub fn new(system: SystemDb) -> Self {
        Self { system }
    }

    /// The connection.
    pub fn system(&self) -> &SystemDb {
        &self.system
    }

    /// Where the log is.
    pub async fn open(&self) -> Result<Opened> {
        let row = sqlx::query("SELECT * FROM bus.relay_open()").fetch_one(self.system.pool()).await?;
        let next_offset = row.try_get("next_offset")?;
        Ok(Opened {
            identity: row.try_get("identity")?,
            first_offset: row.try_get("first_offset")?,
            next_offset,
            wanted_from: row.try_get::<Option<i64>, _>("wanted_from")?.unwrap_or(next_offset),
            confirmed: row.try_get("confirmed")?,
        })
    }

    /// The next events after an offset, in order and without a gap.
    pub async fn read(&self, after: i64, limit: i32) -> Result<Vec<Logged>> {
        let rows = sqlx::query("SELECT * FROM bus.relay_read($1, $2)")
            .bind(after)
            .bind(limit)
            .fetch_all(self.system.pool())
            .await?;
        rows.iter().map(|row| Ok(Logged { delivery: delivery(row)?, hash: row.try_get("hash")? })).collect()
    }

    /// Who wants what, now.
    pub async fn wants(&self) -> Result<Vec<Want>> {
        let rows = sqlx::query("SELECT * FROM bus.relay_filters()").fetch_all(self.system.pool()).await?;
        rows.iter()
            .map(|row| {
                Ok(Want {
                    consumer: row.try_get("consumer")?,
                    parts: row.try_get("parts")?,
                    subjects: row.try_get("subjects")?,
                    filter: row.try_get("filter")?,
                })
            })
            .collect()
    }

    /// Takes or keeps the turn for so many seconds and notes what is confirmed; false while another relay has it.
    pub async fn turn(&self, holder: Uuid, confirmed: Option<i64>, seconds: f64) -> Result<bool> {
        Ok(sqlx::query_scalar("SELECT bus.relay_turn($1, $2, $3)")
            .bind(holder)
            .bind(confirmed)
            .bind(seconds)
            .fetch_one(self.system.pool())
            .await?)
    }
}

/// What a relay remembers to stamp events with.
#[derive(Debug)]
pub struct Chains {
    /// Since which offset each want is known; nothing before it can be vouched for.
    known: HashMap<(String, String), i64>,
    /// The last event that was meant for it, by label.
    last: HashMap<String, i64>,
}

impl Chains {
    /// A relay that has seen nothing yet.
    pub fn new() -> Self {
        Self { known: HashMap::new(), last: HashMap::new() }
    }

    /// Learns who wants what, before the events after `offset` are stamped.
    pub fn learn(&mut self, wants: &[Want], offset: i64) {
        for want in wants {
            self.known.entry((want.consumer.clone(), want.filter.clone())).or_insert(offset);
        }
        // A want that went away may come back, and what happened in between was not stamped for it.
        self.known.retain(|(consumer, filter), _| {
            wants.iter().any(|want| want.consumer == *consumer && want.filter == *filter)
        });
        let known = &self.known;
        self.last.retain(|label, _| known.keys().any(|(consumer, filter)| is_of(label, consumer, filter)));
    }

    /// The stamp of an event: for each consumer that wants it, no event of its own lies between the named offset and
    /// this one.
    pub fn stamp(&mut self, event: &Logged, wants: &[Want]) -> String {
        let mut stamp = String::new();
        for want in wants.iter().filter(|want| want.subjects.contains(&event.delivery.subject)) {
            let part = event.hash.rem_euclid(i64::from(want.parts.max(1)));
            let label = label(&want.consumer, part, &want.filter);
            let known = self.known.get(&(want.consumer.clone(), want.filter.clone())).copied();
            let Some(since) = known else { continue };
            let before = self.last.insert(label.clone(), event.delivery.offset).unwrap_or(since);
            let separator = if stamp.is_empty() { "" } else { " " };
            // Writing to a String cannot fail.
            let _ok = write!(stamp, "{separator}{label}={before}");
        }
        stamp
    }
}

impl Default for Chains {
    fn default() -> Self {
        Self::new()
    }
}

fn label(consumer: &str, part: i64, filter: &str) -> String {
    format!("{consumer}/{part}#{filter}")
}

fn is_of(label: &str, consumer: &str, filter: &str) -> bool {
    label.strip_prefix(consumer).is_some_and(|rest| rest.starts_with('/'))
        && label.strip_suffix(filter).is_some_and(|rest| rest.ends_with('#'))
}

/// Where a consumer is, with its cursor locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Everything up to here has had its effect or was set aside.
    pub last_offset: i64,
    /// The lowest offset that is kept.
    pub first_offset: i64,
    /// The offset that the next event will get.
    pub next_offset: i64,
    /// Names the log and its epoch.
    pub identity: String,
    /// Short name of what it wants.
    pub filter: String,
    /// Which subjects.
    pub subjects: Vec<String>,
    /// How many hash partitions.
    pub parts: i32,
}

impl Position {
    /// Locks the cursor. `None`: another instance is working this partition.
    pub async fn lock(tx: &mut Tx, consumer: &str, part: i32) -> Result<Option<Self>> {
        let row = sqlx::query("SELECT * FROM bus.position($1, $2)")
            .bind(consumer)
            .bind(part)
            .fetch_optional(tx.conn())
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Self {
            last_offset: row.try_get("last_offset")?,
            first_offset: row.try_get("first_offset")?,
            next_offset: row.try_get("next_offset")?,
            identity: row.try_get("identity")?,
            filter: row.try_get("filter")?,
            subjects: row.try_get("subjects")?,
            parts: row.try_get("parts")?,
        }))
    }

    /// What a stamp says to this consumer: no event of its own lies between that offset and the stamped event. `None`:
    /// the event is not for it, or the relay did not know yet that it is.
    pub fn before(&self, stamp: &str, consumer: &str, part: i32) -> Option<i64> {
        let label = label(consumer, part.into(), &self.filter);
        stamp.split(' ').find_map(|entry| entry.strip_prefix(&label)?.strip_prefix('=')?.parse().ok())
    }

    /// The buckets of [`BUCKETS`] that hold this partition's keys; empty: it takes them all and looks at stamps.
    pub fn buckets(&self, part: i32) -> Vec<i32> {
        if self.parts <= 1 || BUCKETS % self.parts != 0 {
            return Vec::new();
        }
        (0..BUCKETS).filter(|bucket| bucket % self.parts == part).collect()
    }
}

#[cfg(test)]
mod tests {
    use kernel::ids::{EventId, OrgId};
    use kernel::time::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn event(offset: i64, subject: &str, hash: i64) -> Logged {
        let delivery = Delivery {
            offset,
            event_id: EventId::new(Uuid::nil()),
            org: OrgId::new(Uuid::nil()),
            subject: subject.to_owned(),
            key: Uuid::nil(),
            version: 1,
            payload: serde_json::Value::Null,
            actor: String::new(),
            trace: None,
            occurred_at: Timestamp::UNIX_EPOCH,
        };
        Logged { delivery, hash }
    }

    fn want(consumer: &str, parts: i32, subjects: &[&str]) -> Want {
        let subjects: Vec<String> = subjects.iter().map(|subject| (*subject).to_owned()).collect();
        let filter = format!("{}{parts}", subjects.concat());
        Want { consumer: consumer.to_owned(), parts, subjects, filter }
    }

    fn position(want: &Want) -> Position {
        Position {
            last_offset: 0,
            first_offset: 1,
            next_offset: 1,
            identity: String::new(),
            filter: want.filter.clone(),
            subjects: want.subjects.clone(),
            parts: want.parts,
        }
    }

    #[test]
    fn a_stamp_names_the_event_before_for_each_consumer() {
        let wants = [want("one", 1, &["a", "b"]), want("two", 1, &["b"])];
        let mut chains = Chains::new();
        chains.learn(&wants, 4);
        let stamps: Vec<String> = [(5, "a"), (6, "b"), (7, "c"), (8, "b")]
            .map(|(o, s)| chains.stamp(&event(o, s, 0), &wants))
            .into();
        assert_eq!(stamps, ["one/0#ab1=4", "one/0#ab1=5 two/0#b1=4", "", "one/0#ab1=6 two/0#b1=6"]);
        assert_eq!(position(&wants[1]).before(&stamps[3], "two", 0), Some(6));
        assert_eq!(position(&wants[1]).before(&stamps[0], "two", 0), None);
    }

    #[test]
    fn nothing_is_vouched_for_before_a_want_was_known() {
        let (old, new) = ([want("one", 1, &["a"])], [want("one", 1, &["a", "b"])]);
        let mut chains = Chains::new();
        chains.learn(&old, 0);
        chains.stamp(&event(1, "a", 0), &old);
        chains.learn(&new, 7);
        assert_eq!(chains.stamp(&event(8, "b", 0), &new), "one/0#ab1=7");
        // It goes back: what it wanted before counts for nothing.
        chains.learn(&old, 9);
        assert_eq!(chains.stamp(&event(10, "a", 0), &old), "one/0#a1=9");
    }

    #[test]
    fn partitions_are_whole_buckets_where_they_divide_them() {
        for parts in [2, 3, 4, 6, 12] {
            let here = position(&want("one", parts, &["a"]));
            let mut all: Vec<i32> = (0..parts).flat_map(|part| here.buckets(part)).collect();
            all.sort_unstable();
            assert_eq!(all, (0..BUCKETS).collect::<Vec<_>>());
            for hash in [-13_i64, -1, 0, 5, i64::MIN, i64::MAX] {
                let part = i32::try_from(hash.rem_euclid(parts.into())).unwrap();
                let bucket = i32::try_from(event(1, "a", hash).bucket()).unwrap();
                assert!(here.buckets(part).contains(&bucket), "{hash} of {parts}");
            }
        }
        assert!(position(&want("one", 5, &["a"])).buckets(1).is_empty());
    }

    proptest! {
        /// Whatever is lost: a consumer that follows the stamps never goes past an event that it did not get.
        #[test]
        fn a_hole_is_always_seen(subjects in proptest::collection::vec(0_u8..4, 1..60), lost in 0_usize..60, start in 0_i64..30) {
            let wants = [want("one", 1, &["s0", "s1"])];
            let here = position(&wants[0]);
            let mut chains = Chains::new();
            chains.learn(&wants, start);
            let events: Vec<Logged> = (start + 1..).zip(&subjects).map(|(o, s)| event(o, &format!("s{s}"), 0)).collect();
            let mut at = start;
            for (n, logged) in events.iter().enumerate() {
                let stamp = chains.stamp(logged, &wants);
                let Some(before) = here.before(&stamp, "one", 0) else { continue };
                if n == lost { continue }
                if before <= at {
                    let missed = events[..n].iter().enumerate()
                        .any(|(m, e)| m == lost && e.delivery.offset > at && here.subjects.contains(&e.delivery.subject));
                    prop_assert!(!missed);
                    at = logged.delivery.offset;
                } else {
                    prop_assert!(lost < n, "nothing was lost before {n}");
                    return Ok(());
                }
            }
        }
    }
}
