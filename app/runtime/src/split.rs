//! A part of an installation as a process of its own: some services here, the others elsewhere, called over HTTP.
//!
//! What such a process gets is what its services need and no more: a login role per service on the shared database, and
//! the installation key only where personal data is opened. It migrates nothing, starts no PostgreSQL, and draws no
//! secret: one that is missing is refused with its name. The work across organisations (sequencer, sealing, upkeep) runs
//! in every process that has a service with a schema and was given the password of the role `system`.
//!
//! The gateway needs no secret of identity: it hears the public keys and asks about API keys over the channel.

mod alone;
mod compose;
mod members;
mod trust;
mod work;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::gateway::Phones;
use anyhow::{Context, Result, bail};
use kernel::random::Random;
use kernel::time::SharedClock;
use platform::clock::sim::nothing;
use platform::clock::system_random;
use platform::db::{Db, PoolOptions, SystemDb, Wake};
use platform::http::rate_limit::RateLimiter;
use platform::lifecycle::{Lifecycle, Stage, TaskKind};
use platform::migrate::{self, MigrationError, RolePasswords};
use platform::postgres::check_durability;
use platform::telemetry::metrics::Metrics;

use crate::announce::Announcement;
use crate::boot::{Running, note_address, notice, open_door};
use crate::connections::{Needs, SYSTEM_POOL};
use crate::database::Database;
use crate::installation::{Clocks, is_stranger, pool_options};
use crate::keys::SYSTEM_ROLE;
use crate::outside::Outside;
use crate::services::Selection;
use crate::settings::{Settings, local_url};
use crate::tls::{self, Facts, Sockets, Tls};
use crate::usage::usage;
use crate::{SERVICES, edge, keys, manifests, probes, rooms};

/// What the services of a process share.
pub(crate) struct Process {
    pub settings: Settings,
    pub part: BTreeSet<&'static str>,
    pub public_url: String,
    pub phones: Phones,
    pub clock: SharedClock,
    pub random: Random,
    pub limiter: Arc<dyn RateLimiter>,
    pub outside: Outside,
    wake: Wake,
    database: Database,
    passwords: RolePasswords,
}

impl Process {
    /// A service's connection under its own role.
    fn db(&self, service: &'static str) -> Db {
        let connect = self.database.role(&migrate::service_role(service), &self.passwords);
        let options = pool_options(&self.settings, self.services());
        let clock = Arc::clone(&self.clock);
        Db::new(service, connect, options, clock, self.random.clone(), self.wake.clone())
    }

    /// The connection for work across organisations, where this process was given it.
    fn system(&self) -> Option<SystemDb> {
        self.passwords.knows(migrate::SYSTEM).then(|| {
            let options = PoolOptions {
                max_connections: SYSTEM_POOL,
                warm_connections: 1,
                ..pool_options(&self.settings, self.services())
            };
            SystemDb::new(self.database.role(migrate::SYSTEM, &self.passwords), options, self.wake.clone())
        })
    }

    fn edge<'a>(&'a self, lifecycle: &'a Lifecycle, metrics: &'a Metrics) -> edge::Parts<'a> {
        edge::Parts {
            config: self.settings.config(),
            clock: &self.clock,
            random: &self.random,
            readiness: lifecycle.readiness(),
            metrics,
            phones: &self.phones,
        }
    }

    /// TLS, if it is ended here: by the gateway, and by nobody behind it.
    fn tls(&self, sockets: &Sockets) -> Result<Option<Tls>> {
        if !self.runs(::gateway::NAME) {
            return Ok(None);
        }
        Tls::open(&tls::Parts {
            settings: &self.settings,
            sockets,
            public_url: &self.public_url,
            clock: &self.clock,
            random: &self.random,
        })
    }

    /// How many services have a pool here.
    fn services(&self) -> u32 {
        u32::try_from(self.part.len()).unwrap_or(u32::MAX)
    }

    /// What it may take of the server's connections.
    fn needs(&self) -> Needs {
        Needs {
            services: self.services(),
            pool_size: self.settings.config().database.pool_size,
            system: self.passwords.knows(migrate::SYSTEM),
            door: u32::from(self.runs(::gateway::NAME)),
        }
    }

    /// How long an answer may take to begin.
    fn deadline(&self) -> Duration {
        Duration::from_secs(self.settings.config().http.request_timeout_s.into())
    }

    /// Whether nothing runs here but the gateway.
    fn is_door_only(&self) -> bool {
        self.part.iter().all(|service| *service == ::gateway::NAME)
    }

    /// Whether this process runs the service itself.
    fn runs(&self, service: &str) -> bool {
        self.part.contains(service)
    }
}

/// Starts the services of this part.
pub(crate) async fn boot(
    settings: Settings,
    part: &BTreeSet<&'static str>,
    metrics: Metrics,
    lifecycle: &Lifecycle,
) -> Result<Running> {
    check(&settings, part)?;
    let ends_tls = part.contains(::gateway::NAME) && settings.ends_tls(None);
    let sockets = Sockets::listen(&settings, ends_tls).await?;
    let address = sockets.address;
    settings.place.create()?;
    compose::expect(lifecycle);
    let mut process = prepare(settings, part, lifecycle).await?;
    check_database(&process).await?;
    lifecycle.readiness().up(probes::MIGRATIONS);

    let tls = process.tls(&sockets)?;
    process.phones.trust = tls.as_ref().and_then(Tls::trust);
    let (router, owner_link) = Box::pin(compose::start(&process, &metrics, lifecycle)).await?;
    open_door(lifecycle, sockets, tls.as_ref(), router);
    let names = Selection::Part(part.clone()).name().unwrap_or_default();
    let url = if process.runs(::gateway::NAME) {
        process.public_url.clone()
    } else {
        local_url(&address.to_string(), false)
    };
    note_address(&process.settings, &process.public_url, address, Some(&names));
    tracing::info!(%address, services = names, "running");
    Ok(running(&process, address, url, owner_link, tls.as_ref().and_then(Tls::facts)))
}

fn running(
    process: &Process,
    address: SocketAddr,
    url: String,
    owner_link: Option<String>,
    tls: Option<Facts>,
) -> Running {
    let place = &process.settings.place;
    let announcement = Announcement {
        url,
        owner_link,
        seeded: None,
        tls,
        data: place.folder.clone(),
        instead_of: place.instead_of.clone(),
    };
    Running { announcement, address, notice: notice(&process.settings, address) }
}

/// What can be refused before anything is touched.
fn check(settings: &Settings, part: &BTreeSet<&'static str>) -> Result<()> {
    let config = settings.config();
    let names = part.iter().copied().collect::<Vec<_>>().join(",");
    if config.database.url.is_none() {
        return Err(usage(format!(
            "--services {names} is a part of an installation, and the parts share one PostgreSQL: set DATABASE_URL. \
             Without it only --services all works, with a private PostgreSQL."
        )));
    }
    if config.http.public_url.is_none() {
        return Err(usage(format!(
            "--services {names} needs PUBLIC_URL, the address that people type: it is in links and tokens, and must be \
             the same in every process"
        )));
    }
    let known = |name: &&String| SERVICES.contains(&name.as_str());
    if let Some(unknown) = config.services.addresses.keys().find(|name| !known(name)) {
        return Err(usage(format!(
            "services.{unknown}: there is no such service; there are: {}",
            SERVICES.join(", ")
        )));
    }
    if let Some(unknown) = config.roles.passwords.keys().find(|name| !known(name) && *name != SYSTEM_ROLE) {
        return Err(usage(format!(
            "roles.{unknown}: there is no such role; there are: {}, {SYSTEM_ROLE}",
            SERVICES.join(", ")
        )));
    }
    let reached = |needed: &str| part.contains(needed) || config.services.addresses.contains_key(needed);
    let mut calls =
        part.iter().flat_map(|&caller| rooms::needs(caller).into_iter().map(move |to| (caller, to)));
    match calls.find(|(_, needed)| !reached(needed)) {
        None => Ok(()),
        Some((caller, needed)) => Err(usage(format!(
            "{caller} calls {needed}, which does not run in this process: say where it is, for example \
             DROPMATE__SERVICES__{}=http://127.0.0.1:7001",
            needed.to_uppercase()
        ))),
    }
}

async fn prepare(
    settings: Settings,
    part: &BTreeSet<&'static str>,
    lifecycle: &Lifecycle,
) -> Result<Process> {
    let passwords = keys::passwords(&settings.place, settings.config())?;
    if let Some(unknown) = part.iter().find(|service| !passwords.knows(&migrate::service_role(service))) {
        bail!(
            "the password of the database role of {unknown} is not known: set roles.{unknown} \
             (DROPMATE__ROLES__{}_FILE) to what `dropmate role-password {unknown}` prints where the installation was \
             migrated, or hand in the secret {} of all roles",
            unknown.to_uppercase(),
            keys::ROLES
        );
    }
    let clocks = Clocks::of(&settings).await?;
    if let Some(sim) = clocks.sim {
        let mut sim = Some(sim);
        lifecycle.spawn(Stage::Database, "simulated clock", TaskKind::Critical, move |stop| {
            let sim = sim.take();
            async move {
                match sim {
                    // What is left to do in the whole installation is not known to a part of it.
                    Some(sim) => sim.follow(nothing(), stop).await,
                    None => Ok(()),
                }
            }
        });
    }
    let public_url = settings.config().http.public_url.clone().unwrap_or_default();
    let public_url = public_url.trim_end_matches('/').to_owned();
    let wake = Wake::default();
    let outside = Outside::open(&settings, &wake).await?;
    Ok(Process {
        database: Database::shared(&settings)?,
        part: part.clone(),
        phones: Phones { app: public_url.clone(), trust: None },
        public_url,
        limiter: outside.limiter(&clocks.clock),
        outside,
        clock: clocks.clock,
        random: system_random(),
        wake,
        passwords,
        settings,
    })
}

/// Refuses a database that is away, not migrated for these services, or forgetful.
async fn check_database(process: &Process) -> Result<()> {
    for service in &process.part {
        let role = migrate::service_role(service);
        let connect = process.database.role(&role, &process.passwords);
        let mut connection = match sqlx::ConnectOptions::connect(&connect).await {
            Ok(connection) => connection,
            Err(error) if is_stranger(&error) => bail!(
                "the database does not know the role {role}, or not with this password. Next: run `dropmate migrate` \
                 where the secrets of the installation are, and compare roles.{service}"
            ),
            Err(error) => return Err(error).context("the PostgreSQL of DATABASE_URL cannot be reached"),
        };
        let own: Vec<_> = manifests().into_iter().filter(|manifest| manifest.name == *service).collect();
        match migrate::check(&mut connection, &own).await {
            Ok(()) => {}
            Err(MigrationError::Older { schema, found, needed }) => bail!(
                "schema {schema} is at version {found}, this build needs {needed}. Next: dropmate migrate, where the \
                 secrets of the installation are"
            ),
            Err(error) => return Err(error.into()),
        }
        check_durability(&mut connection).await?;
        process.needs().check_on(&mut connection).await?;
        sqlx::Connection::close(connection).await.ok();
    }
    Ok(())
}

/// Closes the connections last.
fn close_at_the_end(lifecycle: &Lifecycle, dbs: Vec<Db>, system: Option<SystemDb>) {
    lifecycle.on_stop(Stage::Pools, "pools", move || async move {
        for db in dbs {
            db.close().await;
        }
        if let Some(system) = system {
            system.close().await;
        }
        Ok::<_, Infallible>(())
    });
}
