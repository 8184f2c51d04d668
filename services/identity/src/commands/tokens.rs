//! Opening a session and issuing its tokens.

use kernel::ids::{OrgId, UserId};
use kernel::time::Timestamp;
use platform::auth::{Audience, Principal, Role, Who};
use platform::db::Tx;
use platform::{Error, Result};

use super::second_factor;
use crate::context::Identity;
use crate::domain::secret::{Purpose, Secret};
use crate::entities::{Entrance, Session};
use crate::store::{memberships, sessions, users};

/// What a client gets when somebody signed in, refreshed or switched.
#[derive(Debug, Clone)]
pub struct Issued {
    /// Short-lived JWT.
    pub access_token: String,
    /// When it expires.
    pub access_expires_at: Timestamp,
    /// Works once; `None` where the session keeps its present one.
    pub refresh_token: Option<Secret>,
    /// When the session ends without a refresh.
    pub session_expires_at: Timestamp,
    /// Whether the refresh token belongs into a cookie.
    pub browser: bool,
    /// The person.
    pub user: UserId,
    /// As what.
    pub role: Role,
    /// In which organisation.
    pub org: Option<OrgId>,
    /// Where else the person may go.
    pub entrances: Vec<Entrance>,
    /// Whether the session may do nothing but set up the second factor that the organisation asks for.
    pub second_factor_missing: bool,
}

/// How a client wants its session.
#[derive(Debug, Clone)]
pub struct Client {
    /// A browser keeps the refresh token in a cookie.
    pub browser: bool,
    /// Browser and system in words.
    pub device: String,
}

/// What a person may act as in an organisation, or as operator outside of any.
pub async fn role_in(
    tx: &mut Tx,
    identity: &Identity,
    user: UserId,
    org: Option<OrgId>,
) -> Result<(Role, Vec<Entrance>)> {
    let entrances = memberships::entrances(tx, user).await?;
    let role = if let Some(org) = org {
        entrances.iter().find(|entrance| entrance.org == org).map(|entrance| entrance.role)
    } else {
        let user = users::find(tx, identity.vault(), user).await?;
        user.filter(|user| user.operator).map(|_operator| Role::Operator)
    };
    let role = role.ok_or_else(Error::forbidden)?;
    Ok((role, entrances))
}

/// Opens a session for a person whose credential was just checked.
pub async fn open(
    tx: &mut Tx,
    identity: &Identity,
    user: UserId,
    wanted: Option<OrgId>,
    client: &Client,
) -> Result<Issued> {
    let first = memberships::entrances(tx, user).await?.first().map(|entrance| entrance.org);
    let org = wanted.or(first);
    let session = sessions::insert(tx, user, org, client.browser, &client.device).await?;
    let refresh = Secret::draw(Purpose::Refresh, tx.random());
    sessions::insert_token(tx, session.id, &refresh, None).await?;
    let mut issued = issue(tx, identity, &session, org).await?;
    issued.refresh_token = Some(refresh);
    Ok(issued)
}

/// A new access token for a session.
pub async fn issue(
    tx: &mut Tx,
    identity: &Identity,
    session: &Session,
    org: Option<OrgId>,
) -> Result<Issued> {
    let (role, entrances) = role_in(tx, identity, session.user_id, org).await?;
    let who = Who::User { user: session.user_id, session: session.id };
    let scopes = second_factor::limits(tx, session.user_id, org, role).await?;
    let second_factor_missing = !scopes.is_empty();
    let principal = Principal { who, role, org, scopes };
    let now = tx.now();
    Ok(Issued {
        access_token: identity.keys().sign(Audience::Api, &principal, now)?,
        access_expires_at: now.checked_add(platform::auth::ACCESS_TOKEN_LIFETIME).unwrap_or(now),
        refresh_token: None,
        session_expires_at: session.expires_at,
        browser: session.browser,
        user: session.user_id,
        role,
        org,
        entrances,
        second_factor_missing,
    })
}
