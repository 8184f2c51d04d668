//! What stands in front of a service that is called from other processes: nobody gets in without a service token.
//!
//! Behind it the request looks as it does in one process: the client's address, the deadline and the calling service are
//! extensions. The headers that carried them are believed only from a checked service, and removed.

use std::net::IpAddr;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, HeaderValue};

use super::{ClientIp, DEADLINE_MS, Deadline};
use crate::auth::ServiceVerifier;
use crate::{Error, Kind, Result};

/// The calling service's token.
pub const SERVICE_TOKEN: HeaderName = HeaderName::from_static("x-dropmate-service-token");
/// The address of the client at the edge.
pub const CLIENT_IP: HeaderName = HeaderName::from_static("x-dropmate-client-ip");
/// On an answer: the call was refused for want of a valid service token, before anything was looked at.
pub const REFUSED: HeaderName = HeaderName::from_static("x-dropmate-refused");

/// Admits calls of services.
#[derive(Debug, Clone)]
pub struct Callers {
    verifier: ServiceVerifier,
}

impl Callers {
    /// Checked by this verifier.
    pub fn new(verifier: ServiceVerifier) -> Self {
        Self { verifier }
    }

    /// Puts it in front of a router, its fallback included.
    pub fn wrap(self, router: Router) -> Router {
        router.layer(axum::middleware::from_fn_with_state(self, admit))
    }

    async fn admitted(&self, request: &mut Request) -> Result<()> {
        let refused = || {
            Error::new(
                Kind::Unauthenticated,
                "invalid_service_token",
                "This address is for services of the installation.",
            )
        };
        let headers = request.headers_mut();
        let mut tokens = headers.get_all(SERVICE_TOKEN).iter();
        let token = tokens.next().filter(|_| tokens.next().is_none()).and_then(|value| value.to_str().ok());
        let token = token.ok_or_else(refused)?.to_owned();
        let caller = self.verifier.verify(&token).await.map_err(|error| refused().with_source(error))?;
        let headers = request.headers_mut();
        let client: Option<IpAddr> =
            headers.get(CLIENT_IP).and_then(|value| value.to_str().ok()?.parse().ok());
        let deadline = Deadline::passed_on(headers);
        for name in [SERVICE_TOKEN, CLIENT_IP, DEADLINE_MS] {
            headers.remove(name);
        }
        let extensions = request.extensions_mut();
        extensions.insert(caller);
        match client {
            Some(client) => extensions.insert(ClientIp(client)),
            None => extensions.remove::<ClientIp>(),
        };
        if let Some(deadline) = deadline {
            let own = extensions.get::<Deadline>().copied().unwrap_or(deadline);
            extensions.insert(own.min(deadline));
        }
        Ok(())
    }
}

async fn admit(State(callers): State<Callers>, mut request: Request, next: Next) -> Response {
    if let Err(error) = callers.admitted(&mut request).await {
        tracing::warn!(cause = error.chain(), "A call without a valid service token was refused");
        let mut response = error.into_response();
        response.headers_mut().insert(REFUSED, HeaderValue::from_static("service-token"));
        return response;
    }
    let Some(deadline) = request.extensions().get::<Deadline>().copied() else {
        return next.run(request).await;
    };
    match tokio::time::timeout(deadline.left(), next.run(request)).await {
        Ok(response) => response,
        Err(elapsed) => Error::new(Kind::Timeout, "timeout", "The service did not answer in time.")
            .with_source(elapsed)
            .into_response(),
    }
}
