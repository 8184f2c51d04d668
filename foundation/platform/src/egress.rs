//! Calls to addresses that somebody else chose: webhooks, map servers, providers.
//!
//! Whoever may enter an address could make the server call itself, its neighbours or a cloud's metadata service. So:
//!
//! - a name is resolved **once**, every address of the answer is checked, and the connection goes to a checked address: a
//!   second look-up that answers otherwise (DNS rebinding) has nobody to ask;
//! - only addresses of the public internet are called ([`is_global`]); others need an entry in `egress.allow`;
//! - `https` only, except to allowed addresses; no credentials in the address; redirects are answers, not followed; no proxy
//!   from the environment;
//! - the time, the length of the answer and the number of calls at once are limited.
//!
//! Sources: the IANA special-purpose address registries (IPv4 and IPv6, RFC 6890), OWASP's SSRF cheat sheet.

mod address;
mod allow;
mod connect;
mod resolve;

use std::error::Error as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{HeaderValue, USER_AGENT};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::Semaphore;
use url::Url;

use connect::Checked;

pub use address::is_global;
pub use allow::{AllowError, Allowed};
pub use resolve::{Resolve, SystemResolver};

/// How long a connection may take, TLS included.
const CONNECT: Duration = Duration::from_secs(5);
/// Calls at a time; more wait.
const AT_ONCE: usize = 64;

/// Why a call had no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// The address cannot be called at all.
    #[error("the address cannot be called: {0}")]
    Address(&'static str),
    /// The address leads to a place that must not be called.
    #[error(
        "{host} leads to {address}, which is not on the public internet (egress.allow permits exceptions)"
    )]
    Refused {
        /// What was to be called.
        host: String,
        /// Where it leads.
        address: IpAddr,
    },
    /// The name leads nowhere.
    #[error("{host} could not be resolved")]
    Unresolved {
        /// The name.
        host: String,
    },
    /// No connection; nothing was sent.
    #[error("no connection: {0}")]
    Connect(String),
    /// The call began, and its outcome is not known.
    #[error("the outcome is not known: {0}")]
    Unknown(String),
    /// The answer is longer than is read.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

impl EgressError {
    /// Whether the other side may have received and done what was asked.
    pub fn may_have_arrived(&self) -> bool {
        matches!(self, Self::Unknown(_) | Self::TooLong(_))
    }
}

/// What is called, and how much it may cost.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Places outside the public internet that may be called.
    pub allowed: Vec<Allowed>,
    /// The whole call.
    pub timeout: Duration,
    /// Of an answer's body, in bytes.
    pub answer_limit: usize,
}

impl Policy {
    fn permits(&self, address: IpAddr, port: u16) -> bool {
        is_global(address) || self.is_allowed(address, port)
    }

    fn is_allowed(&self, address: IpAddr, port: u16) -> bool {
        self.allowed.iter().any(|allowed| allowed.covers(address, port))
    }
}

/// Makes calls. Cloning is cheap.
#[derive(Clone)]
pub struct Egress {
    client: Client<HttpsConnector<Checked>, Full<Bytes>>,
    checked: Checked,
    permits: Arc<Semaphore>,
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Egress").field("policy", self.checked.policy()).finish_non_exhaustive()
    }
}

impl Egress {
    /// Calls over the names that this resolver knows, with the certificate authorities of the machine.
    pub fn new(policy: Policy, resolver: Arc<dyn Resolve>) -> crate::Result<Self> {
        let checked = Checked::new(Arc::new(policy), resolver);
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_platform_verifier(rustls::crypto::aws_lc_rs::default_provider())
            .map_err(crate::Error::internal)?
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(checked.clone());
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            // A kept connection goes to an address that was checked for its name. Not for long, because names move.
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(4)
            .build(connector);
        Ok(Self { client, checked, permits: Arc::new(Semaphore::new(AT_ONCE)) })
    }

    /// Whether this address could be called now. For the moment at which somebody enters it; a call checks again.
    pub async fn check(&self, url: &str) -> Result<(), EgressError> {
        let uri = normal(url)?;
        self.checked.addresses(&uri).await.map(drop)
    }

    /// Calls, and reads the whole answer. A redirect is an answer like any other.
    pub async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, EgressError> {
        *request.uri_mut() = normal(&request.uri().to_string())?;
        let agent = HeaderValue::from_static(concat!("DropMate/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().entry(USER_AGENT).or_insert(agent);
        let _permit = self.permits.acquire().await;
        let policy = self.checked.policy();
        let call = async {
            let answer = self.client.request(request.map(Full::new)).await.map_err(|error| failed(&error))?;
            read(answer, policy.answer_limit).await
        };
        let late = || EgressError::Unknown(format!("no whole answer within {} s", policy.timeout.as_secs()));
        tokio::time::timeout(policy.timeout, call).await.map_err(|_elapsed| late())?
    }
}

/// The address in the form in which it is called: all spellings of one address are one.
fn normal(text: &str) -> Result<Uri, EgressError> {
    let url = Url::parse(text).map_err(|_spelling| EgressError::Address("it is not a URL"))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(EgressError::Address("it begins neither with https:// nor with http://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EgressError::Address("it holds credentials; send them in a header"));
    }
    url.as_str().parse().map_err(|_spelling| EgressError::Address("it is not a URL"))
}

async fn read(answer: Response<Incoming>, limit: usize) -> Result<Response<Bytes>, EgressError> {
    let (parts, mut incoming) = answer.into_parts();
    let mut body = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| EgressError::Unknown(error.to_string()))?;
        let Ok(chunk) = frame.into_data() else { continue };
        if body.len() + chunk.len() > limit {
            return Err(EgressError::TooLong(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response::from_parts(parts, body.freeze()))
}

/// Our own refusal travels inside the client's error.
fn failed(error: &hyper_util::client::legacy::Error) -> EgressError {
    let connecting = error.is_connect();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        if let Some(ours) = source.downcast_ref::<EgressError>() {
            return ours.clone();
        }
        text = format!("{text}: {source}");
        cause = source.source();
    }
    if connecting { EgressError::Connect(text) } else { EgressError::Unknown(text) }
}
