//! Personal data is sealed where it is stored, and nowhere else at all.

use kernel::ids::UserId;
use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::app::{App, Login, PASSWORD, Town};

/// Every row of every table of the database as text, bytes as hexadecimal digits and as text.
pub async fn everything(app: &App) -> String {
    let mut admin = app.db.admin().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
          WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    assert!(tables.len() > 20, "{tables:?}");
    let mut all = String::new();
    for table in tables {
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!("SELECT t::text FROM {table} t")))
            .fetch_all(&mut admin)
            .await
            .unwrap();
        for row in rows {
            all.push_str(&table);
            all.push(' ');
            all.push_str(&row);
            all.push('\n');
        }
    }
    all
}

/// Some text in the forms in which it could be found: as it is, in hexadecimal digits, in base64.
pub fn forms(canary: &str) -> [String; 3] {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD_NO_PAD.encode(canary);
    [canary.to_owned(), hex::encode(canary), base64[..base64.len() - 2].to_owned()]
}

#[tokio::test]
async fn no_name_address_or_number_is_found_in_the_database_or_the_log() {
    let town = Town::new().await;
    let app = &town.app;
    let canaries = [
        "Canaria Zwitscher",
        "canaria.zwitscher@bird.example",
        "+4930901877",
        "neu.zwitscher@bird.example",
        "eingeladen@bird.example",
    ];
    let token = app.invite(&town.bakery.owner, "manager").await;
    let join = json!({ "token": token, "name": canaries[0], "email": canaries[1], "password": PASSWORD });
    let joined = app.post("/api/v1/auth/invitations/accept", join).await.is(201);
    let bearer = joined.text("/access_token");
    let me = app.get("/api/v1/users/me").bearer(&bearer).await.is(200);
    let named = json!({ "name": canaries[0] });
    app.patch("/api/v1/users/me", named).bearer(&bearer).if_match(me.version()).key("p").await.is(200);
    let hired = app.invite(&town.bakery.owner, "driver").await;
    let hire = json!({ "token": hired, "name": "Dan", "phone": canaries[2], "pin": crate::app::PIN });
    let hired = app.post("/api/v1/auth/invitations/accept", hire).await.is(201).text("/access_token");
    assert_eq!(
        app.get("/api/v1/users/me").bearer(&hired).await.is(200).text("/phone"),
        canaries[2],
        "the control: they are there for who may see them"
    );
    let invite = json!({ "role": "driver", "email": canaries[4] });
    let invited = app.post("/api/v1/invitations", invite.clone()).bearer(&bearer).key("i").await.is(201);
    let again = app.post("/api/v1/invitations", invite).bearer(&bearer).key("i").await.is(201);
    assert_eq!(invited.text("/link"), again.text("/link"), "the control: the answer was stored and opens");
    app.post("/api/v1/auth/password/forgot", json!({ "email": canaries[1] })).await.is(204);
    let change = json!({ "email": canaries[3], "password": PASSWORD });
    app.post("/api/v1/users/me/email", change).bearer(&bearer).await.is(204);
    for wrong in
        [json!({ "email": canaries[1], "password": "x" }), json!({ "email": "zwitscher", "password": "x" })]
    {
        app.post("/api/v1/auth/login", wrong).await;
    }
    let before = everything(app).await;
    app.settle().await;
    let (stored, logged) = (before + &everything(app).await, app.logs.text());
    assert!(logged.contains("Answered a request"), "the control: something was logged");
    for canary in canaries {
        for form in forms(canary) {
            let found = stored.lines().find(|line| line.contains(&form));
            assert!(found.is_none(), "{canary}: {found:?}");
            let found = logged.lines().find(|line| line.contains(&form));
            assert!(found.is_none(), "{canary}: {found:?}");
        }
    }
    for secret in [PASSWORD, &bearer, &token] {
        assert!(!stored.contains(secret) && !logged.contains(secret), "{secret}");
    }
    town.app.finish().await;
}

#[tokio::test]
async fn a_sealed_value_opens_only_in_its_own_place() {
    let town = Town::new().await;
    let app = &town.app;
    let swap =
        "UPDATE identity.users a SET name = b.name FROM identity.users b WHERE a.id = $1 AND b.id = $2";
    let (one, two): (UserId, UserId) =
        (town.bakery.owner.user.parse().unwrap(), town.bakery.manager.user.parse().unwrap());
    let mut admin = app.db.admin().await;
    sqlx::query(swap).bind(one.uuid()).bind(two.uuid()).execute(&mut admin).await.unwrap();
    let call =
        std::panic::AssertUnwindSafe(app.get("/api/v1/users/me").bearer(&town.bakery.owner.token).send());
    // The client refuses to see a failure of ours; here it is what must happen.
    let outcome = futures::FutureExt::catch_unwind(call).await;
    assert!(outcome.is_err(), "a value of another row was opened");
    town.app.finish().await;
}

#[tokio::test]
async fn events_carry_identifiers_and_happen_once() {
    let town = Town::new().await;
    let events = town.app.events().await;
    let count = |subject: &str| events.iter().filter(|(s, _)| s == subject).count();
    assert_eq!(count("organization.created.v1"), 2);
    // Olga twice, and five people in each organisation.
    assert_eq!(count("user.created.v1"), 12);
    assert_eq!(count("user.role_changed.v1"), 2, "Olga left both");
    assert_eq!(count("user.updated.v1"), 0);
    let distinct = "SELECT count(DISTINCT (org_id, subject, payload)) FROM bus.log";
    assert_eq!(
        town.app.count(distinct).await,
        i64::try_from(events.len()).unwrap(),
        "an event happened twice"
    );
    for (subject, payload) in &events {
        for (_, value) in payload.as_object().unwrap() {
            let text = value.as_str().unwrap_or("");
            assert!(
                !text.contains('@') && !text.contains(' ') && !text.starts_with('+'),
                "{subject} {payload}"
            );
        }
    }
    town.app.finish().await;
}

#[tokio::test]
async fn every_effect_has_its_audit_row() {
    let town = Town::new().await;
    let app = &town.app;
    let before = app.audited().await.len();
    let (owner, manager) = (&town.bakery.owner, &town.bakery.manager);
    let second = app.again(owner).await;
    app.delete(format!("/api/v1/auth/sessions/{}", second.session())).bearer(&owner.token).await.is(204);
    let member = app.member_of(owner, &manager.user).await;
    app.client.post(format!("/api/v1/members/{member}/sign-out")).bearer(&owner.token).await.is(204);
    app.patch(format!("/api/v1/members/{member}"), json!({ "role": "driver" }))
        .bearer(&owner.token)
        .if_match(1)
        .await
        .is(200);
    app.delete(format!("/api/v1/members/{member}")).bearer(&owner.token).await.is(204);
    let organization = format!("/api/v1/organizations/{}", town.bakery.id());
    app.patch(organization, json!({ "name": "Bakery & Café" }))
        .bearer(&owner.token)
        .if_match(1)
        .await
        .is(200);
    let key = app.api_key(owner, "api", &["members:read"]).await.text("/api_key/id");
    app.delete(format!("/api/v1/api-keys/{key}")).bearer(&owner.token).await.is(204);
    app.get("/api/v1/members").bearer(&owner.token).await.is(200);
    app.sign_in(&Login::Email("nobody@bakery.example".into())).await.is(401);
    app.client.post("/api/v1/auth/logout").bearer(&owner.token).await.is(204);
    let expected = [
        "sign_in",
        "revoke_session",
        "sign_out_member",
        "update_member",
        "remove_member",
        "update_organization",
        "create_api_key",
        "revoke_api_key",
        "sign_out",
    ];
    assert_eq!(
        app.audited().await[before..],
        expected,
        "the action is the operation id; reading leaves no row"
    );
    town.app.finish().await;
}

/// Bytes that are not sealed with the key of a person: hashes, public halves, and what is sealed with the key of the
/// installation or of an organisation, which stays when the key of a person changes.
const NOT_OF_A_PERSON: &[&str] = &[
    "api_keys.hash",
    "challenges.hash",
    "credential_index.hash",
    "one_time_links.detail",
    "one_time_links.hash",
    "passkey_ceremonies.challenge",
    "passkey_ceremonies.hash",
    "passkeys.credential_id",
    "recovery_codes.hash",
    "refresh_tokens.hash",
    "refresh_tokens.parent",
    "refresh_tokens.successor",
    "signing_keys.private_key",
    "signing_keys.public_key",
    "users.email_index",
    "users.phone_index",
];

/// A new column of bytes is either declared, so that it is sealed anew when a key changes, or named above.
#[tokio::test]
async fn every_column_of_bytes_is_decided() {
    let app = App::new().await;
    let found: Vec<String> = sqlx::query_scalar(
        "SELECT table_name || '.' || column_name FROM information_schema.columns
          WHERE table_schema = 'identity' AND data_type = 'bytea' AND table_name <> '_migrations' ORDER BY 1",
    )
    .fetch_all(&mut app.db.admin().await)
    .await
    .unwrap();
    let sealed = identity::manifest().sealed.iter();
    let own = sealed.filter_map(|column| Some((column.table.strip_prefix("identity.")?, column.column)));
    let mut decided: Vec<String> = own.map(|(table, column)| format!("{table}.{column}")).collect();
    decided.extend(NOT_OF_A_PERSON.iter().map(|name| (*name).to_owned()));
    decided.sort();
    assert_eq!(found, decided);
}
