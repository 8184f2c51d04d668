//! One connection: handshake, HTTP/1.1 or HTTP/2, deadlines, shutdown.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;

use super::{Handshake, Io, ServerLimits};
use crate::http::ClientAddr;

/// What all connections of a server share.
#[derive(Clone)]
pub(super) struct Connections {
    pub(super) router: Router,
    pub(super) limits: ServerLimits,
    /// First stage: finish.
    pub(super) shutdown: CancellationToken,
    /// Second stage: stop where you are.
    pub(super) cut: CancellationToken,
    pub(super) tracker: TaskTracker,
}

impl Connections {
    /// Serves a connection in a task of its own, which holds the permit until it ends.
    pub(super) fn start(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        handshake: Option<Handshake>,
        permit: OwnedSemaphorePermit,
    ) {
        let this = self.clone();
        self.tracker.spawn(async move {
            let _permit = permit;
            let cut = this.cut.clone();
            tokio::select! {
                biased;
                () = cut.cancelled() => {}
                () = this.run(stream, peer, handshake) => {}
            }
        });
    }

    async fn run(self, stream: TcpStream, peer: SocketAddr, handshake: Option<Handshake>) {
        // Small answers go out at once; without it the last segment waits for the caller's acknowledgement.
        let _unimportant = stream.set_nodelay(true);
        let stream: Box<dyn Io> = match handshake {
            None => Box::new(stream),
            Some(handshake) => match tokio::time::timeout(self.limits.head_time, handshake(stream)).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => return tracing::debug!(cause = %error, "A TLS handshake failed"),
                Err(_elapsed) => return tracing::debug!("A TLS handshake took too long"),
            },
        };
        self.speak(stream, peer).await;
    }

    async fn speak(self, stream: Box<dyn Io>, peer: SocketAddr) {
        let seen = Arc::new(AtomicBool::new(false));
        let (router, first) = (self.router.clone(), Arc::clone(&seen));
        let service = service_fn(move |request: Request<Incoming>| {
            first.store(true, Ordering::Relaxed);
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ClientAddr(peer));
            router.clone().call(request)
        });
        let builder = builder(&self.limits);
        let mut connection =
            std::pin::pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));

        // hyper's own deadline starts once it knows the version; a caller that never sends enough to tell would
        // stay for ever.
        let first_request = tokio::time::timeout(self.limits.head_time, async {
            tokio::select! {
                result = connection.as_mut() => Some(result),
                () = self.shutdown.cancelled() => None,
            }
        });
        let result = match first_request.await {
            Ok(Some(result)) => result,
            Ok(None) => {
                connection.as_mut().graceful_shutdown();
                connection.as_mut().await
            }
            Err(_elapsed) if !seen.load(Ordering::Relaxed) => {
                return tracing::debug!("A connection sent no request");
            }
            Err(_elapsed) => {
                tokio::select! {
                    result = connection.as_mut() => result,
                    () = self.shutdown.cancelled() => {
                        connection.as_mut().graceful_shutdown();
                        connection.as_mut().await
                    }
                }
            }
        };
        if let Err(error) = result {
            tracing::debug!(cause = %error, "A connection ended early");
        }
    }
}

fn builder(limits: &ServerLimits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_headers(limits.head_fields)
        .max_buf_size(usize::try_from(limits.head_bytes).unwrap_or(usize::MAX).max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(limits.head_bytes)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10));
    builder
}
