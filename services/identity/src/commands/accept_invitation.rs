//! Accepting an invitation: with an e-mail address and a password, or with a phone number and a PIN (drivers).
//!
//! Who has an account already proves it with the present secret and becomes a member of one more organisation.

use contracts::identity::UserCreated;
use kernel::ids::UserId;
use platform::audit::Entry;
use platform::auth::Role;
use platform::db::{Scope, Tx};
use platform::vault::Private;
use platform::{Error, Kind, Result};

use super::first_run::expired;
use super::guessing::{Source, account_name, count_code, count_guess};
use super::passwords;
use super::second_factor::{self, Code, wrong_code};
use super::sign_in::second_factor_required;
use super::tokens::{self, Client, Issued};
use crate::context::Identity;
use crate::domain::contact::{Email, Phone};
use crate::domain::pin;
use crate::domain::secret::{Purpose, Secret};
use crate::entities::{Invitation, Organization};
use crate::store::credentials::{self, CredentialKind};
use crate::store::users::{self, NewUser};
use crate::store::{invitations, memberships, organizations};

/// With what the person will sign in.
#[derive(Debug, Clone)]
pub enum SignInWith {
    /// An address and a password.
    Email(Email, Private),
    /// A number and a PIN.
    Phone(Phone, Private),
}

/// Who accepts.
#[derive(Debug, Clone)]
pub struct Acceptance {
    /// The secret of the link.
    pub token: String,
    /// As the person wants to be called.
    pub name: Private,
    /// With what the person will sign in.
    pub with: SignInWith,
    /// A code of the second factor, from who has an account with one already.
    pub code: Option<Code>,
}

/// What the page behind the link shows; `None` when the link does not work.
pub async fn look(identity: &Identity, token: &str) -> Result<Option<(Organization, Role)>> {
    let Some(secret) = Secret::presented(Purpose::Invitation, token) else { return Ok(None) };
    let mut tx = identity.db().begin(&Scope::installation()).await?;
    let Some(invitation) = open(&mut tx, identity, &secret).await? else { return Ok(None) };
    let organization = organizations::find(&mut tx).await?;
    Ok(organization.map(|organization| (organization, invitation.role)))
}

/// Finds an invitation that can be accepted, entering its organisation and locking it.
async fn open(tx: &mut Tx, identity: &Identity, secret: &Secret) -> Result<Option<Invitation>> {
    let Some((org, id)) = invitations::locate(tx, secret).await? else { return Ok(None) };
    tx.enter(org).await?;
    let now = tx.now();
    let invitation = invitations::lock(tx, identity.vault(), id).await?;
    Ok(invitation.filter(|invitation| {
        invitation.accepted_at.is_none() && invitation.revoked_at.is_none() && invitation.expires_at > now
    }))
}

/// Accepts, and opens a session.
pub async fn accept(
    identity: &Identity,
    scope: &Scope,
    input: Acceptance,
    client: Client,
    source: &Source,
) -> Result<Issued> {
    let secret = Secret::presented(Purpose::Invitation, &input.token).ok_or_else(expired)?;
    let (organization, _) = look(identity, &input.token).await?.ok_or_else(expired)?;
    let person = known_person(identity, scope, &input, &organization, source).await?;
    let hash = match (&person, &input.with) {
        (None, SignInWith::Email(_, secret) | SignInWith::Phone(_, secret)) => {
            Some(identity.hasher().hash(secret.clone()).await?)
        }
        _ => None,
    };
    let mut tx = identity.db().begin(scope).await?;
    let invitation = open(&mut tx, identity, &secret).await?.ok_or_else(expired)?;
    let user = match (person, hash) {
        (Some(user), _) => {
            second_factor(&mut tx, identity, user, input.code.as_ref()).await?;
            user
        }
        (None, Some(hash)) => create(&mut tx, identity, input, &hash).await?,
        (None, None) => return Err(Error::internal("a new person without a hash")),
    };
    let (_, locked) = memberships::insert(&mut tx, user, invitation.role).await?;
    invitations::accept(&mut tx, invitation.id, user).await?;
    tx.publish(locked, &UserCreated { user_id: user, role: invitation.role.as_str().to_owned() })?;
    tx.audit(Entry::new("accept_invitation", "invitation", invitation.id)).await?;
    let org = tx.org()?;
    let issued = tokens::open(&mut tx, identity, user, Some(org), &client).await?;
    tx.commit().await?;
    Ok(issued)
}

/// What is chosen here for the first time must be hard to guess; a present password or PIN is as it is.
async fn check_new(identity: &Identity, input: &Acceptance, organization: &Organization) -> Result<()> {
    match &input.with {
        SignInWith::Email(email, password) => {
            let name = Private::from(organization.name.clone());
            let about = vec![input.name.clone(), email.private().clone(), name];
            passwords::check_strength(identity, password, about).await
        }
        SignInWith::Phone(_, pin) => pin::check(pin.reveal()),
    }
}

/// Who has a second factor joins with it: the answer is a session.
async fn second_factor(tx: &mut Tx, identity: &Identity, user: UserId, code: Option<&Code>) -> Result<()> {
    if !second_factor::enrolled(tx, user).await? {
        return Ok(());
    }
    let code = code.ok_or_else(second_factor_required)?;
    if second_factor::verify(tx, identity, user, code).await? {
        Ok(())
    } else {
        Err(wrong_code(Kind::Unauthenticated))
    }
}

/// The person behind the address, if there is one and the secret is theirs; 409 when it is not.
///
/// It is a guess of that account like any other: who may invite could try a password with each new invitation.
async fn known_person(
    identity: &Identity,
    scope: &Scope,
    input: &Acceptance,
    organization: &Organization,
    source: &Source,
) -> Result<Option<UserId>> {
    let mut tx = identity.db().begin(scope).await?;
    let (user, kind, secret, account) = match &input.with {
        SignInWith::Email(email, password) => {
            let user = users::id_by_email(&mut tx, identity.vault(), email).await?;
            (user, CredentialKind::Password, password, email.private())
        }
        SignInWith::Phone(phone, pin) => {
            let user = users::id_by_phone(&mut tx, identity.vault(), phone).await?;
            (user, CredentialKind::Pin, pin, phone.private())
        }
    };
    let account = account_name(&mut tx, identity, account).await?;
    let (stored, active) = match user {
        Some(user) => {
            let active = users::find(&mut tx, identity.vault(), user).await?.is_some_and(|user| user.active);
            (credentials::hash(&mut tx, user, kind).await?, active)
        }
        None => (None, false),
    };
    tx.commit().await?;
    if user.is_none() {
        // Before it is counted: choosing a better password is no guess.
        check_new(identity, input, organization).await?;
    }
    count_guess(identity, &account, source).await?;
    if let (Some(user), Some(_)) = (user, &input.code) {
        count_code(identity, user, source).await?;
    }
    let Some(user) = user else { return Ok(None) };
    if identity.hasher().verify(stored, secret.clone()).await? && active {
        return Ok(Some(user));
    }
    Err(Error::new(
        Kind::Conflict,
        "account_exists",
        "There is an account with this already. Give its present password or PIN to join with it.",
    ))
}

async fn create(tx: &mut Tx, identity: &Identity, input: Acceptance, hash: &str) -> Result<UserId> {
    let (email, phone, kind) = match input.with {
        SignInWith::Email(email, _) => (Some(email), None, CredentialKind::Password),
        SignInWith::Phone(phone, _) => (None, Some(phone), CredentialKind::Pin),
    };
    let user =
        users::insert(tx, identity.vault(), NewUser { name: input.name, email, phone, operator: false })
            .await?;
    credentials::put(tx, user.id, kind, hash).await?;
    Ok(user.id)
}
