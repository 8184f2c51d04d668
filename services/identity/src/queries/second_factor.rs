//! The second factor of the caller, as the caller sees it.

use kernel::ids::UserId;
use kernel::time::Timestamp;
use platform::Result;
use platform::db::Scope;

use crate::context::Identity;
use crate::store::{memberships, recovery_codes, totp};

/// What is set up and who asks for it.
#[derive(Debug, Clone)]
pub struct SecondFactor {
    /// When the authenticator app was confirmed, if there is one.
    pub totp_since: Option<Timestamp>,
    /// Recovery codes that still work.
    pub recovery_codes_left: i64,
    /// Whether an organisation asks this person for a second factor.
    pub required: bool,
}

/// Reads it.
pub async fn state(identity: &Identity, scope: &Scope, user: UserId) -> Result<SecondFactor> {
    let mut tx = identity.db().read(scope).await?;
    Ok(SecondFactor {
        totp_since: totp::confirmed_at(&mut tx, user).await?,
        recovery_codes_left: recovery_codes::left(&mut tx, user).await?,
        required: !memberships::second_factor_required_by(&mut tx, user).await?.is_empty(),
    })
}
