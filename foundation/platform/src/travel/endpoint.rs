//! A routing server on the network, called through the guard of outgoing calls ([`crate::egress`]).
//!
//! The owner's own server usually stands on a private address and speaks plain `http`, which the guard refuses. Whoever may
//! write the configuration may say where it is, so [`Endpoint::configured`] permits **the one host and port that is
//! configured and nothing else**: its guard serves no other caller, knows no other name, follows no redirect, and paths are
//! appended to an address that cannot change. Addresses that people enter go nowhere near it.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use url::{Host, Url};

use crate::egress::{Allowed, Egress, EgressError, Policy, Resolve, SystemResolver};
use crate::{Error, Kind, Result};

/// Of an answer: a matrix of 50 x 50 pairs in the wordiest protocol (Valhalla 3.9) has some 500 KB.
const ANSWER_LIMIT: usize = 4 * 1024 * 1024;

/// An address that cannot be one of a routing server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not `http://host...` or `https://host...`.
    #[error("it must begin with http:// or https:// and name a host")]
    Address,
    /// Credentials, a query or a fragment.
    #[error("it must not hold credentials, a query or a fragment")]
    Extras,
    /// No client could be made.
    #[error("no client could be made: {0}")]
    Client(String),
}

/// One server and the way to call it. Cloning shares the connections.
#[derive(Clone)]
pub struct Endpoint {
    /// With a path, without a slash at the end.
    base: String,
    egress: Egress,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Endpoint").field(&self.base).finish()
    }
}

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub body: Bytes,
}

impl Endpoint {
    /// Whether this can be the address of a server. Nobody is asked.
    pub fn check(address: &str) -> Result<(), EndpointError> {
        read(address).map(drop)
    }

    /// A server that the operator has named in the configuration; it may be on a private address and without TLS.
    pub fn configured(address: &str, patience: Duration) -> Result<Self, EndpointError> {
        let url = read(address)?;
        let port = url.port_or_known_default().ok_or(EndpointError::Address)?;
        let place = |ip: IpAddr| std::net::SocketAddr::new(ip, port).to_string();
        match url.host().ok_or(EndpointError::Address)? {
            Host::Ipv4(ip) => Self::to(&url, &[place(ip.into())], Arc::new(SystemResolver), patience),
            Host::Ipv6(ip) => Self::to(&url, &[place(ip.into())], Arc::new(SystemResolver), patience),
            // Wherever the name leads: that is what the operator meant, and this guard resolves no other name.
            Host::Domain(name) => {
                let only = Arc::new(OnlyName { name: name.to_owned() });
                Self::to(&url, &["0.0.0.0/0".to_owned(), "::/0".to_owned()], only, patience)
            }
        }
    }

    /// A server on the public internet: with TLS, and nowhere else.
    pub fn public(address: &str, patience: Duration) -> Result<Self, EndpointError> {
        Self::to(&read(address)?, &[], Arc::new(SystemResolver), patience)
    }

    fn to(
        url: &Url,
        allow: &[String],
        resolver: Arc<dyn Resolve>,
        patience: Duration,
    ) -> Result<Self, EndpointError> {
        let allowed: Result<Vec<Allowed>, _> = allow.iter().map(|entry| entry.parse()).collect();
        let allowed = allowed.map_err(|_entry| EndpointError::Address)?;
        let policy = Policy { allowed, timeout: patience, answer_limit: ANSWER_LIMIT };
        let egress = Egress::new(policy, resolver).map_err(|error| EndpointError::Client(error.chain()))?;
        Ok(Self { base: url.as_str().trim_end_matches('/').to_owned(), egress })
    }

    /// `GET` of a path and query below the address. Neither appears in an error, because a query may hold a token.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.call(Method::GET, path, Bytes::new()).await
    }

    /// `POST` of a JSON document to a path below the address.
    pub async fn post(&self, path: &str, document: &serde_json::Value) -> Result<Answer> {
        self.call(Method::POST, path, serde_json::to_vec(document)?.into()).await
    }

    async fn call(&self, method: Method, path: &str, body: Bytes) -> Result<Answer> {
        let mut request = Request::builder()
            .method(&method)
            .uri(format!("{}/{}", self.base, path.trim_start_matches('/')))
            .header(ACCEPT, "application/json");
        if method == Method::POST {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        // The error of the builder may show the address.
        let request = request.body(body).map_err(|_shown| Error::internal("a request could not be made"))?;
        let answer = self.egress.send(request).await.map_err(away)?;
        Ok(Answer { status: answer.status(), body: answer.into_body() })
    }
}

fn away(error: EgressError) -> Error {
    Error::unavailable("routing server").with_source(error)
}

fn read(address: &str) -> Result<Url, EndpointError> {
    let url = Url::parse(address).map_err(|_spelling| EndpointError::Address)?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(EndpointError::Address);
    }
    let plain = url.username().is_empty() && url.password().is_none();
    if !plain || url.query().is_some() || url.fragment().is_some() {
        return Err(EndpointError::Extras);
    }
    Ok(url)
}

/// Knows one name.
struct OnlyName {
    name: String,
}

impl Resolve for OnlyName {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        if name == self.name {
            return SystemResolver.resolve(name);
        }
        Box::pin(std::future::ready(Err(io::Error::other("this is not the server that is configured"))))
    }
}

impl Answer {
    /// The document of an answer that went well.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // The library's message may quote what was sent; its place is enough.
            let place = format!("line {}, column {}", error.line(), error.column());
            malformed(format!("its document cannot be read at {place}"))
        })
    }

    /// What went wrong, by the status alone; `None` where the document tells more.
    pub fn failure(&self) -> Option<Error> {
        let status = self.status.as_u16();
        let said = |why: &str| format!("it answered {status}: {why}");
        let unavailable = |why: &str| Error::unavailable("routing server").with_source(said(why));
        match status {
            401 | 403 => Some(unavailable("the access token or the login is not accepted")),
            404 => Some(unavailable("there is no such service or profile below this address")),
            429 => Some(unavailable("the quota is used up")),
            300..=399 => Some(unavailable("it is somewhere else; redirects are not followed")),
            // A refusal of the protocol is one of these, and its document says more.
            200..=299 | 400..=499 => None,
            _ => Some(unavailable("it failed")),
        }
    }
}

/// A question that the server refuses, for this reason; asking the same again does not help.
pub(super) fn refused(why: impl Into<String>) -> Error {
    Error::new(Kind::Invalid, "travel_times_refused", "The routing server does not answer this question.")
        .with_source(why.into())
}

/// An answer that is not what the protocol says.
pub(super) fn malformed(why: impl Into<String>) -> Error {
    Error::new(Kind::Unavailable, "unavailable", "The routing server gave an answer that is not understood.")
        .with_source(why.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(300);

    #[test]
    fn what_is_no_plain_address_is_refused() {
        for bad in ["", "osrm:5000", "ftp://osrm/", "http://", "/table"] {
            assert_eq!(Endpoint::configured(bad, PATIENCE).unwrap_err(), EndpointError::Address, "{bad}");
        }
        for bad in ["http://user@osrm:5000", "http://u:p@osrm", "http://osrm/?key=1", "http://osrm/#x"] {
            assert_eq!(Endpoint::configured(bad, PATIENCE).unwrap_err(), EndpointError::Extras, "{bad}");
        }
    }

    #[tokio::test]
    async fn only_the_configured_host_and_port_may_be_private() {
        let endpoint = Endpoint::configured("http://127.0.0.1:5000/routed-car/", PATIENCE).unwrap();
        assert_eq!(endpoint.base, "http://127.0.0.1:5000/routed-car");
        endpoint.egress.check("http://127.0.0.1:5000/table").await.unwrap();
        for other in ["http://127.0.0.1:5001/", "http://127.0.0.2:5000/", "http://10.0.0.1:5000/"] {
            let refused = endpoint.egress.check(other).await.unwrap_err();
            assert!(matches!(refused, EgressError::Refused { .. }), "{other}: {refused}");
        }
    }

    #[tokio::test]
    async fn a_name_that_is_configured_may_lead_inside_and_no_other_name_is_known() {
        let endpoint = Endpoint::configured("http://localhost:5000", PATIENCE).unwrap();
        endpoint.egress.check("http://localhost:5000/table").await.unwrap();
        let other = endpoint.egress.check("http://metadata.internal/").await.unwrap_err();
        assert!(matches!(other, EgressError::Unresolved { .. }), "{other}");
    }

    #[tokio::test]
    async fn a_public_server_is_called_with_tls_and_on_the_internet_only() {
        let plain = Endpoint::public("http://192.0.2.1", PATIENCE).unwrap();
        let inside = Endpoint::public("https://127.0.0.1", PATIENCE).unwrap();
        for endpoint in [plain, inside] {
            let refused = endpoint.get("/x?access_token=pk.secret").await.unwrap_err();
            assert_eq!(refused.kind(), Kind::Unavailable);
            assert!(!refused.chain().contains("secret"), "{}", refused.chain());
        }
    }
}
