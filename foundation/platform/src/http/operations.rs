//! The operation table: what the OpenAPI document names is what can be called, and by whom.
//!
//! The table is built from the documents of the services and the permission rows, and refuses to be built while they
//! do not agree ([`Faults`]). The gateway and each service put a [`Gate`] with it in front of their routers:
//!
//! 1. unknown path: 404; known path, other method: 405 with `Allow` (`HEAD` is served where `GET` is);
//! 2. the credential, from `Authorization: Bearer` and nowhere else; one that is not valid is 401 on every
//!    operation, also on a public one: nobody becomes anonymous by accident;
//! 3. the rate limit, by principal, else by address;
//! 4. the permission: 401 or 403;
//! 5. the contract: unknown query parameters 422, a damaged `Idempotency-Key` 400.
//!
//! Operations with `x-probe: true` (health, metrics) pass steps 2 and 3: probes bring no credential or one of their own.
//! Foreign protocols that cannot be told otherwise have two exceptions: with `x-own-credential: true` the operation is
//! called by nobody (counted by address) and reads what it is shown itself, in step 5 `x-any-query: true` lets every
//! parameter pass.

mod authenticate;
mod gate;
mod table;
#[cfg(test)]
mod tests;

use axum::extract::FromRequestParts;
use http::request::Parts;

pub use authenticate::{Authenticator, KeyExchange, NoKeys};
pub use gate::{Gate, MAX_IDEMPOTENCY_KEY, RateLimits};
pub use table::{Fault, Faults, Lookup, Operation, Operations};
pub(in crate::http) use table::{METHODS, operations_of};

use crate::auth::Principal;
use crate::{Error, Result};

/// Who calls, checked by the [`Gate`]. A handler that asks for it on a route without a gate fails closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller(pub Principal);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        let missing = || Error::internal("the route stands behind no gate");
        parts.extensions.get().cloned().map(Self).ok_or_else(missing)
    }
}
