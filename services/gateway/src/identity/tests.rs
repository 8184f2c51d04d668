//! How often identity is asked, and what is said when it cannot be.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use axum::Router;
use axum::routing::{get, post};
use kernel::time::ManualClock;
use serde_json::{Value, json};

use super::*;

/// Counts what it is asked; may be away.
#[derive(Clone, Default)]
struct Identity {
    asked: Arc<AtomicU32>,
    away: Arc<AtomicBool>,
}

impl Identity {
    fn channel(&self) -> Channel {
        let this = self.clone();
        let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]});
        let jwks = get(move || this.clone().answer(keys.clone()));
        let this = self.clone();
        let known = json!({
            "id": kernel::ids::ApiKeyId::new(kernel::ids::Uuid::nil()), "device": false,
            "org": kernel::ids::OrgId::new(kernel::ids::Uuid::nil()), "scopes": ["members:read"],
        });
        let exchange = post(move |body: String| {
            let good = body.contains("dmk_good");
            this.clone().answer(if good { known.clone() } else { Value::Null })
        });
        let router = Router::new().route("/.well-known/jwks.json", jwks).route(KEY_EXCHANGE, exchange);
        Channel::in_process(router, Duration::from_secs(5))
    }

    async fn answer(self, with: Value) -> Response {
        use axum::response::IntoResponse as _;
        self.asked.fetch_add(1, Ordering::SeqCst);
        // Long enough that callers wait for each other.
        tokio::task::yield_now().await;
        match with {
            _ if self.away.load(Ordering::SeqCst) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            Value::Null => StatusCode::UNAUTHORIZED.into_response(),
            with => axum::Json(with).into_response(),
        }
    }

    fn asked(&self) -> u32 {
        self.asked.swap(0, Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_unknown_keys_makes_one_question_in_ten_seconds() {
    let identity = Identity::default();
    let keys = RemoteKeys::new(identity.channel());
    assert!(keys.find("k1").is_none());
    identity.away.store(true, Ordering::SeqCst);
    assert_eq!(keys.look_again().await.unwrap_err().kind(), Kind::Unavailable, "nobody could ever be asked");
    identity.away.store(false, Ordering::SeqCst);
    keys.look_again().await.unwrap();
    assert!(keys.find("k1").is_some());
    identity.asked();
    tokio::time::advance(LOOK_AGAIN).await;
    for (second, questions) in [(0, 1), (1, 0), (8, 0), (1, 1)] {
        tokio::time::advance(Duration::from_secs(second)).await;
        let flood = (0..1000).map(|_| keys.look_again());
        assert!(futures::future::join_all(flood).await.iter().all(Result::is_ok));
        assert_eq!(identity.asked(), questions, "{second} s later");
    }
    // What is known is used while identity is away.
    tokio::time::advance(LOOK_AGAIN).await;
    identity.away.store(true, Ordering::SeqCst);
    keys.look_again().await.unwrap();
    assert!(keys.find("k1").is_some());
}

#[tokio::test]
async fn an_exchanged_key_is_remembered_for_five_seconds_and_a_wrong_one_never() {
    let (identity, clock) = (Identity::default(), ManualClock::at(Timestamp::UNIX_EPOCH));
    let exchange = RemoteExchange::new(identity.channel(), Arc::new(clock.clone()));
    let principal = exchange.exchange("dmk_good").await.unwrap();
    assert_eq!((principal.role, principal.scopes.contains("members:read")), (Role::Service, true));
    exchange.exchange("dmk_good").await.unwrap();
    assert_eq!(identity.asked(), 1);
    identity.away.store(true, Ordering::SeqCst);
    exchange.exchange("dmk_good").await.unwrap();
    clock.advance(REMEMBERED);
    assert_eq!(exchange.exchange("dmk_good").await.unwrap_err().kind(), Kind::Unavailable);
    identity.away.store(false, Ordering::SeqCst);
    for _ in 0..2 {
        assert_eq!(exchange.exchange("dmk_bad").await.unwrap_err().kind(), Kind::Unauthenticated);
    }
    assert_eq!(identity.asked(), 3);
}
