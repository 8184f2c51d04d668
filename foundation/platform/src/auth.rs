//! Who is calling: roles, principals, and the tokens that carry them.
//!
//! | kind of credential | how it is presented | becomes |
//! |---|---|---|
//! | access token (JWT, EdDSA, `typ: at+jwt`) | `Authorization: Bearer` | [`Principal`] of a person |
//! | service token (JWT, EdDSA, `typ: svc+jwt`) | `X-Dropmate-Service-Token`, between processes | [`ServiceCaller`] |
//! | API key, device key (`dmk_...`, `dmd_...`) | `Authorization: Bearer` | [`Principal`] of a key |
//! | nothing | - | [`Principal::anonymous`] |
//!
//! Each purpose has its own `typ` and `aud`, so a token of one kind is never accepted as another (RFC 8725).

mod keys;
mod revocation;
mod service;
mod token;

use std::collections::BTreeSet;
use std::fmt;

use kernel::ids::{ApiKeyId, OrgId, SessionId, UserId, Uuid};

pub use keys::{KeySet, PublicKey, StaticKeys, read_jwks};
pub use revocation::Revocations;
pub use service::{OnBehalf, ServiceCaller, ServiceIdentity, ServiceVerifier};
pub use token::{ACCESS_TOKEN_LIFETIME, AccessClaims, Audience, Signer, TokenError, Verifier};

/// What a principal may be. The testkit's actors bear the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs the installation; sees no organisation's data.
    Operator,
    /// Owns an organisation.
    Owner,
    /// Runs an organisation's deliveries and its settings.
    Manager,
    /// Dispatches; no members, settings or keys.
    Dispatcher,
    /// Delivers.
    Driver,
    /// Orders and receives.
    Customer,
    /// A machine that reports, with a device key.
    Device,
    /// An integration with an API key, or another service of this installation.
    Service,
    /// Nobody in particular.
    Anonymous,
}

impl Role {
    /// Every role, for matrices and generated documents.
    pub const ALL: [Self; 9] = [
        Self::Operator,
        Self::Owner,
        Self::Manager,
        Self::Dispatcher,
        Self::Driver,
        Self::Customer,
        Self::Device,
        Self::Service,
        Self::Anonymous,
    ];

    /// The word used in the API, the database and the permission table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::Dispatcher => "dispatcher",
            Self::Driver => "driver",
            Self::Customer => "customer",
            Self::Device => "device",
            Self::Service => "service",
            Self::Anonymous => "anonymous",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

/// A word that names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such role")]
pub struct UnknownRole;

/// Who stands behind a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// Nobody signed in.
    Anonymous,
    /// A person with a session.
    User {
        /// The person.
        user: UserId,
        /// The session that the access token belongs to.
        session: SessionId,
    },
    /// An API key or device key.
    Key(ApiKeyId),
    /// The installation itself (jobs, consumers, reconcilers).
    System,
}

/// The caller of an operation, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who it is.
    pub who: Who,
    /// As what they act.
    pub role: Role,
    /// The organisation that the credential names; the only place where an organisation may come from.
    pub org: Option<OrgId>,
    /// Scopes of a key (`orders:read`); empty for people, whose role decides alone, unless their session is limited.
    pub scopes: BTreeSet<String>,
}

impl Principal {
    /// A caller without a credential.
    pub fn anonymous() -> Self {
        Self { who: Who::Anonymous, role: Role::Anonymous, org: None, scopes: BTreeSet::new() }
    }

    /// The installation itself, acting inside one organisation.
    pub fn system(org: OrgId) -> Self {
        Self { who: Who::System, role: Role::Service, org: Some(org), scopes: BTreeSet::new() }
    }

    /// The person, or a 401.
    pub fn user(&self) -> crate::Result<UserId> {
        match self.who {
            Who::User { user, .. } => Ok(user),
            _ => Err(crate::Error::unauthenticated()),
        }
    }

    /// The session, or a 401.
    pub fn session(&self) -> crate::Result<SessionId> {
        match self.who {
            Who::User { session, .. } => Ok(session),
            _ => Err(crate::Error::unauthenticated()),
        }
    }

    /// The organisation that the credential names, or a 403.
    pub fn org(&self) -> crate::Result<OrgId> {
        self.org.ok_or_else(crate::Error::forbidden)
    }

    /// A stable text for audit, idempotency scope and rate limits: `user_...`, `key_...`, `system`, `anonymous`.
    pub fn label(&self) -> String {
        match self.who {
            Who::Anonymous => "anonymous".to_owned(),
            Who::User { user, .. } => user.to_string(),
            Who::Key(key) => key.to_string(),
            Who::System => "system".to_owned(),
        }
    }

    /// The identifier behind the label, where there is one.
    pub fn uuid(&self) -> Option<Uuid> {
        match self.who {
            Who::User { user, .. } => Some(user.uuid()),
            Who::Key(key) => Some(key.uuid()),
            Who::Anonymous | Who::System => None,
        }
    }
}
