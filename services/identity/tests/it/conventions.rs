//! What holds for every operation, seen on those of identity: idempotency, versions, pages, strictness.

use std::collections::BTreeSet;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::app::{App, Town};

#[tokio::test]
async fn a_repeated_request_has_one_effect_and_the_same_answer() {
    let town = Town::new().await;
    let app = &town.app;
    let invite = |key: &str, role: &str| {
        app.post("/api/v1/invitations", json!({ "role": role })).bearer(&town.bakery.owner.token).key(key)
    };
    let count = "SELECT count(*) FROM identity.invitations WHERE accepted_at IS NULL";
    let first = invite("one", "driver").await.is(201);
    let again = invite("one", "driver").await.is(201);
    assert_eq!(
        (first.body.clone(), first.header("location")),
        (again.body.clone(), again.header("location"))
    );
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
    assert_eq!(app.count(count).await, 1);
    invite("one", "customer").await.refused(422, "idempotency_mismatch");
    // The same key of another organisation and of another person is another key.
    let other =
        |token: &str| app.post("/api/v1/invitations", json!({ "role": "driver" })).bearer(token).key("one");
    for token in [&town.florist.owner.token, &town.bakery.manager.token] {
        let reply = other(token).await.is(201);
        assert_eq!(reply.header("idempotency-replayed"), "");
        assert_ne!(reply.body, first.body);
    }
    assert_eq!(app.count(count).await, 3);
    town.app.finish().await;
}

#[tokio::test]
async fn many_identical_requests_at_once_have_one_effect() {
    let town = Town::new().await;
    let app = &town.app;
    let body = json!({ "kind": "api", "name": "Till", "scopes": ["members:read"] });
    let before = app.count("SELECT count(*) FROM identity.api_keys").await;
    let race = (0..16)
        .map(|_| app.post("/api/v1/api-keys", body.clone()).bearer(&town.bakery.owner.token).key("k").send());
    let replies = join_all(race).await;
    let mut secrets = BTreeSet::new();
    for reply in &replies {
        match reply.status {
            201 => drop(secrets.insert(reply.text("/secret"))),
            409 => assert_eq!(reply.code(), "idempotency_running"),
            _ => panic!("{reply}"),
        }
    }
    assert_eq!(secrets.len(), 1);
    assert_eq!(app.count("SELECT count(*) FROM identity.api_keys").await, before + 1);
    town.app.finish().await;
}

#[tokio::test]
async fn replays_do_not_spoil_connections() {
    let town = Town::new().await;
    let app = &town.app;
    let revoke = || {
        app.delete(format!("/api/v1/api-keys/{}", crate::app::nobody("key")))
            .bearer(&town.bakery.owner.token)
            .key("k")
    };
    for _ in 0..20 {
        revoke().await.refused(404, "not_found");
        let other = json!({ "role": "driver" });
        app.post("/api/v1/invitations", other).bearer(&town.bakery.owner.token).key("m").await.is(201);
        app.post("/api/v1/invitations", json!({ "role": "customer" }))
            .bearer(&town.bakery.owner.token)
            .key("m")
            .await
            .is(422);
    }
    let reads = (0..32).map(|_| app.get("/api/v1/members").bearer(&town.bakery.owner.token).send());
    assert!(join_all(reads).await.iter().all(|reply| reply.status == 200));
    town.app.finish().await;
}

#[tokio::test]
async fn a_damaged_key_is_refused() {
    let town = Town::new().await;
    for key in ["", "a b", &"k".repeat(256), "ü"] {
        let call = town
            .app
            .post("/api/v1/invitations", json!({ "role": "driver" }))
            .bearer(&town.bakery.owner.token);
        assert_eq!(call.header("idempotency-key", key).await.status, 400, "{key}");
    }
    town.app.finish().await;
}

#[tokio::test]
async fn updates_name_the_version_that_they_start_from() {
    let town = Town::new().await;
    let app = &town.app;
    let path = format!("/api/v1/organizations/{}", town.bakery.id());
    let read = app.get(&path).bearer(&town.bakery.manager.token).await.is(200);
    let version = read.version();
    let tag = read.header("etag").to_owned();
    app.get(&path).bearer(&town.bakery.manager.token).header("if-none-match", &tag).await.is(304);
    let change = |name: &str| app.patch(&path, json!({ "name": name })).bearer(&town.bakery.manager.token);
    change("x").await.refused(428, "precondition_required");
    change("x").header("if-match", "1").await.is(400);
    change("x").header("if-match", &format!("W/{tag}")).await.refused(412, "stale");
    assert_eq!(change("One").if_match(version).await.is(200).version(), version + 1);
    let stale = change("Two").if_match(version).await.refused(412, "stale");
    assert_eq!(stale.json()["current_version"], version + 1);
    let read = app.get(&path).bearer(&town.bakery.manager.token).header("if-none-match", &tag).await.is(200);
    assert_eq!(read.text("/name"), "One");
    let race = (0..8).map(|n| change(&format!("Race {n}")).if_match(version + 1).send());
    let won = join_all(race).await.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(won, 1, "of many updates from one version one wins");
    town.app.finish().await;
}

#[tokio::test]
async fn pages_show_every_row_once_while_others_are_added() {
    let app = App::new().await;
    let founder = app.founder().await;
    let mut wanted = BTreeSet::new();
    for _ in 0..25 {
        let made =
            app.post("/api/v1/invitations", json!({ "role": "driver" })).bearer(&founder.token).await.is(201);
        wanted.insert(made.text("/invitation/id"));
        app.pass(kernel::time::SignedDuration::from_millis(1));
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app
            .get(format!("/api/v1/invitations?limit=4{cursor}"))
            .bearer(&founder.token)
            .await
            .is(200)
            .json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 4);
        seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        app.post("/api/v1/invitations", json!({ "role": "driver" })).bearer(&founder.token).await.is(201);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 25, "no row twice");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), wanted);
    app.finish().await;
}

#[tokio::test]
async fn lists_refuse_what_is_no_page() {
    let town = Town::new().await;
    for (query, status) in [
        ("limit=0", 422),
        ("limit=201", 422),
        ("limit=5.0", 422),
        ("limit=1&limit=2", 422),
        ("page=2", 422),
        ("cursor=!", 400),
        ("cursor=WzFd", 400),
        ("limit=%ff", 400),
        ("role=boss", 422),
        ("role=driver&limit=1", 200),
    ] {
        let reply = town.app.get(format!("/api/v1/members?{query}")).bearer(&town.bakery.owner.token).await;
        assert_eq!(reply.status, status, "{reply}");
    }
    let drivers =
        town.app.get("/api/v1/members?role=driver").bearer(&town.bakery.owner.token).await.is(200).json();
    assert_eq!(drivers["items"].as_array().unwrap().len(), 1);
    town.app.finish().await;
}

/// E4: fields that nobody offered are refused on every operation that takes a body.
#[tokio::test]
async fn no_operation_takes_a_field_that_it_does_not_know() {
    let town = Town::new().await;
    let mut tried = 0;
    for operation in town.app.document.operations().all() {
        let method = operation.method.as_str().to_lowercase();
        let item = &town.app.document.value()["paths"][&*operation.template][&method];
        let Some(schema) = item.pointer("/requestBody/content/application~1json/schema") else { continue };
        let name = schema["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        let example = &town.app.document.value()["components"]["schemas"][name]["example"];
        assert!(example.is_object(), "{}: no example", operation.id);
        let token = if operation.id == "create_organization" {
            &town.operator.token
        } else {
            &town.bakery.owner.token
        };
        for extra in ["tenant_id", "org_id", "id", "status", "driver_id", "operator", "price"] {
            let mut body: Value = example.clone();
            body[extra] = "x".into();
            let path = operation.template.replace("{id}", &crate::app::nobody("member"));
            let call = town
                .app
                .client
                .call(operation.method.clone(), path)
                .json(&body)
                .if_match(1)
                .from(town.app.source());
            let call = if operation.permission.is_public() { call } else { call.bearer(token) };
            let reply = call.await;
            assert!([404, 422].contains(&reply.status), "{}: {reply}", operation.id);
            tried += 1;
        }
    }
    assert!(tried > 80, "{tried}");
    town.app.finish().await;
}

#[tokio::test]
async fn nul_is_refused_wherever_it_stands() {
    let town = Town::new().await;
    let app = &town.app;
    let name = json!({ "name": "a\u{0}b" });
    let path = format!("/api/v1/organizations/{}", town.bakery.id());
    app.patch(&path, name).bearer(&town.bakery.owner.token).if_match(1).await.refused(422, "invalid");
    app.get("/api/v1/members?cursor=%00").bearer(&town.bakery.owner.token).await.is(422);
    app.get("/api/v1/users/user_%00").bearer(&town.bakery.owner.token).await.is(404);
    let body = r#"{"email":"a@b.example","password":"\u0000"}"#;
    let raw = app.client.post("/api/v1/auth/login").header("content-type", "application/json").body(body);
    raw.await.refused(422, "invalid");
    town.app.finish().await;
}
