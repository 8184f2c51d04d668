//! Certificates from an ACME authority (RFC 8555), over `instant-acme`.
//!
//! This crate speaks the protocol and nothing else: it keeps no file, reads no clock and never tries again by itself. When
//! to order, what to keep and how long to wait after a failure is decided by the runtime, which can be moved in time.
//!
//! A name is proven by TLS-ALPN-01 (RFC 8737): the authority connects to port 443 of the name and is shown a certificate
//! with what it asked for. So no second port is needed, and nothing else is reachable while that happens.

mod account;
mod error;
mod order;

use std::path::PathBuf;

pub use account::Account;
pub use error::AcmeError;
pub use order::Issued;

/// An authority, and who we are to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// `https://...`
    pub url: String,
    /// The only root for the directory's own TLS; without it those that this machine trusts.
    pub root: Option<PathBuf>,
    /// An e-mail address.
    pub contact: Option<String>,
}
