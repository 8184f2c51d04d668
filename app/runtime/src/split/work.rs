//! What runs beside the requests of a process: keys and revocations, the work across organisations, probes.

use std::sync::Arc;

use anyhow::Result;
use platform::db::{Db, SystemDb};
use platform::lifecycle::Lifecycle;
use platform::telemetry::metrics::Metrics;

use super::compose::Parts;
use super::trust::Trust;
use crate::anchors::Anchors;
use crate::background::{self, SystemWork};
use crate::erasures::Journal;
use crate::installation::IdentityParts;
use crate::{keys, probes};

/// Starts it; the connection for the work across organisations, where this process does it.
pub(super) async fn start(
    parts: &Parts<'_>,
    identity: Option<&IdentityParts>,
    trust: &Trust,
    metrics: &Metrics,
    lifecycle: &Lifecycle,
) -> Result<Option<SystemDb>> {
    let process = parts.process;
    let dbs: Vec<Db> = parts.dbs.values().cloned().collect();
    if let Some(identity) = identity {
        background::start_keys(lifecycle, identity);
    }
    if let Some(db) = dbs.first() {
        background::start_revocations(lifecycle, &trust.revocations, db);
    }
    // The sequencer serves services that say something; a process with none of them leaves it to others.
    let system = process.system().filter(|_| identity.is_some() || !process.is_door_only());
    process.outside.start(lifecycle, system.as_ref(), &process.random);
    let Some(system) = system else {
        tracing::info!("the sequencer, sealing and upkeep run in other processes");
        for db in &dbs {
            probes::probe_plain(lifecycle.readiness(), db).await;
        }
        probes::start_plain(lifecycle, dbs, metrics.clone());
        return Ok(None);
    };
    lifecycle.readiness().expect(probes::SEQUENCER);
    let (place, config) = (&process.settings.place, process.settings.config());
    let audit_key = keys::audit(place, config)?;
    let clock = Arc::clone(&process.clock);
    let work = SystemWork {
        system: system.clone(),
        anchors: Anchors::new(&process.settings, system.clone(), audit_key.clone(), clock),
        journal: Journal::new(place, audit_key.clone(), system.clone()),
        audit_key,
        clock: Arc::clone(&process.clock),
        retention_days: config.bus.retention_days,
    };
    background::start_system(lifecycle, &work);
    probes::probe(lifecycle.readiness(), &system).await;
    probes::start(lifecycle, &system, &process.clock, dbs, metrics.clone());
    Ok(Some(system))
}
