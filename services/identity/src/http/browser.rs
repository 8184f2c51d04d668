//! Browser sessions: the refresh token lives in an HttpOnly, SameSite=Strict cookie that is sent to `/api/v1/auth` only,
//! and every request that uses it must come from our own pages.

use axum::extract::FromRequestParts;
use axum::http::header::{COOKIE, HOST, ORIGIN, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use platform::http::ClientIp;
use platform::http::rate_limit::Counts;
use platform::{Error, Kind, Result};

use crate::commands::guessing::Source;
use crate::context::Identity;
use crate::domain::secret::{Purpose, Secret};

/// The cookie's name.
const NAME: &str = "dropmate_refresh";
/// Where it is sent.
const PATH: &str = "/api/v1/auth";

/// What the headers of a request say about its sender.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Where guesses are counted.
    pub source: Source,
    /// Browser and system in words.
    pub device: String,
    headers: HeaderMap,
}

impl<S: Send + Sync> FromRequestParts<S> for Sender {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        let address = parts
            .extensions
            .get::<ClientIp>()
            .map_or_else(|| "local".to_owned(), platform::http::ClientIp::counted);
        let counts = parts.extensions.get::<Counts>().cloned().unwrap_or_default();
        let source = Source { address, counts };
        let agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Self { source, device: device(agent), headers: parts.headers.clone() })
    }
}

impl Sender {
    /// The refresh token in the cookie, if the request comes from our own pages.
    pub fn cookie(&self, identity: &Identity) -> Result<Option<Secret>> {
        if !self.headers.contains_key(COOKIE) {
            return Ok(None);
        }
        let jar = CookieJar::from_headers(&self.headers);
        let Some(cookie) = jar.get(NAME) else { return Ok(None) };
        self.check_origin(identity)?;
        Ok(Secret::presented(Purpose::Refresh, cookie.value()))
    }

    /// A cookie is sent by the browser whoever asked for it; the `Origin` says who did.
    fn check_origin(&self, identity: &Identity) -> Result<()> {
        let text = |name| self.headers.get(name).and_then(|value| value.to_str().ok());
        let own = text(ORIGIN).is_some_and(|origin| {
            let authority = origin.parse::<Uri>().ok().and_then(|uri| uri.authority().cloned());
            let public = origin == identity.settings().public_url;
            public || authority.is_some_and(|authority| text(HOST) == Some(authority.as_str()))
        });
        if own {
            return Ok(());
        }
        Err(Error::new(
            Kind::Forbidden,
            "foreign_origin",
            "This request does not come from a page of this installation.",
        ))
    }
}

/// The header that sets the cookie.
pub fn set(identity: &Identity, token: &Secret, max_age_s: i64) -> String {
    cookie(identity, token.text().to_owned(), max_age_s)
}

/// The header that removes it.
pub fn clear(identity: &Identity) -> String {
    cookie(identity, String::new(), 0)
}

fn cookie(identity: &Identity, value: String, max_age_s: i64) -> String {
    let mut cookie = Cookie::new(NAME, value);
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Strict);
    cookie.set_path(PATH);
    cookie.set_secure(identity.settings().secure_cookies);
    format!("{cookie}; Max-Age={max_age_s}")
}

/// Browser and system in words: enough for a person to recognise a device, too little to recognise a person.
fn device(agent: &str) -> String {
    let find = |words: &[(&str, &'static str)]| {
        words.iter().find(|(needle, _)| agent.contains(needle)).map(|(_, word)| *word)
    };
    let program = find(&[
        ("MicroMessenger", "WeChat"),
        ("Edg/", "Edge"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = find(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (program, system) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "unknown device".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn devices_are_named_in_words() {
        let chrome = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36";
        assert_eq!(device(chrome), "Chrome on Android");
        assert_eq!(
            device("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1"),
            "Safari on iPhone"
        );
        assert_eq!(device("curl/8.5.0"), "curl");
        assert_eq!(device(""), "unknown device");
    }
}
