//! What stands in front of a router: see the steps in the module above.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::ALLOW;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};

use super::{Authenticator, Lookup, Operation, Operations};
use crate::auth::{OnBehalf, Principal, Role, ServiceCaller, Who};
use crate::http::ClientIp;
use crate::http::extract::query_pairs;
use crate::http::header::IDEMPOTENCY_KEY;
use crate::http::layers::RouteTemplate;
use crate::http::problem;
use crate::http::rate_limit::{Counts, Decision, Policy, RateLimiter};
use crate::{Error, Kind, Result};

/// Longest accepted `Idempotency-Key`.
pub const MAX_IDEMPOTENCY_KEY: usize = 255;

/// Who is counted, and how.
#[derive(Clone)]
pub struct RateLimits {
    /// Counts.
    pub limiter: Arc<dyn RateLimiter>,
    /// Per address, for callers without a valid credential.
    pub anonymous: Policy,
    /// Per signed-in person.
    pub principal: Policy,
    /// Per API key or device.
    pub key: Policy,
    /// Stricter quotas of single operations (sign-in), by operation id; counted instead of the general ones.
    pub operations: BTreeMap<String, Policy>,
}

impl RateLimits {
    async fn count(
        &self,
        id: Option<&str>,
        who: Option<&Principal>,
        client: Option<ClientIp>,
        counts: &Counts,
    ) -> Option<Decision> {
        let known = who.filter(|principal| principal.who != Who::Anonymous);
        let general = match known.map(|principal| principal.who) {
            Some(Who::Key(_)) => self.key,
            Some(_) => self.principal,
            None => self.anonymous,
        };
        let policy = id.and_then(|id| self.operations.get(id)).copied().unwrap_or(general);
        let key = known.map_or_else(
            || client.map_or_else(|| "address unknown".to_owned(), |client| client.counted()),
            Principal::label,
        );
        match self.limiter.check(&policy, &key).await {
            Ok(decision) => {
                counts.note(policy, decision);
                Some(decision)
            }
            Err(error) => {
                // Refusing everybody because the counter is away would be the larger outage.
                tracing::warn!(
                    cause = error.chain(),
                    "The rate limiter did not answer; the request passes uncounted"
                );
                None
            }
        }
    }
}

/// Admits requests that the operation table allows.
#[derive(Clone)]
pub struct Gate {
    operations: Arc<Operations>,
    authenticator: Authenticator,
    limits: Option<RateLimits>,
    /// The service that may hand over every operation of its callers.
    door: Option<&'static str>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").field("operations", &self.operations).finish_non_exhaustive()
    }
}

impl Gate {
    /// A gate without rate limits: those belong to the edge only.
    pub fn new(operations: Arc<Operations>, authenticator: Authenticator) -> Self {
        Self { operations, authenticator, limits: None, door: None }
    }

    /// With rate limits.
    pub fn with_limits(mut self, limits: RateLimits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Behind other processes: this service (the gateway) may hand over whatever its callers may do; any other only calls
    /// operations that the role `service` may call, as well.
    pub fn with_door(mut self, door: &'static str) -> Self {
        self.door = Some(door);
        self
    }

    /// Puts the gate in front of a router, its fallback included.
    pub fn wrap(self, router: Router) -> Router {
        router.layer(axum::middleware::from_fn_with_state(Arc::new(self), guard))
    }

    async fn admit(&self, request: &Parts, counts: &Counts) -> Result<(Arc<Operation>, Principal), Refused> {
        let operation = match self.operations.find(&request.method, request.uri.path()) {
            Lookup::Found(operation) => Ok(operation),
            Lookup::OtherMethods(allow) => {
                Err(Refused { error: problem::method_not_allowed().await, allow: Some(allow) })
            }
            Lookup::Unknown => Err(problem::fallback().await.into()),
        };
        let caller = match &operation {
            Ok(operation) if !operation.probe && !operation.own_credential => self.caller(request).await,
            _ => Ok(Principal::anonymous()),
        };
        let counted = self.count(operation.as_ref().ok().cloned(), &caller, request, counts).await;
        operation.and_then(|operation| {
            if let Some(decision) = &counted {
                decision.enforce()?;
            }
            let caller = caller
                .and_then(|caller| operation.permission.check(&caller).map(|()| caller))
                .and_then(|caller| self.service_may(&operation, request).map(|()| caller))
                .and_then(|caller| contract(&operation, request).map(|()| caller))?;
            Ok((operation, caller))
        })
    }

    /// Whose call it is: of the installation when a service says so, otherwise of the credential in the request.
    async fn caller(&self, request: &Parts) -> Result<Principal> {
        match request.extensions.get::<ServiceCaller>().map(|service| service.on_behalf) {
            Some(OnBehalf::System(org)) => {
                Ok(Principal { who: Who::System, role: Role::Service, org, ..Principal::anonymous() })
            }
            _ => self.authenticator.authenticate(&request.headers).await,
        }
    }

    /// The other half of the intersection: what the calling service itself may do.
    fn service_may(&self, operation: &Operation, request: &Parts) -> Result<()> {
        let Some(service) = request.extensions.get::<ServiceCaller>() else { return Ok(()) };
        let hands_over = self.door == Some(service.service.as_str()) && service.on_behalf == OnBehalf::Caller;
        let may = hands_over || operation.permission.roles.contains(&Role::Service);
        if may { Ok(()) } else { Err(Error::forbidden()) }
    }

    async fn count(
        &self,
        operation: Option<Arc<Operation>>,
        caller: &Result<Principal>,
        request: &Parts,
        counts: &Counts,
    ) -> Option<Decision> {
        let limits =
            self.limits.as_ref().filter(|_| !operation.as_ref().is_some_and(|operation| operation.probe))?;
        let client = request.extensions.get::<ClientIp>().copied();
        limits
            .count(
                operation.as_ref().map(|operation| operation.id.as_str()),
                caller.as_ref().ok(),
                client,
                counts,
            )
            .await
    }
}

async fn guard(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let counts = Counts::default();
    let admitted = Box::pin(gate.admit(&parts, &counts)).await;
    let mut response = match admitted {
        Ok((operation, caller)) => {
            parts.extensions.insert(counts.clone());
            let template = RouteTemplate(Arc::clone(&operation.template));
            parts.extensions.insert(operation);
            parts.extensions.insert(caller);
            let mut response = crate::db::watched(next.run(Request::from_parts(parts, body))).await;
            response.extensions_mut().insert(template);
            response
        }
        Err(refused) => refused.into_response(),
    };
    counts.announce(response.headers_mut());
    response
}

/// An error, with the methods that the path has.
struct Refused {
    error: Error,
    allow: Option<String>,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { error, allow: None }
    }
}

impl Refused {
    fn into_response(self) -> Response {
        let mut response = self.error.into_response();
        if let Some(value) = self.allow.and_then(|allow| HeaderValue::from_str(&allow).ok()) {
            response.headers_mut().insert(ALLOW, value);
        }
        response
    }
}

/// What the document promises about a request and no handler needs to repeat.
fn contract(operation: &Operation, request: &Parts) -> Result<()> {
    if operation.method == Method::POST {
        idempotency_key(&request.headers)?;
    }
    let Some(query) = request.uri.query() else {
        return Ok(());
    };
    let known = |name: &String| operation.any_query || operation.query.contains(name);
    let unknown = query_pairs(query)?.into_iter().map(|(name, _)| name).find(|name| !known(name));
    match unknown {
        Some(name) => {
            Err(Error::invalid_field(name.replace('\0', ""), "is not a parameter of this operation"))
        }
        None => Ok(()),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<()> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = values.next() else { return Ok(()) };
    let bytes = key.as_bytes();
    let visible = (1..=MAX_IDEMPOTENCY_KEY).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    if visible && values.next().is_none() {
        return Ok(());
    }
    let message = "Idempotency-Key must be 1 to 255 visible ASCII characters, sent once.";
    Err(Error::new(Kind::Malformed, "invalid_idempotency_key", message))
}
