//! Guesses of passwords, PINs, codes and links are counted, wherever they are made.
//!
//! Five a minute per account and twenty per source. The quotas refill, so nobody can lock out a person for longer than
//! a minute. What was counted is noted for the RateLimit fields of the answer: a client that obeys them is never limited.

use std::time::Duration;

use kernel::ids::UserId;
use platform::Result;
use platform::db::Tx;
use platform::http::rate_limit::{Counts, Policy};
use platform::vault::Private;

use crate::context::Identity;

/// Guesses per account.
const PER_ACCOUNT: Policy = Policy { name: "account", quota: 5, window: Duration::from_mins(1) };
/// Guesses per source address.
const PER_SOURCE: Policy = Policy { name: "source", quota: 20, window: Duration::from_mins(1) };
/// Codes of a second factor per person, beside [`PER_ACCOUNT`]: of a million codes three fit at any time, and who tries
/// them knows the password already. One every three minutes leaves 0.15 % a day.
const PER_SECOND_FACTOR: Policy =
    Policy { name: "second_factor", quota: 10, window: Duration::from_mins(30) };
/// Messages to one mailbox that strangers can cause.
const PER_MAILBOX: Policy = Policy { name: "mailbox", quota: 3, window: Duration::from_mins(15) };

/// Where a guess comes from.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// The counted address, as text.
    pub address: String,
    /// Where to note what was counted.
    pub counts: Counts,
}

/// Counts a guess from this source.
pub async fn count_source(identity: &Identity, source: &Source) -> Result<()> {
    count(identity, &PER_SOURCE, &source.address, source).await
}

/// Counts a guess of this account ([`account_name`]) from this source.
pub async fn count_guess(identity: &Identity, account: &str, source: &Source) -> Result<()> {
    count_source(identity, source).await?;
    count(identity, &PER_ACCOUNT, account, source).await
}

/// Counts a guess of this person's second factor, where nothing else is guessed with it.
pub async fn count_second_factor(identity: &Identity, user: UserId, source: &Source) -> Result<()> {
    count_guess(identity, &user.to_string(), source).await?;
    count_code(identity, user, source).await
}

/// Counts a code that is tried beside a password.
pub async fn count_code(identity: &Identity, user: UserId, source: &Source) -> Result<()> {
    count(identity, &PER_SECOND_FACTOR, &user.to_string(), source).await
}

async fn count(identity: &Identity, policy: &Policy, key: &str, source: &Source) -> Result<()> {
    let decision = identity.limiter().check(policy, key).await?;
    source.counts.note(*policy, decision);
    decision.enforce()
}

/// Whether one more message may go to this mailbox. Never announced: it would tell who has an account.
pub async fn may_write_to(identity: &Identity, account: &str) -> Result<bool> {
    Ok(identity.limiter().check(&PER_MAILBOX, account).await?.enforce().is_ok())
}

/// The name under which an account is counted: a keyed hash of the address or number, so that the limiter holds no
/// addresses. Unknown accounts have one as well.
pub async fn account_name(tx: &mut Tx, identity: &Identity, account: &Private) -> Result<String> {
    Ok(hex::encode(identity.vault().installation(tx).await?.index("guesses", account.reveal())))
}
