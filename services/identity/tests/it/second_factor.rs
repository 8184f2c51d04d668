//! Authenticator apps and recovery codes: the second step of signing in, step-up, and organisations that ask for it.

use futures::future::join_all;
use identity::domain::totp::Authenticator;
use kernel::time::{Clock as _, SignedDuration};
use platform::vault::Private;
use serde_json::{Value, json};
use testkit::http::{Call, Reply};

use crate::app::{Actor, App, Login, PASSWORD, PIN, Town, claims, nobody, phone};

/// A person's phone: shows codes.
pub struct Phone(Authenticator);

impl Phone {
    /// From the secret that was shown.
    pub fn of(secret: &str) -> Self {
        Self(Authenticator::read(&Private::from(secret)).unwrap())
    }

    /// What it shows now.
    pub fn code(&self, app: &App) -> String {
        self.0.code(app.db.clock.now())
    }

    /// A code that it shows at no time around now.
    pub fn wrong(&self, app: &App) -> String {
        let now = app.db.clock.now();
        let shown: Vec<String> = (-2..=2)
            .map(|steps| self.0.code(now.checked_add(SignedDuration::from_secs(30 * steps)).unwrap()))
            .collect();
        (100_000..100_010).map(|n: u32| n.to_string()).find(|code| !shown.contains(code)).unwrap()
    }
}

fn enrol(app: &App, actor: &Actor) -> Call {
    app.client.post("/api/v1/users/me/totp").bearer(&actor.token)
}

fn confirm(app: &App, actor: &Actor, code: &str) -> Call {
    app.post("/api/v1/users/me/totp/confirm", json!({ "code": code })).bearer(&actor.token)
}

/// Sets up an app; it and the recovery codes. The code that confirmed it has passed.
pub async fn set_up(app: &App, actor: &Actor) -> (Phone, Vec<String>) {
    let phone = Phone::of(&enrol(app, actor).await.is(200).text("/secret"));
    let shown = confirm(app, actor, &phone.code(app)).await.is(200).json();
    let codes = shown["recovery_codes"].as_array().unwrap().iter();
    let codes: Vec<String> = codes.map(|code| code.as_str().unwrap().to_owned()).collect();
    assert_eq!(codes.len(), 10);
    app.pass(SignedDuration::from_mins(1));
    (phone, codes)
}

/// The challenge that the first step gives.
pub async fn first_step(app: &App, login: &Login) -> String {
    app.sign_in(login).await.refused(401, "second_factor_required").text("/challenge")
}

fn second_step(app: &App, challenge: &str, code: &str) -> Call {
    app.post("/api/v1/auth/login/second-factor", json!({ "challenge": challenge, "code": code }))
}

async fn state(app: &App, actor: &Actor) -> Value {
    app.get("/api/v1/users/me/second-factor").bearer(&actor.token).await.is(200).json()
}

fn reauthenticate(app: &App, actor: &Actor, proof: Value) -> Call {
    app.post("/api/v1/auth/reauthenticate", proof).bearer(&actor.token)
}

#[tokio::test]
async fn signing_in_takes_a_second_step_once_an_app_is_confirmed() {
    let app = App::new().await;
    let founder = app.founder().await;
    let other = app.again(&founder).await;
    let shown = enrol(&app, &founder).await.is(200);
    assert!(shown.text("/uri").starts_with("otpauth://totp/DropMate:olga%40example.org?secret="));
    assert!(shown.text("/qr_svg").starts_with("<svg"));
    let phone = Phone::of(&shown.text("/secret"));
    app.sign_in(&founder.login).await.is(200);
    confirm(&app, &founder, &phone.wrong(&app)).await.refused(403, "wrong_code");
    confirm(&app, &founder, &phone.code(&app)).await.is(200);
    assert_eq!(state(&app, &founder).await["recovery_codes_left"], 10);
    app.get("/api/v1/users/me").bearer(&other.token).await.refused(401, "invalid_token");
    app.refresh(&other.refresh).await.refused(401, "session_ended");
    app.pass(SignedDuration::from_mins(1));

    let asked = app.sign_in(&founder.login).await.refused(401, "second_factor_required");
    assert_eq!(asked.json()["methods"], json!(["totp", "recovery_code"]));
    assert_eq!(asked.json()["expires_in"], 300);
    assert!(asked.header("set-cookie").is_empty());
    assert_eq!(asked.header("cache-control"), "no-store");
    let challenge = asked.text("/challenge");
    second_step(&app, &challenge, &phone.wrong(&app)).await.refused(401, "wrong_code");
    let code = phone.code(&app);
    let reply = second_step(&app, &challenge, &code).await.is(200);
    app.get("/api/v1/users/me").bearer(&reply.text("/access_token")).await.is(200);
    second_step(&app, &challenge, &code).await.refused(401, "challenge_expired");
    app.finish().await;
}

#[tokio::test]
async fn a_code_works_once_however_many_try_it_at_once() {
    let app = App::new().await;
    let founder = app.founder().await;
    let (phone, _) = set_up(&app, &founder).await;
    let mut challenges = Vec::new();
    for _ in 0..4 {
        challenges.push(first_step(&app, &founder.login).await);
    }
    let code = phone.code(&app);
    let tries = challenges.iter().map(|challenge| second_step(&app, challenge, &code).send());
    let replies = join_all(tries).await;
    let opened = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(opened, 1);
    assert!(replies.iter().all(|reply| reply.status == 200 || reply.code() == "wrong_code"));
    // The same challenge, many at once: one session.
    app.pass(SignedDuration::from_mins(3));
    let challenge = first_step(&app, &founder.login).await;
    let code = phone.code(&app);
    let replies = join_all((0..4).map(|_| second_step(&app, &challenge, &code).send())).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    app.finish().await;
}

#[tokio::test]
async fn an_older_code_does_not_work_after_a_newer_one() {
    let app = App::new().await;
    let founder = app.founder().await;
    let (phone, _) = set_up(&app, &founder).await;
    let watched = phone.code(&app);
    app.pass(SignedDuration::from_secs(30));
    let challenge = first_step(&app, &founder.login).await;
    second_step(&app, &challenge, &phone.code(&app)).await.is(200);
    let challenge = first_step(&app, &founder.login).await;
    second_step(&app, &challenge, &watched).await.refused(401, "wrong_code");
    app.finish().await;
}

#[tokio::test]
async fn each_recovery_code_works_once_and_new_ones_end_the_old() {
    let app = App::new().await;
    let founder = app.founder().await;
    let (_, codes) = set_up(&app, &founder).await;
    let with = |challenge: String, code: String| {
        let app = &app;
        async move { second_step(app, &challenge, &code).await }
    };
    let challenge = first_step(&app, &founder.login).await;
    // As people type it.
    let session = with(challenge, codes[0].to_uppercase().replace('-', " ")).await.is(200);
    let founder = Actor::signed_in(&session, founder.login.clone());
    assert_eq!(state(&app, &founder).await["recovery_codes_left"], 9);
    let challenge = first_step(&app, &founder.login).await;
    with(challenge.clone(), codes[0].clone()).await.refused(401, "wrong_code");
    with(challenge, codes[1].clone()).await.is(200);
    let fresh =
        app.client.post("/api/v1/users/me/recovery-codes").bearer(&founder.token).await.is(200).json();
    assert_eq!(state(&app, &founder).await["recovery_codes_left"], 10);
    app.pass(SignedDuration::from_mins(30));
    let challenge = first_step(&app, &founder.login).await;
    with(challenge.clone(), codes[2].clone()).await.refused(401, "wrong_code");
    with(challenge, fresh["recovery_codes"][0].as_str().unwrap().to_owned()).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn an_app_that_was_never_confirmed_protects_nothing() {
    let app = App::new().await;
    let founder = app.founder().await;
    let first = enrol(&app, &founder).await.is(200).text("/secret");
    let second = enrol(&app, &founder).await.is(200).text("/secret");
    assert_ne!(first, second);
    app.sign_in(&founder.login).await.is(200);
    assert_eq!(
        state(&app, &founder).await,
        json!({ "enabled": false, "recovery_codes_left": 0, "required": false })
    );
    confirm(&app, &founder, &Phone::of(&first).code(&app)).await.refused(403, "wrong_code");
    app.pass(SignedDuration::from_mins(15));
    let founder = app.again(&founder).await;
    confirm(&app, &founder, &Phone::of(&second).code(&app)).await.refused(409, "enrolment_expired");
    confirm(&app, &founder, "123456").await.refused(409, "enrolment_expired");
    let phone = Phone::of(&enrol(&app, &founder).await.is(200).text("/secret"));
    confirm(&app, &founder, &phone.code(&app)).await.is(200);
    confirm(&app, &founder, &phone.code(&app)).await.refused(409, "totp_enrolled");
    enrol(&app, &founder).await.refused(409, "totp_enrolled");
    app.finish().await;
}

#[tokio::test]
async fn a_stolen_access_token_changes_no_second_factor() {
    let town = Town::new().await;
    let app = &town.app;
    let manager = &town.bakery.manager;
    app.pass(SignedDuration::from_mins(10));
    enrol(app, manager).await.refused(403, "reauthentication_required");
    reauthenticate(app, manager, json!({ "password": "wrong horse battery" }))
        .await
        .refused(403, "wrong_password");
    reauthenticate(app, manager, json!({ "pin": PIN })).await.refused(403, "wrong_pin");
    reauthenticate(app, manager, json!({ "code": "123456" })).await.refused(403, "wrong_code");
    reauthenticate(app, manager, json!({})).await.refused(422, "invalid");
    reauthenticate(app, manager, json!({ "password": PASSWORD, "code": "123456" }))
        .await
        .refused(422, "invalid");
    reauthenticate(app, manager, json!({ "password": PASSWORD })).await.is(204);
    let (phone, codes) = set_up(app, manager).await;
    app.pass(SignedDuration::from_mins(10));
    // The access token of the session has expired by now.
    let tokens = app.refresh(&manager.refresh).await.is(200);
    let manager =
        Actor { refresh: tokens.text("/refresh_token"), ..Actor::signed_in(&tokens, manager.login.clone()) };
    let disable = || app.client.post("/api/v1/users/me/totp/disable").bearer(&manager.token);
    disable().await.refused(403, "reauthentication_required");
    let codes_again = app.client.post("/api/v1/users/me/recovery-codes").bearer(&manager.token);
    codes_again.await.refused(403, "reauthentication_required");
    reauthenticate(app, &manager, json!({ "code": phone.wrong(app) })).await.refused(403, "wrong_code");
    reauthenticate(app, &manager, json!({ "code": codes[3] })).await.is(204);
    disable().await.is(204);
    disable().await.refused(409, "totp_not_enrolled");
    let again = app.client.post("/api/v1/users/me/recovery-codes").bearer(&manager.token);
    again.await.refused(409, "second_factor_missing");
    app.sign_in(&manager.login).await.is(200);
    assert_eq!(app.count("SELECT count(*) FROM identity.recovery_codes").await, 0);
    town.app.finish().await;
}

#[tokio::test]
async fn a_challenge_lives_five_minutes_and_belongs_to_one_person() {
    let town = Town::new().await;
    let app = &town.app;
    let (owner, manager) = (&town.bakery.owner, &town.bakery.manager);
    let (owners, _) = set_up(app, owner).await;
    let (managers, _) = set_up(app, manager).await;
    let challenge = first_step(app, &owner.login).await;
    second_step(app, &challenge, &managers.code(app)).await.refused(401, "wrong_code");
    app.pass(SignedDuration::from_mins(5));
    second_step(app, &challenge, &owners.code(app)).await.refused(401, "challenge_expired");
    second_step(app, &nobody("dmc"), &owners.code(app)).await.refused(401, "challenge_expired");
    // A first step that was begun before the app was removed leads nowhere.
    let challenge = first_step(app, &owner.login).await;
    let session = first_step(app, &owner.login).await;
    let session = second_step(app, &session, &owners.code(app)).await.is(200);
    app.client.post("/api/v1/users/me/totp/disable").bearer(&session.text("/access_token")).await.is(204);
    app.pass(SignedDuration::from_secs(30));
    second_step(app, &challenge, &owners.code(app)).await.refused(401, "challenge_expired");
    town.app.finish().await;
}

#[tokio::test]
async fn drivers_with_a_number_and_a_pin_can_have_one_too() {
    let town = Town::new().await;
    let app = &town.app;
    let driver = &town.bakery.driver;
    let shown = enrol(app, driver).await.is(200);
    assert!(shown.text("/uri").contains("%2B4930"), "{shown}");
    let phone = Phone::of(&shown.text("/secret"));
    confirm(app, driver, &phone.code(app)).await.is(200);
    app.pass(SignedDuration::from_mins(12));
    reauthenticate(app, driver, json!({ "pin": PIN })).await.is(204);
    let challenge = first_step(app, &driver.login).await;
    second_step(app, &challenge, &phone.code(app)).await.is(200);
    town.app.finish().await;
}

/// Tries wrong codes; how many were looked at.
async fn guess(app: &App, login: &Login, phone: &Phone, times: usize) -> usize {
    let challenge = first_step(app, login).await;
    let mut looked_at = 0;
    for _ in 0..times {
        let reply: Reply = second_step(app, &challenge, &phone.wrong(app)).await;
        match reply.status {
            401 => looked_at += 1,
            429 => assert!(!reply.header("retry-after").is_empty()),
            _ => panic!("{reply}"),
        }
    }
    looked_at
}

#[tokio::test]
async fn codes_are_guessed_five_times_a_minute_and_ten_times_in_half_an_hour() {
    let app = App::new().await;
    let founder = app.founder().await;
    let (phone, _) = set_up(&app, &founder).await;
    app.pass(SignedDuration::from_mins(30));
    assert_eq!(guess(&app, &founder.login, &phone, 12).await, 5);
    app.pass(SignedDuration::from_mins(1));
    assert_eq!(guess(&app, &founder.login, &phone, 12).await, 5);
    app.pass(SignedDuration::from_mins(1));
    let blocked = first_step(&app, &founder.login).await;
    let refused = second_step(&app, &blocked, &phone.code(&app)).await.refused(429, "rate_limited");
    let wait: i64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=180).contains(&wait), "nobody is locked out for long: {wait}");
    app.pass(SignedDuration::from_secs(wait));
    second_step(&app, &blocked, &phone.code(&app)).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn guessing_at_another_door_counts_as_well() {
    let app = App::new().await;
    let founder = app.founder().await;
    let (phone, _) = set_up(&app, &founder).await;
    app.pass(SignedDuration::from_mins(30));
    let founder_again = app.refresh(&founder.refresh).await.is(200);
    let founder = Actor::signed_in(&founder_again, founder.login);
    for _ in 0..5 {
        let wrong = json!({ "code": phone.wrong(&app) });
        reauthenticate(&app, &founder, wrong).await.refused(403, "wrong_code");
    }
    assert_eq!(guess(&app, &founder.login, &phone, 3).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn an_organisation_asks_its_owners_and_managers_for_one() {
    let town = Town::new().await;
    let app = &town.app;
    let (owner, manager) = (&town.bakery.owner, &town.bakery.manager);
    let path = format!("/api/v1/organizations/{}", town.bakery.id());
    let ask = |by: &Actor, required: bool, version: i64| {
        app.patch(&path, json!({ "second_factor_required": required })).bearer(&by.token).if_match(version)
    };
    ask(manager, true, 1).await.refused(403, "forbidden");
    ask(owner, true, 1).await.refused(409, "second_factor_missing");
    set_up(app, owner).await;
    assert_eq!(ask(owner, true, 1).await.is(200).json()["second_factor_required"], true);
    app.patch(&path, json!({ "name": "Bakery" })).bearer(&manager.token).if_match(2).await.is(200);

    let tokens = app.refresh(&manager.refresh).await.is(200);
    assert_eq!(tokens.json()["second_factor_missing"], true);
    let limited =
        Actor { refresh: tokens.text("/refresh_token"), ..Actor::signed_in(&tokens, manager.login.clone()) };
    assert_eq!(claims(&limited.token)["scopes"], json!(["second_factor:enrol"]));
    let mut refused = 0;
    for operation in app.document.operations().all() {
        let open = operation.permission.scope == Some("second_factor:enrol");
        let fits = operation.permission.roles.contains(&platform::auth::Role::Manager);
        if open || !fits || operation.permission.is_public() || operation.probe {
            continue;
        }
        let path = operation.template.replace("{id}", &nobody("x"));
        let call = app.client.call(operation.method.clone(), path).bearer(&limited.token);
        call.await.refused(403, "second_factor_missing");
        refused += 1;
    }
    assert!(refused > 15, "{refused}");
    // By every way to a token.
    let again = app.sign_in(&manager.login).await.is(200);
    assert_eq!(again.json()["second_factor_missing"], true);
    let inside = json!({ "organization_id": town.bakery.id() });
    let switched = app.post("/api/v1/auth/switch", inside).bearer(&limited.token).await.is(200);
    assert_eq!(switched.json()["second_factor_missing"], true);
    for role in [&town.bakery.dispatcher, &town.bakery.driver, &town.florist.manager] {
        assert!(app.sign_in(&role.login).await.is(200).json()["second_factor_missing"].is_null());
    }

    app.get("/api/v1/users/me").bearer(&limited.token).await.is(200);
    assert_eq!(state(app, &limited).await["required"], true);
    reauthenticate(app, &limited, json!({ "password": PASSWORD })).await.is(204);
    set_up(app, &limited).await;
    app.get("/api/v1/members").bearer(&limited.token).await.refused(403, "second_factor_missing");
    let tokens = app.refresh(&limited.refresh).await.is(200);
    assert!(tokens.json()["second_factor_missing"].is_null());
    app.get("/api/v1/members").bearer(&tokens.text("/access_token")).await.is(200);
    let disable = app.client.post("/api/v1/users/me/totp/disable").bearer(&tokens.text("/access_token"));
    disable.await.refused(409, "second_factor_required");
    assert_eq!(state(app, &Actor::signed_in(&tokens, manager.login.clone())).await["enabled"], true);
    town.app.finish().await;
}

#[tokio::test]
async fn an_invitation_is_no_way_around_it() {
    let town = Town::new().await;
    let app = &town.app;
    let (phone, codes) = set_up(app, &town.florist.manager).await;
    let token = app.invite(&town.bakery.owner, "dispatcher").await;
    let join = |code: Option<&str>| {
        let mut body = town.florist.manager.login.body();
        (body["token"], body["name"]) = (token.as_str().into(), "x".into());
        if let Some(code) = code {
            body["code"] = code.into();
        }
        app.post("/api/v1/auth/invitations/accept", body)
    };
    let asked = join(None).await.refused(401, "second_factor_required");
    assert!(asked.json()["challenge"].is_null());
    join(Some(&phone.wrong(app))).await.refused(401, "wrong_code");
    join(Some(&codes[0])).await.is(201);
    let twice = app.count("SELECT count(*) FROM identity.recovery_codes WHERE used_at IS NOT NULL").await;
    assert_eq!(twice, 1);
    town.app.finish().await;
}

#[tokio::test]
async fn the_page_of_an_invitation_asks_for_the_code_when_it_is_needed() {
    let town = Town::new().await;
    let app = &town.app;
    let (phone, _) = set_up(app, &town.florist.manager).await;
    let token = app.invite(&town.bakery.owner, "dispatcher").await;
    let submit = |code: &str| {
        let form = format!("name=Max&email=max%40florist.example&password=correct+horse+battery{code}");
        let call = app.client.post(format!("/join/{token}")).from(app.source());
        call.header("content-type", "application/x-www-form-urlencoded").body(form)
    };
    let page = |reply: Reply| String::from_utf8_lossy(&reply.body).into_owned();
    assert!(!page(app.get(format!("/join/{token}")).await.is(200)).contains("one-time-code"));
    assert!(page(submit("").await.is(401)).contains("one-time-code"));
    let wrong = format!("&code={}", phone.wrong(app));
    assert!(page(submit(&wrong).await.is(401)).contains("The code is not right"));
    let right = format!("&code={}", phone.code(app));
    assert!(page(submit(&right).await.is(200)).contains("You are a dispatcher of Bakery now."));
    town.app.finish().await;
}

#[tokio::test]
async fn a_new_password_does_not_take_the_second_factor_away() {
    let app = App::new().await;
    let founder = app.founder().await;
    set_up(&app, &founder).await;
    app.post("/api/v1/auth/password/forgot", json!({ "email": "olga@example.org" })).await.is(204);
    let (_, link) = app.mailed().await.remove(0);
    let body = json!({ "token": link, "password": "staple horse battery" });
    app.post("/api/v1/auth/password/reset", body).await.is(204);
    let login = json!({ "email": "olga@example.org", "password": "staple horse battery" });
    app.post("/api/v1/auth/login", login).await.refused(401, "second_factor_required");
    app.finish().await;
}

#[tokio::test]
async fn the_operator_on_the_machine_helps_who_has_lost_everything() {
    let app = App::new().await;
    let founder = app.founder().await;
    let (phone, _) = set_up(&app, &founder).await;
    let begun = first_step(&app, &founder.login).await;
    let email = identity::domain::contact::Email::parse("olga@example.org").unwrap();
    let reset = |second_factor| {
        identity::commands::password_reset::operator_link(&app.identity, &email, second_factor)
    };
    reset(false).await.unwrap().unwrap();
    app.sign_in(&founder.login).await.refused(401, "second_factor_required");
    assert!(!app.audited().await.contains(&"user.reset_second_factor".to_owned()));
    reset(true).await.unwrap().unwrap();
    assert!(app.audited().await.contains(&"user.reset_second_factor".to_owned()));
    second_step(&app, &begun, &phone.code(&app)).await.refused(401, "challenge_expired");
    app.sign_in(&founder.login).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn secrets_and_codes_are_stored_so_that_a_stolen_database_does_not_show_them() {
    let app = App::new().await;
    let founder = app.founder().await;
    let call = || app.client.post("/api/v1/users/me/totp").bearer(&founder.token).key("enrol");
    let secret = call().await.is(200).text("/secret");
    assert_eq!(call().await.is(200).text("/secret"), secret, "the same request, the same answer");
    let phone = Phone::of(&secret);
    let code = phone.code(&app);
    let shown = confirm(&app, &founder, &code).key("confirm").await.is(200).json();
    assert_eq!(confirm(&app, &founder, &code).key("confirm").await.is(200).json(), shown);
    app.pass(SignedDuration::from_mins(1));
    let challenge = first_step(&app, &founder.login).await;
    let stored = crate::privacy::everything(&app).await;
    let logged = app.logs.text();
    let mut canaries = vec![secret, challenge];
    for code in shown["recovery_codes"].as_array().unwrap() {
        let code = code.as_str().unwrap();
        canaries.extend([code.to_owned(), code.replace('-', "")]);
    }
    for canary in &canaries {
        for form in crate::privacy::forms(canary) {
            assert!(!stored.contains(&form) && !logged.contains(&form), "{canary}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn everything_leaves_its_audit_row() {
    let town = Town::new().await;
    let app = &town.app;
    let manager = &town.bakery.manager;
    let before = app.audited().await.len();
    let (phone, _) = set_up(app, manager).await;
    let challenge = first_step(app, &manager.login).await;
    let session = second_step(app, &challenge, &phone.code(app)).await.is(200);
    let token = session.text("/access_token");
    app.client.post("/api/v1/users/me/recovery-codes").bearer(&token).await.is(200);
    app.post("/api/v1/auth/reauthenticate", json!({ "password": PASSWORD })).bearer(&token).await.is(204);
    app.client.post("/api/v1/users/me/totp/disable").bearer(&token).await.is(204);
    let expected = [
        "enrol_totp",
        "confirm_totp",
        "sign_in",
        "sign_in",
        "regenerate_recovery_codes",
        "reauthenticate",
        "disable_totp",
    ];
    assert_eq!(app.audited().await[before..], expected);
    town.app.finish().await;
}

#[tokio::test]
async fn a_driver_joins_with_a_pin_that_is_not_tried_first() {
    let app = App::new().await;
    let founder = app.founder().await;
    let token = app.invite(&founder, "driver").await;
    let number = phone();
    let join = |pin: &str| {
        let body = json!({ "token": token, "name": "Dan", "phone": number, "pin": pin });
        app.post("/api/v1/auth/invitations/accept", body)
    };
    for pin in ["123456", "111111", "198407", "240784"] {
        let refused = join(pin).await.refused(422, "invalid");
        assert_eq!(refused.text("/errors/0/pointer"), "/pin");
        assert!(refused.text("/errors/0/detail").contains("too easy to guess"));
    }
    join(PIN).await.is(201);
    app.finish().await;
}
