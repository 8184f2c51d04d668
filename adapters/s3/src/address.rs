//! `https://key:secret@host[:port]/region`.

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

/// What stores that know no regions call theirs.
const REGION: &str = "us-east-1";

/// Why an address is refused. Never repeats the address: it holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// Not a URL, or one of another kind.
    #[error("S3_URL is not an address like https://KEY:SECRET@host/region")]
    Form,
    /// No key or no secret.
    #[error(
        "S3_URL names no key and secret: https://KEY:SECRET@host/region (percent-encode / and + in them)"
    )]
    Login,
    /// Plain HTTP to somewhere else.
    #[error("S3_URL begins with http://, which is for a store on this machine; over a network use https://")]
    Plain,
    /// The library's words.
    #[error("the file store cannot be used: {0}")]
    Store(String),
}

/// A parsed address.
pub struct Address {
    endpoint: String,
    region: String,
    key: String,
    secret: SecretString,
    plain: bool,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({})", self.endpoint)
    }
}

impl Address {
    /// Reads it.
    pub fn parse(url: &SecretString) -> Result<Self, AddressError> {
        let url = Url::parse(url.expose_secret()).map_err(|_secret| AddressError::Form)?;
        let host = url.host().ok_or(AddressError::Form)?;
        let plain = match url.scheme() {
            "https" => false,
            "http" if is_near(&host) => true,
            "http" => return Err(AddressError::Plain),
            _ => return Err(AddressError::Form),
        };
        let text = |encoded: &str| {
            percent_decode_str(encoded)
                .decode_utf8()
                .map(std::borrow::Cow::into_owned)
                .map_err(|_bytes| AddressError::Login)
        };
        let (key, secret) = (text(url.username())?, text(url.password().unwrap_or_default())?);
        if key.is_empty() || secret.is_empty() {
            return Err(AddressError::Login);
        }
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let region = match url.path().trim_matches('/') {
            "" => REGION,
            region if region.contains('/') => return Err(AddressError::Form),
            region => region,
        };
        Ok(Self {
            endpoint: format!("{}://{host}{port}", url.scheme()),
            region: region.to_owned(),
            key,
            secret: SecretString::from(secret),
            plain,
        })
    }

    /// Without the login.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn secret(&self) -> &str {
        self.secret.expose_secret()
    }

    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }
}

/// This machine, or a container beside this one (a name without a dot): the login would cross a network otherwise.
fn is_near(host: &url::Host<&str>) -> bool {
    match host {
        url::Host::Ipv4(address) => address.is_loopback() || address.is_private(),
        url::Host::Ipv6(address) => address.is_loopback() || address.is_unique_local(),
        url::Host::Domain(name) => !name.contains('.'),
    }
}
