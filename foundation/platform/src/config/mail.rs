//! Section `mail`: outgoing e-mail. Nothing needs it: without a server, messages are written to `outbox-mail` in the data folder.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problems, Secret};

/// Outgoing e-mail. Nothing needs it: without a server, messages are written to `outbox-mail` in the data folder.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    /// Mail server: `smtps://user:password@host:465` or `smtp://user:password@host:587?tls=required`. Short name: `SMTP_URL`.
    pub smtp_url: Option<Secret>,
    /// Sender of all messages.
    pub from: String,
    /// How long to wait for the mail server.
    pub timeout_s: u32,
}

impl Default for Mail {
    fn default() -> Self {
        Self { smtp_url: None, from: "DropMate <dropmate@localhost>".to_owned(), timeout_s: 30 }
    }
}

impl Mail {
    pub(super) fn validate(&self, p: &mut Problems) {
        if let Some(url) = &self.smtp_url {
            let right = url.expose().starts_with("smtp://") || url.expose().starts_with("smtps://");
            p.check(right, "mail.smtp_url", "must begin with smtp:// or smtps://");
        }
        p.check(
            self.from.contains('@') && !self.from.contains(['\r', '\n']),
            "mail.from",
            "must be an address, like DropMate <dropmate@example.org>",
        );
        p.range(self.timeout_s, 1..=300, "mail.timeout_s");
    }
}
