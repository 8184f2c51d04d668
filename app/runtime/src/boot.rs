//! Starting a process, in the order in which each step may refuse: settings, address, data folder, database, schema,
//! keys, services, requests.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::Router;
use gateway::{Phones, Realtime};
use identity::commands::first_run;
use platform::config::Source;
use platform::db::Db;
use platform::http::server::{self, Endpoint, ServerLimits};
use platform::lifecycle::{Lifecycle, Stage, TaskKind};
use platform::postgres::{PrivatePostgres, check_durability};
use platform::telemetry::metrics::Metrics;

use crate::announce::Announcement;
use crate::background::{self, SystemWork};
use crate::database::Database;
use crate::edge;
use crate::installation::{Clocks, IdentityParts, Installation, Shared};
use crate::limits::raise_open_files;
use crate::outside::Outside;
use crate::probes;
use crate::rooms;
use crate::sandbox;
use crate::seed;
use crate::services::{SERVICES, Selection};
use crate::settings::{Settings, local_url};
use crate::split;
use crate::tls::{self, Sockets, Tls};

/// What kind of start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// Everything, and the schema is brought up to date.
    Up,
    /// These services, on a schema that must fit.
    Serve(Vec<String>),
}

/// A process that serves.
#[derive(Debug)]
pub struct Running {
    /// What to tell the person who started it.
    pub announcement: Announcement,
    /// The address that was taken.
    pub address: SocketAddr,
    pub(crate) notice: Duration,
}

impl Running {
    /// How long to be not ready before connections are refused.
    pub fn notice(&self) -> Duration {
        self.notice
    }
}

/// Starts. What was started is registered with `lifecycle`, whose `stop` ends it, also after an error.
pub async fn boot(
    settings: Settings,
    how: How,
    demo: bool,
    metrics: Metrics,
    lifecycle: &Lifecycle,
) -> Result<Running> {
    settings.check_supported()?;
    raise_open_files();
    if let How::Serve(selected) = &how
        && let Selection::Part(part) = Selection::of(selected)?
    {
        return Box::pin(split::boot(settings, &part, metrics, lifecycle)).await;
    }
    let sockets = Sockets::listen(&settings, settings.ends_tls(None)).await?;
    let address = sockets.address;
    settings.place.create()?;
    probes::expect(lifecycle.readiness());
    let clocks = Clocks::of(&settings).await?;
    let database = Box::pin(Database::open(&settings, false)).await?;
    if let Some(server) = database.private() {
        watch(lifecycle, Arc::clone(server));
    }
    let mut installation = Installation::on(settings, database, Arc::clone(&clocks.clock))?;
    installation.outside = Outside::open(&installation.settings, &installation.wake).await?;
    installation.limiter = installation.outside.limiter(&installation.clock);
    if let Some(sim) = clocks.sim {
        let mut sim = Some((sim, sandbox::remaining(&installation)));
        lifecycle.spawn(Stage::Database, "simulated clock", TaskKind::Critical, move |stop| {
            let sim = sim.take();
            async move {
                match sim {
                    Some((sim, remaining)) => sim.follow(remaining, stop).await,
                    None => Ok(()),
                }
            }
        });
    }
    prepare_database(&installation, &how).await?;
    lifecycle.readiness().up(probes::MIGRATIONS);

    let public_url = public_url(&installation.settings, address);
    let tls = Tls::open(&tls::Parts {
        settings: &installation.settings,
        sockets: &sockets,
        public_url: &public_url,
        clock: &installation.clock,
        random: &installation.random,
    })?;
    let parts = installation.identity_parts(public_url.clone());
    let phones = tls::phones(tls.as_ref(), &public_url);
    let router = start_services(&installation, &parts, &phones, metrics, lifecycle).await?;
    probes::probe(lifecycle.readiness(), &installation.system).await;
    open_door(lifecycle, sockets, tls.as_ref(), router);
    note_address(&installation.settings, &public_url, address, None);
    let seeded = if demo { seed::fill_if_empty(&parts.identity).await? } else { None };
    let facts = tls.as_ref().and_then(Tls::facts);
    let announcement = announce(&installation, &parts, public_url, seeded, facts).await?;
    tracing::info!(%address, url = announcement.url, "running");
    let notice = notice(&installation.settings, address);
    Ok(Running { announcement, address, notice })
}

/// Stops the server last; when it ends by itself, the process stops with the reason.
fn watch(lifecycle: &Lifecycle, server: Arc<PrivatePostgres>) {
    let life = lifecycle.clone();
    let mut server = Some(server);
    lifecycle.spawn(Stage::Database, "private PostgreSQL", TaskKind::OneOff, move |stop| {
        let (server, life) = (server.take(), life.clone());
        async move {
            let Some(server) = server else { return Ok(()) };
            match stop.run_until_cancelled(server.ended()).await {
                None => server.stop().await,
                Some(how) => {
                    life.fail(how);
                    Ok(())
                }
            }
        }
    });
}

async fn prepare_database(installation: &Installation, how: &How) -> Result<()> {
    match how {
        How::Up => installation.migrate().await?,
        How::Serve(_) => installation.check_schema().await?,
    }
    let mut connection =
        installation.system.pool().acquire().await.context("the database cannot be reached")?;
    check_durability(&mut connection).await?;
    drop(connection);
    installation.check_connections().await?;
    installation.check_master_key().await
}

async fn start_services(
    installation: &Installation,
    parts: &IdentityParts,
    phones: &Phones,
    metrics: Metrics,
    lifecycle: &Lifecycle,
) -> Result<Router> {
    let public_url = phones.app.as_str();
    background::load_keys(&parts.identity, lifecycle.readiness()).await?;
    let identity = identity::service(&parts.identity)?;
    let authenticator = edge::authenticator(parts, public_url, &installation.clock);
    let edge = edge::Parts {
        config: installation.settings.config(),
        clock: &installation.clock,
        random: &installation.random,
        readiness: lifecycle.readiness(),
        metrics: &metrics,
        phones,
    };
    let shared = Shared::new(
        &installation.outside,
        &installation.clock,
        &installation.settings,
        public_url.to_owned(),
    )?;
    let plan = rooms::Plan {
        part: &SERVICES.into_iter().collect(),
        deadline: edge.deadline(),
        authenticator: &authenticator,
        identity: Some(&identity),
        ground: &|service, peers| Ok(installation.ground(service, peers, &shared)),
        remote: &|caller, callee| bail!("{callee} is not in this process, as {caller} expects"),
    };
    let mut services = rooms::furnish(&plan)?;
    let door = installation.door();
    let realtime = Realtime {
        hub: background::start_hub(lifecycle, &door),
        live: Arc::clone(&shared.live),
        peers: rooms::peers_of_the_door(&plan, &services)?,
        clock: Arc::clone(&installation.clock),
    };
    services.insert(0, identity);
    let dbs: Vec<Db> = services.iter().filter_map(|service| service.db.clone()).chain([door]).collect();
    let gateway = edge::gateway(
        &edge,
        edge::in_process(&edge, &authenticator, services.iter())?,
        authenticator,
        Arc::new(parts.published.clone()),
        Arc::clone(&installation.limiter),
        realtime,
    )?;
    let concurrency = usize::try_from(installation.settings.config().jobs.concurrency).unwrap_or(8);
    background::start_system(lifecycle, &SystemWork::of(installation));
    background::start_keys(lifecycle, parts);
    background::start_revocations(lifecycle, &parts.revocations, parts.identity.db());
    let outside = &installation.outside;
    outside.start(lifecycle, Some(&installation.system), &installation.random);
    for service in services {
        background::start_service(lifecycle, service, installation.vault(), outside, concurrency).await?;
    }
    probes::start(lifecycle, &installation.system, &installation.clock, dbs.clone(), metrics);
    let system = installation.system.clone();
    lifecycle.on_stop(Stage::Pools, "pools", move || async move {
        for db in dbs {
            db.close().await;
        }
        system.close().await;
        Ok::<_, Infallible>(())
    });
    Ok(gateway.router)
}

/// Answers requests on the sockets of this process.
pub(crate) fn open_door(lifecycle: &Lifecycle, sockets: Sockets, tls: Option<&Tls>, router: Router) {
    let endpoint = match tls {
        None => Endpoint::plain(sockets.main),
        Some(tls) => tls.start(lifecycle, sockets),
    };
    serve(lifecycle, "HTTP server", endpoint, router);
}

/// Answers requests. Nothing new is accepted from the stage `Accept` on; `Http` waits for what is being answered.
pub(crate) fn serve(lifecycle: &Lifecycle, name: &'static str, endpoint: Endpoint, router: Router) {
    let closing = lifecycle.token(Stage::Accept);
    let limits = ServerLimits {
        drain: Stage::Http.deadline().saturating_sub(Duration::from_secs(1)),
        ..ServerLimits::default()
    };
    let mut endpoint = Some(endpoint);
    lifecycle.spawn(Stage::Http, name, TaskKind::Critical, move |stop| {
        let (endpoint, router, closing) = (endpoint.take(), router.clone(), closing.clone());
        async move {
            let endpoints = endpoint.into_iter().collect();
            let stopped = server::serve(endpoints, router, closing, limits).await;
            tracing::info!(cut = stopped.cut, "no more requests");
            // Ending before its stage is told to would look like a failure.
            stop.cancelled().await;
            Ok::<_, Infallible>(())
        }
    });
}

/// The address that people type: the setting, else the one that was taken.
fn public_url(settings: &Settings, address: SocketAddr) -> String {
    let url = settings.config().http.public_url.clone();
    let url = url.unwrap_or_else(|| tls::default_url(settings, address));
    url.trim_end_matches('/').to_owned()
}

/// For commands beside this process. Losing it loses only the default of `healthcheck` and of links.
pub(crate) fn note_address(settings: &Settings, public_url: &str, address: SocketAddr, part: Option<&str>) {
    let text = format!("{public_url}\n{}\n", local_url(&address.to_string(), settings.ends_tls(part)));
    if let Err(error) = std::fs::write(settings.place.address(part), text) {
        tracing::warn!(%error, "the address could not be noted in the data folder");
    }
}

async fn announce(
    installation: &Installation,
    parts: &IdentityParts,
    url: String,
    seeded: Option<seed::Seeded>,
    tls: Option<tls::Facts>,
) -> Result<Announcement> {
    let owner_link = first_run::owner_link(&parts.identity).await?;
    let place = &installation.settings.place;
    Ok(Announcement {
        url,
        owner_link,
        seeded,
        tls,
        data: place.folder.clone(),
        instead_of: place.instead_of.clone(),
    })
}

/// A load balancer needs time to notice; on a loopback address there is none, unless somebody says so.
pub(crate) fn notice(settings: &Settings, address: SocketAddr) -> Duration {
    let chosen = *settings.loaded.source("http.drain_wait_s") != Source::Default;
    if address.ip().is_loopback() && !chosen {
        return Duration::ZERO;
    }
    Duration::from_secs(settings.config().http.drain_wait_s.into())
}
