//! On real loopback sockets, bounded in number and time.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Extension;
use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Endpoint, ServerLimits, Stopped, serve};
use crate::http::ClientAddr;

struct Running {
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<Stopped>,
    /// Lets `/slow` answer.
    release: watch::Sender<bool>,
    /// How many requests reached `/slow`.
    arrived: watch::Receiver<u32>,
}

async fn start(limits: ServerLimits) -> Running {
    let (release, released) = watch::channel(false);
    let (arrive, arrived) = watch::channel(0);
    let slow = move || {
        let (mut released, arrive) = (released.clone(), arrive.clone());
        async move {
            arrive.send_modify(|count| *count += 1);
            released.wait_for(|released| *released).await.unwrap();
            "slow"
        }
    };
    let router = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/peer", get(|Extension(peer): Extension<ClientAddr>| async move { peer.0.to_string() }))
        .route("/slow", get(slow));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    #[expect(clippy::disallowed_methods, reason = "a test joins its task itself")]
    let task = tokio::spawn(serve(vec![Endpoint::plain(listener)], router, shutdown.clone(), limits));
    Running { address, shutdown, task, release, arrived }
}

impl Running {
    async fn send(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    async fn get(&self, path: &str) -> String {
        read(self.send(&format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await).await
    }
}

/// Everything until the other side closes; a reset counts as closing.
async fn read(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut text)).await;
    assert!(ended.is_ok(), "the server never closed the connection");
    String::from_utf8(text).unwrap()
}

fn limits() -> ServerLimits {
    ServerLimits {
        head_time: Duration::from_millis(400),
        drain: Duration::from_secs(5),
        ..ServerLimits::default()
    }
}

#[tokio::test]
async fn a_handler_knows_the_peer() {
    let server = start(limits()).await;
    assert!(server.get("/peer").await.contains("\r\n\r\n127.0.0.1:"));
}

#[tokio::test]
async fn running_requests_finish_and_new_ones_are_not_accepted() {
    let mut server = start(limits()).await;
    let slow = server.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut idle = server.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.arrived.wait_for(|count| *count == 1).await.unwrap();
    let mut first = vec![0; 4096];
    let length = idle.read(&mut first).await.unwrap();
    assert!(first[..length].ends_with(b"hello"));
    server.shutdown.cancel();
    assert_eq!(read(idle).await, "", "an idle connection closes at once");
    assert!(TcpStream::connect(server.address).await.is_err());
    server.release.send(true).unwrap();
    assert!(read(slow).await.ends_with("slow"));
    assert_eq!(server.task.await.unwrap(), Stopped { cut: 0 });
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_cut() {
    let mut server = start(ServerLimits { drain: Duration::from_millis(100), ..limits() }).await;
    let slow = server.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.arrived.wait_for(|count| *count == 1).await.unwrap();
    server.shutdown.cancel();
    assert_eq!(server.task.await.unwrap(), Stopped { cut: 1 });
    assert_eq!(read(slow).await, "");
}

#[tokio::test]
async fn connections_that_send_too_slowly_are_closed_and_hurt_nobody() {
    let server = start(limits()).await;
    let mut slow = Vec::new();
    for beginning in ["", "P", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nx: "] {
        for _ in 0..40 {
            slow.push(server.send(beginning).await);
        }
    }
    let started = Instant::now();
    assert!(server.get("/").await.ends_with("hello"));
    assert!(started.elapsed() < Duration::from_millis(300), "{:?}", started.elapsed());
    for stream in slow {
        // Some are answered 408 by hyper before they are closed.
        read(stream).await;
    }
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_full_server_serves_again_when_a_connection_ends() {
    let server = start(ServerLimits { connections: 1, ..limits() }).await;
    let _silent = server.send("").await;
    assert!(server.get("/").await.ends_with("hello"));
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let server = start(limits()).await;
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(100_000));
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // The server may close while we are still writing.
    let _closed = stream.write_all(long.as_bytes()).await;
    let mut answer = [0; 12];
    if stream.read_exact(&mut answer).await.is_ok() {
        assert_eq!(&answer, b"HTTP/1.1 431");
    }
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(101));
    assert!(read(server.send(&many).await).await.starts_with("HTTP/1.1 431"));
}
