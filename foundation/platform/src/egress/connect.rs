//! Connecting: the one place where a name becomes an address, and the check in front of it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::resolve::Resolve;
use super::{CONNECT, EgressError, Policy};

/// Connects to addresses that the policy permits, and to no others.
#[derive(Clone)]
pub(super) struct Checked {
    policy: Arc<Policy>,
    resolver: Arc<dyn Resolve>,
}

impl Checked {
    pub fn new(policy: Arc<Policy>, resolver: Arc<dyn Resolve>) -> Self {
        Self { policy, resolver }
    }

    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Where an address leads, when all of it may be called.
    pub async fn addresses(&self, uri: &Uri) -> Result<Vec<SocketAddr>, EgressError> {
        let host = uri.host().ok_or(EgressError::Address("it names no host"))?;
        let secure = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let found = match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            Ok(literal) => vec![literal],
            Err(_name) => self.resolve(host).await?,
        };
        // One answer that must not be called is reason enough to distrust the others.
        if let Some(address) = found.iter().find(|address| !self.policy.permits(**address, port)) {
            return Err(EgressError::Refused { host: host.to_owned(), address: *address });
        }
        if !secure && !found.iter().all(|address| self.policy.is_allowed(*address, port)) {
            return Err(EgressError::Address("plain http is for addresses in egress.allow only; use https"));
        }
        Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }

    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, EgressError> {
        let unresolved = || EgressError::Unresolved { host: name.to_owned() };
        let addresses = self.resolver.resolve(name).await.map_err(|_cause| unresolved())?;
        if addresses.is_empty() { Err(unresolved()) } else { Ok(addresses) }
    }

    async fn connect(self, uri: Uri) -> Result<TokioIo<TcpStream>, EgressError> {
        let mut last = EgressError::Connect("there was no address".to_owned());
        for address in self.addresses(&uri).await? {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // Small requests wait for nothing; a socket that refuses the option works all the same.
                    let _ = stream.set_nodelay(true);
                    return Ok(TokioIo::new(stream));
                }
                Err(error) => last = EgressError::Connect(format!("{address}: {error}")),
            }
        }
        Err(last)
    }
}

impl tower::Service<Uri> for Checked {
    type Response = TokioIo<TcpStream>;
    type Error = EgressError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let late = || EgressError::Connect(format!("none within {} s", Duration::as_secs(&CONNECT)));
        let connecting = self.clone().connect(uri);
        Box::pin(async move { tokio::time::timeout(CONNECT, connecting).await.map_err(|_elapsed| late())? })
    }
}
