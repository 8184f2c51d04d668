//! Why there is no certificate. The kinds differ in what may be done next: an authority counts refusals, not connections
//! that were never made.

use std::error::Error as _;

/// Why there is no certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcmeError {
    /// It cannot work before somebody changes something here.
    #[error("{0}")]
    Setup(String),
    /// The directory does not answer; nothing was ordered.
    #[error("the directory cannot be reached: {0}")]
    Unreachable(String),
    /// The directory's own certificate is of an authority that is not trusted here; nothing was ordered.
    #[error(
        "the directory is not trusted: {0}. Is it the right one? For a private authority, http.acme_root names the file \
         with its certificate"
    )]
    Untrusted(String),
    /// The authority does not know the account (any more): a new one is needed.
    #[error("the authority does not know the account")]
    NoAccount,
    /// Too many orders or failures: the authority wants to be left alone for a while.
    #[error("the authority refuses for now, because it was asked too often: {0}")]
    TooOften(String),
    /// The authority said no.
    #[error("the authority refused: {0}")]
    Refused(String),
    /// It broke off in the middle of an order.
    #[error("the order broke off: {0}")]
    Interrupted(String),
    /// The authority did not finish in time.
    #[error("the authority did not finish in time")]
    Late,
}

impl AcmeError {
    /// Whether nothing was counted against us: it may be tried again soon.
    pub fn nothing_ordered(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Untrusted(_) | Self::NoAccount | Self::Setup(_))
    }
}

impl AcmeError {
    /// The same, after the order was placed.
    pub(crate) fn ordered(self) -> Self {
        if self.nothing_ordered() { Self::Interrupted(self.to_string()) } else { self }
    }
}

impl From<instant_acme::Error> for AcmeError {
    fn from(error: instant_acme::Error) -> Self {
        match error {
            instant_acme::Error::Api(problem) => refusal(problem.r#type.as_deref(), &problem.to_string()),
            instant_acme::Error::Timeout(_) => Self::Late,
            instant_acme::Error::InvalidUri(error) => Self::Setup(error.to_string()),
            error => transport(&causes(&error)),
        }
    }
}

fn refusal(kind: Option<&str>, text: &str) -> AcmeError {
    match kind.and_then(|kind| kind.strip_prefix("urn:ietf:params:acme:error:")) {
        Some("accountDoesNotExist") => AcmeError::NoAccount,
        Some("rateLimited") => AcmeError::TooOften(text.to_owned()),
        _ => AcmeError::Refused(text.to_owned()),
    }
}

/// rustls says it in these words; the error itself is wrapped so that it cannot be reached.
fn transport(text: &str) -> AcmeError {
    if text.contains("invalid peer certificate") {
        AcmeError::Untrusted(text.to_owned())
    } else {
        AcmeError::Unreachable(text.to_owned())
    }
}

fn causes(error: &instant_acme::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let part = cause.to_string();
        if !text.contains(&part) {
            text = format!("{text}: {part}");
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_reached_the_authority_counts() {
        let urn = |kind: &str| format!("urn:ietf:params:acme:error:{kind}");
        for (error, nothing_ordered) in [
            (refusal(Some(&urn("accountDoesNotExist")), "gone"), true),
            (refusal(Some(&urn("rateLimited")), "too many certificates"), false),
            (refusal(Some(&urn("unauthorized")), "wrong answer"), false),
            (refusal(None, "?"), false),
            (transport("client error (Connect): Connection refused"), true),
            (transport("client error (Connect): invalid peer certificate: UnknownIssuer"), true),
            (transport("client error (Connect): Connection refused").ordered(), false),
            (AcmeError::Setup("a key cannot be made".to_owned()).ordered(), false),
            (AcmeError::Late, false),
        ] {
            assert_eq!(error.nothing_ordered(), nothing_ordered, "{error}");
        }
        assert!(
            transport("x: invalid peer certificate: UnknownIssuer").to_string().contains("http.acme_root")
        );
    }
}
