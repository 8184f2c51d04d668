//! An open installation: the database, the keys and the connections of the services. What a command works with, and
//! what a process is started from.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use identity::Identity;
use kernel::random::Random;
use kernel::time::{SharedClock, SignedDuration};
use platform::audit::AuditKey;
use platform::auth::{Revocations, StaticKeys};
use platform::cache::Loading;
use platform::clock::sim::SimClock;
use platform::clock::{SystemClock, system_random};
use platform::config::Config;
use platform::db::{Db, PoolOptions, SystemDb, Wake};
use platform::files::Files;
use platform::http::Peers;
use platform::http::rate_limit::{MemoryLimiter, RateLimiter};
use platform::live::Live;
use platform::mail::{Address, FolderMailer, Mailer};
use platform::migrate::{self, MigrationError, RolePasswords};
use platform::service::{Ground, MapFiles};
use platform::travel::TravelTimes;
use platform::vault::Vault;
use smtp::SmtpMailer;

use crate::connections::{self, DOOR_POOL, Needs, SYSTEM_POOL};
use crate::database::Database;
use crate::keys::{self, KeyIds, Keys};
use crate::libpq::{Login, Tools};
use crate::master;
use crate::outside::{Outside, file_store};
use crate::services::manifests;
use crate::settings::Settings;
use crate::travel::travel_times;

/// Business time of this process.
#[derive(Debug)]
pub struct Clocks {
    /// What services see.
    pub clock: SharedClock,
    /// The connection that moves it, in a sandbox.
    pub sim: Option<SimClock>,
}

impl Clocks {
    /// The machine's clock, or the sandbox's.
    pub async fn of(settings: &Settings) -> Result<Self> {
        let Some(socket) = &settings.sim_clock else {
            return Ok(Self { clock: Arc::new(SystemClock), sim: None });
        };
        let sim = SimClock::connect(socket)
            .await
            .with_context(|| format!("no simulated clock answers at {}", socket.display()))?;
        Ok(Self { clock: Arc::new(sim.clock()), sim: Some(sim) })
    }
}

/// An open installation.
pub struct Installation {
    /// What was decided.
    pub settings: Settings,
    /// Where the data is.
    pub database: Database,
    /// The connection for work across organisations.
    pub system: SystemDb,
    /// Seals the audit trail.
    pub audit_key: AuditKey,
    /// Which keys these are.
    pub key_ids: KeyIds,
    /// Business time.
    pub clock: SharedClock,
    /// Identifiers and secrets.
    pub random: Random,
    /// Bells inside this process.
    pub wake: Wake,
    /// What stands beside the database; nothing in a command until it is opened.
    pub(crate) outside: Outside,
    pub(crate) limiter: Arc<dyn RateLimiter>,
    pub(crate) mailer: Arc<dyn Mailer>,
    passwords: RolePasswords,
    vault: Vault,
    files: Files,
    /// Connections that were handed out; closed before the database is.
    opened: Mutex<Vec<Db>>,
}

/// What the services of a process share besides the database.
pub(crate) struct Shared {
    pub cache: Loading,
    pub live: Arc<dyn Live>,
    pub travel: Arc<dyn TravelTimes>,
    pub map: MapFiles,
    pub public_url: String,
}

impl Shared {
    /// For people who come by this address.
    pub fn new(
        outside: &Outside,
        clock: &SharedClock,
        settings: &Settings,
        public_url: String,
    ) -> Result<Self> {
        Ok(Self {
            cache: Loading::new(outside.cache(clock)),
            live: outside.live(clock),
            travel: travel_times(settings, clock)?,
            map: settings.map_files(),
            public_url,
        })
    }
}

/// Identity with what it shares with the process's verifier.
pub(crate) struct IdentityParts {
    pub identity: Identity,
    pub published: StaticKeys,
    pub revocations: Revocations,
}

impl IdentityParts {
    /// Identity on this connection, whose links begin with this address.
    pub fn new(
        config: &Config,
        db: Db,
        vault: Vault,
        files: Files,
        mailer: Arc<dyn Mailer>,
        limiter: Arc<dyn RateLimiter>,
        public_url: String,
    ) -> Self {
        let auth = &config.auth;
        let (published, revocations) = (StaticKeys::default(), Revocations::default());
        let secure_cookies = public_url.starts_with("https://");
        let identity = Identity::new(identity::Deps {
            db,
            vault,
            files,
            mailer,
            limiter,
            published: published.clone(),
            revocations: revocations.clone(),
            settings: identity::Settings {
                public_url,
                open_registration: auth.open_registration,
                password_min_length: usize::try_from(auth.password_min_length).unwrap_or(10),
                secure_cookies,
                key_rotation: SignedDuration::from_hours(i64::from(auth.key_rotation_days) * 24),
            },
            hash_concurrency: usize::try_from(auth.hash_concurrency).unwrap_or(2),
        });
        Self { identity, published, revocations }
    }
}

impl Installation {
    /// For a command: beside the running process, or with a database of its own for as long as it takes.
    pub async fn open(settings: Settings) -> Result<Self> {
        let clock = Clocks::of(&settings).await?.clock;
        if !settings.place.folder.exists() && settings.config().database.url.is_none() {
            bail!(
                "there is no installation in {}. Start one with `dropmate up`, or name its folder with --data-dir.",
                settings.place.folder.display()
            );
        }
        let database = Database::open(&settings, true).await?;
        Self::on(settings, database, clock)
    }

    /// On a database that was opened before. No connection is made yet.
    pub fn on(settings: Settings, database: Database, clock: SharedClock) -> Result<Self> {
        let keys = Keys::load_or_generate(&settings.place, settings.config())?;
        let random = system_random();
        let vault = Vault::with_keys(keys.masters, random.clone())?;
        let wake = Wake::default();
        let options =
            PoolOptions { max_connections: SYSTEM_POOL, warm_connections: 1, ..pool_options(&settings, 1) };
        let connect = database.role(migrate::SYSTEM, &keys.passwords);
        Ok(Self {
            outside: Outside::default(),
            system: SystemDb::new(connect, options, wake.clone()),
            audit_key: keys.audit,
            key_ids: keys.ids,
            limiter: Arc::new(MemoryLimiter::new(Arc::clone(&clock))),
            mailer: mailer(&settings, &clock, &random)?,
            passwords: keys.passwords,
            files: files(&settings, &vault, &random)?,
            vault,
            opened: Mutex::default(),
            settings,
            database,
            clock,
            random,
            wake,
        })
    }

    /// A service's connection under its own role.
    pub fn db(&self, service: &'static str) -> Db {
        let connect = self.database.role(&migrate::service_role(service), &self.passwords);
        let clock = Arc::clone(&self.clock);
        let options = pool_options(&self.settings, durable_services());
        let db = Db::new(service, connect, options, clock, self.random.clone(), self.wake.clone())
            .with_vault(self.vault.clone());
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).push(db.clone());
        db
    }

    /// The gateway's connection: it reads the log for clients that stay connected, and nothing else.
    pub(crate) fn door(&self) -> Db {
        let connect = self.database.role(&migrate::service_role(::gateway::NAME), &self.passwords);
        let usual = pool_options(&self.settings, durable_services());
        let options = PoolOptions { max_connections: DOOR_POOL, warm_connections: 1, ..usual };
        let clock = Arc::clone(&self.clock);
        let db = Db::new(::gateway::NAME, connect, options, clock, self.random.clone(), self.wake.clone());
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).push(db.clone());
        db
    }

    /// Brings roles, schemas and grants to what this build needs.
    pub async fn migrate(&self) -> Result<()> {
        Ok(migrate::migrate(&self.database.admin(), &self.passwords, &manifests()).await?)
    }

    /// Creates the roles only, for a restore.
    pub(crate) async fn prepare_roles(&self) -> Result<()> {
        Ok(migrate::prepare_roles(&self.database.admin(), &self.passwords, &manifests()).await?)
    }

    /// PostgreSQL's own tools on this database.
    pub(crate) fn tools(&self, login: Login) -> Result<Tools> {
        Tools::new(&self.settings, &self.database, &self.passwords, login)
    }

    /// Refuses a schema that is older or newer than this build, with the next command.
    pub async fn check_schema(&self) -> Result<()> {
        let flag = self.settings.place.flag();
        let mut connection = match self.system.pool().acquire().await {
            Ok(connection) => connection,
            Err(error) if is_stranger(&error) => bail!(
                "the database was not set up by this installation yet (its role {} is not there or has another \
                 password). Next: dropmate migrate{flag}",
                migrate::SYSTEM
            ),
            Err(error) => return Err(error).context("the database cannot be reached"),
        };
        match migrate::check(&mut connection, &manifests()).await {
            Ok(()) => Ok(()),
            Err(MigrationError::Older { schema, found, needed }) => bail!(
                "schema {schema} is at version {found}, this build needs {needed}. Next: dropmate migrate{flag}"
            ),
            Err(error) => Err(error.into()),
        }
    }

    /// Refuses to work without the installation key that wraps what is there.
    pub async fn check_master_key(&self) -> Result<()> {
        let used = platform::vault::master_key_ids(&self.system).await?;
        let known = keys::present(&self.settings.place, self.settings.config())?.masters;
        if let Some(id) = used.iter().find(|id| !known.contains(id)) {
            bail!(
                "personal data in this database was sealed with the installation key {id}, but {} holds the key {}. Put the \
                 right key there (from the backup of the secrets) and start again.",
                self.settings.place.secrets().join(keys::MASTER).display(),
                known.join(", ")
            );
        }
        master::settle(&self.settings, &used)
    }

    /// Refuses a server that does not allow as many connections as this process may take.
    pub(crate) async fn check_connections(&self) -> Result<()> {
        let mut connection = self.system.pool().acquire().await.context("the database cannot be reached")?;
        let needs = Needs {
            services: durable_services(),
            pool_size: self.settings.config().database.pool_size,
            system: true,
            door: DOOR_POOL,
        };
        needs.check_on(&mut connection).await
    }

    /// Changes keys of the vault.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// What a service stands on, for people who come by this address.
    pub(crate) fn ground(&self, service: &'static str, peers: Peers, shared: &Shared) -> Ground {
        Ground {
            db: self.db(service),
            vault: self.vault.clone(),
            files: self.files.clone(),
            cache: shared.cache.clone(),
            live: Arc::clone(&shared.live),
            limiter: Arc::clone(&self.limiter),
            peers,
            travel: Arc::clone(&shared.travel),
            map: shared.map.clone(),
            public_url: shared.public_url.clone(),
        }
    }

    /// Identity, whose links begin with this address.
    pub(crate) fn identity_parts(&self, public_url: String) -> IdentityParts {
        let (vault, mailer, limiter) =
            (self.vault.clone(), Arc::clone(&self.mailer), Arc::clone(&self.limiter));
        IdentityParts::new(
            self.settings.config(),
            self.db(identity::NAME),
            vault,
            self.files.clone(),
            mailer,
            limiter,
            public_url,
        )
    }

    /// Identity for a command, after the schema was checked.
    pub async fn identity(&self) -> Result<Identity> {
        self.check_schema().await?;
        self.check_master_key().await?;
        Ok(self.identity_parts(self.settings.public_url()).identity)
    }

    /// Closes the connections and stops what was started for this command.
    pub async fn close(self) -> Result<()> {
        let opened = self.opened.into_inner().unwrap_or_else(PoisonError::into_inner);
        for db in opened {
            db.close().await;
        }
        self.system.close().await;
        self.database.close().await
    }
}

/// Photos and whatever else services keep, where the settings say.
pub(crate) fn files(settings: &Settings, vault: &Vault, random: &Random) -> Result<Files> {
    Ok(Files::new(file_store(settings, random)?, vault.clone(), random.clone()))
}

pub(crate) fn is_stranger(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    // Wrong password, no such role, no such database.
    code.is_some_and(|code| matches!(code.as_ref(), "28P01" | "28000" | "3D000"))
}

/// Services that have a pool where everything is in one process.
pub(crate) fn durable_services() -> u32 {
    u32::try_from(manifests().iter().filter(|manifest| manifest.migrations.is_some()).count()).unwrap_or(1)
}

/// Of one of so many services in this process.
pub(crate) fn pool_options(settings: &Settings, services: u32) -> PoolOptions {
    let database = &settings.config().database;
    let server = if database.url.is_some() { connections::USUAL } else { database.private_max_connections };
    let millis = |value: u32| Duration::from_millis(value.into());
    PoolOptions {
        max_connections: database.pool_size,
        warm_connections: connections::warm(database.pool_size, services, server),
        acquire_timeout: millis(database.acquire_timeout_ms),
        statement_timeout: millis(database.statement_timeout_ms),
        lock_timeout: millis(database.lock_timeout_ms),
        idle_in_transaction_timeout: millis(database.idle_in_transaction_timeout_ms),
    }
}

pub(crate) fn mailer(settings: &Settings, clock: &SharedClock, random: &Random) -> Result<Arc<dyn Mailer>> {
    let mail = &settings.config().mail;
    let from = Address::parse(&mail.from).context("mail.from")?;
    let timeout = Duration::from_secs(mail.timeout_s.into());
    Ok(match &mail.smtp_url {
        Some(url) => Arc::new(SmtpMailer::new(url.inner(), from, timeout)?),
        None => Arc::new(FolderMailer::new(settings.place.mail(), from, Arc::clone(clock), random.clone())),
    })
}
