//! Services that call each other: who they are, and what they must not do meanwhile.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use kernel::ids::OrgId;
use kernel::time::SignedDuration;
use platform::Kind;
use platform::auth::{OnBehalf, ServiceCaller, ServiceIdentity, ServiceVerifier};
use platform::db::{Db, Scope, watched};
use platform::http::callers::{CLIENT_IP, Callers, REFUSED, SERVICE_TOKEN};
use platform::http::{Channel, ClientIp, DEADLINE_MS};
use platform::service::Manifest;
use testkit::TestDb;
use tower::ServiceExt as _;

use crate::demo::{MANIFESTS, World};

static TWO: LazyLock<Vec<Manifest>> = LazyLock::new(|| {
    let door = Manifest { name: "door", migrations: None, subjects: &[], permissions: &[], sealed: &[] };
    MANIFESTS.iter().cloned().chain([door]).collect()
});

/// `demo`, which is called, and `door`, which calls.
struct Two {
    test: TestDb,
    door: Db,
    demo: Db,
}

impl Two {
    async fn new() -> Self {
        let test = TestDb::new(&TWO).await;
        Self { door: test.db("door"), demo: test.db("demo"), test }
    }

    fn draw(&self, service: &'static str) -> ServiceIdentity {
        ServiceIdentity::draw(service, &self.test.random, self.test.shared_clock()).unwrap()
    }

    /// A verifier that has looked for nothing yet.
    fn verifier(&self) -> ServiceVerifier {
        ServiceVerifier::new("demo", self.demo.pool().clone(), self.test.shared_clock())
    }

    async fn verify(&self, token: &str) -> Option<ServiceCaller> {
        self.verifier().verify(token).await.ok()
    }
}

fn token(identity: &ServiceIdentity, callee: &str, on_behalf: OnBehalf) -> String {
    identity.token(callee, on_behalf).unwrap().to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_says_who_calls_whom_for_sixty_seconds() {
    let two = Two::new().await;
    let door = two.draw("door");
    let unannounced = token(&door, "demo", OnBehalf::Caller);
    assert_eq!(two.verify(&unannounced).await, None, "its key is not published");
    door.announce(two.door.pool()).await.unwrap();
    let org = OrgId::new(two.test.random.uuid_v7(kernel::time::Clock::now(&two.test.clock)));
    for on_behalf in [OnBehalf::Caller, OnBehalf::System(None), OnBehalf::System(Some(org))] {
        let caller = two.verify(&token(&door, "demo", on_behalf)).await;
        assert_eq!(caller, Some(ServiceCaller { service: "door".to_owned(), on_behalf }));
    }
    assert_eq!(two.verify(&token(&door, "orders", OnBehalf::Caller)).await, None, "for somebody else");
    let (verifier, early) = (two.verifier(), token(&door, "demo", OnBehalf::Caller));
    two.test.clock.advance(SignedDuration::from_secs(59));
    assert!(verifier.verify(&early).await.is_ok());
    two.test.clock.advance(SignedDuration::from_secs(1));
    assert!(verifier.verify(&early).await.is_err(), "also one that was checked before");
    assert!(
        verifier.verify(&token(&door, "demo", OnBehalf::Caller)).await.is_ok(),
        "a new one is made in time"
    );
    door.leave(two.door.pool()).await.unwrap();
    assert_eq!(two.verify(&token(&door, "demo", OnBehalf::Caller)).await, None, "it has left");
}

#[tokio::test]
async fn a_service_is_who_the_database_says_and_cannot_pass_for_another() {
    let two = Two::new().await;
    // A process with the role of `door` that calls itself `demo`.
    let liar = two.draw("demo");
    liar.announce(two.door.pool()).await.unwrap();
    assert_eq!(two.verify(&token(&liar, "demo", OnBehalf::System(None))).await, None);
    // The id of another's key cannot be taken over, prolonged or taken back.
    let door = two.draw("door");
    door.announce(two.door.pool()).await.unwrap();
    assert!(door.announce(two.demo.pool()).await.is_err());
    door.leave(two.demo.pool()).await.unwrap();
    assert!(two.verify(&token(&door, "demo", OnBehalf::Caller)).await.is_some());
    // Nobody reads or writes the table itself.
    for role in ["dropmate_door", "dropmate_demo"] {
        let mut conn = two.test.connect(role).await;
        for sql in ["SELECT * FROM platform.instances", "DELETE FROM platform.instances"] {
            assert!(sqlx::query(sql).execute(&mut conn).await.is_err(), "{role}: {sql}");
        }
    }
}

#[tokio::test]
async fn only_a_checked_service_is_believed_about_the_client() {
    let two = Two::new().await;
    let door = two.draw("door");
    door.announce(two.door.pool()).await.unwrap();
    let said = get(|request: Request<Body>| async move {
        let extensions = request.extensions();
        let client = extensions.get::<ClientIp>().map(|client| client.0.to_string());
        let headers =
            [SERVICE_TOKEN, CLIENT_IP, DEADLINE_MS].map(|name| request.headers().contains_key(name));
        format!(
            "{:?} {client:?} {headers:?}",
            extensions.get::<ServiceCaller>().map(|caller| caller.service.clone())
        )
    });
    let slow = get(|| async {
        std::future::pending::<()>().await;
        "never"
    });
    let router = Callers::new(two.verifier()).wrap(Router::new().route("/", said).route("/slow", slow));
    let ask = |path: &str, token: Option<String>| {
        let request = Request::get(path)
            .header(CLIENT_IP, "203.0.113.9")
            .header(DEADLINE_MS, "100")
            .extension(ClientIp("10.0.0.1".parse().unwrap()));
        let request = token.into_iter().fold(request, |request, token| request.header(SERVICE_TOKEN, token));
        router.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    for forged in
        [None, Some("nonsense".to_owned()), Some(token(&two.draw("door"), "demo", OnBehalf::Caller))]
    {
        let answer = ask("/", forged).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers().contains_key(REFUSED)), (401, true));
    }
    let good = || Some(token(&door, "demo", OnBehalf::Caller));
    let answer = ask("/", good()).await.unwrap();
    let body = axum::body::to_bytes(answer.into_body(), 1000).await.unwrap();
    assert_eq!(body, "Some(\"door\") Some(\"203.0.113.9\") [false, false, false]".as_bytes());
    assert_eq!(ask("/slow", good()).await.unwrap().status(), 504, "what the caller has left counts");
}

#[tokio::test]
async fn nobody_is_called_while_a_transaction_is_open() {
    let world = World::new().await;
    let channel =
        Channel::in_process(Router::new().route("/", get(|| async { "hello" })), Duration::from_secs(5));
    let call = || channel.call(Request::get("/").body(Body::empty()).unwrap());
    let db = Arc::new(world.db.clone());
    let scope = Scope::system(world.org());
    watched(async {
        assert!(call().await.is_ok());
        let tx = db.begin(&scope).await.unwrap();
        assert_eq!(call().await.unwrap_err().kind(), Kind::Internal);
        tx.commit().await.unwrap();
        assert!(call().await.is_ok());
        let dropped = db.begin(&scope).await.unwrap();
        drop(dropped);
        assert!(call().await.is_ok());
    })
    .await;
}
