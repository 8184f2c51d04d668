//! The table: for each operation how it succeeds and with which entries, and how its domain refuses it.

mod account;
mod pictures;

use http::Method;
use serde_json::{Value, json};
use testkit::http::{Call, Reply};

use super::Entry;
use crate::app::{Actor, App, Login, PASSWORD, Town, last_segment, nobody};
use crate::passkeys::{self, Device};
use crate::second_factor::{first_step, set_up};

/// The operations that have a row, in the order of the document's table of permissions.
pub(super) const OPERATIONS: [&str; 43] = [
    "sign_in",
    "sign_in_second_factor",
    "begin_passkey_sign_in",
    "sign_in_passkey",
    "register",
    "refresh_token",
    "first_run",
    "look_up_invitation",
    "accept_invitation",
    "forgot_password",
    "reset_password",
    "confirm_email",
    "sign_out",
    "switch_organization",
    "reauthenticate",
    "enrol_totp",
    "confirm_totp",
    "begin_passkey",
    "register_passkey",
    "remove_passkey",
    "disable_totp",
    "regenerate_recovery_codes",
    "revoke_session",
    "update_me",
    "put_my_photo",
    "delete_my_photo",
    "change_password",
    "change_email",
    "create_organization",
    "update_organization",
    "put_organization_logo",
    "delete_organization_logo",
    "update_member",
    "remove_member",
    "sign_out_member",
    "create_invitation",
    "revoke_invitation",
    "create_api_key",
    "revoke_api_key",
    "submit_setup",
    "submit_join",
    "submit_confirm",
    "submit_reset",
];

/// Operations that take no JSON: nothing but who calls and what the path says, or a picture.
const WITHOUT_BODY: [&str; 15] = [
    "begin_passkey",
    "delete_my_photo",
    "delete_organization_logo",
    "disable_totp",
    "enrol_totp",
    "put_my_photo",
    "put_organization_logo",
    "regenerate_recovery_codes",
    "remove_member",
    "remove_passkey",
    "revoke_api_key",
    "revoke_invitation",
    "revoke_session",
    "sign_out",
    "sign_out_member",
];

pub(super) fn takes_a_body(operation: &str) -> bool {
    !WITHOUT_BODY.contains(&operation)
}

/// Whose entry it is.
#[derive(Debug, Clone)]
pub(super) struct Target {
    action: &'static str,
    object: &'static str,
    id: Id,
}

#[derive(Debug, Clone)]
enum Id {
    Known(String),
    /// Where the answer has it.
    Answered(&'static str),
    /// The answer is a page: any of this kind.
    Some(&'static str),
}

impl Target {
    /// What has to be in the trail; `found` is what is in this place of it.
    pub(super) fn entry(&self, reply: &Reply, found: Option<&Entry>) -> Entry {
        let object_id = match &self.id {
            Id::Known(id) => id.clone(),
            Id::Answered(pointer) => {
                reply.json().pointer(pointer).and_then(Value::as_str).unwrap_or("nothing").to_owned()
            }
            Id::Some(prefix) => {
                let found = found.map(|entry| entry.object_id.clone());
                found.filter(|id| id.starts_with(prefix)).unwrap_or_else(|| format!("{prefix}..."))
            }
        };
        Entry {
            action: self.action.to_owned(),
            object_type: self.object.to_owned(),
            object_id,
            request_id: reply.header("x-request-id").to_owned(),
        }
    }
}

fn on(action: &'static str, object: &'static str, id: impl Into<String>) -> Target {
    Target { action, object, id: Id::Known(id.into()) }
}

fn answered(action: &'static str, object: &'static str, pointer: &'static str) -> Target {
    Target { action, object, id: Id::Answered(pointer) }
}

/// A refused call, with the answer and what the trail keeps of it.
pub(super) type Refused = (Call, u16, &'static str, Vec<Target>);

pub(super) struct Story<'a> {
    pub(super) app: &'a App,
    pub(super) before: Vec<Refused>,
    pub(super) success: (Call, u16),
    pub(super) entries: Vec<Target>,
    /// Mostly the same once more.
    pub(super) after: Vec<Refused>,
}

impl<'a> Story<'a> {
    fn of(app: &'a App, call: Call, status: u16, entries: Vec<Target>) -> Self {
        Self { app, before: Vec::new(), success: (call, status), entries, after: Vec::new() }
    }

    fn refuses(mut self, call: Call, status: u16, code: &'static str) -> Self {
        self.before.push((call, status, code, Vec::new()));
        self
    }

    fn notices(mut self, call: Call, status: u16, code: &'static str, entry: Target) -> Self {
        self.before.push((call, status, code, vec![entry]));
        self
    }

    fn then_leaves(mut self, call: Call, status: u16, entry: Target) -> Self {
        self.after.push((call, status, "", vec![entry]));
        self
    }

    fn then(mut self, call: Call, status: u16, code: &'static str) -> Self {
        self.after.push((call, status, code, Vec::new()));
        self
    }
}

/// Somebody new in the bakery, whom no other story touches.
async fn somebody(town: &Town, role: &str, name: &str) -> Actor {
    let login = Login::Email(format!("{}@stories.example", name.replace('_', "-")));
    town.app.join(&town.bakery.owner, role, "Stella Story", login).await
}

fn email(actor: &Actor) -> &str {
    match &actor.login {
        Login::Email(email) => email,
        Login::Phone(_) => panic!("no address"),
    }
}

/// The row of an operation, ready to be called.
pub(super) async fn of<'a>(operation: &str, town: &'a Town, fresh: &'a [App; 2]) -> Story<'a> {
    match operation {
        "sign_in" | "sign_in_second_factor" | "sign_in_passkey" | "begin_passkey_sign_in" => {
            signing_in(operation, town).await
        }
        "register"
        | "refresh_token"
        | "sign_out"
        | "switch_organization"
        | "reauthenticate"
        | "revoke_session" => sessions(operation, town).await,
        "first_run" => first_run(&fresh[0]).await,
        "submit_setup" => submit_setup(&fresh[1]).await,
        "look_up_invitation" | "accept_invitation" | "submit_join" | "create_invitation"
        | "revoke_invitation" => invitations(operation, town).await,
        "forgot_password" | "reset_password" | "submit_reset" => account::forgotten(operation, town).await,
        "confirm_email" | "submit_confirm" | "change_email" | "update_me" | "change_password" => {
            account::person(operation, town).await
        }
        "enrol_totp" | "confirm_totp" | "disable_totp" | "regenerate_recovery_codes" => {
            account::totp(operation, town).await
        }
        "begin_passkey" | "register_passkey" | "remove_passkey" => account::passkey(operation, town).await,
        "create_api_key" | "revoke_api_key" => api_keys(operation, town).await,
        "create_organization" | "update_organization" => organizations(operation, town).await,
        "put_my_photo" | "delete_my_photo" => pictures::photo(operation, town).await,
        "put_organization_logo" | "delete_organization_logo" => pictures::logo(operation, town).await,
        _ => members(operation, town).await,
    }
}

async fn signing_in<'a>(operation: &str, town: &'a Town) -> Story<'a> {
    let app = &town.app;
    let who = somebody(town, "manager", operation).await;
    let entry = |action| on(action, "user", &who.user);
    match operation {
        "sign_in" => {
            let wrong = json!({ "email": email(&who), "password": "wrong horse battery" });
            let unknown = json!({ "email": "nobody@stories.example", "password": PASSWORD });
            let careful = somebody(town, "manager", "sign_in_careful").await;
            set_up(app, &careful).await;
            let asked = on("sign_in", "user", &careful.user);
            Story::of(app, app.sign_in(&who.login), 200, vec![entry("sign_in")])
                .refuses(app.post("/api/v1/auth/login", wrong), 401, "wrong_credentials")
                .refuses(app.post("/api/v1/auth/login", unknown), 401, "wrong_credentials")
                .notices(app.sign_in(&careful.login), 401, "second_factor_required", asked)
        }
        "sign_in_second_factor" => {
            let (phone, _) = set_up(app, &who).await;
            let challenge = first_step(app, &who.login).await;
            let step = |code: &str| {
                let body = json!({ "challenge": challenge, "code": code });
                app.post("/api/v1/auth/login/second-factor", body)
            };
            let right = step(&phone.code(app));
            Story::of(app, right.clone(), 200, vec![entry("sign_in")])
                .refuses(step(&phone.wrong(app)), 401, "wrong_code")
                .then(right, 401, "challenge_expired")
        }
        "begin_passkey_sign_in" => {
            let path = "/api/v1/auth/login/passkey/begin";
            let gone = json!({ "challenge": "dmc_0123456789abcdefghjkmnpqrstvwxyz" });
            Story::of(app, app.post(path, json!({})), 200, Vec::new()).refuses(
                app.post(path, gone),
                401,
                "challenge_expired",
            )
        }
        _ => {
            let mut device = Device::new(operation, true);
            let made = passkeys::add(app, &who, &mut device).await;
            let (ceremony, options) = passkeys::begin_sign_in(app, json!({})).await;
            let (copied, again) = passkeys::begin_sign_in(app, json!({})).await;
            let right = passkeys::finish(app, &ceremony, &device.get(&options));
            let mut story = Story::of(app, right.clone(), 200, vec![entry("sign_in")]).then(
                right,
                401,
                "ceremony_expired",
            );
            // A copy of the device: the count goes back, and that is noticed.
            device.counter -= 1;
            let copy = passkeys::finish(app, &copied, &device.get(&again));
            let suspended = on("suspend_passkey", "passkey", made.text("/passkey/id"));
            story.after.push((copy, 401, "passkey_refused", vec![suspended]));
            story
        }
    }
}

async fn sessions<'a>(operation: &str, town: &'a Town) -> Story<'a> {
    let app = &town.app;
    let who = somebody(town, "dispatcher", operation).await;
    let session = || on_session(operation, &who);
    match operation {
        "register" => {
            let body = |email: &str, password: &str| {
                let body = json!({ "organization_id": town.bakery.id(), "name": "Rita Register", "email": email,
                    "password": password });
                app.post("/api/v1/auth/register", body)
            };
            let entries = vec![answered("register", "user", "/user_id")];
            Story::of(app, body("rita@stories.example", PASSWORD), 201, entries)
                .refuses(body("rita@stories.example", "password123"), 422, "invalid")
                .refuses(body(email(&who), PASSWORD), 409, "email_taken")
        }
        "refresh_token" => {
            let stolen = app.again(&who).await;
            app.refresh(&stolen.refresh).await.is(200);
            // Long after its successor was used.
            let next = app.refresh(&stolen.refresh).await.is(200).text("/refresh_token");
            app.refresh(&next).await.is(200);
            let reuse = on("refresh_reuse", "session", stolen.session());
            Story::of(app, app.refresh(&who.refresh), 200, Vec::new())
                .refuses(app.refresh("dmr_0123456789abcdefghjkmnpqrstvwxyz"), 401, "session_ended")
                .notices(app.refresh(&stolen.refresh), 401, "session_ended", reuse)
        }
        "sign_out" => {
            let call = app.client.post("/api/v1/auth/logout").bearer(&who.token);
            Story::of(app, call.clone(), 204, vec![session()]).then(call, 401, "invalid_token")
        }
        "switch_organization" => {
            let to = |org: &str| {
                app.post("/api/v1/auth/switch", json!({ "organization_id": org })).bearer(&who.token)
            };
            Story::of(app, to(town.bakery.id()), 200, vec![session()]).refuses(
                to(town.florist.id()),
                404,
                "not_found",
            )
        }
        "reauthenticate" => {
            let with = |password: &str| {
                let body = json!({ "password": password });
                app.post("/api/v1/auth/reauthenticate", body).bearer(&who.token)
            };
            Story::of(app, with(PASSWORD), 204, vec![session()]).refuses(
                with("wrong horse battery"),
                403,
                "wrong_password",
            )
        }
        _ => {
            let other = app.again(&who).await;
            let path = |id: &str| format!("/api/v1/auth/sessions/{id}");
            let call = app.delete(path(&other.session())).bearer(&who.token);
            let foreign = app.delete(path(&town.bakery.owner.session())).bearer(&who.token);
            let entries = vec![on("revoke_session", "session", other.session())];
            Story::of(app, call.clone(), 204, entries).refuses(foreign, 404, "not_found").then(
                call,
                404,
                "not_found",
            )
        }
    }
}

fn on_session(operation: &str, who: &Actor) -> Target {
    let action = ["sign_out", "switch_organization", "reauthenticate"];
    let action = action.into_iter().find(|action| *action == operation).expect("an action");
    on(action, "session", who.session())
}

async fn first_run(app: &App) -> Story<'_> {
    let link = app.owner_link().await;
    let call = app.first_run(&link, "olga@example.org");
    let unknown = app.first_run("dml_0123456789abcdefghjkmnpqrstvwxyz", "olga@example.org");
    Story::of(app, call.clone(), 201, vec![answered("first_run", "organization", "/organization_id")])
        .refuses(unknown, 404, "link_expired")
        .then(call, 404, "link_expired")
}

/// A form of a page.
fn form(app: &App, path: String, body: &str) -> Call {
    app.client
        .call(Method::POST, path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.to_owned())
        .from(app.source())
}

async fn submit_setup(app: &App) -> Story<'_> {
    let path = format!("/setup/{}", app.owner_link().await);
    let fields = |password: &str| {
        format!(
            "organization=Bakery&time_zone=Europe%2FBerlin&currency=EUR&name=Olga&email=olga%40example.org&password={password}"
        )
    };
    let call = form(app, path.clone(), &fields("correct+horse+battery"));
    Story::of(
        app,
        call.clone(),
        303,
        vec![Target { action: "first_run", object: "organization", id: Id::Some("org_") }],
    )
    .refuses(form(app, path, &fields("short")), 422, "")
    .then(call, 404, "")
}

async fn invitations<'a>(operation: &str, town: &'a Town) -> Story<'a> {
    let app = &town.app;
    let owner = &town.bakery.owner;
    let invite = |role: &str| app.post("/api/v1/invitations", json!({ "role": role })).bearer(&owner.token);
    let made = invite("customer").await.is(201);
    let (id, token) = (made.text("/invitation/id"), last_segment(&made.text("/link")));
    let unknown = "dmi_0123456789abcdefghjkmnpqrstvwxyz";
    match operation {
        "look_up_invitation" => {
            let look = |token: &str| app.post("/api/v1/auth/invitations/look-up", json!({ "token": token }));
            Story::of(app, look(&token), 200, Vec::new()).refuses(look(unknown), 404, "link_expired")
        }
        "accept_invitation" => {
            let accept = |token: &str, email: &str, password: &str| {
                let body =
                    json!({ "token": token, "name": "Ina Invited", "email": email, "password": password });
                app.post("/api/v1/auth/invitations/accept", body)
            };
            let right = accept(&token, "ina@stories.example", PASSWORD);
            let occupied = accept(&token, email(owner), "wrong horse battery");
            Story::of(app, right.clone(), 201, vec![on("accept_invitation", "invitation", &id)])
                .refuses(accept(unknown, "ina@stories.example", PASSWORD), 404, "link_expired")
                .refuses(occupied, 409, "account_exists")
                .then(right, 404, "link_expired")
        }
        "submit_join" => {
            let path = format!("/join/{token}");
            let fields =
                |password: &str| format!("name=Ingo&email=ingo%40stories.example&password={password}");
            let right = form(app, path.clone(), &fields("correct+horse+battery"));
            Story::of(app, right.clone(), 200, vec![on("accept_invitation", "invitation", &id)])
                .refuses(form(app, path, &fields("short")), 422, "")
                .then(right, 404, "")
        }
        "create_invitation" => {
            let manager = &town.bakery.manager.token;
            let too_high = app.post("/api/v1/invitations", json!({ "role": "owner" })).bearer(manager);
            let entries = vec![answered("create_invitation", "invitation", "/invitation/id")];
            Story::of(app, invite("driver"), 201, entries)
                .refuses(invite("operator"), 422, "invalid")
                .refuses(too_high, 403, "")
        }
        _ => {
            let revoke = |id: &str| app.delete(format!("/api/v1/invitations/{id}")).bearer(&owner.token);
            let accepted = invite("customer").await.is(201);
            let body = json!({ "token": last_segment(&accepted.text("/link")), "name": "Iris", "email":
                "iris@stories.example", "password": PASSWORD });
            app.post("/api/v1/auth/invitations/accept", body).await.is(201);
            Story::of(app, revoke(&id), 204, vec![on("revoke_invitation", "invitation", &id)])
                .refuses(revoke(&nobody("invite")), 404, "not_found")
                .refuses(revoke(&accepted.text("/invitation/id")), 409, "accepted")
                // Once more is the same as once; that somebody asked is kept.
                .then_leaves(revoke(&id), 204, on("revoke_invitation", "invitation", &id))
        }
    }
}

async fn api_keys<'a>(operation: &str, town: &'a Town) -> Story<'a> {
    let app = &town.app;
    let manager = &town.bakery.manager;
    if operation == "create_api_key" {
        let create = |scope: &str| {
            let body = json!({ "kind": "api", "name": "Till", "scopes": [scope] });
            app.post("/api/v1/api-keys", body).bearer(&manager.token)
        };
        let entries = vec![answered("create_api_key", "api_key", "/api_key/id")];
        return Story::of(app, create("members:read"), 201, entries).refuses(
            create("members:burn"),
            422,
            "invalid",
        );
    }
    let id = app.api_key(manager, "api", &["members:read"]).await.text("/api_key/id");
    let revoke = |id: &str| app.delete(format!("/api/v1/api-keys/{id}")).bearer(&manager.token);
    Story::of(app, revoke(&id), 204, vec![on("revoke_api_key", "api_key", &id)])
        .refuses(revoke(&nobody("key")), 404, "not_found")
        .then(revoke(&id), 404, "not_found")
}

async fn organizations<'a>(operation: &str, town: &'a Town) -> Story<'a> {
    let app = &town.app;
    if operation == "create_organization" {
        let create = |zone: &str| {
            let body = json!({ "name": "Butcher", "time_zone": zone, "currency": "EUR" });
            app.post("/api/v1/organizations", body).bearer(&town.operator.token)
        };
        let entries = vec![answered("create_organization", "organization", "/id")];
        return Story::of(app, create("Europe/Berlin"), 201, entries).refuses(
            create("Europe/Atlantis"),
            422,
            "invalid",
        );
    }
    let path = |id: &str| format!("/api/v1/organizations/{id}");
    let owner = &town.bakery.owner.token;
    let version = app.get(path(town.bakery.id())).bearer(owner).await.is(200).version();
    let update =
        |id: &str| app.patch(path(id), json!({ "name": "Bakery 2" })).bearer(owner).if_match(version);
    let entries = vec![on("update_organization", "organization", town.bakery.id())];
    Story::of(app, update(town.bakery.id()), 200, entries)
        .refuses(update(town.florist.id()), 404, "not_found")
        .then(update(town.bakery.id()), 412, "stale")
}

async fn members<'a>(operation: &str, town: &'a Town) -> Story<'a> {
    let app = &town.app;
    let owner = &town.bakery.owner;
    let who = somebody(town, "driver", operation).await;
    let (id, own) = (app.member_of(owner, &who.user).await, app.member_of(owner, &owner.user).await);
    let path = |id: &str| format!("/api/v1/members/{id}");
    match operation {
        "update_member" => {
            let update = |id: &str, role: &str| {
                app.patch(path(id), json!({ "role": role })).bearer(&owner.token).if_match(1)
            };
            Story::of(app, update(&id, "dispatcher"), 200, vec![on("update_member", "membership", &id)])
                .refuses(update(&own, "driver"), 409, "last_owner")
                .refuses(update(&nobody("member"), "driver"), 404, "not_found")
                .then(update(&id, "manager"), 412, "stale")
        }
        "remove_member" => {
            let remove = |id: &str| app.delete(path(id)).bearer(&owner.token);
            Story::of(app, remove(&id), 204, vec![on("remove_member", "membership", &id)])
                .refuses(remove(&own), 409, "last_owner")
                .then(remove(&id), 404, "not_found")
        }
        "sign_out_member" => {
            let call = |id: &str| app.client.post(path(id) + "/sign-out").bearer(&owner.token);
            Story::of(app, call(&id), 204, vec![on("sign_out_member", "membership", &id)]).refuses(
                call(&nobody("member")),
                404,
                "not_found",
            )
        }
        other => panic!("{other} has no row"),
    }
}
