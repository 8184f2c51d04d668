//! `--tls self`: a client that trusts the authority, one that does not, the port without TLS, restarts.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use kernel::time::SignedDuration;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Method, Version};
use serde_json::Value;
use testkit::simclock::Hub;

use crate::support::{Home, Running, client, client_with, eventually};

const SELF: [&str; 7] = ["up", "--tls", "self", "--listen", "127.0.0.1:0", "--plain-listen", "127.0.0.1:0"];

fn authority(home: &Home) -> Vec<u8> {
    std::fs::read(home.data().join("tls/authority.crt")).unwrap()
}

fn trusting(pem: &[u8]) -> Client {
    let authority = Certificate::from_pem(pem).unwrap();
    client_with(|client| client.tls_certs_only([authority]))
}

/// Takes no redirect, so that it is seen.
fn plain() -> Client {
    client_with(|client| client.redirect(Policy::none()))
}

/// All causes: the outermost says only that something went wrong.
fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn who_trusts_the_authority_comes_in_over_http2_and_a_stranger_does_not() {
    let home = Home::prepared();
    let running = home.start(&SELF);
    assert!(running.url.starts_with("https://127.0.0.1:"), "{}", running.url);
    let page = trusting(&authority(&home)).get(&running.url).send().await.unwrap();
    assert_eq!((page.status().as_u16(), page.version()), (200, Version::HTTP_2));
    assert!(
        !page.headers().contains_key("strict-transport-security"),
        "it would lock out who has not installed it"
    );
    assert!(page.text().await.unwrap().contains("/setup/phone"));
    let old = Certificate::from_pem(&authority(&home)).unwrap();
    let old = client_with(|client| {
        client.tls_certs_only([old]).http1_only().tls_version_max(reqwest::tls::Version::TLS_1_2)
    });
    assert_eq!(old.get(&running.url).send().await.unwrap().version(), Version::HTTP_11);

    let by_name = running.url.replace("127.0.0.1", "localhost");
    assert_eq!(trusting(&authority(&home)).get(by_name).send().await.unwrap().status(), 200);
    let refused = causes(&client().get(&running.url).send().await.unwrap_err());
    assert!(refused.contains("certificate"), "{refused}");
    assert_eq!(mode(&home.data().join("tls/authority.pem")), 0o600);
    assert_eq!(mode(&home.data().join("tls")), 0o700);

    let first = authority(&home);
    let (ended, log) = running.stop();
    assert!(ended.success(), "{log}");
    assert!(!log.contains("PRIVATE KEY"), "a key is in the log");
    let second = home.start(&SELF);
    assert_eq!(authority(&home), first, "phones do not have to be set up again");
    assert_eq!(trusting(&first).get(&second.url).send().await.unwrap().status(), 200);
    assert!(second.stop().0.success());
}

#[tokio::test]
async fn commands_beside_it_trust_the_authority_of_the_data_folder_and_no_other() {
    let (home, other) = (Home::prepared(), Home::prepared());
    let running = home.start(&SELF);
    assert_eq!(home.run(&["healthcheck"]).ok(), "ready\n");
    let link = home.run(&["owner-link"]).ok();
    assert!(link.starts_with(&format!("{}/setup/dml_", running.url)), "{link}");
    assert!(other.start(&SELF).stop().0.success());
    let right = authority(&home);
    std::fs::write(home.data().join("tls/authority.crt"), authority(&other)).unwrap();
    let refused = home.run(&["healthcheck"]).refused(1);
    assert!(refused.contains("certificate"), "it must look at the certificate: {refused}");
    std::fs::remove_file(home.data().join("tls/authority.crt")).unwrap();
    assert_eq!(home.run(&["healthcheck"]).code, Some(1), "without the authority nothing is trusted");
    assert!(running.stop().0.success());
    let again = home.start(&SELF);
    assert_eq!(authority(&home), right, "the copy is written again");
    assert_eq!(home.run(&["healthcheck"]).ok(), "ready\n");
    assert!(again.stop().0.success());
}

#[tokio::test]
async fn the_port_without_tls_serves_what_makes_trust_and_leads_everything_else_on() {
    let home = Home::prepared();
    let running = home.start(&SELF);
    let page = running.told("Phones trust it through:").to_owned();
    for (method, path) in [
        (Method::GET, "/api/v1/users/me"),
        (Method::GET, "/readyz"),
        (Method::GET, "/openapi.json"),
        (Method::POST, "/"),
        (Method::POST, "/ca.crt"),
        (Method::POST, "/api/v1/auth/login"),
        (Method::DELETE, "/ca.mobileconfig"),
    ] {
        let answer =
            plain().request(method.clone(), format!("{page}{path}")).body("{}").send().await.unwrap();
        assert_eq!(answer.status(), 307, "{method} {path}");
        assert_eq!(answer.headers()["location"], format!("{}{path}", running.url), "{method} {path}");
        assert!(answer.bytes().await.unwrap().is_empty(), "{method} {path}");
    }
    let shown = plain().get(&page).send().await.unwrap().text().await.unwrap();
    let fingerprint = running.told("Fingerprint (SHA-256):");
    assert!(fingerprint.len() == 79 && shown.contains(fingerprint), "{shown}");
    let der = plain().get(format!("{page}/ca.crt")).send().await.unwrap();
    assert_eq!(der.headers()["content-type"], "application/x-x509-ca-cert");
    let der = Certificate::from_der(&der.bytes().await.unwrap()).unwrap();
    let phone = client_with(|client| client.tls_certs_only([der]));
    let setup = phone.get(format!("{}/setup/phone", running.url)).send().await.unwrap();
    assert!(!setup.headers()["content-security-policy"].to_str().unwrap().contains("unsafe"));
    let setup = setup.text().await.unwrap();
    assert!(
        setup.contains(fingerprint) && setup.contains(&page) && setup.matches("<svg").count() >= 3,
        "{setup}"
    );

    let typed = running.url.replace("https://", "http://");
    let answer = plain().get(format!("{typed}/readyz?x=1")).send().await.unwrap();
    assert_eq!(answer.status(), 307, "plain HTTP on the port of TLS");
    assert_eq!(answer.headers()["location"], format!("{}/readyz?x=1", running.url));
    assert_eq!(plain().get(format!("{typed}/ca.crt")).send().await.unwrap().status(), 307);
    let (ended, log) = running.stop();
    assert!(ended.success() && !log.contains("ERROR"), "{log}");
}

/// The certificate that is shown to whoever connects.
async fn shown(url: &str) -> Vec<u8> {
    let curious = client_with(|client| client.tls_danger_accept_invalid_certs(true).tls_info(true));
    let answer = curious.get(format!("{url}/healthz")).send().await.unwrap();
    let info = answer.extensions().get::<reqwest::tls::TlsInfo>().unwrap();
    info.peer_certificate().unwrap().to_vec()
}

#[tokio::test]
async fn a_certificate_near_its_end_is_exchanged_while_it_runs() {
    let home = Home::prepared();
    let hub = Hub::start(home.path().join("clock"), testkit::database::START.parse().unwrap()).unwrap();
    let socket = hub.socket().to_str().unwrap().to_owned();
    let command = home.command(&[&SELF[..], &["--sim-clock", &socket]].concat());
    let running = tokio::task::spawn_blocking(move || Running::start(command)).await.unwrap();
    let first = shown(&running.url).await;
    assert_eq!(shown(&running.url).await, first);
    hub.advance(SignedDuration::from_hours(24 * 270)).await;
    let begun = std::time::Instant::now();
    while shown(&running.url).await == first {
        assert!(begun.elapsed().as_secs() < 20, "in vain waited for another certificate");
        tokio::task::yield_now().await;
    }
    drop(hub);
    tokio::task::spawn_blocking(move || running.wait()).await.unwrap();
}

#[tokio::test]
async fn lan_listens_everywhere_with_an_address_that_others_can_use() {
    let home = Home::prepared();
    let running = home.start(&["up", "--lan", "--listen", "0.0.0.0:0", "--plain-listen", "0.0.0.0:0"]);
    let page = running.told("Phones trust it through:").to_owned();
    assert!(running.url.starts_with("https://") && page.starts_with("http://"), "{}", running.told);
    assert!(!running.url.contains("0.0.0.0") && !page.contains("0.0.0.0"), "{}", running.told);
    assert_eq!(url_host(&running.url), url_host(&page));
    let trusting = trusting(&authority(&home));
    let also = running.told.lines().filter_map(|line| line.strip_prefix("Also at: "));
    for url in also.chain([running.url.as_str()]) {
        assert_eq!(trusting.get(format!("{url}/healthz")).send().await.unwrap().status(), 200, "{url}");
    }
    assert_eq!(home.run(&["healthcheck"]).ok(), "ready\n");
    let link = running.owner_link.clone().unwrap();
    assert!(link.starts_with(&running.url), "{link}");
    let port = url_port(&running.url);
    let ready: Value =
        trusting.get(format!("https://127.0.0.1:{port}/readyz")).send().await.unwrap().json().await.unwrap();
    assert_eq!(ready["status"], "ok", "{ready}");
    assert!(running.stop().0.success());
}

fn url_host(url: &str) -> &str {
    url.split_once("://").unwrap().1.rsplit_once(':').unwrap().0
}

fn url_port(url: &str) -> &str {
    url.rsplit_once(':').unwrap().1
}

#[test]
fn what_contradicts_itself_is_wrong_use() {
    let home = Home::new();
    for (args, environment, words) in [
        (&["--lan", "--tls", "off"][..], None, "--lan and --tls off contradict each other"),
        (&["--lan", "--tls", "acme"], None, "--lan and --tls acme contradict each other"),
        (&["--lan", "--listen", "127.0.0.1:8080"], None, "nobody else reaches a loopback address"),
        (&["--lan"], Some(("DROPMATE__HTTP__TLS", "off")), "http.tls"),
        (&["--tls", "acme"], None, "set PUBLIC_URL"),
        (&["--tls", "acme"], Some(("PUBLIC_URL", "https://192.168.1.20")), "a name in the public DNS"),
        (&["--tls", "acme"], Some(("PUBLIC_URL", "http://deliver.example.org")), "people come by https://"),
        (&["--tls", "self"], Some(("PUBLIC_URL", "http://shop.local")), "people come by https://"),
        (&["--tls", "self"], Some(("PUBLIC_URL", "https://shop")), "could be a top-level domain"),
        (&["--plain-listen", "127.0.0.1:0"], None, "nothing that it could lead to"),
        (&["--tls", "self", "--plain-listen", "nonsense"], None, "http.plain_listen is neither"),
    ] {
        let mut command = home.command(&[&["up"], args].concat());
        let done = crate::support::Done::of(command.envs(environment).output().unwrap());
        let refused = done.refused(2);
        assert!(refused.contains(words), "{args:?} {environment:?}: {refused}");
    }
    let mut command = home.command(&["up", "--tls", "acme", "--listen", "127.0.0.1:0"]);
    command.env("PUBLIC_URL", "https://deliver.example.org").env("DROPMATE__HTTP__ACME_ROOT", "/nowhere.pem");
    let refused = crate::support::Done::of(command.output().unwrap()).refused(2);
    assert!(refused.contains("http.acme_root: /nowhere.pem holds no certificate"), "{refused}");
    assert!(!home.data().exists(), "a refused start leaves nothing behind");
}

#[test]
fn a_public_address_for_which_the_authority_was_not_made_is_refused_with_the_way_out() {
    let home = Home::prepared();
    assert!(home.start(&SELF).stop().0.success());
    let mut command = home.command(&SELF);
    let done = command.env("PUBLIC_URL", "https://deliver.example.org").output().unwrap();
    let refused = crate::support::Done::of(done).refused(2);
    assert!(refused.contains("may not vouch") && refused.contains("move that folder away"), "{refused}");
    std::fs::rename(home.data().join("tls"), home.path().join("tls-before")).unwrap();
    let mut command = home.command(&SELF);
    command.env("PUBLIC_URL", "https://deliver.example.org");
    let running = Running::start(command);
    assert_eq!(running.url, "https://deliver.example.org");
    eventually("it is ready", || home.run(&["healthcheck"]).code == Some(0));
    assert!(running.stop().0.success());
}

/// Where the private PostgreSQL of a running installation is, for processes beside it.
fn shared_database(home: &Home) -> String {
    let mut clusters = std::fs::read_dir(home.data().join("postgres")).unwrap().flatten();
    let pid_file =
        clusters.find_map(|one| std::fs::read_to_string(one.path().join("postmaster.pid")).ok()).unwrap();
    let line = |number: usize| pid_file.lines().nth(number).unwrap().trim().to_owned();
    format!("postgres:///dropmate?host={}&port={}", line(4), line(3))
}

#[tokio::test]
async fn of_a_split_installation_only_the_gateway_ends_tls() {
    let home = Home::prepared();
    let whole = home.up();
    let port = testkit::server::free_port().unwrap();
    let public_url = format!("https://localhost:{port}");
    let start = |name: &'static str, listen: String, identity: Option<&str>| {
        let mut command = home.command(&["serve", "--services", name, "--listen", &listen]);
        command
            .env("DATABASE_URL", shared_database(&home))
            .env("PUBLIC_URL", &public_url)
            .env("DROPMATE__HTTP__TLS", "self")
            .env("DROPMATE__HTTP__PLAIN_LISTEN", "127.0.0.1:0")
            .envs(identity.map(|url| ("DROPMATE__SERVICES__IDENTITY", url)))
            // They do not run in this story.
            .envs(testkit::sandbox::OTHERS.map(|service| {
                (format!("DROPMATE__SERVICES__{}", service.to_uppercase()), "http://127.0.0.1:1")
            }));
        Running::start(command)
    };
    let identity = start("identity", "127.0.0.1:0".to_owned(), None);
    assert!(identity.url.starts_with("http://127.0.0.1:"), "{}", identity.url);
    assert!(!identity.told.contains("Fingerprint"), "{}", identity.told);
    let gateway = start("gateway", format!("127.0.0.1:{port}"), Some(&identity.url));
    assert_eq!(gateway.url, public_url);
    for services in ["identity", "gateway"] {
        eventually(services, || {
            let mut command = home.command(&["healthcheck", "--services", services]);
            command.env("DROPMATE__HTTP__TLS", "self").output().unwrap().status.success()
        });
    }
    let body = serde_json::json!({ "email": "nobody@example.org", "password": "wrong horse battery" });
    let login = format!("{}/api/v1/auth/login", gateway.url);
    let answer = trusting(&authority(&home)).post(login).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 401, "it reached identity");
    let page = gateway.told("Phones trust it through:");
    assert_eq!(plain().get(page).send().await.unwrap().status(), 200);
    for running in [gateway, identity, whole] {
        assert!(running.stop().0.success());
    }
}
