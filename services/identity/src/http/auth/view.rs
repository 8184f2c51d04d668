//! What every operation that opens or renews a session answers.

use kernel::ids::{OrgId, UserId};
use platform::Result;
use platform::auth::ACCESS_TOKEN_LIFETIME;
use platform::http::openapi::type_id;
use platform::idempotency::Answer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::commands::tokens::{Client, Issued};
use crate::context::Identity;
use crate::http::browser::{self, Sender};

/// Where the refresh token is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// In the answer: the app keeps it.
    #[default]
    App,
    /// In an HttpOnly cookie for `/api/v1/auth`: scripts never see it.
    Browser,
}

impl ClientKind {
    /// The client as commands take it.
    pub fn of(self, sender: &Sender) -> Client {
        Client { browser: self == Self::Browser, device: sender.device.clone() }
    }
}

/// An organisation that the person may enter.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Entrance {
    /// The organisation.
    #[schema(schema_with = type_id::<OrgId>)]
    pub id: OrgId,
    /// Its name.
    #[schema(example = "Ada's Bakery")]
    pub name: String,
    /// As what.
    #[schema(example = "owner")]
    pub role: &'static str,
}

/// A session's tokens.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Tokens {
    /// JWT for the `Authorization` header.
    #[schema(example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.e30.c2ln")]
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// Seconds until the access token expires.
    #[schema(example = 900)]
    pub expires_in: i64,
    /// Works once; absent where it was set as a cookie or stays the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "dmr_0123456789abcdefghjkmnpqrstvwxyz")]
    pub refresh_token: Option<String>,
    /// When the session ends without a refresh.
    #[schema(example = "2026-12-20T12:00:00Z")]
    pub session_expires_at: kernel::time::Timestamp,
    /// The person.
    #[schema(schema_with = type_id::<UserId>)]
    pub user_id: UserId,
    /// As what.
    #[schema(example = "owner")]
    pub role: &'static str,
    /// In which organisation; absent for an operator outside of any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = type_id::<OrgId>)]
    pub organization_id: Option<OrgId>,
    /// Where else the person may go.
    pub organizations: Vec<Entrance>,
    /// Present and true where the organisation asks for a second factor and the person has none: everything but setting one
    /// up is refused with 403 `second_factor_missing`. Refresh when it is done.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(example = false)]
    pub second_factor_missing: bool,
}

/// The answer with the tokens, as a cookie for browsers.
pub fn answer(identity: &Identity, status: u16, issued: Issued) -> Result<Answer> {
    let entrances = issued.entrances.into_iter();
    let view = Tokens {
        access_token: issued.access_token,
        token_type: "Bearer",
        expires_in: ACCESS_TOKEN_LIFETIME.as_secs(),
        refresh_token: issued
            .refresh_token
            .as_ref()
            .filter(|_| !issued.browser)
            .map(|token| token.text().to_owned()),
        session_expires_at: issued.session_expires_at,
        user_id: issued.user,
        role: issued.role.as_str(),
        organization_id: issued.org,
        organizations: entrances
            .map(|e| Entrance { id: e.org, name: e.name, role: e.role.as_str() })
            .collect(),
        second_factor_missing: issued.second_factor_missing,
    };
    let answer = Answer::json(status, &view)?.with_header("cache-control", "no-store");
    let Some(token) = issued.refresh_token.filter(|_| issued.browser) else { return Ok(answer) };
    let now = identity.db().clock().now();
    let max_age = issued.session_expires_at.duration_since(now).as_secs();
    Ok(answer.with_header("set-cookie", browser::set(identity, &token, max_age)))
}
