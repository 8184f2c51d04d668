//! Passkeys with a device in software: what it signs is real, and it can be made to lie in every way that matters.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::time::SignedDuration;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testkit::http::{Call, Reply};

use crate::app::{Actor, App, PUBLIC_URL, Town, Wishes, nobody};
use crate::second_factor::{Phone, first_step, set_up};

/// User present, user verified (Web Authentication, section 6.1).
const PRESENT_AND_VERIFIED: u8 = 0x05;
/// Attested credential data is there.
const WITH_KEY: u8 = 0x40;

fn text(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A way for a device, or for the page that asks it, to lie.
type Lie = fn(&mut Device);

/// An authenticator with one key.
pub struct Device {
    key: EcdsaKeyPair,
    id: Vec<u8>,
    owner: String,
    /// What the page says where it is.
    pub origin: String,
    /// For which name it answers.
    pub name: String,
    pub flags: u8,
    /// Counts signatures; stays zero on devices that share their keys.
    pub counter: u32,
    counts: bool,
}

impl Device {
    pub fn new(id: &str, counts: bool) -> Self {
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            id: id.as_bytes().to_vec(),
            owner: String::new(),
            origin: PUBLIC_URL.to_owned(),
            name: "dropmate.test".to_owned(),
            flags: PRESENT_AND_VERIFIED,
            counter: 0,
            counts,
        }
    }

    fn client_data(&self, kind: &str, options: &Value) -> String {
        let data = json!({
            "type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false,
        });
        data.to_string()
    }

    fn authenticator_data(&mut self, more: u8) -> Vec<u8> {
        self.counter += u32::from(self.counts);
        let mut data = Sha256::digest(&self.name).to_vec();
        data.push(self.flags | more);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// Makes a key (attestation `none`).
    pub fn create(&mut self, options: &Value) -> Value {
        options["user"]["id"].as_str().unwrap().clone_into(&mut self.owner);
        let mut data = self.authenticator_data(WITH_KEY);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        // COSE: { 1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y }
        let point = self.key.public_key().as_ref();
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..65]);
        // { "fmt": "none", "attStmt": {}, "authData": bytes }
        let mut object = vec![0xa3, 0x63];
        object.extend(b"fmt\x64none\x67attStmt\xa0\x68authData\x58");
        object.push(u8::try_from(data.len()).unwrap());
        object.extend(data);
        json!({
            "id": text(&self.id), "rawId": text(&self.id), "type": "public-key",
            "response": {
                "attestationObject": text(object),
                "clientDataJSON": text(self.client_data("webauthn.create", options)),
                "transports": ["internal"],
            },
            "clientExtensionResults": {}, "authenticatorAttachment": "platform",
        })
    }

    /// Signs in.
    pub fn get(&mut self, options: &Value) -> Value {
        let client_data = self.client_data("webauthn.get", options);
        let data = self.authenticator_data(0);
        let mut signed = data.clone();
        signed.extend(Sha256::digest(&client_data));
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        json!({
            "id": text(&self.id), "rawId": text(&self.id), "type": "public-key",
            "response": {
                "authenticatorData": text(data), "clientDataJSON": text(client_data),
                "signature": text(signature), "userHandle": self.owner,
            },
            "clientExtensionResults": {}, "authenticatorAttachment": "platform",
        })
    }
}

pub async fn begin(app: &App, actor: &Actor) -> Reply {
    app.client.post("/api/v1/users/me/passkeys/begin").bearer(&actor.token).await
}

pub fn register(app: &App, actor: &Actor, ceremony: &str, credential: &Value) -> Call {
    let body = json!({ "ceremony": ceremony, "name": "My phone", "credential": credential });
    app.post("/api/v1/users/me/passkeys", body).bearer(&actor.token)
}

/// Registers a device.
pub async fn add(app: &App, actor: &Actor, device: &mut Device) -> Reply {
    let begun = begin(app, actor).await.is(200);
    let credential = device.create(&begun.json()["options"]);
    register(app, actor, &begun.text("/ceremony"), &credential).await.is(201)
}

pub async fn begin_sign_in(app: &App, body: Value) -> (String, Value) {
    let begun = app.post("/api/v1/auth/login/passkey/begin", body).await.is(200);
    (begun.text("/ceremony"), begun.json()["options"].clone())
}

pub fn finish(app: &App, ceremony: &str, credential: &Value) -> Call {
    app.post("/api/v1/auth/login/passkey", json!({ "ceremony": ceremony, "credential": credential }))
}

async fn sign_in(app: &App, device: &mut Device) -> Reply {
    let (ceremony, options) = begin_sign_in(app, json!({})).await;
    finish(app, &ceremony, &device.get(&options)).await
}

#[tokio::test]
async fn a_passkey_opens_a_session_without_typing_anything() {
    let town = Town::new().await;
    let app = &town.app;
    let driver = &town.bakery.driver;
    let other = app.again(driver).await;
    let mut device = Device::new("phone-1", true);
    let begun = begin(app, driver).await.is(200).json();
    assert_eq!(begun["options"]["rp"], json!({ "id": "dropmate.test", "name": "DropMate" }));
    assert_eq!(begun["options"]["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(begun["options"]["authenticatorSelection"]["userVerification"], "required");
    let made = register(app, driver, begun["ceremony"].as_str().unwrap(), &device.create(&begun["options"]));
    let made = made.await.is(201).json();
    assert_eq!(made["recovery_codes"].as_array().unwrap().len(), 10, "with the first second factor");
    app.get("/api/v1/users/me").bearer(&other.token).await.refused(401, "invalid_token");
    let reply = sign_in(app, &mut device).await.is(200);
    assert_eq!(reply.text("/user_id"), driver.user);
    let list = app.get("/api/v1/users/me/passkeys").bearer(&reply.text("/access_token")).await.is(200).json();
    assert_eq!(list["items"][0]["name"], "My phone");
    assert!(list["items"][0]["last_used_at"].is_string());
    let mut second = Device::new("phone-2", false);
    let more = add(app, driver, &mut second).await.json();
    assert_eq!(more["recovery_codes"], json!([]), "only with the first");
    for _ in 0..3 {
        sign_in(app, &mut second).await.is(200);
    }
    town.app.finish().await;
}

#[tokio::test]
async fn after_a_password_a_passkey_is_the_second_step() {
    let town = Town::new().await;
    let app = &town.app;
    let (owner, manager) = (&town.bakery.owner, &town.bakery.manager);
    let (mut owners, mut managers) = (Device::new("owners", true), Device::new("managers", true));
    add(app, owner, &mut owners).await;
    add(app, manager, &mut managers).await;
    let asked = app.sign_in(&owner.login).await.refused(401, "second_factor_required");
    assert_eq!(asked.json()["methods"], json!(["passkey", "recovery_code"]));
    let challenge = asked.text("/challenge");
    let (ceremony, options) = begin_sign_in(app, json!({ "challenge": challenge })).await;
    assert_eq!(options["allowCredentials"][0]["id"], text("owners"));
    assert_eq!(options["allowCredentials"].as_array().unwrap().len(), 1);
    finish(app, &ceremony, &managers.get(&options)).await.refused(401, "passkey_refused");
    let (ceremony, options) = begin_sign_in(app, json!({ "challenge": challenge })).await;
    let reply = finish(app, &ceremony, &owners.get(&options)).await.is(200);
    assert_eq!(reply.text("/user_id"), owner.user);
    // The challenge is used up, for every kind of second step.
    let again = app.post("/api/v1/auth/login/passkey/begin", json!({ "challenge": challenge }));
    again.await.refused(401, "challenge_expired");
    let none = set_up(app, &town.bakery.dispatcher).await;
    drop(none);
    let challenge = first_step(app, &town.bakery.dispatcher.login).await;
    let begun = app.post("/api/v1/auth/login/passkey/begin", json!({ "challenge": challenge }));
    begun.await.refused(409, "no_passkey");
    town.app.finish().await;
}

#[tokio::test]
async fn whatever_is_forged_the_answer_is_the_same() {
    let town = Town::new().await;
    let app = &town.app;
    let mut device = Device::new("phone", false);
    add(app, &town.bakery.owner, &mut device).await;
    sign_in(app, &mut device).await.is(200);
    let lies: [(&str, Lie); 7] = [
        ("another origin", |device| device.origin = "https://evil.example".to_owned()),
        ("the same name without TLS", |device| device.origin = "http://dropmate.test".to_owned()),
        ("another port", |device| device.origin = "https://dropmate.test:8443".to_owned()),
        ("a part of the name", |device| device.origin = "https://www.dropmate.test".to_owned()),
        ("a key for another name", |device| device.name = "evil.example".to_owned()),
        ("nobody was verified", |device| device.flags = 0x01),
        ("another key", |device| {
            device.key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        }),
    ];
    for (what, lie) in lies {
        let (origin, name, flags) = (device.origin.clone(), device.name.clone(), device.flags);
        if what == "another key" {
            // The last one: the key does not come back.
            assert_eq!(sign_in(app, &mut device).await.is(200).text("/user_id"), town.bakery.owner.user);
        }
        lie(&mut device);
        let refused = sign_in(app, &mut device).await;
        assert_eq!(refused.verdict(), (401, "passkey_refused".to_owned()), "{what}: {refused}");
        (device.origin, device.name, device.flags) = (origin, name, flags);
    }
    // A key that nobody registered.
    sign_in(app, &mut Device::new("stranger", false)).await.refused(401, "passkey_refused");
    for nonsense in [json!({}), json!({ "id": "x" }), json!(null), json!("x"), json!([1])] {
        let (ceremony, _) = begin_sign_in(app, json!({})).await;
        finish(app, &ceremony, &nonsense).await.refused(422, "invalid");
    }
    town.app.finish().await;
}

#[tokio::test]
async fn an_answer_serves_once_for_its_own_ceremony_and_in_time() {
    let town = Town::new().await;
    let app = &town.app;
    let mut device = Device::new("phone", false);
    add(app, &town.bakery.owner, &mut device).await;
    let (ceremony, options) = begin_sign_in(app, json!({})).await;
    let answer = device.get(&options);
    finish(app, &ceremony, &answer).await.is(200);
    finish(app, &ceremony, &answer).await.refused(401, "ceremony_expired");
    // Replayed into another ceremony, with its own challenge.
    let (other, options) = begin_sign_in(app, json!({})).await;
    finish(app, &other, &answer).await.refused(401, "passkey_refused");
    // One try at a ceremony, whatever came of it.
    finish(app, &other, &device.get(&options)).await.refused(401, "ceremony_expired");
    let (late, options) = begin_sign_in(app, json!({})).await;
    app.pass(SignedDuration::from_mins(5));
    finish(app, &late, &device.get(&options)).await.refused(401, "ceremony_expired");
    finish(app, &nobody("dmp"), &device.get(&options)).await.refused(401, "ceremony_expired");
    // Registering and signing in are not each other.
    let begun = begin(app, &town.bakery.manager).await.is(200);
    let registering = begun.text("/ceremony");
    finish(app, &registering, &device.get(&begun.json()["options"])).await.refused(401, "ceremony_expired");
    let (signing_in, options) = begin_sign_in(app, json!({})).await;
    let mut create = options.clone();
    create["user"]["id"] = "AAAA".into();
    let made = Device::new("new", false).create(&create);
    register(app, &town.bakery.manager, &signing_in, &made).await.refused(409, "ceremony_expired");
    town.app.finish().await;
}

#[tokio::test]
async fn a_counter_that_goes_back_suspends_the_passkey() {
    let town = Town::new().await;
    let app = &town.app;
    let owner = &town.bakery.owner;
    let mut device = Device::new("phone", true);
    add(app, owner, &mut device).await;
    sign_in(app, &mut device).await.is(200);
    // Two ceremonies at once, answered by the device and its copy: the second answer has the same count.
    let (first, for_device) = begin_sign_in(app, json!({})).await;
    let (second, for_copy) = begin_sign_in(app, json!({})).await;
    let real = device.get(&for_device);
    device.counter -= 1;
    let copy = device.get(&for_copy);
    let session = finish(app, &first, &real).await.is(200);
    finish(app, &second, &copy).await.refused(401, "passkey_refused");
    assert!(app.audited().await.contains(&"suspend_passkey".to_owned()));
    device.counter += 10;
    sign_in(app, &mut device).await.refused(401, "passkey_refused");
    let bearer = session.text("/access_token");
    let list = app.get("/api/v1/users/me/passkeys").bearer(&bearer).await.is(200).json();
    assert!(list["items"][0]["suspended_at"].is_string(), "its owner sees it: {list}");
    // It still counts as a second factor: the password alone opens nothing.
    let asked = app.sign_in(&owner.login).await.refused(401, "second_factor_required");
    assert_eq!(asked.json()["methods"], json!(["recovery_code"]));
    town.app.finish().await;
}

#[tokio::test]
async fn a_passkey_is_registered_once_by_its_owner_and_for_this_page() {
    let town = Town::new().await;
    let app = &town.app;
    let (owner, manager) = (&town.bakery.owner, &town.bakery.manager);
    let mut device = Device::new("phone", true);
    add(app, owner, &mut device).await;
    let excluded = begin(app, owner).await.is(200).json();
    assert_eq!(excluded["options"]["excludeCredentials"][0]["id"], text("phone"));
    let begun = begin(app, manager).await.is(200);
    let made = device.create(&begun.json()["options"]);
    register(app, manager, &begun.text("/ceremony"), &made).await.refused(409, "passkey_taken");
    // Begun by one person, finished by another.
    let begun = begin(app, owner).await.is(200);
    let made = Device::new("other", true).create(&begun.json()["options"]);
    register(app, manager, &begun.text("/ceremony"), &made).await.refused(409, "ceremony_expired");
    let mut elsewhere = Device::new("elsewhere", true);
    elsewhere.origin = "https://evil.example".to_owned();
    let begun = begin(app, owner).await.is(200);
    let made = elsewhere.create(&begun.json()["options"]);
    register(app, owner, &begun.text("/ceremony"), &made).await.refused(409, "passkey_refused");
    register(app, owner, &begun.text("/ceremony"), &json!({ "id": 1 })).await.refused(422, "invalid");
    let call = |key: &str, device: &mut Device, begun: &Reply| {
        register(app, owner, &begun.text("/ceremony"), &device.create(&begun.json()["options"])).key(key)
    };
    let begun = begin(app, owner).await.is(200);
    let mut third = Device::new("third", false);
    let made = call("k", &mut third, &begun).await.is(201);
    assert_eq!(
        call("k", &mut third, &begun).await.is(201).body,
        made.body,
        "the same request, the same answer"
    );
    app.pass(SignedDuration::from_mins(10));
    begin(app, owner).await.refused(403, "reauthentication_required");
    town.app.finish().await;
}

#[tokio::test]
async fn the_last_second_factor_goes_when_nobody_asks_for_one() {
    let town = Town::new().await;
    let app = &town.app;
    let owner = &town.bakery.owner;
    let mut device = Device::new("phone", true);
    let id = add(app, owner, &mut device).await.text("/passkey/id");
    let path = format!("/api/v1/organizations/{}", town.bakery.id());
    let ask = |required: bool, version: i64| {
        app.patch(&path, json!({ "second_factor_required": required })).bearer(&owner.token).if_match(version)
    };
    ask(true, 1).await.is(200);
    let remove = |id: &str| app.delete(format!("/api/v1/users/me/passkeys/{id}")).bearer(&owner.token);
    remove(&id).await.refused(409, "second_factor_required");
    sign_in(app, &mut device).await.is(200);
    let (phone, codes) = {
        let shown = app.client.post("/api/v1/users/me/totp").bearer(&owner.token).await.is(200);
        let phone = Phone::of(&shown.text("/secret"));
        let body = json!({ "code": phone.code(app) });
        let shown = app.post("/api/v1/users/me/totp/confirm", body).bearer(&owner.token).await.is(200).json();
        (phone, shown["recovery_codes"].clone())
    };
    assert_eq!(codes, json!([]), "the codes of the first second factor hold");
    remove(&nobody("passkey")).await.refused(404, "not_found");
    remove(&id).await.is(204);
    remove(&id).await.refused(404, "not_found");
    sign_in(app, &mut device).await.refused(401, "passkey_refused");
    app.client
        .post("/api/v1/users/me/totp/disable")
        .bearer(&owner.token)
        .await
        .refused(409, "second_factor_required");
    ask(false, 2).await.is(200);
    app.client.post("/api/v1/users/me/totp/disable").bearer(&owner.token).await.is(204);
    assert_eq!(app.count("SELECT count(*) FROM identity.recovery_codes").await, 0);
    app.sign_in(&owner.login).await.is(200);
    drop(phone);
    town.app.finish().await;
}

#[tokio::test]
async fn somebody_elses_passkey_is_not_there() {
    let town = Town::new().await;
    let app = &town.app;
    let mut device = Device::new("phone", true);
    let id = add(app, &town.bakery.owner, &mut device).await.text("/passkey/id");
    let path = format!("/api/v1/users/me/passkeys/{id}");
    for other in [&town.bakery.manager, &town.florist.owner] {
        app.delete(&path).bearer(&other.token).await.refused(404, "not_found");
        let list = app.get("/api/v1/users/me/passkeys").bearer(&other.token).await.is(200).json();
        assert_eq!(list["items"], json!([]));
    }
    sign_in(app, &mut device).await.is(200);
    town.app.finish().await;
}

#[tokio::test]
async fn a_disabled_person_and_a_helped_one_do_not_get_in_with_it() {
    let town = Town::new().await;
    let app = &town.app;
    let (mut owners, mut managers) = (Device::new("owners", true), Device::new("managers", true));
    add(app, &town.bakery.owner, &mut owners).await;
    add(app, &town.bakery.manager, &mut managers).await;
    let id: kernel::ids::UserId = town.bakery.owner.user.parse().unwrap();
    let mut admin = app.db.admin().await;
    let disable = sqlx::query("UPDATE identity.users SET state = 'disabled' WHERE id = $1").bind(id.uuid());
    disable.execute(&mut admin).await.unwrap();
    sign_in(app, &mut owners).await.refused(401, "passkey_refused");
    let email = identity::domain::contact::Email::parse("max@bakery.example").unwrap();
    identity::commands::password_reset::operator_link(&app.identity, &email, true).await.unwrap().unwrap();
    sign_in(app, &mut managers).await.refused(401, "passkey_refused");
    app.sign_in(&town.bakery.manager.login).await.is(200);
    town.app.finish().await;
}

#[tokio::test]
async fn an_installation_without_a_name_says_so() {
    let public_url = "http://192.168.1.20:8080".to_owned();
    let app = App::with(Wishes { public_url, ..Wishes::default() }).await;
    let founder = app.founder().await;
    begin(&app, &founder).await.refused(409, "passkeys_need_a_name");
    let call = app.post("/api/v1/auth/login/passkey/begin", json!({}));
    let refused = call.await.refused(409, "passkeys_need_a_name");
    assert!(refused.text("/detail").contains("http.public_url"));
    app.finish().await;
}
