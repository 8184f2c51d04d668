//! An ACME authority for one test: `pebble`, which really connects to the port of the name that it certifies, and the DNS
//! server beside it, which leads every name to this machine.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::json;

use crate::server::{self, Server};

/// An authority on private ports. Dropping it ends it. A restart forgets accounts and draws another root, as `pebble` does.
#[derive(Debug)]
pub struct Pebble {
    server: Server,
    names: Server,
    dns: u16,
    management: u16,
    looks_at: u16,
    lifetime: Duration,
}

impl Pebble {
    /// One that is not started, and that will look for names at this port of this machine.
    pub fn new(looks_at: u16, lifetime: Duration) -> anyhow::Result<Self> {
        let pebble = Self {
            server: Server::new("pebble")?,
            names: Server::new("pebble-challtestsrv")?,
            dns: server::free_port()?,
            management: server::free_port()?,
            looks_at,
            lifetime,
        };
        pebble.write()?;
        Ok(pebble)
    }

    /// Starts one.
    pub fn start(looks_at: u16, lifetime: Duration) -> anyhow::Result<Self> {
        let mut pebble = Self::new(looks_at, lifetime)?;
        pebble.restart()?;
        Ok(pebble)
    }

    /// Settings, and the certificate of the directory itself.
    fn write(&self) -> anyhow::Result<()> {
        let folder = self.server.folder();
        let mut root = CertificateParams::default();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.distinguished_name.push(DnType::CommonName, "authority of the directory");
        let root_key = KeyPair::generate()?;
        std::fs::write(self.root(), root.self_signed(&root_key)?.pem())?;
        let key = KeyPair::generate()?;
        let leaf = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        let leaf = leaf.signed_by(&key, &Issuer::new(root, root_key))?;
        std::fs::write(folder.join("directory.crt"), leaf.pem())?;
        std::fs::write(folder.join("directory.key"), key.serialize_pem())?;
        let settings = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{}", self.server.port()),
            "managementListenAddress": format!("127.0.0.1:{}", self.management),
            "certificate": folder.join("directory.crt"),
            "privateKey": folder.join("directory.key"),
            "httpPort": self.looks_at,
            "tlsPort": self.looks_at,
            "certificateValidityPeriod": self.lifetime.as_secs(),
        }});
        Ok(std::fs::write(folder.join("pebble.json"), settings.to_string())?)
    }

    /// `http.acme_directory`.
    pub fn directory(&self) -> String {
        format!("https://localhost:{}/dir", self.server.port())
    }

    /// `http.acme_root`.
    pub fn root(&self) -> PathBuf {
        self.server.folder().join("root.crt")
    }

    /// The root (PEM) of what it issues, while it runs.
    #[expect(clippy::disallowed_methods, reason = "tests talk to loopback only")]
    pub async fn issues_under(&self) -> anyhow::Result<Vec<u8>> {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let root = reqwest::Certificate::from_pem(&std::fs::read(self.root())?)?;
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build()?;
        let url = format!("https://localhost:{}/roots/0", self.management);
        Ok(http.get(url).send().await?.error_for_status()?.bytes().await?.to_vec())
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.server.kill();
        self.names.kill();
    }

    /// Starts it (again) on the same port.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.kill();
        let dns = format!("127.0.0.1:{}", self.dns);
        let management = format!("127.0.0.1:{}", self.names.port());
        let program = server::program("DROPMATE_PEBBLE_CHALLTESTSRV", "pebble-challtestsrv")?;
        self.names.start(Command::new(program).args([
            "-dns01",
            &dns,
            "-management",
            &management,
            "-http01",
            "",
            "-https01",
            "",
            "-tlsalpn01",
            "",
            "-defaultIPv4",
            "127.0.0.1",
            "-defaultIPv6",
            "",
        ]))?;
        let program = server::program("DROPMATE_PEBBLE", "pebble")?;
        let settings = self.server.folder().join("pebble.json");
        let mut command = Command::new(program);
        // It looks at once, and at every name again: what is proven is the whole way.
        command.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_AUTHZREUSE", "0");
        self.server.start(command.arg("-config").arg(settings).args(["-dnsserver", &dns]))
    }

    /// What it has written: every request and every look.
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }
}
