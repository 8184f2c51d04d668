//! `--tls acme` against a real authority, which really connects to the port that the name leads to.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::{Certificate, Client, Version};
use serde_json::Value;
use testkit::pebble::Pebble;
use testkit::server::free_port;

use crate::support::{Done, Home, Running, client_with};

const HOST: &str = "deliver.example.org";
const LONG: Duration = Duration::from_hours(30 * 24);

struct Site {
    home: Home,
    port: u16,
}

impl Site {
    fn new() -> Self {
        Self { home: Home::prepared(), port: free_port().unwrap() }
    }

    fn command(&self, pebble: &Pebble, root: &Path) -> Command {
        let listen = format!("127.0.0.1:{}", self.port);
        let mut command = self.home.command(&["up", "--tls", "acme", "--listen", &listen]);
        command
            .env("PUBLIC_URL", self.url())
            .env("DROPMATE__HTTP__ACME_DIRECTORY", pebble.directory())
            .env("DROPMATE__HTTP__ACME_CONTACT", "ada@example.org")
            .env("DROPMATE__HTTP__ACME_ROOT", root);
        command
    }

    async fn start(&self, pebble: &Pebble) -> Running {
        let command = self.command(pebble, &pebble.root());
        tokio::task::spawn_blocking(move || Running::start(command)).await.unwrap()
    }

    fn url(&self) -> String {
        format!("https://{HOST}:{}", self.port)
    }

    fn at(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Somebody in the world who trusts what the authority issues, and nothing else.
    fn visitor(&self, root: &[u8]) -> Client {
        let root = Certificate::from_pem(root).unwrap();
        client_with(|client| client.tls_certs_only([root]).resolve(HOST, self.at()).pool_max_idle_per_host(0))
    }

    /// The certificate that the public is shown.
    async fn shown(&self) -> Option<Vec<u8>> {
        let curious = client_with(|client| {
            let client = client.tls_danger_accept_invalid_certs(true).tls_info(true);
            client.resolve(HOST, self.at()).pool_max_idle_per_host(0)
        });
        let answer = curious.get(format!("{}/healthz", self.url())).send().await.ok()?;
        let info = answer.extensions().get::<reqwest::tls::TlsInfo>()?;
        Some(info.peer_certificate()?.to_vec())
    }

    /// What the process says about its certificate, asked from this machine.
    async fn certificate(&self) -> (u16, bool) {
        let authority = std::fs::read(self.home.data().join("tls/authority.crt")).unwrap();
        let beside = Certificate::from_pem(&authority).unwrap();
        let beside = client_with(|client| client.tls_certs_only([beside]));
        let answer = beside.get(format!("https://{}/readyz", self.at())).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        let found = body["dependencies"].as_array().unwrap().iter().find(|one| one["name"] == "certificate");
        let found = found.unwrap_or_else(|| panic!("{body}"));
        assert_eq!(found["required"], false, "{body}");
        (status, found["ok"] == true)
    }

    async fn healthcheck(&self) -> Done {
        let mut command = self.home.command(&["healthcheck"]);
        Done::of(tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap())
    }

    /// All certificates that are kept.
    fn kept(&self) -> Vec<std::path::PathBuf> {
        let directory =
            std::fs::read_dir(self.home.data().join("tls/acme")).unwrap().next().unwrap().unwrap();
        std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(45), "in vain waited until {what}");
        platform::lifecycle::pause(Duration::from_millis(100)).await;
    }
}

async fn stop(running: Running) -> String {
    let (ended, log) = tokio::task::spawn_blocking(move || running.stop()).await.unwrap();
    assert!(ended.success(), "{log}");
    log
}

#[tokio::test]
async fn a_certificate_is_issued_served_kept_and_used_again_without_the_authority() {
    let site = Site::new();
    let mut pebble = Pebble::start(site.port, LONG).unwrap();
    let running = site.start(&pebble).await;
    assert_eq!(running.url, site.url());
    until("there is a certificate", || async { site.certificate().await == (200, true) }).await;
    let root = pebble.issues_under().await.unwrap();
    let page = site.visitor(&root).get(site.url()).send().await.unwrap();
    assert_eq!((page.status().as_u16(), page.version()), (200, Version::HTTP_2));
    assert!(page.headers().contains_key("strict-transport-security"), "everybody trusts it");
    let page = page.text().await.unwrap();
    assert!(!page.contains("/setup/phone"), "phones need no set-up");
    assert_eq!(site.healthcheck().await.ok(), "ready\n");
    for path in site.kept() {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }
    assert_eq!(site.kept().len(), 3, "account, certificate, when next: {:?}", site.kept());
    let first = site.shown().await.unwrap();
    assert!(!stop(running).await.contains("PRIVATE KEY"), "a key is in the log");

    let log = pebble.log();
    assert!(log.contains("set VALID by completed challenge"), "the name was proven: {log}");
    let orders = log.matches("Added order").count();
    assert_eq!(orders, 1, "{log}");
    let second = site.start(&pebble).await;
    assert_eq!(site.shown().await.as_ref(), Some(&first), "there from the first moment");
    assert_eq!(site.certificate().await, (200, true));
    stop(second).await;
    assert_eq!(pebble.log().matches("Added order").count(), orders, "a restart orders nothing");
    pebble.kill();
    let third = site.start(&pebble).await;
    assert_eq!(site.visitor(&root).get(site.url()).send().await.unwrap().status(), 200);
    let log = stop(third).await;
    assert!(!log.contains("No certificate"), "it does not even ask: {log}");
}

#[tokio::test]
async fn it_starts_without_the_authority_and_gets_its_certificate_later() {
    let site = Site::new();
    let mut pebble = Pebble::new(site.port, LONG).unwrap();
    let running = site.start(&pebble).await;
    assert_eq!(site.certificate().await, (200, false));
    assert_eq!(site.healthcheck().await.ok(), "ready\n");
    assert_eq!(site.shown().await, None, "the public is shown no certificate of ours");
    pebble.restart().unwrap();
    until("there is a certificate", || async { site.certificate().await == (200, true) }).await;
    let root = pebble.issues_under().await.unwrap();
    assert_eq!(site.visitor(&root).get(site.url()).send().await.unwrap().status(), 200);
    let log = stop(running).await;
    assert!(log.contains("the directory cannot be reached"), "{log}");
}

#[tokio::test]
async fn a_certificate_is_renewed_before_its_end_and_a_failure_keeps_the_one_before() {
    let site = Site::new();
    let mut pebble = Pebble::start(site.port, Duration::from_secs(15)).unwrap();
    let running = site.start(&pebble).await;
    until("there is a certificate", || async { site.shown().await.is_some() }).await;
    let first = site.shown().await;
    until("it was renewed", || async { site.shown().await != first }).await;
    assert_eq!(site.certificate().await, (200, true));
    let root = pebble.issues_under().await.unwrap();
    assert_eq!(
        site.visitor(&root).get(site.url()).send().await.unwrap().status(),
        200,
        "a good one all the time"
    );

    pebble.kill();
    let last = site.shown().await;
    until("the renewal has failed", || async { site.certificate().await == (200, false) }).await;
    assert_eq!(site.shown().await, last, "the one before stays in use");
    // It comes back without its accounts: a new one is made.
    pebble.restart().unwrap();
    until("it was renewed", || async { site.certificate().await == (200, true) }).await;
    assert_ne!(site.shown().await, last);
    let log = stop(running).await;
    assert!(
        log.contains("the directory cannot be reached") && log.contains("does not know the account"),
        "{log}"
    );
}

#[tokio::test]
async fn a_directory_that_is_not_trusted_is_named_and_nothing_is_sent_to_it() {
    let site = Site::new();
    let (pebble, other) = (Pebble::start(site.port, LONG).unwrap(), Pebble::new(site.port, LONG).unwrap());
    let command = site.command(&pebble, &other.root());
    let running = tokio::task::spawn_blocking(move || Running::start(command)).await.unwrap();
    until("it was tried", || async { site.certificate().await == (200, false) }).await;
    assert_eq!(site.healthcheck().await.ok(), "ready\n");
    platform::lifecycle::pause(Duration::from_secs(2)).await;
    let log = stop(running).await;
    assert!(log.contains("the directory is not trusted") && log.contains("http.acme_root"), "{log}");
    assert!(!pebble.log().contains("POST"), "{}", pebble.log());
}

#[tokio::test]
async fn a_name_that_does_not_lead_here_is_refused_with_what_the_authority_saw_and_not_asked_again_at_once() {
    let site = Site::new();
    // It looks at a port where nobody is.
    let pebble = Pebble::start(free_port().unwrap(), LONG).unwrap();
    let running = site.start(&pebble).await;
    platform::lifecycle::pause(Duration::from_secs(6)).await;
    assert_eq!(site.certificate().await, (200, false));
    let log = stop(running).await;
    assert!(log.contains("the authority refused") && log.contains("Failed to connect to 127.0.0.1"), "{log}");
    assert_eq!(pebble.log().matches("Added order").count(), 1, "{}", pebble.log());
    let again = site.start(&pebble).await;
    platform::lifecycle::pause(Duration::from_secs(3)).await;
    stop(again).await;
    assert_eq!(pebble.log().matches("Added order").count(), 1, "a restart does not count as patience");
}
