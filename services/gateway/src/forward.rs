//! Handing a request to the service that owns its operation.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::Request;
use axum::response::Response;
use http::header::{
    CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName};
use platform::http::Channel;
use platform::http::operations::Operation;
use platform::{Error, Result};

/// How to reach each service.
#[derive(Debug, Clone)]
pub(crate) struct Channels(pub(crate) Arc<BTreeMap<&'static str, Channel>>);

/// Headers that belong to one connection (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Everything that is not an operation of the gateway itself; the gate has already admitted it.
pub(crate) async fn forward(
    Extension(channels): Extension<Channels>,
    Extension(operation): Extension<Arc<Operation>>,
    mut request: Request,
) -> Result<Response> {
    let channel = channels.0.get(operation.service).ok_or_else(|| Error::unavailable("service"))?;
    strip(request.headers_mut());
    let mut response = channel.call(request).await?;
    strip(response.headers_mut());
    Ok(response)
}

fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_one_connection_do_not_travel() {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("connection", "close, X-Secret"), ("x-secret", "1"), ("te", "trailers"), ("x-kept", "1")]
        {
            headers.insert(name, value.parse().unwrap());
        }
        strip(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-kept"]);
    }
}
