//! What a transaction runs on behalf of.

use kernel::ids::{OrgId, RequestId};

use crate::auth::{Principal, Role};

/// The organisation, the caller and the trace of a transaction.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Whose data it may see; `None` sees only installation-wide tables.
    pub org: Option<OrgId>,
    /// Label of the caller (`user_...`, `key_...`, `system`, `anonymous`).
    pub actor: String,
    /// As what the caller acts.
    pub role: Role,
    /// The HTTP request that caused it.
    pub request: Option<RequestId>,
    /// W3C trace context.
    pub trace: Option<String>,
}

impl Scope {
    /// The scope of a caller: the organisation is the one that the credential names.
    pub fn of(principal: &Principal) -> Self {
        Self {
            org: principal.org,
            actor: principal.label(),
            role: principal.role,
            request: None,
            trace: None,
        }
    }

    /// The installation acting inside one organisation (consumers, jobs).
    pub fn system(org: OrgId) -> Self {
        Self::of(&Principal::system(org))
    }

    /// The installation acting outside any organisation (first run, sign-in, key rotation).
    pub fn installation() -> Self {
        Self { org: None, actor: "system".to_owned(), role: Role::Service, request: None, trace: None }
    }

    /// The same caller inside another organisation, where the caller's right to it was just checked.
    pub fn within(&self, org: OrgId) -> Self {
        Self { org: Some(org), ..self.clone() }
    }

    /// Names the HTTP request.
    pub fn with_request(mut self, request: RequestId) -> Self {
        self.request = Some(request);
        self
    }

    /// Carries a trace context.
    pub fn with_trace(mut self, trace: Option<String>) -> Self {
        self.trace = trace;
        self
    }
}
