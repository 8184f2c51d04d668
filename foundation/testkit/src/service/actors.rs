//! People and machines of an organisation, with credentials that the gate accepts.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::BoxFuture;
use kernel::ids::{ApiKeyId, OrgId, SessionId, UserId};
use kernel::random::Random;
use kernel::time::Timestamp;
use platform::auth::{ACCESS_TOKEN_LIFETIME, Audience, Principal, PublicKey, Role, Signer, Who};
use platform::http::operations::KeyExchange;
use platform::{Error, Kind, Result};
use rcgen::{KeyPair, PKCS_ED25519, PublicKeyData as _};

use super::{PUBLIC_URL, Published};

/// A key that signs the tokens of a test, and its published half.
pub(super) fn signing_key() -> (Signer, Published) {
    let pair = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
    let bytes: [u8; 32] = pair.der_bytes().try_into().expect("32 bytes");
    let published = Published::default();
    published.replace([PublicKey { kid: "test".to_owned(), bytes }]);
    (Signer::new("test".to_owned(), PUBLIC_URL.to_owned(), &pair.serialize_der()), published)
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Presented as bearer.
    pub token: String,
    /// The account.
    pub user: UserId,
    principal: Principal,
}

impl Actor {
    pub(super) fn person(signer: &Signer, random: &Random, org: OrgId, role: Role, now: Timestamp) -> Self {
        let user: UserId = random.id(now);
        let session: SessionId = random.id(now);
        let who = Who::User { user, session };
        let principal = Principal { who, role, org: Some(org), scopes: BTreeSet::new() };
        Self { token: sign(signer, &principal, now), user, principal }
    }

    pub(super) fn again(&self, signer: &Signer, now: Timestamp) -> Self {
        Self { token: sign(signer, &self.principal, now), ..self.clone() }
    }
}

fn sign(signer: &Signer, principal: &Principal, now: Timestamp) -> String {
    signer.sign(Audience::Api, principal, now, ACCESS_TOKEN_LIFETIME).expect("a token")
}

/// One organisation with somebody in each role.
#[derive(Debug, Clone)]
pub struct Org {
    /// Its identifier.
    pub id: OrgId,
    /// Owns it.
    pub owner: Actor,
    /// Runs it.
    pub manager: Actor,
    /// Dispatches.
    pub dispatcher: Actor,
    /// Delivers.
    pub driver: Actor,
    /// Orders.
    pub customer: Actor,
    /// An integration with every scope that a row of the table asks for (see [`Org::key`] for fewer).
    pub api_key: String,
    /// A device with every scope.
    pub device_key: String,
    name: &'static str,
    keys: [ApiKeyId; 2],
}

impl Org {
    pub(super) fn new(signer: &Signer, random: &Random, name: &'static str, now: Timestamp) -> Self {
        let id: OrgId = random.id(now);
        let person = |role| Actor::person(signer, random, id, role, now);
        let org = Self {
            id,
            owner: person(Role::Owner),
            manager: person(Role::Manager),
            dispatcher: person(Role::Dispatcher),
            driver: person(Role::Driver),
            customer: person(Role::Customer),
            api_key: String::new(),
            device_key: String::new(),
            name,
            keys: [random.id(now), random.id(now)],
        };
        Self { api_key: org.key("dmk", &["*"]), device_key: org.key("dmd", &["*"]), ..org }
    }

    pub(super) fn again(&self, signer: &Signer, now: Timestamp) -> Self {
        Self {
            owner: self.owner.again(signer, now),
            manager: self.manager.again(signer, now),
            dispatcher: self.dispatcher.again(signer, now),
            driver: self.driver.again(signer, now),
            customer: self.customer.again(signer, now),
            ..self.clone()
        }
    }

    /// An API key (`dmk`) or device key (`dmd`) with these scopes; `*` stands for every scope.
    pub fn key(&self, kind: &str, scopes: &[&str]) -> String {
        format!("{kind}_{}-{}", self.name, scopes.join("-").replace('*', "all").replace(':', "."))
    }

    /// The device key's identifier.
    pub fn device_id(&self) -> ApiKeyId {
        self.keys[1]
    }

    /// Everything that can be presented as bearer, by role.
    pub fn credentials(&self) -> [(Role, &str); 7] {
        [
            (Role::Owner, &self.owner.token),
            (Role::Manager, &self.manager.token),
            (Role::Dispatcher, &self.dispatcher.token),
            (Role::Driver, &self.driver.token),
            (Role::Customer, &self.customer.token),
            (Role::Service, &self.api_key),
            (Role::Device, &self.device_key),
        ]
    }
}

/// Every scope that anything may ask for.
const SCOPES: [&str; 14] = [
    "drivers:read",
    "drivers:write",
    "orders:read",
    "orders:write",
    "packages:read",
    "packages:write",
    "report:packages",
    "report:positions",
    "shops:read",
    "shops:write",
    "routes:read",
    "routes:write",
    "tracking:read",
    "quotes:write",
];

/// Knows the keys of the organisations under test.
pub(super) struct Keys(BTreeMap<&'static str, (OrgId, [ApiKeyId; 2])>);

impl Keys {
    pub(super) fn of(orgs: &[&Org]) -> Self {
        Self(orgs.iter().map(|org| (org.name, (org.id, org.keys))).collect())
    }

    fn find(&self, key: &str) -> Option<Principal> {
        let (kind, rest) = key.split_once('_')?;
        let (name, scopes) = rest.split_once('-')?;
        let (org, keys) = *self.0.get(name)?;
        let scopes = match scopes {
            "all" => SCOPES.map(str::to_owned).into(),
            some => some.split('-').map(|scope| scope.replace('.', ":")).collect(),
        };
        let (role, id) = if kind == "dmd" { (Role::Device, keys[1]) } else { (Role::Service, keys[0]) };
        Some(Principal { who: Who::Key(id), role, org: Some(org), scopes })
    }
}

impl KeyExchange for Keys {
    fn exchange<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Principal>> {
        let unknown = || Error::new(Kind::Unauthenticated, "invalid_token", "There is no such key.");
        Box::pin(std::future::ready(self.find(key).ok_or_else(unknown)))
    }
}
