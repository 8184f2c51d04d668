//! Example data: an organisation with its people, made through the same commands as real ones.
//!
//! Nothing of it has a known password: each is drawn, printed once and kept nowhere.

use std::fmt;

use anyhow::{Context, Result};
use identity::commands::accept_invitation::{self, Acceptance, SignInWith};
use identity::commands::first_run::{self, FirstRun};
use identity::commands::guessing::Source;
use identity::commands::{invitations, tokens::Client};
use identity::domain::contact::{Email, Phone};
use identity::{Identity, OrganizationDetails};
use kernel::ids::{OrgId, UserId};
use kernel::random::Random;
use platform::auth::Role;
use platform::db::Scope;
use platform::vault::Private;

/// One person that was made.
#[derive(Debug, Clone)]
pub struct Person {
    /// As what.
    pub role: Role,
    /// With what the person signs in.
    pub sign_in: String,
    /// The password or PIN.
    pub secret: String,
}

/// What was made.
#[derive(Debug, Clone)]
pub struct Seeded {
    /// The name of the organisation.
    pub organization: String,
    /// Its people.
    pub people: Vec<Person>,
}

impl fmt::Display for Seeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Example organisation: {}. These passwords are shown once:", self.organization)?;
        for Person { role, sign_in, secret } in &self.people {
            writeln!(f, "  {:<10}  {sign_in:<28}  {secret}", role.as_str())?;
        }
        Ok(())
    }
}

const ORGANIZATION: &str = "Example Flowers";
const OWNER: (&str, &str) = ("Ada Example", "owner@flowers.example");
const STAFF: [(Role, &str, &str); 2] = [
    (Role::Manager, "Max Example", "manager@flowers.example"),
    (Role::Dispatcher, "Dana Example", "dispatcher@flowers.example"),
];
/// Numbers that the German regulator keeps free for films and examples.
const DRIVERS: [(&str, &str); 2] = [("Driss Example", "+493023125001"), ("Dora Example", "+493023125002")];

/// Makes the example people; `None` when the installation has an owner already.
pub async fn fill_if_empty(identity: &Identity) -> Result<Option<Seeded>> {
    identity::keys::load(identity).await?;
    let Some(link) = first_run::owner_link(identity).await? else {
        return Ok(None);
    };
    let random = identity.db().random().clone();
    let (org, owner, first) = owner(identity, token(&link)?, &random).await?;
    let mut people = vec![first];
    for (role, name, email) in STAFF {
        let secret = password(&random);
        let with = SignInWith::Email(Email::parse(email)?, Private::from(secret.clone()));
        join(identity, org, owner, role, name, with).await?;
        people.push(Person { role, sign_in: email.to_owned(), secret });
    }
    for (name, phone) in DRIVERS {
        let secret = pin(&random);
        let with = SignInWith::Phone(Phone::parse(phone)?, Private::from(secret.clone()));
        join(identity, org, owner, Role::Driver, name, with).await?;
        people.push(Person { role: Role::Driver, sign_in: phone.to_owned(), secret });
    }
    Ok(Some(Seeded { organization: ORGANIZATION.to_owned(), people }))
}

async fn owner(identity: &Identity, token: String, random: &Random) -> Result<(OrgId, UserId, Person)> {
    let (name, email) = OWNER;
    let secret = password(random);
    let input = FirstRun {
        token,
        organization: OrganizationDetails {
            name: ORGANIZATION.to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
            currency: "EUR".to_owned(),
        },
        name: Private::from(name.to_owned()),
        email: Email::parse(email)?,
        password: Private::from(secret.clone()),
    };
    let (organization, issued) =
        first_run::first_run(identity, &Scope::installation(), input, client()).await?;
    let person = Person { role: Role::Owner, sign_in: email.to_owned(), secret };
    Ok((organization.id, issued.user, person))
}

async fn join(
    identity: &Identity,
    org: OrgId,
    owner: UserId,
    role: Role,
    name: &str,
    with: SignInWith,
) -> Result<()> {
    let mut tx = identity.db().begin(&Scope::system(org)).await?;
    let (_, link) = invitations::invite(&mut tx, identity, Role::Owner, owner, role, None).await?;
    tx.commit().await?;
    let input = Acceptance { token: token(&link)?, name: Private::from(name.to_owned()), with, code: None };
    let source = Source { address: "dropmate seed".to_owned(), ..Source::default() };
    accept_invitation::accept(identity, &Scope::installation(), input, client(), &source).await?;
    Ok(())
}

fn client() -> Client {
    Client { browser: false, device: "dropmate seed".to_owned() }
}

/// The secret at the end of a link.
fn token(link: &str) -> Result<String> {
    let (_, token) = link.rsplit_once('/').context("a link without a secret")?;
    Ok(token.to_owned())
}

fn password(random: &Random) -> String {
    format!("{}-{}-{}", random.code(5), random.code(5), random.code(5)).to_lowercase()
}

fn pin(random: &Random) -> String {
    loop {
        let pin = format!("{:06}", random.below(1_000_000));
        if identity::domain::pin::check(&pin).is_ok() {
            return pin;
        }
    }
}
