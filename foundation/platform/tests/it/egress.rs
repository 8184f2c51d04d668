//! The guard of outgoing calls, with a listener that sees every connection.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use futures::future::BoxFuture;
use http::Request;
use platform::egress::{Egress, EgressError, Policy, Resolve};
use testkit::Proof;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// Answers in turn, the last one for ever; counts the questions.
#[derive(Default)]
struct Names {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Names {
    fn answering(answers: &[&[&str]]) -> Arc<Self> {
        let answers = answers.iter().map(|answer| answer.iter().map(|ip| ip.parse().unwrap()).collect());
        Arc::new(Self { answers: Mutex::new(answers.collect()), asked: AtomicUsize::new(0) })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Box::pin(std::future::ready(Ok(answer)))
    }
}

fn egress(allow: &[String], names: Arc<Names>) -> Egress {
    let policy = Policy {
        allowed: allow.iter().map(|entry| entry.parse().unwrap()).collect(),
        timeout: Duration::from_secs(5),
        answer_limit: 1000,
    };
    Egress::new(policy, names).unwrap()
}

async fn call(egress: &Egress, url: &str) -> Result<http::Response<Bytes>, EgressError> {
    egress.send(Request::get(url).body(Bytes::new()).unwrap()).await
}

/// Counts connections, and closes each at once.
struct Recorder {
    address: SocketAddr,
    seen: Arc<AtomicUsize>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Recorder {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test without a lifecycle; the task ends with the recorder"
    )]
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&seen);
        let accepting = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let _ = stream.read(&mut [0; 1]).await;
            }
        });
        Self { address, seen, accepting }
    }

    fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Hosts in every spelling that an URL allows.
const PLACES: &str = "
    127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.0.0.1 0x7f.1 017700000001 0177.0.0.1 0177.1 127.0.0.1. 127.255.255.254
    127.000.000.001 0x7F.0x0.0x0.0x1 127.0x0.0.1 127.0.0x1 %31%32%37.0.0.1 127%2E0.0.1 １２７.0.0.1 127。0。0。1 ①②⑦.0.0.1
    0 0.0.0.0 0.0.0.1 0.1.2.3 00000000000 0x0 0x00.0x00.0x00.0x00
    10.0.0.1 10.255.255.255 10.1 167772161 0xa000001 012.0.0.1 100.64.0.1 100.127.255.254 1681915905
    168.63.129.16 0xa83f8110 169.254.169.254 169.254.0.1 2852039166 0xa9fea9fe 0251.0376.0251.0376 169.254.43518 0xa9.254.0251.254
    172.16.0.1 172.31.255.255 2886729729 192.0.0.1 192.0.0.170 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1
    192.168.0.1 192.168.255.255 192.168.257 3232235521 0xc0a80001 0300.0250.0.1 192.175.48.1
    198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 4294967295 0xffffffff
    [::] [::1] [0:0:0:0:0:0:0:1] [0000:0000:0000:0000:0000:0000:0000:0001] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1]
    [::ffff:10.0.0.1] [::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [::ffff:8.8.8.8] [::ffff:0:127.0.0.1] [64:ff9b::7f00:1]
    [64:ff9b::169.254.169.254] [64:ff9b:1::1] [100::1] [2001::1] [2001:0:7f00:1::] [2001:10::1] [2001:20::1] [2001:db8::1]
    [2002:7f00:1::] [2002:a9fe:a9fe::1] [2002:0a00:0001::] [2620:4f:8000::1] [3fff::1] [fc00::1] [fd00::1] [fd00:ec2::254]
    [fe80::1] [fe80::5efe:127.0.0.1] [fec0::1] [ff02::1] [ff05::2] [4000::1] [5f00::1] [::2] [::ffff:0:0] [0:0:0:0:0:ffff:7f00:1]
";

/// What is not a call to a place at all.
const ADDRESSES: [&str; 22] = [
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "ftp://example.com/",
    "dict://127.0.0.1:11211/",
    "ldap://127.0.0.1/",
    "ws://127.0.0.1/",
    "javascript:alert(1)",
    "data:text/plain,x",
    "https://user@127.0.0.1/",
    "https://user:secret@example.com/",
    "https://example.com@127.0.0.1/",
    "https://127.0.0.1\\@example.com/",
    "https://127.0.0.1#@example.com/",
    "https://127.0.0.1?@example.com/",
    "https:///127.0.0.1/",
    "https:127.0.0.1",
    "https://",
    "https://[::1",
    "https://[fe80::1%25eth0]/",
    "//127.0.0.1/",
    "127.0.0.1",
    "",
];

#[tokio::test]
async fn proof_egress() {
    let proof = Proof::new("egress");
    let recorder = Recorder::start().await;
    let port = recorder.address.port();
    let guarded = egress(&[], Names::answering(&[&["127.0.0.1"]]));
    let mut tried = 0;
    for place in PLACES.split_whitespace() {
        for url in [format!("https://{place}:{port}/"), format!("http://{place}:{port}/hook?x=1")] {
            let refused = guarded.check(&url).await.expect_err(&url);
            assert!(!refused.may_have_arrived(), "{url}: {refused}");
            if let Ok(request) = Request::get(&url).body(Bytes::new()) {
                guarded.send(request).await.expect_err(&url);
            }
            tried += 1;
        }
    }
    for url in ADDRESSES {
        guarded.check(url).await.expect_err(url);
        tried += 1;
    }
    // Names that lead inside, one by one and hidden among others.
    for answer in [
        &["127.0.0.1"][..],
        &["::1"],
        &["169.254.169.254"],
        &["93.184.216.34", "127.0.0.1"],
        &["127.0.0.1", "93.184.216.34"],
        &["2606:2800:220:1::1", "fd00::1"],
    ] {
        let guarded = egress(&[], Names::answering(&[answer]));
        for name in ["inside.example", "localhost", "metadata.google.internal", "xn--n3h.example"] {
            let url = format!("https://{name}:{port}/");
            let refused = call(&guarded, &url).await.expect_err(&url);
            assert!(matches!(refused, EgressError::Refused { .. }), "{url}: {refused:?}");
            tried += 1;
        }
    }
    assert_eq!(recorder.seen(), 0, "not one connection");
    // The mutant: without the check the first place is connected to.
    let open = egress(&["127.0.0.1".to_owned()], Names::answering(&[&["127.0.0.1"]]));
    call(&open, &format!("https://2130706433:{port}/")).await.expect_err("the recorder speaks no TLS");
    assert_eq!(recorder.seen(), 1, "the recorder sees what gets through");
    proof.report(&format!("{tried} addresses and spellings: all refused, 0 connections"));
}

#[tokio::test]
async fn a_name_is_asked_once_and_the_connection_goes_where_the_check_looked() {
    let recorder = Recorder::start().await;
    let port = recorder.address.port();
    // Public at first; whoever asks again is sent inside.
    let names = Names::answering(&[&["192.0.2.1"], &["127.0.0.1"]]);
    let allow = ["192.0.2.1".to_owned()];
    let guarded = Egress::new(
        Policy {
            allowed: allow.iter().map(|entry| entry.parse().unwrap()).collect(),
            timeout: Duration::from_millis(300),
            answer_limit: 10,
        },
        Arc::<Names>::clone(&names),
    )
    .unwrap();
    let failed = call(&guarded, &format!("http://rebinding.example:{port}/")).await.unwrap_err();
    assert!(!matches!(failed, EgressError::Refused { .. }), "it was let through to 192.0.2.1: {failed:?}");
    assert_eq!((names.asked(), recorder.seen()), (1, 0));
    let refused = call(&guarded, &format!("http://rebinding.example:{port}/")).await.unwrap_err();
    assert!(
        matches!(refused, EgressError::Refused { .. }),
        "the next call checks the next answer: {refused:?}"
    );
    assert_eq!(recorder.seen(), 0);
}

async fn web() -> (String, tokio::task::JoinHandle<()>) {
    let router = Router::new()
        .route("/echo", post(|body: Bytes| async move { body }))
        .route("/long", get(|| async { "x".repeat(1001) }))
        .route("/never", get(std::future::pending::<()>))
        .route("/away", get(|| async { (http::StatusCode::FOUND, [("location", "http://127.0.0.2/")]) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "a test without a lifecycle; aborted at its end")]
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, task)
}

#[tokio::test]
async fn an_allowed_place_is_called_and_its_answer_is_bounded() {
    let (url, task) = web().await;
    let allow = [url.trim_start_matches("http://").to_owned()];
    let open = egress(&allow, Names::answering(&[&["127.0.0.1"]]));
    let request = Request::post(format!("{url}/echo")).body(Bytes::from_static(b"hello")).unwrap();
    let answer = open.send(request).await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.body()[..]), (200, &b"hello"[..]));
    let redirect = call(&open, &format!("{url}/away")).await.unwrap();
    assert_eq!(redirect.status(), 302, "an answer, not a way to somewhere else");
    assert_eq!(call(&open, &format!("{url}/long")).await.unwrap_err(), EgressError::TooLong(1000));
    let other_port = format!("http://127.0.0.1:{}/", 1);
    assert!(matches!(call(&open, &other_port).await.unwrap_err(), EgressError::Refused { .. }));
    task.abort();
}

#[tokio::test]
async fn what_may_have_arrived_is_told_apart_from_what_did_not() {
    let (url, task) = web().await;
    let quick = Policy {
        allowed: vec!["127.0.0.1".parse().unwrap()],
        timeout: Duration::from_millis(200),
        answer_limit: 1000,
    };
    let open = Egress::new(quick, Names::answering(&[&["127.0.0.1"]])).unwrap();
    let silent = call(&open, &format!("{url}/never")).await.unwrap_err();
    assert!(silent.may_have_arrived(), "{silent:?}");
    task.abort();
    let _ = task.await;
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let nobody = call(&open, &format!("http://{unused}/")).await.unwrap_err();
    assert!(matches!(nobody, EgressError::Connect(_)) && !nobody.may_have_arrived(), "{nobody:?}");
}
