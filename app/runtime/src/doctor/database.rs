//! What the database says.

use kernel::time::{Clock, Timestamp};
use platform::clock::SystemClock;
use platform::postgres::{self, check_durability};
use platform::{bus, jobs};
use sqlx::{PgConnection, Row};

use super::Finding;
use crate::installation::Installation;
use crate::settings::Settings;

const DATABASE: &str = "database";
/// Clocks that differ by more make leases and tokens unreliable.
const SKEW_WARNING_MS: i64 = 500;
const SKEW_BROKEN_MS: i64 = 5000;

/// Everything about the database.
pub(super) async fn examine(settings: Settings) -> Vec<Finding> {
    if settings.config().database.url.is_none() {
        let options = settings.private_postgres();
        let installed = postgres::find(&options.places);
        let Some(newest) = installed.first() else {
            return vec![Finding::broken(
                "PostgreSQL",
                format!("no server of a supported version was found ({})", options.places.describe()),
                "script/setup, or set DATABASE_URL to use a PostgreSQL that is already running",
            )];
        };
        if !settings.place.folder.join("postgres").exists() {
            let seen =
                format!("PostgreSQL {} is installed; the first start creates the database", newest.major);
            return vec![Finding::fine(DATABASE, seen)];
        }
    }
    let flag = settings.place.flag();
    let installation = match Box::pin(Installation::open(settings)).await {
        Ok(installation) => installation,
        Err(error) => {
            return vec![Finding::broken(DATABASE, format!("{error:#}"), "see what it says")];
        }
    };
    let mut findings = vec![reach(&installation)];
    match installation.database.connect_admin().await {
        Ok(mut connection) => {
            findings.push(durability(&mut connection).await);
            findings.push(clock(&mut connection).await);
            findings.push(long_transactions(&mut connection).await);
        }
        Err(error) => findings.push(Finding::broken(DATABASE, format!("{error:#}"), "see what it says")),
    }
    findings.extend(contents(&installation, &flag).await);
    if let Err(error) = installation.close().await {
        findings.push(Finding::warning(DATABASE, format!("{error:#}"), "see what it says"));
    }
    findings
}

fn reach(installation: &Installation) -> Finding {
    let who = if installation.settings.config().database.url.is_some() {
        "the PostgreSQL of DATABASE_URL answers"
    } else if installation.database.is_beside() {
        "the private PostgreSQL answers; DropMate is running"
    } else {
        "the private PostgreSQL starts; DropMate is not running"
    };
    Finding::fine(DATABASE, who)
}

async fn durability(connection: &mut PgConnection) -> Finding {
    const WHAT: &str = "durability";
    match check_durability(connection).await {
        Ok(found) if found.data_checksums => {
            Finding::fine(WHAT, "what is acknowledged is on the disk; pages have checksums")
        }
        Ok(_) => Finding::warning(
            WHAT,
            "pages have no checksums: damage is not noticed",
            "stop the server and run pg_checksums --enable on its data folder",
        ),
        Err(error) => Finding::broken(WHAT, error.to_string(), "turn the settings on and restart PostgreSQL"),
    }
}

async fn clock(connection: &mut PgConnection) -> Finding {
    const WHAT: &str = "clock";
    let asked = SystemClock.now();
    let there = sqlx::query("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS ms")
        .fetch_one(connection)
        .await;
    let there = there.and_then(|row| row.try_get::<i64, _>("ms"));
    let Ok(there) = there.map(Timestamp::from_millisecond) else {
        return Finding::warning(WHAT, "the database did not say its time", "try again");
    };
    let answered = SystemClock.now();
    // The database read its clock somewhere between the two.
    let middle = asked.as_millisecond().midpoint(answered.as_millisecond());
    let skew = there.map_or(0, |there| (there.as_millisecond() - middle).abs());
    let seen = format!("differs from the database's by {skew} ms");
    let fix = "synchronise both machines (timedatectl set-ntp true)";
    match skew {
        0..=SKEW_WARNING_MS => Finding::fine(WHAT, seen),
        ..=SKEW_BROKEN_MS => Finding::warning(WHAT, seen, fix),
        _ => Finding::broken(WHAT, seen, fix),
    }
}

async fn long_transactions(connection: &mut PgConnection) -> Finding {
    const WHAT: &str = "transactions";
    let oldest = sqlx::query_scalar::<_, Option<f64>>(
        "SELECT max(extract(epoch FROM clock_timestamp() - xact_start))::double precision FROM pg_stat_activity
          WHERE datname = current_database() AND backend_type = 'client backend'",
    );
    match oldest.fetch_one(connection).await {
        Ok(Some(age)) if age > 60.0 => Finding::warning(
            WHAT,
            format!("one is open for {age:.0} s"),
            "see pg_stat_activity; it keeps old rows from being cleaned up",
        ),
        _ => Finding::fine(WHAT, "none is open for long"),
    }
}

/// What needs the schema.
async fn contents(installation: &Installation, flag: &str) -> Vec<Finding> {
    if let Err(error) = installation.check_schema().await {
        return vec![Finding::broken("schema", error.to_string(), format!("dropmate migrate{flag}"))];
    }
    let mut findings = vec![Finding::fine("schema", "is what this build knows")];
    if let Err(error) = installation.check_master_key().await {
        findings.push(Finding::broken("installation key", error.to_string(), "restore the secrets"));
    }
    if let Ok(log) = bus::status(&installation.system).await {
        let dead: i64 = log.consumers.iter().map(|consumer| consumer.dead).sum();
        findings.push(if dead > 0 {
            Finding::warning(
                "event log",
                format!("{dead} dead letters"),
                format!("dropmate bus dead-letters{flag}"),
            )
        } else {
            Finding::fine(
                "event log",
                format!("at offset {}, {} waiting, no dead letters", log.next_offset - 1, log.outbox),
            )
        });
    }
    if let Ok(queues) = jobs::queues(&installation.system, installation.clock.now()).await {
        let dead: i64 = queues.iter().map(|queue| queue.dead).sum();
        findings.push(if dead > 0 {
            Finding::warning("jobs", format!("{dead} gave up"), "look for `job failed for good` in the log")
        } else {
            Finding::fine("jobs", "none gave up")
        });
    }
    findings
}
