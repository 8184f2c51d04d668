//! How many connections of the database a process takes, and how many it keeps open without need.
//!
//! | | connections |
//! |---|---|
//! | each service of the process | up to `database.pool_size`, of which [`warm`] stay open |
//! | the work across organisations | [`SYSTEM_POOL`] |
//! | a gateway of its own | one more, for its place |
//! | a gateway beside all others | [`DOOR_POOL`], to read the log for clients |
//! | left for commands on the machine: backup, doctor | [`SPARE`] |
//!
//! The warm ones of all services together are at most half of what the server has: several processes may share it, and
//! a restart holds the old ones and the new ones for a moment. The sum of all must fit into what the server allows, or the
//! process does not start: a pool that grows under load would otherwise be refused just when it is needed.

use anyhow::{Context, Result, bail};
use sqlx::PgConnection;

/// Connections of the system role: the sequencer, its listener, the sealer, the probes.
pub(crate) const SYSTEM_POOL: u32 = 6;
/// Connections of a gateway in the same process as all others.
pub(crate) const DOOR_POOL: u32 = 2;
/// For whoever looks after the installation meanwhile.
const SPARE: u32 = 3;
/// Most connections that a service keeps open.
const MOST_WARM: u32 = 8;
/// What PostgreSQL allows when nobody has set it.
pub(crate) const USUAL: u32 = 100;

/// What a process needs at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Services with a pool of their own.
    pub services: u32,
    /// `database.pool_size`.
    pub pool_size: u32,
    /// Whether it does the work across organisations.
    pub system: bool,
    /// What its gateway takes besides a pool like that of a service.
    pub door: u32,
}

impl Needs {
    fn sum(self) -> u32 {
        let system = if self.system { SYSTEM_POOL } else { 0 };
        self.services.saturating_mul(self.pool_size) + system + self.door + SPARE
    }

    /// The largest `database.pool_size` that fits; `None` when none does.
    fn fitting(self, allowed: u32) -> Option<u32> {
        let rest = allowed.checked_sub(Self { services: 0, ..self }.sum())?;
        Some(rest / self.services.max(1)).filter(|size| *size >= 2)
    }

    fn check(self, allowed: u32) -> Result<()> {
        if self.sum() <= allowed {
            return Ok(());
        }
        let next = match self.fitting(allowed) {
            Some(size) => format!("set database.pool_size to {size} or less, or raise max_connections"),
            None => "raise max_connections".to_owned(),
        };
        bail!(
            "this process may take {} connections ({} for each of {} services, and those for the work across organisations \
             and for commands), but the PostgreSQL server allows {allowed}. Next: {next} of the server \
             (database.private_max_connections for the private one)",
            self.sum(),
            self.pool_size,
            self.services
        );
    }

    /// Refuses a server that does not allow as many as this process may take.
    pub async fn check_on(self, connection: &mut PgConnection) -> Result<()> {
        let allowed: i32 = sqlx::query_scalar(
            "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
                  - coalesce(current_setting('reserved_connections', true)::int, 0)",
        )
        .fetch_one(connection)
        .await
        .context("the server does not say how many connections it allows")?;
        self.check(u32::try_from(allowed).unwrap_or(0))
    }
}

/// How many connections each of so many services keeps open on a server that has so many.
pub(crate) fn warm(pool_size: u32, services: u32, server: u32) -> u32 {
    pool_size.min(MOST_WARM).min(server / 2 / services.max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(services: u32, pool_size: u32) -> Needs {
        Needs { services, pool_size, system: true, door: 0 }
    }

    #[test]
    fn the_warm_ones_of_all_services_take_at_most_half() {
        for (services, server, each) in
            [(1, 100, 8), (2, 100, 8), (6, 100, 8), (11, 100, 4), (11, 20, 1), (0, 100, 8)]
        {
            assert_eq!(warm(8, services, server), each, "{services} services, {server} connections");
        }
        assert_eq!(warm(2, 1, 100), 2, "never more than the pool holds");
        for services in 1..=50 {
            assert!(services * warm(1000, services, 100) <= 50, "{services}");
        }
    }

    #[test]
    fn a_sum_that_does_not_fit_is_refused_with_what_does() {
        // Eleven services of the usual size fit a server of the usual size: 88 + 6 + 3 of 97.
        needs(11, 8).check(97).unwrap();
        let refused = needs(11, 9).check(97).unwrap_err().to_string();
        assert!(refused.contains("may take 108 connections") && refused.contains("allows 97"), "{refused}");
        assert!(refused.contains("set database.pool_size to 8 or less"), "{refused}");
        let refused = needs(11, 8).check(20).unwrap_err().to_string();
        assert!(refused.contains("Next: raise max_connections"), "{refused}");
        // The smallest private server that the settings allow carries one service.
        needs(1, 8).check(17).unwrap();
        Needs { services: 1, pool_size: 8, system: false, door: 1 }.check(12).unwrap();
        assert!(Needs { services: 1, pool_size: 8, system: false, door: 1 }.check(11).is_err());
    }
}
