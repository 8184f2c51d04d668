//! Whether a new password is accepted: its length at once, its strength away from the threads that answer requests.

use kernel::ids::UserId;
use platform::Result;
use platform::db::Tx;
use platform::vault::Private;

use crate::context::Identity;
use crate::domain::password;
use crate::store::{memberships, users};

/// Refuses a password that is too short, too long or blank. Costs nothing: for before anything is looked up.
pub fn check_length(identity: &Identity, new: &Private) -> Result<()> {
    password::check_length(new, identity.settings().password_min_length)
}

/// Refuses a password that is easy to guess for who knows this about the person.
pub async fn check_strength(identity: &Identity, new: &Private, about: Vec<Private>) -> Result<()> {
    check_length(identity, new)?;
    let new = new.clone();
    identity.hasher().in_turn(move || password::check_strength(&new, &about)).await
}

/// What others know about a person: name, address, number, organisations.
pub async fn about(tx: &mut Tx, identity: &Identity, user: UserId) -> Result<Vec<Private>> {
    let entrances = memberships::entrances(tx, user).await?;
    let mut about: Vec<Private> =
        entrances.into_iter().map(|entrance| Private::from(entrance.name)).collect();
    if let Some(person) = users::find(tx, identity.vault(), user).await? {
        about.push(person.name);
        about.extend(person.email);
        about.extend(person.phone);
    }
    Ok(about)
}
