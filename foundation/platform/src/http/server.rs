//! Serving a router on sockets, within limits, and stopping it in two stages.
//!
//! | limit | default | against |
//! |---|---|---|
//! | connections | 10,000 | running out of memory and descriptors |
//! | time for a request's head, also between requests | 10 s | slow-loris, forgotten connections |
//! | size of the head, number of fields | 64 KiB, 100 | memory; answered 431 by hyper |
//! | streams per HTTP/2 connection | 200 | one connection that takes everything |
//!
//! When the token is cancelled nothing new is accepted and idle connections close; running requests have
//! [`ServerLimits::drain`] to finish; what is left then is cut.

mod connection;
#[cfg(test)]
mod tests;
pub mod tls;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures::future::{BoxFuture, join_all};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use connection::Connections;

/// A stream that HTTP is spoken on.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Turns an accepted connection into the stream that HTTP is spoken on: TLS, when the runtime provides it.
pub type Handshake = Arc<dyn Fn(TcpStream) -> BoxFuture<'static, io::Result<Box<dyn Io>>> + Send + Sync>;

/// A socket to serve on.
pub struct Endpoint {
    /// Bound and listening.
    pub listener: TcpListener,
    /// `None`: plain HTTP.
    pub handshake: Option<Handshake>,
}

impl Endpoint {
    /// Plain HTTP.
    pub fn plain(listener: TcpListener) -> Self {
        Self { listener, handshake: None }
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("listener", &self.listener).finish_non_exhaustive()
    }
}

/// How much the server takes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// Connections at the same time; further ones wait in the operating system's queue.
    pub connections: usize,
    /// Time for a request's head, and longest idle time between requests.
    pub head_time: Duration,
    /// Bytes of a request's head; hyper takes no less than 8 KiB.
    pub head_bytes: u32,
    /// Fields of a request's head.
    pub head_fields: usize,
    /// Streams of one HTTP/2 connection.
    pub streams: u32,
    /// Time for running requests when the server stops.
    pub drain: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            head_time: Duration::from_secs(10),
            head_bytes: 64 * 1024,
            head_fields: 100,
            streams: 200,
            drain: Duration::from_secs(20),
        }
    }
}

/// How the server stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Connections that had to be cut when the time for draining was over.
    pub cut: usize,
}

/// Serves until the token is cancelled and everything has been drained or cut.
pub async fn serve(
    endpoints: Vec<Endpoint>,
    router: Router,
    shutdown: CancellationToken,
    limits: ServerLimits,
) -> Stopped {
    let permits = Arc::new(Semaphore::new(limits.connections));
    let cut = CancellationToken::new();
    let connections = Connections {
        router,
        limits,
        shutdown: shutdown.clone(),
        cut: cut.clone(),
        tracker: TaskTracker::new(),
    };
    let loops = endpoints.into_iter().map(|endpoint| accept(endpoint, &connections, &permits, &shutdown));
    join_all(loops).await;

    // The listeners are closed. First stage: let running requests finish.
    connections.tracker.close();
    if tokio::time::timeout(limits.drain, connections.tracker.wait()).await.is_ok() {
        return Stopped { cut: 0 };
    }
    // Second stage: cut what is left.
    let left = connections.tracker.len();
    tracing::warn!(
        connections = left,
        "Cut connections that were still busy when the time to drain was over"
    );
    cut.cancel();
    connections.tracker.wait().await;
    Stopped { cut: left }
}

/// Accepts until shutdown. A full server takes nothing from the queue; an error (out of descriptors) is not the end.
async fn accept(
    endpoint: Endpoint,
    connections: &Connections,
    permits: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) {
    loop {
        let next = async {
            let permit = Arc::clone(permits).acquire_owned().await.map_err(io::Error::other)?;
            let (stream, peer) = endpoint.listener.accept().await?;
            Ok::<_, io::Error>((permit, stream, peer))
        };
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            accepted = next => accepted,
        };
        match accepted {
            Ok((permit, stream, peer)) => connections.start(stream, peer, endpoint.handshake.clone(), permit),
            Err(error) => {
                tracing::warn!(cause = %error, "Could not accept a connection; trying again shortly");
                let _stopping = tokio::time::timeout(Duration::from_millis(100), shutdown.cancelled()).await;
            }
        }
    }
}
