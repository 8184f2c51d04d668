//! Services in processes of their own, from outside.

use std::process::Command;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::sandbox::{App, Cluster, Plan, Shape};

const NOTHING: Value = Value::Null;

/// What an owner does on the first day, in either shape.
async fn the_first_day(shape: Shape) -> anyhow::Result<()> {
    let dir = testkit::cluster::temp_dir("dropmate-shape-")?;
    let mut app = App::start(shape, dir.path(), &[]).await?;
    let owner = app.first_run().await?;
    let token = owner.access_token.as_str();
    let (status, me) = app.call(Method::GET, "/api/v1/users/me", token, &NOTHING).await?;
    assert_eq!((status, me["email"].as_str()), (200, Some("ada@example.org")), "{me}");

    // Problems are told in the same words, with the ids of the request.
    let (status, problem) = app.call(Method::GET, "/api/v1/users/me", "nonsense", &NOTHING).await?;
    assert_eq!((status, problem["code"].as_str()), (401, Some("invalid_token")), "{problem}");
    assert!(problem["request_id"].as_str().is_some_and(|id| id.starts_with("req_")), "{problem}");
    let (status, problem) = app.call(Method::POST, "/api/v1/auth/login", "", &json!({ "x": 1 })).await?;
    assert_eq!((status, problem["code"].as_str()), (422, Some("invalid")), "{problem}");
    assert_eq!(app.call(Method::GET, "/internal/identity/key-exchange", token, &NOTHING).await?.0, 404);

    // A key is exchanged, holds its scope and nothing else, and is refused when it was taken back.
    let key = json!({ "kind": "api", "name": "Till", "scopes": ["organization:read"] });
    let (status, key) = app.call(Method::POST, "/api/v1/api-keys", token, &key).await?;
    assert_eq!(status, 201, "{key}");
    let secret = key["secret"].as_str().unwrap_or_else(|| panic!("{key}")).to_owned();
    let organization = format!("/api/v1/organizations/{}", owner.organization_id);
    assert_eq!(app.call(Method::GET, &organization, &secret, &NOTHING).await?.0, 200);
    assert_eq!(app.call(Method::GET, "/api/v1/members", &secret, &NOTHING).await?.0, 403);
    assert_eq!(app.call(Method::GET, &organization, &format!("{secret}0"), &NOTHING).await?.0, 401);

    // A page calls the API behind it; a lost session is refused within seconds.
    let page = app.http().get(app.url("/setup/dml_0123456789abcdefghjkmnpqrstvwxyz")).send().await?;
    assert_eq!(page.status(), 404);
    assert!(page.text().await?.contains("This link does not work"));
    let (status, _) = app.call(Method::POST, "/api/v1/auth/logout", token, &json!({})).await?;
    assert_eq!(status, 204);
    let begun = std::time::Instant::now();
    while app.call(Method::GET, "/api/v1/users/me", token, &NOTHING).await?.0 != 401 {
        assert!(begun.elapsed() < Duration::from_secs(5), "the session was not cut off");
        platform::lifecycle::pause(Duration::from_millis(50)).await;
    }
    app.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_day_in_one_process() {
    the_first_day(Shape::Whole).await.unwrap_or_else(|error| panic!("{error:#}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_day_split() {
    the_first_day(Shape::Split).await.unwrap_or_else(|error| panic!("{error:#}"));
}

/// One document, whoever serves it; and a service alone lets nobody in who is no service.
async fn doors() -> anyhow::Result<()> {
    let dir = testkit::cluster::temp_dir("dropmate-doors-")?;
    let mut cluster =
        Box::pin(Cluster::start(testkit::process::binary()?, dir.path(), &Plan::default())).await?;
    let printed = Command::new(testkit::process::binary()?).arg("openapi").output()?;
    let printed: Value = serde_json::from_slice(&printed.stdout)?;
    let served: Value = cluster.http().get(cluster.url("/api/v1/openapi.json")).send().await?.json().await?;
    assert_eq!(served, printed);

    let identity = format!("http://{}", cluster.members[1].listen);
    let ask = |path: &str| cluster.http().get(format!("{identity}{path}"));
    for open in ["/healthz", "/readyz", "/metrics", "/.well-known/jwks.json"] {
        assert_eq!(ask(open).send().await?.status(), 200, "{open}");
    }
    for (closed, token) in [
        ("/api/v1/users/me", None),
        ("/api/v1/auth/first-run?token=x", None),
        ("/internal/identity/key-exchange", None),
        ("/api/v1/users/me", Some("nonsense")),
    ] {
        let request =
            token.into_iter().fold(ask(closed), |r, token| r.header("x-dropmate-service-token", token));
        let answer = request.send().await?;
        assert_eq!(
            (answer.status().as_u16(), answer.headers().contains_key("x-dropmate-refused")),
            (401, true),
            "{closed}"
        );
        let problem: Value = answer.json().await?;
        assert_eq!(problem["code"], "invalid_service_token");
    }
    let files: Vec<_> = std::fs::read_dir(cluster.data_of("gateway").join("secrets"))?.collect();
    assert!(files.is_empty(), "the gateway keeps no secret: {files:?}");

    // Each process can be asked for its health by its data folder; without identity the gateway says who is away.
    let binary = testkit::process::binary()?;
    let health = |name: &str, data: &str| {
        let data = cluster.data_of(data);
        let output =
            Command::new(&binary).args(["healthcheck", "--services", name, "--data-dir"]).arg(data).output();
        output.map(|output| (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
    };
    assert_eq!(health("gateway", "gateway")?.0, Some(0));
    assert_eq!(health("identity", "identity")?.0, Some(0));
    assert!(cluster.members[1].stop()?.success());
    let begun = std::time::Instant::now();
    loop {
        let (status, problem) = {
            let answer =
                cluster.http().get(cluster.url("/api/v1/users/me")).bearer_auth("dmk_x").send().await?;
            (answer.status().as_u16(), answer.headers().contains_key("retry-after"))
        };
        assert_eq!((status, problem), (503, true), "an answer that says when to come back");
        let (_, said) = {
            let data = cluster.data_of("gateway");
            let output = Command::new(&binary)
                .args(["healthcheck", "--services", "gateway", "--data-dir"])
                .arg(data)
                .output()?;
            (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        if said.contains("identity away") {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(40), "{said}");
    }
    cluster.members[1].spawn()?;
    cluster.wait_ready().await?;
    cluster.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_alone_lets_in_services_only_and_the_gateway_says_who_is_away() {
    Box::pin(doors()).await.unwrap_or_else(|error| panic!("{error:#}"));
}
