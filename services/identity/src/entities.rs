//! The things of identity as commands and queries see them.

use kernel::ids::{ApiKeyId, FileId, InvitationId, MembershipId, OrgId, PasskeyId, SessionId, UserId};
use kernel::time::Timestamp;
use platform::auth::Role;
use platform::vault::Private;

/// A person who can sign in.
#[derive(Debug, Clone)]
pub struct User {
    /// Identifier.
    pub id: UserId,
    /// Version, for ETags and events.
    pub version: i64,
    /// As the person wants to be called.
    pub name: Private,
    /// Normalised address; drivers may have none.
    pub email: Option<Private>,
    /// Number in E.164.
    pub phone: Option<Private>,
    /// False once disabled by the operator.
    pub active: bool,
    /// Runs the installation.
    pub operator: bool,
    /// The picture that is shown.
    pub photo: Option<FileId>,
    /// Business time.
    pub created_at: Timestamp,
}

/// The tenant.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Organization {
    /// Identifier.
    pub id: OrgId,
    /// Version, for ETags and events.
    pub version: i64,
    /// Name of the business.
    pub name: String,
    /// IANA time zone.
    pub time_zone: String,
    /// ISO 4217.
    pub currency: String,
    /// Whether its owners and managers need a second factor.
    pub second_factor_required: bool,
    /// The picture that is shown.
    pub logo: Option<FileId>,
    /// Business time.
    pub created_at: Timestamp,
    /// Business time.
    pub updated_at: Timestamp,
}

/// One person in one organisation.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Membership {
    /// Identifier.
    pub id: MembershipId,
    /// The person.
    pub user_id: UserId,
    /// As what.
    pub role: Role,
    /// Version, for ETags and events.
    pub version: i64,
    /// Business time.
    pub created_at: Timestamp,
}

/// An organisation that a person may enter, as sign-in sees it.
#[derive(Debug, Clone)]
pub struct Entrance {
    /// The organisation.
    pub org: OrgId,
    /// Its name.
    pub name: String,
    /// As what.
    pub role: Role,
}

/// A signed-in device.
#[derive(Debug, Clone)]
pub struct Session {
    /// Identifier.
    pub id: SessionId,
    /// The person.
    pub user_id: UserId,
    /// The organisation its tokens name.
    pub org: Option<OrgId>,
    /// Whether the refresh token lives in a cookie.
    pub browser: bool,
    /// Browser and system in words.
    pub device: String,
    /// Business time.
    pub created_at: Timestamp,
    /// When the person last proved who they are in it.
    pub authenticated_at: Timestamp,
    /// Business time.
    pub last_used_at: Timestamp,
    /// When it ends without a refresh.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// An invitation to become a member.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Identifier.
    pub id: InvitationId,
    /// As what.
    pub role: Role,
    /// Where it was sent, if it was sent.
    pub email: Option<Private>,
    /// Version.
    pub version: i64,
    /// Who invited.
    pub invited_by: UserId,
    /// Business time.
    pub created_at: Timestamp,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// A passkey of a person, without its key.
#[derive(Debug, Clone)]
pub struct Passkey {
    /// Identifier.
    pub id: PasskeyId,
    /// As the person calls it.
    pub name: Private,
    /// Business time.
    pub created_at: Timestamp,
    /// When it last opened a session.
    pub last_used_at: Option<Timestamp>,
    /// When it was suspended: there may be a copy.
    pub suspended_at: Option<Timestamp>,
}

/// A key of an integration or device.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ApiKey {
    /// Identifier.
    pub id: ApiKeyId,
    /// Whether it belongs to a device that may only report.
    pub device: bool,
    /// Name of the integration or device.
    pub name: String,
    /// First characters.
    pub hint: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Version.
    pub version: i64,
    /// Business time.
    pub created_at: Timestamp,
    /// When it stops working by itself.
    pub expires_at: Option<Timestamp>,
    /// To the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}
