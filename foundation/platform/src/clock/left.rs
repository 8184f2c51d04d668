//! What is left to do at a moment, for whoever moves the time.

use std::fmt;

use kernel::time::Timestamp;
use sqlx::Row;

use crate::Result;
use crate::db::{SystemDb, ToSqlx};

/// What is left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// Whether events are not in the log yet.
    pub outbox: bool,
    /// Consumers that have not seen everything that concerns them.
    pub consumers: Vec<String>,
    /// Jobs and schedules that are due, and jobs that run: service and name.
    pub jobs: Vec<(String, String)>,
}

impl Left {
    /// Looks at log, consumers and jobs of all services.
    ///
    /// One statement, so that all of them are seen at the same moment: a job that ends between two looks, after it has
    /// written an event, would be missed by the second one and its event by the first.
    pub async fn at(system: &SystemDb, now: Timestamp) -> Result<Self> {
        let rows = sqlx::query(
            "SELECT 'outbox' AS what, '' AS service, '' AS name FROM bus.status() WHERE outbox > 0
             UNION ALL SELECT 'consumer', '', consumer FROM bus.consumers_left($1) AS consumer
             UNION ALL SELECT 'job', service, name FROM platform.jobs
                        WHERE state = 'running' OR (state = 'queued' AND run_at <= $1)
             UNION ALL SELECT 'job', service, name FROM platform.job_schedules WHERE next_run_at <= $1",
        )
        .bind(now.to_sqlx())
        .fetch_all(system.pool())
        .await?;
        let mut left = Self::default();
        for row in rows {
            match row.try_get("what")? {
                "outbox" => left.outbox = true,
                "consumer" => left.consumers.push(row.try_get("name")?),
                _ => left.jobs.push((row.try_get("service")?, row.try_get("name")?)),
            }
        }
        Ok(left)
    }

    /// Whether there is nothing.
    pub fn is_nothing(&self) -> bool {
        !self.outbox && self.consumers.is_empty() && self.jobs.is_empty()
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outbox = self.outbox.then(|| "events on their way to the log".to_owned());
        let consumers = self.consumers.iter().map(|name| format!("consumer {name}"));
        let jobs = self.jobs.iter().map(|(_, name)| format!("job {name}"));
        let all: Vec<String> = outbox.into_iter().chain(consumers).chain(jobs).collect();
        f.write_str(if all.is_empty() { "nothing" } else { "" })?;
        f.write_str(&all.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_who_is_waited_for() {
        let mut left = Left::default();
        assert!(left.is_nothing());
        assert_eq!(left.to_string(), "nothing");
        left.outbox = true;
        left.consumers.push("dispatch.orders".to_owned());
        left.jobs.push(("dispatch".to_owned(), "dispatch.wake".to_owned()));
        assert!(!left.is_nothing());
        assert_eq!(
            left.to_string(),
            "events on their way to the log, consumer dispatch.orders, job dispatch.wake"
        );
    }
}
