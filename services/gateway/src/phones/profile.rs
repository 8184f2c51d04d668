//! A configuration profile for iOS: one payload, the authority's certificate.
//!
//! Source: Apple, "Configuration Profile Reference", payload type `com.apple.security.root`. The identifiers are made from
//! the certificate, so that installing the same one again replaces it and another one stands beside it.

use std::fmt::Write as _;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use platform::{Error, Result};
use sha2::{Digest as _, Sha256};

use super::Trust;

#[derive(Template)]
#[template(path = "pages/profile.xml", escape = "html")]
struct Profile<'a> {
    name: &'a str,
    certificate: String,
    outer_id: String,
    inner_id: String,
}

/// The profile as XML.
pub(super) fn of(trust: &Trust) -> Result<String> {
    let id = |what: &str| uuid(&Sha256::new().chain_update(what).chain_update(&trust.certificate).finalize());
    let profile = Profile {
        name: &trust.name,
        certificate: STANDARD.encode(&trust.certificate),
        outer_id: id("profile"),
        inner_id: id("payload"),
    };
    profile.render().map_err(Error::internal)
}

/// A UUID of version 8 (RFC 9562): bits of the maker's choice.
fn uuid(hash: &[u8]) -> String {
    let hex = hash.iter().take(16).fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02X}");
        text
    });
    format!("{}-{}-8{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_uuids_and_belong_to_the_certificate() {
        let trust = |certificate: &[u8]| Trust {
            name: "x".to_owned(),
            certificate: certificate.to_vec(),
            fingerprint: String::new(),
            page: None,
        };
        assert_eq!(uuid(&[0xab; 32]), "ABABABAB-ABAB-8BAB-8BAB-ABABABABABAB");
        assert_eq!(of(&trust(b"a")).unwrap(), of(&trust(b"a")).unwrap());
        assert_ne!(of(&trust(b"a")).unwrap(), of(&trust(b"b")).unwrap());
    }
}
