//! How one part of the house calls another: a request in, a response out, the same in one process and across a wire.
//!
//! In one process it is the other service's router; the request and its body are moved, not copied, and the same
//! deadline holds as on a connection. An HTTP implementation wraps a client with [`Channel::new`] and turns a
//! connection that fails into [`Error::unavailable`].

use std::fmt;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};

use crate::{Error, Kind, Result};

/// A service that can be called. Cloning is cheap.
#[derive(Clone)]
pub struct Channel {
    service: BoxCloneSyncService<Request<Body>, Response, Error>,
    deadline: Duration,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl Channel {
    /// Any service with these types.
    pub fn new<S>(service: S, deadline: Duration) -> Self
    where
        S: Service<Request<Body>, Response = Response, Error = Error> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        Self { service: BoxCloneSyncService::new(service), deadline }
    }

    /// A router in the same process.
    pub fn in_process(router: Router, deadline: Duration) -> Self {
        Self::new(router.into_service().map_err(|never| match never {}), deadline)
    }

    /// Calls it; 504 when the answer does not begin within the deadline.
    pub async fn call(&self, request: Request<Body>) -> Result<Response> {
        let late = || Error::new(Kind::Timeout, "timeout", "The service did not answer in time.");
        tokio::time::timeout(self.deadline, self.service.clone().oneshot(request))
            .await
            .map_err(|elapsed| late().with_source(elapsed))?
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_has_a_deadline() {
        let router = Router::new()
            .route("/", get(|| async { "hello" }))
            .route("/slow", get(std::future::pending::<()>));
        let channel = Channel::in_process(router, Duration::from_secs(5));
        let call = |path: &str| channel.call(Request::get(path).body(Body::empty()).unwrap());
        assert_eq!(call("/").await.unwrap().status(), 200);
        assert_eq!(call("/slow").await.unwrap_err().kind(), Kind::Timeout);
    }
}
