//! The split shape: every service in a process of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use platform::migrate;
use platform::service::Manifest;

use super::beside::Beside;
use super::member::Member;
use super::proxy::{Proxy, Upstream};
use super::shared_database::SharedDatabase;
use crate::process::{GENEROUS, SignedIn, first_run, http_client, operator, rows};

/// How long a start may take before it counts as failed.
const START: Duration = Duration::from_mins(1);

/// What runs, and what stands between.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "a list of what a story wants, each by its name")]
pub struct Plan {
    /// Instances of the gateway.
    pub gateways: usize,
    /// Instances of identity.
    pub identities: usize,
    /// Further services, a process for each group of them. Who is in none is away: calls to it are 503.
    pub others: Vec<Vec<&'static str>>,
    /// A proxy between every service and the database.
    pub database_proxies: bool,
    /// A proxy between the gateway and each service.
    pub service_proxies: bool,
    /// A broker, through a proxy.
    pub nats: bool,
    /// A shared cache, through a proxy.
    pub redis: bool,
    /// The socket of a simulated clock.
    pub sim_clock: Option<PathBuf>,
    /// Further variables for every process.
    pub environment: Vec<(String, String)>,
}

impl Default for Plan {
    /// One of each, nothing between them.
    fn default() -> Self {
        Self {
            gateways: 1,
            identities: 1,
            others: Vec::new(),
            database_proxies: false,
            service_proxies: false,
            nats: false,
            redis: false,
            sim_clock: None,
            environment: Vec::new(),
        }
    }
}

/// The services besides gateway and identity.
pub const OTHERS: [&str; 5] = ["storefront", "orders", "drivers", "dispatch", "tracking"];
/// Where nobody answers.
const NOWHERE: &str = "127.0.0.1:1";

impl Plan {
    /// Every service in a process of its own.
    pub fn apart() -> Self {
        Self { others: OTHERS.iter().map(|service| vec![*service]).collect(), ..Self::default() }
    }

    /// Gateway, identity, and all others in one process.
    pub fn together() -> Self {
        Self { others: vec![OTHERS.to_vec()], ..Self::default() }
    }
}

/// The processes, the database and the proxies.
#[derive(Debug)]
pub struct Cluster {
    /// The processes: the gateway first.
    pub members: Vec<Member>,
    /// Between a member and the database, in the order of the members; empty unless planned.
    pub to_database: Vec<Proxy>,
    /// Between the gateway and each other member; empty unless planned.
    pub to_services: Vec<Proxy>,
    /// The broker and the cache, as planned.
    pub beside: Beside,
    binary: PathBuf,
    admin: PathBuf,
    environment: Vec<(String, String)>,
    http: reqwest::Client,
    database: SharedDatabase,
}

fn free_address() -> anyhow::Result<String> {
    Ok(format!("127.0.0.1:{}", crate::server::free_port()?))
}

impl Cluster {
    /// Prepares database, secrets and ports in this folder; nothing runs yet but the proxies.
    pub async fn prepare(binary: PathBuf, folder: &Path, plan: &Plan) -> anyhow::Result<Self> {
        let database = SharedDatabase::create().await?;
        let gateway = free_address()?;
        let beside = Beside::start(plan.nats, plan.redis).await?;
        let mut environment = GENEROUS.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        environment.push(("PUBLIC_URL".to_owned(), format!("http://{gateway}")));
        environment.extend(beside.environment());
        // The plan comes last: what it says holds.
        environment.extend(plan.environment.iter().cloned());
        std::fs::create_dir_all(folder)?;
        let mut cluster = Self {
            members: Vec::new(),
            to_database: Vec::new(),
            to_services: Vec::new(),
            beside,
            binary,
            admin: folder.join("admin"),
            environment,
            http: http_client()?,
            database,
        };
        cluster.migrate().await?;
        let numbered = |service: &str, number| {
            if number == 1 { service.to_owned() } else { format!("{service}-{number}") }
        };
        cluster.add(folder, "gateway", &["gateway"], gateway, plan).await?;
        for number in 2..=plan.gateways {
            cluster.add(folder, &numbered("gateway", number), &["gateway"], free_address()?, plan).await?;
        }
        for number in 1..=plan.identities {
            cluster.add(folder, &numbered("identity", number), &["identity"], free_address()?, plan).await?;
        }
        for group in &plan.others {
            cluster.add(folder, &group.join("-"), group, free_address()?, plan).await?;
        }
        cluster.connect(plan).await?;
        Ok(cluster)
    }

    /// Prepares and starts everything, the gateway first: no order is needed.
    pub async fn start(binary: PathBuf, folder: &Path, plan: &Plan) -> anyhow::Result<Self> {
        let mut cluster = Self::prepare(binary, folder, plan).await?;
        for member in &mut cluster.members {
            member.spawn()?;
        }
        cluster.wait_ready().await?;
        Ok(cluster)
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        let roles = self.database.lock_roles().await?;
        self.run(&["migrate"])?;
        drop(roles);
        Ok(())
    }

    /// Adds a service that runs in the test instead of in a process: its role and its schema.
    pub async fn adopt(&self, manifests: &[Manifest]) -> anyhow::Result<()> {
        let roles = self.database.lock_roles().await?;
        migrate::migrate(&self.admin_options(), &crate::database::role_passwords(), manifests).await?;
        drop(roles);
        Ok(())
    }

    /// How such a service connects to the database.
    pub fn options_of(&self, service: &str) -> sqlx::postgres::PgConnectOptions {
        let role = migrate::service_role(service);
        let password = crate::database::role_passwords().password(&role);
        self.admin_options().username(&role).password(&password)
    }

    /// A member with what its service needs: passwords of its roles, keys that it uses, nothing else.
    async fn add(
        &mut self,
        folder: &Path,
        name: &str,
        services: &[&'static str],
        listen: String,
        plan: &Plan,
    ) -> anyhow::Result<()> {
        let data = folder.join(name);
        let secrets = data.join("secrets");
        std::fs::create_dir_all(&secrets)?;
        let mut environment = self.environment.clone();
        let mut give = |role: &str| {
            let password = self.run(&["role-password", role])?;
            environment
                .push((format!("DROPMATE__ROLES__{}", role.to_uppercase()), password.trim().to_owned()));
            anyhow::Ok(())
        };
        for service in services {
            give(service)?;
        }
        if services != ["gateway"] {
            // One kind of process does the work across organisations: each of them takes connections for it.
            if services.contains(&"identity") {
                give("system")?;
            }
            for key in ["master-key", "audit-key"] {
                std::fs::copy(self.admin.join("secrets").join(key), secrets.join(key))?;
            }
        }
        let url = if plan.database_proxies {
            let proxy = Proxy::to(Upstream::Unix(self.database.socket()?)).await?;
            let url = self.database.url_through(proxy.address());
            self.to_database.push(proxy);
            url
        } else {
            self.database.url()?
        };
        environment.push(("DATABASE_URL".to_owned(), url));
        let mut member =
            Member::new(name, listen.clone(), self.binary.clone(), folder.join(format!("{name}.log")));
        member.arguments =
            ["serve", "--services", &services.join(","), "--listen", &listen].map(str::to_owned).to_vec();
        member.arguments.extend(["--data-dir".to_owned(), data.display().to_string()]);
        if let Some(socket) = &plan.sim_clock {
            member.arguments.extend(["--sim-clock".to_owned(), socket.display().to_string()]);
        }
        member.environment = environment;
        member.services = services.to_vec();
        self.members.push(member);
        Ok(())
    }

    /// Tells everybody where the first instance of each service is; the gateways through a proxy, as planned.
    async fn connect(&mut self, plan: &Plan) -> anyhow::Result<()> {
        let mut direct: BTreeMap<&str, String> =
            OTHERS.iter().chain(&["identity"]).map(|service| (*service, NOWHERE.to_owned())).collect();
        let mut watched = direct.clone();
        for member in self.members[plan.gateways..].iter().rev() {
            let mut address = member.listen.clone();
            for service in &member.services {
                direct.insert(service, address.clone());
            }
            if plan.service_proxies && !member.name.starts_with("identity-") {
                let proxy = Proxy::to(Upstream::Tcp(address)).await?;
                address = proxy.address().to_string();
                self.to_services.insert(0, proxy);
            }
            for service in &member.services {
                watched.insert(service, address.clone());
            }
        }
        for (index, member) in self.members.iter_mut().enumerate() {
            let known = if index < plan.gateways { &watched } else { &direct };
            for (service, address) in known.iter().filter(|(service, _)| !member.services.contains(service)) {
                let name = format!("DROPMATE__SERVICES__{}", service.to_uppercase());
                member.environment.push((name, format!("http://{address}")));
            }
        }
        Ok(())
    }

    /// The address of an operation at the gateway.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.members[0].listen)
    }

    /// A client.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Where a member finds its data.
    pub fn data_of(&self, name: &str) -> PathBuf {
        self.admin.with_file_name(name)
    }

    /// Runs a command of the program against the installation, with all its secrets; its standard output.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = Command::new(&self.binary)
            .args(arguments)
            .arg("--data-dir")
            .arg(&self.admin)
            .envs(self.environment.iter().cloned())
            .env("DATABASE_URL", self.database.admin_url()?)
            .env("DROPMATE__DATABASE__ROLE_SECRET", crate::database::ROLE_SECRET)
            .stdin(Stdio::null())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success(),
            "{arguments:?} ended with {}: {text}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(text)
    }

    /// Becomes the owner through the one-time link.
    pub async fn first_run(&self) -> anyhow::Result<SignedIn> {
        first_run(&self.http, &self.url(""), &self.run(&["owner-link"])?).await
    }

    /// Enters the installation as its operator.
    pub async fn operator(&self, owner: &SignedIn) -> anyhow::Result<String> {
        operator(&self.http, &self.url(""), owner).await
    }

    /// Two columns of text from the database, as its superuser.
    pub async fn query(&self, sql: &str) -> anyhow::Result<Vec<(String, String)>> {
        rows(&self.admin_options(), sql).await
    }

    /// How to connect to the database as its superuser.
    pub fn admin_options(&self) -> sqlx::postgres::PgConnectOptions {
        self.database.admin_options()
    }

    /// Starts again what has ended although it is wanted. Called over and over while faults are made.
    pub fn supervise(&mut self) -> anyhow::Result<()> {
        self.members.iter_mut().try_for_each(Member::supervise)
    }

    /// Waits until every process says that it may be sent requests; a process that ended is started again meanwhile.
    pub async fn wait_ready(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        for index in 0..self.members.len() {
            while !self.is_ready(index).await {
                self.supervise()?;
                let member = &self.members[index];
                if begun.elapsed() > START || member.starts() > 50 {
                    let stories =
                        self.members.iter().map(|member| format!("{}:\n{}\n", member.name, member.story()));
                    bail!("{} was not ready within {START:?}\n{}", member.name, stories.collect::<String>());
                }
                platform::lifecycle::pause(Duration::from_millis(10)).await;
            }
        }
        Ok(())
    }

    /// Whether a process says so now.
    pub async fn is_ready(&self, index: usize) -> bool {
        let url = format!("http://{}/readyz", self.members[index].listen);
        let answer = self.http.get(url).timeout(Duration::from_secs(2)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// The member of this name.
    pub fn member(&mut self, name: &str) -> anyhow::Result<&mut Member> {
        self.members
            .iter_mut()
            .find(|member| member.name == name)
            .with_context(|| format!("no member {name}"))
    }

    /// Stops all in order, the gateway first; every end must be a clean one.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        for member in &mut self.members {
            let status = member.stop()?;
            ensure!(status.success(), "{} ended with {status}:\n{}", member.name, member.story());
        }
        Ok(())
    }
}
