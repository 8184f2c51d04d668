//! The keys that sign access tokens, and everything that is no access token.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use kernel::time::SignedDuration;
use platform::auth::{KeySet as _, PublicKey};
use serde_json::{Value, json};

use crate::app::{Actor, App, PUBLIC_URL, Town, claims};

fn header_of(token: &str) -> Value {
    let part = token.split('.').next().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

async fn published(app: &App) -> Vec<String> {
    let keys = app.get("/.well-known/jwks.json").await.is(200).json();
    keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

async fn works(app: &App, token: &str) -> bool {
    let reply = app.get("/api/v1/users/me").bearer(token).await;
    assert!(reply.status == 200 || reply.verdict() == (401, "invalid_token".to_owned()), "{reply}");
    reply.status == 200
}

#[tokio::test]
async fn keys_rotate_without_anybody_meeting_an_unknown_one() {
    let app = App::new().await;
    let founder = app.founder().await;
    let kid = |token: &str| header_of(token)["kid"].as_str().unwrap().to_owned();
    let old = kid(&founder.token);
    let new = identity::keys::rotate(&app.identity).await.unwrap().to_string();
    assert!(published(&app).await.contains(&new), "published before it is used");
    assert_eq!(kid(&app.again(&founder).await.token), old);
    app.pass(SignedDuration::from_secs(20 * 60 - 30));
    let last = app.again(&founder).await;
    assert_eq!(kid(&last.token), old, "the old one signs until the new one's time has come");
    app.pass(SignedDuration::from_mins(1));
    identity::keys::load(&app.identity).await.unwrap();
    let fresh = app.again(&founder).await;
    assert_eq!(kid(&fresh.token), new);
    assert!(works(&app, &last.token).await, "tokens of the old key live out their time");
    assert!(works(&app, &fresh.token).await);
    app.pass(SignedDuration::from_mins(20));
    identity::keys::load(&app.identity).await.unwrap();
    assert_eq!(published(&app).await, [new]);
    let forged = Forger::of(&app, &fresh);
    assert!(!works(&app, &forged.sign(&json!({ "kid": old }), &json!({}))).await);
    app.finish().await;
}

/// Signs tokens with a key that the verifier knows, so that only what is changed can be the reason of a refusal.
struct Forger {
    header: Value,
    claims: Value,
    key: EncodingKey,
    public: Vec<u8>,
}

impl Forger {
    fn of(app: &App, actor: &Actor) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[5; 32]).unwrap();
        let bytes: [u8; 32] = pair.public_key().as_ref().try_into().unwrap();
        let mut keys = app.published.all();
        keys.push(PublicKey { kid: "known".to_owned(), bytes });
        app.published.replace(keys);
        let now = kernel::time::Clock::now(&app.db.clock).as_second();
        let mut claims = claims(&actor.token);
        claims["iat"] = now.into();
        claims["exp"] = (now + 900).into();
        Self {
            header: json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "known" }),
            claims,
            key: EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref()),
            public: bytes.to_vec(),
        }
    }

    /// A token with these members changed; `null` removes.
    fn sign(&self, header: &Value, claims: &Value) -> String {
        self.seal(&merge(&self.header, header).to_string(), &merge(&self.claims, claims).to_string())
    }

    fn seal(&self, header: &str, claims: &str) -> String {
        let body = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = jsonwebtoken::crypto::sign(body.as_bytes(), &self.key, Algorithm::EdDSA).unwrap();
        format!("{body}.{signature}")
    }
}

fn merge(base: &Value, changes: &Value) -> Value {
    let mut merged = base.clone();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            merged.as_object_mut().unwrap().remove(name);
        } else {
            merged[name] = value.clone();
        }
    }
    merged
}

#[tokio::test]
async fn nothing_but_our_own_tokens_is_accepted() {
    let town = Town::new().await;
    let app = &town.app;
    let forger = Forger::of(app, &town.bakery.owner);
    let now = forger.claims["iat"].as_i64().unwrap();
    assert!(works(app, &forger.sign(&json!({}), &json!({}))).await, "the control: unchanged, it is accepted");
    let headers = [
        json!({ "alg": "none" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "ES256" }),
        json!({ "alg": "RS256" }),
        json!({ "kid": "unknown" }),
        json!({ "kid": null }),
        json!({ "kid": "../../../../dev/null" }),
        json!({ "kid": "known' OR '1'='1" }),
        json!({ "kid": null, "jku": "https://evil.example/keys" }),
        json!({ "kid": null, "jwk": { "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(&forger.public) } }),
        json!({ "typ": "JWT" }),
        json!({ "typ": "key+jwt" }),
        json!({ "typ": null }),
    ];
    for header in &headers {
        assert!(!works(app, &forger.sign(header, &json!({}))).await, "{header}");
    }
    let bodies = [
        json!({ "iss": "https://evil.example" }),
        json!({ "iss": format!("{PUBLIC_URL}/") }),
        json!({ "iss": null }),
        json!({ "aud": "dropmate:key" }),
        json!({ "aud": ["dropmate:key", "other"] }),
        json!({ "aud": null }),
        json!({ "exp": now }),
        json!({ "exp": now - 60 }),
        json!({ "exp": null }),
        json!({ "exp": "tomorrow" }),
        json!({ "iat": now + 60 }),
        json!({ "iat": null }),
        json!({ "nbf": now + 600 }),
        json!({ "sub": null }),
        json!({ "sub": "user_1" }),
        json!({ "sid": "session_1" }),
        json!({ "sid": null }),
        json!({ "role": "emperor" }),
        json!({ "org": "org_1" }),
        json!({ "admin": true }),
    ];
    for body in &bodies {
        assert!(!works(app, &forger.sign(&json!({}), body)).await, "{body}");
    }
    town.app.finish().await;
}

#[tokio::test]
async fn tricks_with_the_form_do_not_help() {
    let town = Town::new().await;
    let app = &town.app;
    let forger = Forger::of(app, &town.bakery.driver);
    let good = forger.sign(&json!({}), &json!({}));
    let (header, claims) = (forger.header.to_string(), forger.claims.to_string());
    let doubled = claims.replacen('{', "{\"role\":\"owner\",", 1);
    let mut cases = vec![forger.seal(&header, &doubled)];
    // RFC 8725, section 2.1: the public key as the secret of an HMAC.
    let secret = EncodingKey::from_secret(&forger.public);
    for kid in ["known", &app.published.all()[0].kid] {
        let mut confused = Header::new(Algorithm::HS256);
        (confused.typ, confused.kid) = (Some("at+jwt".to_owned()), Some(kid.to_owned()));
        cases.push(jsonwebtoken::encode(&confused, &forger.claims, &secret).unwrap());
    }
    let none = merge(&forger.header, &json!({ "alg": "none" })).to_string();
    let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(none), URL_SAFE_NO_PAD.encode(&claims));
    let [head, body, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let elevated = URL_SAFE_NO_PAD.encode(merge(&forger.claims, &json!({ "role": "owner" })).to_string());
    cases.extend([
        unsigned,
        format!("{head}.{body}."),
        format!("{head}.{body}"),
        format!("{head}.{elevated}.{signature}"),
        format!("{head}.{body}.{signature}.{signature}"),
        format!("{good}="),
        "a".repeat(7000),
        "..".to_owned(),
    ]);
    for case in &cases {
        assert!(!works(app, case).await, "{case}");
    }
    assert!(works(app, &good).await);
    town.app.finish().await;
}

/// Every kind of credential at every class of endpoint: it works where it belongs and nowhere else.
#[tokio::test]
async fn a_token_of_one_kind_is_never_another() {
    let town = Town::new().await;
    let app = &town.app;
    let owner = &town.bakery.owner;
    let invitation = app.invite(owner, "driver").await;
    app.post("/api/v1/auth/password/forgot", json!({ "email": "max@bakery.example" })).await.is(204);
    let (_, link) = app.mailed().await.remove(0);
    crate::second_factor::set_up(app, &town.bakery.dispatcher).await;
    let challenge = crate::second_factor::first_step(app, &town.bakery.dispatcher.login).await;
    let kinds = [
        ("access", owner.token.as_str()),
        ("challenge", &challenge),
        ("refresh", &owner.refresh),
        ("link", &link),
        ("invitation", &invitation),
        ("api key", &town.bakery.api_key),
        ("device key", &town.bakery.device_key),
    ];
    for (kind, credential) in kinds {
        let status = |call: testkit::http::Call| async move { call.await.status };
        let me = status(app.get("/api/v1/users/me").bearer(credential)).await;
        assert_eq!(me == 200, kind == "access", "{kind} as a person: {me}");
        let members = status(app.get("/api/v1/members").bearer(credential)).await;
        assert_eq!(members == 200, ["access", "api key"].contains(&kind), "{kind} as a reader: {members}");
        // A public operation with a credential that is none is refused: nobody becomes anonymous by accident.
        let public = status(app.get("/api/v1/health").bearer(credential)).await;
        assert_eq!(
            public == 200,
            ["access", "api key", "device key"].contains(&kind),
            "{kind} in public: {public}"
        );
        let offer = app.post("/api/v1/auth/invitations/look-up", json!({ "token": credential })).await;
        assert_eq!(offer.status == 200, kind == "invitation", "{offer}");
        let confirm = app.post("/api/v1/auth/email/confirm", json!({ "token": credential })).await;
        assert_eq!(confirm.status, if credential.len() > 200 { 422 } else { 404 }, "{confirm}");
        let second = json!({ "challenge": credential, "code": "000000" });
        let second = app.post("/api/v1/auth/login/second-factor", second).await;
        let says = if kind == "challenge" { "wrong_code" } else { "challenge_expired" };
        assert!(second.code() == says || credential.len() > 200, "{kind}: {second}");
        if kind != "refresh" {
            let refresh = app.refresh(credential).await;
            assert!([401, 422].contains(&refresh.status), "{refresh}");
        }
    }
    town.app.finish().await;
}
