//! How one part of the house calls another: a request in, a response out, the same in one process and across a wire.
//!
//! In one process it is the other service's router; the request and its body are moved, not copied. Split, it is an HTTP
//! connection to it ([`Remote`]). What holds in both shapes:
//! - the answer begins before the deadline of the channel and of the request ([`Deadline`]), or the call is 504;
//! - nobody calls while a transaction is open (`db::transaction_is_open`): it would make two pools wait for each other;
//! - a service that is away is 503 with `Retry-After`.

mod breaker;
mod remote;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};

use super::Deadline;
use crate::auth::{OnBehalf, ServiceCaller};
use crate::{Error, Kind, Result};

pub use remote::{Remote, Target};

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

/// The end of a channel that is connected later.
#[derive(Debug, Clone, Default)]
pub struct Line(Arc<OnceLock<Channel>>);

impl Line {
    /// Connects it, once; a second time changes nothing.
    pub fn connect(&self, channel: Channel) {
        self.0.set(channel).ok();
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

    /// The same for another service, which calls in its own name: what it says with [`OnBehalf`] is believed, because
    /// nothing but code of this process can say it.
    pub fn in_process_from(caller: &'static str, router: Router, deadline: Duration) -> Self {
        let named =
            router.layer(axum::middleware::map_request(move |mut request: Request<Body>| async move {
                if let Some(on_behalf) = request.extensions_mut().remove::<OnBehalf>() {
                    request.extensions_mut().insert(ServiceCaller { service: caller.to_owned(), on_behalf });
                }
                request
            }));
        Self::in_process(named, deadline)
    }

    /// A channel whose other end is connected later, because two services call each other. 503 until then.
    pub fn later(deadline: Duration) -> (Self, Line) {
        let line = Line::default();
        let end = line.clone();
        let service = tower::service_fn(move |request| {
            let end = end.0.get().cloned();
            async move { end.ok_or_else(|| Error::unavailable("service"))?.call(request).await }
        });
        (Self::new(service, deadline), line)
    }

    /// A service in another process.
    pub fn http(remote: Remote, deadline: Duration) -> Self {
        Self::new(remote, deadline)
    }

    /// Calls it; 504 when the answer does not begin in time.
    pub async fn call(&self, mut request: Request<Body>) -> Result<Response> {
        if crate::db::transaction_is_open() {
            return Err(Error::internal("a service was called while a transaction was open"));
        }
        let late = || Error::new(Kind::Timeout, "timeout", "The service did not answer in time.");
        let asked = request.extensions().get::<Deadline>().map(|deadline| deadline.left());
        let budget = asked.map_or(self.deadline, |asked| asked.min(self.deadline));
        request.extensions_mut().insert(Deadline::after(budget));
        tokio::time::timeout(budget, self.service.clone().oneshot(request))
            .await
            .map_err(|elapsed| late().with_source(elapsed))?
    }
}
