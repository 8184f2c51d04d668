//! The port without TLS. It leads to the one with TLS and carries no data: every path is a redirect, except what a phone
//! needs before it can trust the installation's own authority (`http.tls = self`): a page with the steps, and the
//! authority's certificate, which is public.
//!
//! Nothing on this port is protected against somebody in the same network who changes it. That is why the page shows the
//! fingerprint and asks to compare it with what the terminal and the page `/setup/phone` show.

mod profile;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use platform::Result;

use crate::pages;

/// How phones reach the installation.
#[derive(Debug, Clone, Default)]
pub struct Phones {
    /// The address that people type.
    pub app: String,
    /// The installation's own authority, when its certificate is one of it.
    pub trust: Option<Arc<Trust>>,
}

/// An authority that a phone does not know yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// As phones show it.
    pub name: String,
    /// Its certificate (DER).
    pub certificate: Vec<u8>,
    /// SHA-256 of the certificate, in groups, for people to compare.
    pub fingerprint: String,
    /// Where phones find [`Door`]'s page, if there is a port for it.
    pub page: Option<String>,
}

/// Leads from a request without TLS to the address with TLS.
#[derive(Clone)]
pub struct Door {
    /// The address that people type, without a final slash.
    pub app: String,
    /// The port of HTTPS.
    pub port: u16,
    /// Whether the certificate is for this host: only then the redirect keeps the host that the request came to.
    pub covers: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    /// What the page is about; without it there are only redirects.
    pub trust: Option<Arc<Trust>>,
}

impl Door {
    /// The whole port.
    pub fn router(self) -> Router {
        let router = Router::new().fallback(redirect);
        let router = if self.trust.is_some() {
            router
                .route("/", get(page).fallback(redirect))
                .route("/ca.crt", get(certificate).fallback(redirect))
                .route("/ca.mobileconfig", get(configuration).fallback(redirect))
                .route("/style.css", get(style).fallback(redirect))
        } else {
            router
        };
        router.with_state(Arc::new(self))
    }

    /// `https://`, the host that the caller used if the certificate is for it, and our port. The host that people type
    /// may be reached through another port than ours.
    fn origin(&self, headers: &HeaderMap) -> String {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).and_then(|host| {
            let authority: http::uri::Authority = host.parse().ok()?;
            Some(authority.host().to_ascii_lowercase())
        });
        let app: Option<Uri> = self.app.parse().ok();
        let other = |host: &String| app.as_ref().and_then(Uri::host) != Some(host);
        let covered = |host: &String| (self.covers)(host.trim_start_matches('[').trim_end_matches(']'));
        match host.filter(|host| other(host) && covered(host)) {
            None => self.app.clone(),
            Some(host) if self.port == 443 => format!("https://{host}"),
            Some(host) => format!("https://{host}:{}", self.port),
        }
    }
}

/// A temporary one: a permanent one would stay in browsers when the installation goes behind a proxy one day.
async fn redirect(State(door): State<Arc<Door>>, headers: HeaderMap, uri: Uri) -> Response {
    let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let target = format!("{}{path}", door.origin(&headers));
    match HeaderValue::try_from(target) {
        Ok(target) => (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, target)]).into_response(),
        Err(_not_a_header) => StatusCode::BAD_REQUEST.into_response(),
    }
}

#[derive(Template)]
#[template(path = "pages/trust.html")]
struct Page<'a> {
    name: &'a str,
    fingerprint: &'a str,
    app: String,
    apple: bool,
    android: bool,
}

async fn page(State(door): State<Arc<Door>>, headers: HeaderMap) -> Result<Response> {
    let Some(trust) = &door.trust else { return Ok(StatusCode::NOT_FOUND.into_response()) };
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let android = agent.contains("Android");
    let apple = ["iPhone", "iPad", "Macintosh"].iter().any(|word| agent.contains(word));
    let page = Page {
        name: &trust.name,
        fingerprint: &trust.fingerprint,
        app: door.origin(&headers),
        apple,
        android,
    };
    Ok((careful(), pages::html(StatusCode::OK, &page)?).into_response())
}

/// The layers of the gateway do this for its own answers; they are not on this port.
fn careful() -> [(HeaderName, &'static str); 3] {
    [
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ]
}

async fn certificate(State(door): State<Arc<Door>>) -> Response {
    let Some(trust) = &door.trust else { return StatusCode::NOT_FOUND.into_response() };
    let kind = [
        (CONTENT_TYPE, "application/x-x509-ca-cert"),
        (CONTENT_DISPOSITION, "attachment; filename=\"dropmate-ca.crt\""),
    ];
    (careful(), kind, trust.certificate.clone()).into_response()
}

/// iOS takes it as a profile; the content type makes Safari offer to install it.
async fn configuration(State(door): State<Arc<Door>>) -> Result<Response> {
    let Some(trust) = &door.trust else { return Ok(StatusCode::NOT_FOUND.into_response()) };
    let kind = [(CONTENT_TYPE, "application/x-apple-aspen-config")];
    Ok((careful(), kind, profile::of(trust)?).into_response())
}

async fn style() -> Response {
    pages::home::style().await
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, Bytes};
    use http::{Method, Request};
    use tower::ServiceExt as _;

    use super::*;

    fn door(trusts: bool) -> Router {
        let trust = Trust {
            name: "DropMate local authority <shop>".to_owned(),
            certificate: vec![0x30, 0x82, 1],
            fingerprint: "0A1B 2C3D".to_owned(),
            page: None,
        };
        let door = Door {
            // A router leads from the port that people type to ours.
            app: "https://192.168.1.20".to_owned(),
            port: 8080,
            covers: Arc::new(|host| {
                host.starts_with("192.168.1.") || ["shop.local", "fd00::1"].contains(&host)
            }),
            trust: trusts.then(|| Arc::new(trust)),
        };
        door.router()
    }

    async fn ask(trusts: bool, method: Method, path: &str, head: &[(&str, &str)]) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in head {
            request = request.header(*name, *value);
        }
        door(trusts).oneshot(request.body(Body::from("{}")).unwrap()).await.unwrap()
    }

    async fn bytes(response: Response) -> Bytes {
        axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap()
    }

    fn location(response: &Response) -> &str {
        assert_eq!(response.status(), 307);
        response.headers()[LOCATION].to_str().unwrap()
    }

    #[tokio::test]
    async fn everything_but_the_trust_page_is_a_redirect() {
        for path in ["/api/v1/users/me", "/readyz", "/setup/dml_secret", "/metrics", "/ca.crt/", "/ca.key"] {
            let to = ask(true, Method::GET, path, &[]).await;
            assert_eq!(location(&to), format!("https://192.168.1.20{path}"));
            assert!(bytes(to).await.is_empty());
        }
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
            for path in ["/", "/ca.crt", "/ca.mobileconfig", "/style.css", "/api/v1/auth/login"] {
                location(&ask(true, method.clone(), path, &[]).await);
            }
        }
        for path in ["/", "/ca.crt", "/ca.mobileconfig"] {
            location(&ask(false, Method::GET, path, &[]).await);
        }
    }

    #[tokio::test]
    async fn a_redirect_keeps_a_host_that_the_certificate_is_for_and_no_other() {
        for (host, expected) in [
            ("shop.local:8081", "https://shop.local:8080/a?b=c"),
            ("SHOP.local", "https://shop.local:8080/a?b=c"),
            ("192.168.1.21:8081", "https://192.168.1.21:8080/a?b=c"),
            ("[fd00::1]:8081", "https://[fd00::1]:8080/a?b=c"),
            ("192.168.1.20:8081", "https://192.168.1.20/a?b=c"),
            ("evil.example", "https://192.168.1.20/a?b=c"),
            ("shop.local@evil.example", "https://192.168.1.20/a?b=c"),
            ("", "https://192.168.1.20/a?b=c"),
        ] {
            let to = ask(true, Method::GET, "/a?b=c", &[("host", host)]).await;
            assert_eq!(location(&to), expected, "{host:?}");
        }
        let to = ask(true, Method::GET, "//evil.example/x", &[("host", "shop.local")]).await;
        assert_eq!(location(&to), "https://shop.local:8080//evil.example/x");
    }

    #[tokio::test]
    async fn the_certificate_comes_in_the_form_that_a_phone_takes() {
        let answer = ask(true, Method::GET, "/ca.crt", &[]).await;
        assert_eq!(answer.headers()[CONTENT_TYPE], "application/x-x509-ca-cert");
        assert_eq!(&bytes(answer).await[..], [0x30, 0x82, 1]);
        let answer = ask(true, Method::GET, "/ca.mobileconfig", &[]).await;
        assert_eq!(answer.headers()[CONTENT_TYPE], "application/x-apple-aspen-config");
        let profile = String::from_utf8(bytes(answer).await.to_vec()).unwrap();
        assert!(
            profile.contains("<data>MIIB</data>") && profile.contains("com.apple.security.root"),
            "{profile}"
        );
        assert!(profile.contains("&#60;shop&#62;") && !profile.contains("<shop>"), "{profile}");
    }

    #[tokio::test]
    async fn the_page_opens_the_steps_of_the_phone_that_asks() {
        for (agent, open, closed) in [
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)",
                "id=\"apple\" open",
                "id=\"android\" open",
            ),
            ("Mozilla/5.0 (Linux; Android 15; Pixel 8)", "id=\"android\" open", "id=\"apple\" open"),
        ] {
            let answer = ask(true, Method::GET, "/", &[("user-agent", agent), ("host", "shop.local")]).await;
            assert_eq!(answer.status(), 200);
            let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
            let page = String::from_utf8(bytes(answer).await.to_vec()).unwrap();
            assert!(page.contains(open) && !page.contains(closed), "{page}");
            assert!(page.contains("0A1B 2C3D") && page.contains("https://shop.local:8080"), "{page}");
            assert!(policy.contains("default-src 'none'") && !page.contains("<script"), "{policy}");
        }
    }
}
