//! What people do with their own account.

use serde_json::{Value, json};

use super::{Story, answered, email, form, on, somebody};
use crate::app::{PASSWORD, Town, nobody};
use crate::passkeys::{self, Device};
use crate::second_factor::set_up;

const NEW: &str = "staple horse battery";

pub(super) async fn forgotten<'a>(operation: &str, town: &'a Town) -> Story<'a> {
    let app = &town.app;
    let who = somebody(town, "driver", operation).await;
    let ask = |email: &str| app.post("/api/v1/auth/password/forgot", json!({ "email": email }));
    if operation == "forgot_password" {
        return Story::of(app, ask(email(&who)), 204, vec![on("forgot_password", "user", &who.user)])
            .refuses(ask("no address"), 422, "invalid")
            // Nobody learns that this one is unknown; nothing happens either.
            .refuses(ask("unknown@stories.example"), 204, "");
    }
    app.mailed().await;
    ask(email(&who)).await.is(204);
    let token = app.mailed().await.remove(0).1;
    let entries = vec![on("reset_password", "user", &who.user)];
    if operation == "submit_reset" {
        let path = format!("/reset/{token}");
        let right = form(app, path.clone(), "password=staple+horse+battery");
        return Story::of(app, right.clone(), 200, entries)
            .refuses(form(app, path, "password=short"), 422, "")
            .then(right, 404, "");
    }
    let reset = |password: &str| {
        app.post("/api/v1/auth/password/reset", json!({ "token": token, "password": password }))
    };
    Story::of(app, reset(NEW), 204, entries).refuses(reset("password123"), 422, "invalid").then(
        reset("other horse battery"),
        404,
        "link_expired",
    )
}

pub(super) async fn person<'a>(operation: &str, town: &'a Town) -> Story<'a> {
    let app = &town.app;
    let who = somebody(town, "driver", operation).await;
    let address = format!("new-{}", email(&who));
    let change = |password: &str| {
        let body = json!({ "email": address, "password": password });
        app.post("/api/v1/users/me/email", body).bearer(&who.token)
    };
    match operation {
        "change_email" => {
            let entries = vec![on("change_email", "user", &who.user)];
            Story::of(app, change(PASSWORD), 204, entries).refuses(
                change("wrong horse battery"),
                403,
                "wrong_password",
            )
        }
        "update_me" => {
            let patch = |body: Value| app.patch("/api/v1/users/me", body).bearer(&who.token).if_match(1);
            let entries = vec![on("update_me", "user", &who.user)];
            Story::of(app, patch(json!({ "name": "Stella King" })), 200, entries)
                .refuses(patch(json!({ "name": "" })), 422, "invalid")
                .then(patch(json!({ "name": "Stella Queen" })), 412, "stale")
        }
        "change_password" => {
            let put = |current: &str, new: &str| {
                let body = json!({ "current_password": current, "password": new });
                app.client.put("/api/v1/users/me/password").json(&body).bearer(&who.token).from(app.source())
            };
            let entries = vec![on("change_password", "user", &who.user)];
            Story::of(app, put(PASSWORD, NEW), 204, entries)
                .refuses(put("wrong horse battery", NEW), 403, "wrong_password")
                .refuses(put(PASSWORD, "password123"), 422, "invalid")
        }
        _ => {
            app.mailed().await;
            change(PASSWORD).await.is(204);
            let token = app.mailed().await.remove(0).1;
            let entries = vec![on("confirm_email", "user", &who.user)];
            if operation == "submit_confirm" {
                let path = |token: &str| format!("/confirm/{token}");
                let right = app.client.post(path(&token)).from(app.source());
                let unknown =
                    app.client.post(path("dml_0123456789abcdefghjkmnpqrstvwxyz")).from(app.source());
                return Story::of(app, right.clone(), 200, entries)
                    .refuses(unknown, 404, "")
                    .then(right, 404, "");
            }
            let confirm = |token: &str| app.post("/api/v1/auth/email/confirm", json!({ "token": token }));
            Story::of(app, confirm(&token), 204, entries)
                .refuses(confirm("dml_0123456789abcdefghjkmnpqrstvwxyz"), 404, "link_expired")
                .then(confirm(&token), 404, "link_expired")
        }
    }
}

pub(super) async fn totp<'a>(operation: &str, town: &'a Town) -> Story<'a> {
    let app = &town.app;
    let who = somebody(town, "driver", operation).await;
    let enrol = |token: &str| app.client.post("/api/v1/users/me/totp").bearer(token);
    let user = |action| vec![on(action, "user", &who.user)];
    match operation {
        "enrol_totp" => {
            let has_one = somebody(town, "driver", "enrol_totp_again").await;
            set_up(app, &has_one).await;
            Story::of(app, enrol(&who.token), 200, user("enrol_totp")).refuses(
                enrol(&has_one.token),
                409,
                "totp_enrolled",
            )
        }
        "confirm_totp" => {
            let shown = enrol(&who.token).await.is(200).text("/secret");
            let phone = crate::second_factor::Phone::of(&shown);
            let confirm = |code: &str| {
                app.post("/api/v1/users/me/totp/confirm", json!({ "code": code })).bearer(&who.token)
            };
            let right = confirm(&phone.code(app));
            Story::of(app, right.clone(), 200, user("confirm_totp"))
                .refuses(confirm(&phone.wrong(app)), 403, "wrong_code")
                .then(right, 409, "totp_enrolled")
        }
        "disable_totp" => {
            set_up(app, &who).await;
            let disable = app.client.post("/api/v1/users/me/totp/disable").bearer(&who.token);
            Story::of(app, disable.clone(), 204, user("disable_totp")).then(disable, 409, "totp_not_enrolled")
        }
        _ => {
            let none = somebody(town, "driver", "no_second_factor").await;
            set_up(app, &who).await;
            let path = "/api/v1/users/me/recovery-codes";
            Story::of(app, app.client.post(path).bearer(&who.token), 200, user("regenerate_recovery_codes"))
                .refuses(app.client.post(path).bearer(&none.token), 409, "second_factor_missing")
        }
    }
}

pub(super) async fn passkey<'a>(operation: &str, town: &'a Town) -> Story<'a> {
    let app = &town.app;
    let who = somebody(town, "driver", operation).await;
    let mut device = Device::new(operation, false);
    match operation {
        "begin_passkey" => {
            let call = app.client.post("/api/v1/users/me/passkeys/begin").bearer(&who.token);
            Story::of(app, call, 200, vec![on("begin_passkey", "user", &who.user)])
        }
        "register_passkey" => {
            let begun = passkeys::begin(app, &who).await.is(200);
            let made = device.create(&begun.json()["options"]);
            let right = passkeys::register(app, &who, &begun.text("/ceremony"), &made);
            let nonsense = passkeys::register(app, &who, &begun.text("/ceremony"), &json!({ "id": 1 }));
            let entries = vec![answered("register_passkey", "passkey", "/passkey/id")];
            Story::of(app, right.clone(), 201, entries).refuses(nonsense, 422, "invalid").then(
                right,
                409,
                "ceremony_expired",
            )
        }
        _ => {
            let id = passkeys::add(app, &who, &mut device).await.text("/passkey/id");
            let remove = |id: &str| app.delete(format!("/api/v1/users/me/passkeys/{id}")).bearer(&who.token);
            Story::of(app, remove(&id), 204, vec![on("remove_passkey", "passkey", &id)])
                .refuses(remove(&nobody("passkey")), 404, "not_found")
                .then(remove(&id), 404, "not_found")
        }
    }
}
