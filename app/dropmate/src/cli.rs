//! The whole command line. Its help texts are the reference (`docs/reference/cli.md` is printed from them).

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use platform::config::Override;
use runtime::{Settings, Start, usage};

use crate::commands::map::MapAction;
use crate::commands::simulate::SimulateArgs;

/// DropMate: a local business runs its own deliveries.
///
/// One program and one PostgreSQL. `dropmate up` starts everything; nothing has to be set up before.
#[derive(Debug, Parser)]
#[command(name = "dropmate", version, max_term_width = 100, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  dropmate up                                start everything, data in ./data
  dropmate up --lan                          for phones in the same network, with TLS and codes to scan
  dropmate owner-link                        a fresh link to become the owner
  dropmate backup /var/backups/today.tar     a consistent copy, while it runs
  dropmate doctor                            look for what would go wrong

Settings may also come from <data-dir>/dropmate.toml and from the environment, for example
DROPMATE__HTTP__LISTEN or DATABASE_URL; `dropmate config show` prints what is in force.

Exit codes: 0 done, 1 failed, 2 wrong use.";

/// Where the installation is.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Where {
    /// The data folder [default: ./data, or a folder in /var/lib/dropmate where PostgreSQL could not enter ./data]
    #[arg(long, global = true, value_name = "FOLDER", env = "DROPMATE_DATA_DIR", hide_env_values = true)]
    pub data_dir: Option<PathBuf>,
    /// Read settings from this file instead of <data-dir>/dropmate.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The simulated clock of a sandbox (tests only)
    #[arg(long, global = true, value_name = "SOCKET", hide = true)]
    pub sim_clock: Option<PathBuf>,
}

impl Where {
    /// Reads the settings, with flags that stand for some of them.
    pub fn settings(self, overrides: Vec<Override>) -> anyhow::Result<Settings> {
        let Self { data_dir, config, sim_clock } = self;
        Settings::load(Start { data_dir, config, overrides, sim_clock })
    }
}

/// Who ends TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TlsKind {
    /// A proxy in front does, or nobody on a loopback address
    Off,
    /// DropMate, with a certificate of its own authority, which phones learn to trust once
    #[value(name = "self")]
    SelfSigned,
    /// DropMate, with a certificate from Let's Encrypt or another ACME authority, for the name in PUBLIC_URL
    Acme,
}

/// Where `--lan` listens.
const EVERYWHERE: &str = "0.0.0.0:8080";

/// How it is reached.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Reach {
    /// Address and port to listen on; port 0 takes a free one and prints it [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Who ends TLS [default: off]
    #[arg(long, value_enum, value_name = "KIND")]
    pub tls: Option<TlsKind>,
    /// With TLS: address and port that only lead to it, and on which phones learn to trust it; `off` for none
    /// [default: with --tls self the port after that of --listen]
    #[arg(long, value_name = "ADDRESS")]
    pub plain_listen: Option<String>,
    /// Open to the network: --listen 0.0.0.0:8080 and --tls self, with codes for phones
    #[arg(long)]
    pub lan: bool,
}

impl Reach {
    /// The flags as settings; refused when they contradict each other.
    pub fn overrides(&self) -> anyhow::Result<Vec<Override>> {
        if !self.lan {
            return Ok(self.plain_overrides());
        }
        if let Some(kind @ (TlsKind::Off | TlsKind::Acme)) = self.tls {
            let name = if kind == TlsKind::Off { "off" } else { "acme" };
            return Err(usage(format!(
                "--lan and --tls {name} contradict each other: phones in a network need TLS, and no public authority \
                 certifies private addresses. Leave out --tls {name}, or use --listen 0.0.0.0:8080 without --lan."
            )));
        }
        let listen = self.listen.as_deref().unwrap_or(EVERYWHERE);
        if listen.parse().is_ok_and(|address: SocketAddr| address.ip().is_loopback()) {
            return Err(usage(format!(
                "--lan and --listen {listen} contradict each other: nobody else reaches a loopback address. Leave out \
                 --listen, or name the port with --listen 0.0.0.0:PORT."
            )));
        }
        let mut overrides = self.plain_overrides();
        let lan = |key, value: &str| Override { key, value: value.to_owned(), flag: "--lan" };
        if self.listen.is_none() {
            overrides.push(lan("http.listen", EVERYWHERE));
        }
        if self.tls.is_none() {
            overrides.push(lan("http.tls", "self"));
        }
        Ok(overrides)
    }

    fn plain_overrides(&self) -> Vec<Override> {
        let tls = self.tls.map(|tls| match tls {
            TlsKind::Off => "off",
            TlsKind::SelfSigned => "self",
            TlsKind::Acme => "acme",
        });
        let listen =
            self.listen.clone().map(|value| Override { key: "http.listen", value, flag: "--listen" });
        let tls = tls.map(|value| Override { key: "http.tls", value: value.to_owned(), flag: "--tls" });
        let plain = self.plain_listen.clone();
        let plain = plain.map(|value| Override { key: "http.plain_listen", value, flag: "--plain-listen" });
        listen.into_iter().chain(tls).chain(plain).collect()
    }
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start everything in one process, with a private PostgreSQL unless DATABASE_URL is set
    ///
    /// Creates what is missing, brings the database up to date, and prints the address, and while there is no owner
    /// a one-time link. SIGTERM or Ctrl-C stops it in order; the second one at once.
    #[command(
        after_help = "Examples:\n  dropmate up\n  dropmate up --lan\n  dropmate up --data-dir /var/lib/dropmate --listen 127.0.0.1:8080\n  \
                            DATABASE_URL=postgres://... dropmate up"
    )]
    Up {
        #[command(flatten)]
        at: Where,
        #[command(flatten)]
        reach: Reach,
        /// Fill an empty installation with example data, as `dropmate seed` does
        #[arg(long)]
        demo: bool,
    },
    /// Start services on a database that is up to date already
    ///
    /// Never migrates: it refuses a schema that is older or newer than this build knows, with the next command. Some
    /// services only: the others run in processes of their own on the same DATABASE_URL, and `services.<name>` says where.
    #[command(after_help = "Examples:\n  dropmate migrate && dropmate serve --services all\n  \
                            dropmate serve --services identity --listen 127.0.0.1:7001\n  \
                            DROPMATE__SERVICES__IDENTITY=http://127.0.0.1:7001 dropmate serve --services gateway")]
    Serve {
        #[command(flatten)]
        at: Where,
        #[command(flatten)]
        reach: Reach,
        /// Names with commas between them, or `all`
        #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "all")]
        services: Vec<String>,
    },
    /// Create and update schemas, roles and grants; safe to repeat, safe while running
    Migrate {
        #[command(flatten)]
        at: Where,
        /// Names with commas between them, or `all`
        #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "all")]
        services: Vec<String>,
        /// Change nothing; exit code 1 when there is something to do
        #[arg(long)]
        check: bool,
    },
    /// Ask the running process whether it is ready (for containers and supervisors)
    Healthcheck {
        #[command(flatten)]
        at: Where,
        /// Where to ask [default: the address that the running process noted in the data folder]
        #[arg(long, value_name = "URL", conflicts_with = "services")]
        url: Option<String>,
        /// Which process to ask, where several share the data folder: what it was started with
        #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "all")]
        services: Vec<String>,
    },
    /// Print the password of one database role, for a process that must not know the others
    ///
    /// It is derived from the secret `database-roles`. Hand it to the process as DROPMATE__ROLES__<NAME>_FILE.
    RolePassword {
        #[command(flatten)]
        at: Where,
        /// A service, or `system` for the work across organisations
        role: String,
    },
    /// Look at the settings
    Config {
        #[command(flatten)]
        at: Where,
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// Look for what would go wrong: ports, database, disk, clock, permissions; each finding with its fix
    Doctor {
        #[command(flatten)]
        at: Where,
        #[command(flatten)]
        reach: Reach,
    },
    /// Print a one-time link to become the owner, while there is none
    OwnerLink {
        #[command(flatten)]
        at: Where,
    },
    /// Help somebody who is locked out
    User {
        #[command(flatten)]
        at: Where,
        #[command(subcommand)]
        action: UserAction,
    },
    /// Signing keys of access tokens
    Keys {
        #[command(flatten)]
        at: Where,
        #[command(subcommand)]
        action: KeysAction,
    },
    /// Keys that protect personal data
    Vault {
        #[command(flatten)]
        at: Where,
        #[command(subcommand)]
        action: VaultAction,
    },
    /// The event log and its consumers
    Bus {
        #[command(flatten)]
        at: Where,
        #[command(subcommand)]
        action: BusAction,
    },
    /// The audit trail
    Audit {
        #[command(flatten)]
        at: Where,
        #[command(subcommand)]
        action: AuditAction,
    },
    /// Write a consistent copy of database, files and settings to FILE, while it runs or not
    ///
    /// The wrapped keys of the people in it go to FILE.keys: keep that apart, and for a shorter time.
    /// The copy does NOT contain the secrets: keep the folder `secrets` of the data folder in another place.
    #[command(after_help = "Examples:\n  dropmate backup /var/backups/dropmate-2026-11-20.tar")]
    Backup {
        #[command(flatten)]
        at: Where,
        /// The new file; an existing one is refused
        file: PathBuf,
    },
    /// Bring a backup back into an empty data folder
    ///
    /// Put `master-key` and `audit-key` into <data-dir>/secrets first, and the folder `erasures` beside it if there is one:
    /// who was erased after the backup is erased again. Every part is checked before anything is
    /// changed; afterwards the event log has a new epoch.
    #[command(
        after_help = "Examples:\n  dropmate restore /var/backups/dropmate-2026-11-20.tar --data-dir /var/lib/dropmate"
    )]
    Restore {
        #[command(flatten)]
        at: Where,
        /// A file that `dropmate backup` wrote
        file: PathBuf,
        /// The wrapped keys that were written with it [default: FILE.keys]
        #[arg(long, value_name = "FILE")]
        keys: Option<PathBuf>,
    },
    /// The map of the area that is served: roads, addresses and pictures from one file of OpenStreetMap
    Map {
        #[command(flatten)]
        at: Where,
        #[command(subcommand)]
        action: MapAction,
    },
    /// Create an example organisation with its people on an empty installation, and print their passwords
    Seed {
        #[command(flatten)]
        at: Where,
    },
    /// Play a day of deliveries: shops, couriers who behave like people, orders that arrive over the day
    ///
    /// Driven through the public API only. Without --url it starts an installation of its own, whose time goes on when
    /// everything there was to do is done, and removes it afterwards. Prints for each day how many orders were delivered, the
    /// mean minutes from placing to the door and from ready to taken, and the share of the shifts that was worked.
    #[command(after_help = "Examples:\n  dropmate simulate --hours 2 --seed 7\n  \
                            dropmate simulate --instances ../shared/data/mdrp/0r50t100s1p100 --json\n  \
                            dropmate simulate --url http://127.0.0.1:8080 --owner-link LINK --speed 10 --endless")]
    Simulate {
        #[command(flatten)]
        what: SimulateArgs,
    },
    /// Print the OpenAPI document
    Openapi,
    /// Print another generated document
    Docs {
        #[command(subcommand)]
        document: Document,
    },
}

/// `config ...`
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Name every fault at once
    Check,
    /// Print what is in force and where each value came from; secrets are masked
    Show,
    /// Print the JSON schema of dropmate.toml
    Schema,
}

/// `user ...`
#[derive(Debug, Subcommand)]
pub(crate) enum UserAction {
    /// Print a one-time link with which this person sets a new password
    Reset {
        /// The address with which the person signs in
        email: String,
        /// Also remove the person's second factor: app, passkeys and recovery codes are lost
        #[arg(long)]
        second_factor: bool,
    },
}

/// `keys ...`
#[derive(Debug, Subcommand)]
pub(crate) enum KeysAction {
    /// Make the next signing key; it signs in 20 minutes, and the old one is accepted for 20 minutes after
    Rotate,
}

/// `vault ...`
#[derive(Debug, Subcommand)]
pub(crate) enum VaultAction {
    /// Change a key while everything runs
    #[command(subcommand)]
    Rotate(RotateWhat),
}

/// `vault rotate ...`
#[derive(Debug, Subcommand)]
pub(crate) enum RotateWhat {
    /// The installation key (`master-key`): every organisation's key is wrapped under a new one
    ///
    /// The one before stays in the folder `secrets`, because backups made before need it.
    Installation,
    /// The key of an organisation: the keys of its people are wrapped under a new one
    Organization {
        /// Its id (org_...)
        id: String,
    },
    /// The key of one person: a new one seals two minutes from now, and everything is sealed anew with it
    Person {
        /// The id of the user (user_...), or of what the organisation knows the person by
        id: String,
        /// The organisation that knows the person, when it is not a user
        #[arg(long, value_name = "ORG")]
        organization: Option<String>,
    },
}

/// `bus ...`
#[derive(Debug, Subcommand)]
pub(crate) enum BusAction {
    /// Offsets, waiting events, consumers and how far each is behind
    Status,
    /// Events that failed for good, and what waits behind them
    DeadLetters,
    /// Give a dead letter to its consumer again
    Replay {
        /// The consumer's name
        consumer: String,
        /// The event's id (event_...)
        event: String,
    },
    /// Leave a dead letter out for good; what waited behind it goes on
    Skip {
        /// The consumer's name
        consumer: String,
        /// The event's id (event_...)
        event: String,
    },
    /// Fill the broker from the log again
    Rebuild,
}

/// `audit ...`
#[derive(Debug, Subcommand)]
pub(crate) enum AuditAction {
    /// Check every chain and name each place that does not fit; exit code 1 when there is one
    Verify,
}

/// `docs ...`
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Document {
    /// Who may call which operation (Markdown)
    Permissions,
    /// The JSON schema of dropmate.toml
    ConfigSchema,
    /// The public events (AsyncAPI 3)
    Asyncapi,
    /// This command line (Markdown)
    Cli,
    /// The kinds of errors and their status codes (Markdown)
    Errors,
}
