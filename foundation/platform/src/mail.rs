//! Outgoing e-mail: what a message is, and who takes it.
//!
//! Nothing needs mail to work; without a server, messages become files ([`FolderMailer`]). A message cannot be built
//! with line breaks where headers stand, so no value can add a header. Its id becomes the `Message-ID`: the same message
//! sent again after an unknown result can be recognised as the same.

mod eml;
mod folder;

use std::fmt;
use std::pin::Pin;

pub use folder::FolderMailer;

/// A future that can be kept behind `dyn`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Takes messages. Called from jobs only, never inside a transaction.
pub trait Mailer: Send + Sync + fmt::Debug {
    /// Hands one message over.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), MailError>>;
}

/// What to do after a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Nothing was sent; later it may work.
    Retry,
    /// It will never be taken.
    Permanent,
    /// Nobody knows: it may have been taken before the connection broke. Sending again may send twice.
    MaybeSent,
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
#[error("the e-mail was not handed over ({failure:?}): {reason}")]
pub struct MailError {
    /// What to do.
    pub failure: Failure,
    /// For the log. No addresses, no text of the message.
    pub reason: String,
}

/// A refused part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Not an address.
    #[error("this is not an e-mail address")]
    Address,
    /// A control character, for example a line break, where a header stands.
    #[error("the {0} contains a control character")]
    Control(&'static str),
    /// Longer than any mail system takes.
    #[error("the {0} is too long")]
    TooLong(&'static str),
}

/// An address with an optional name: `Ana <ana@example.org>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    name: Option<String>,
    local: String,
    domain: String,
}

impl Address {
    /// From an address alone.
    ///
    /// Stricter than RFC 5322: no quoted local parts and no comments, which no customer has and attacks do.
    pub fn new(address: &str) -> Result<Self, MessageError> {
        let (local, domain) = address.rsplit_once('@').ok_or(MessageError::Address)?;
        let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c) || !c.is_ascii();
        let dots = |text: &str| !text.is_empty() && !text.split('.').any(str::is_empty);
        let local_fits = dots(local) && local.len() <= 64 && local.chars().all(atom);
        let label = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
        let domain_fits = dots(domain) && domain.len() <= 253 && domain.chars().all(label);
        if !local_fits || !domain_fits || address.chars().any(char::is_control) {
            return Err(MessageError::Address);
        }
        Ok(Self { name: None, local: local.to_owned(), domain: domain.to_owned() })
    }

    /// From `Name <address>` or an address alone.
    pub fn parse(text: &str) -> Result<Self, MessageError> {
        match text.trim().strip_suffix('>').and_then(|text| text.split_once('<')) {
            Some((name, address)) => Self::new(address.trim())?.named(name.trim().trim_matches('"')),
            None => Self::new(text.trim()),
        }
    }

    /// With the name of a person or shop.
    pub fn named(mut self, name: &str) -> Result<Self, MessageError> {
        check_header("name", name)?;
        self.name = Some(name.to_owned()).filter(|name| !name.is_empty());
        Ok(self)
    }

    /// The address without the name.
    pub fn address(&self) -> String {
        format!("{}@{}", self.local, self.domain)
    }

    /// The name, if there is one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What stands behind the `@`.
    pub fn domain(&self) -> &str {
        &self.domain
    }
}

/// One message to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    id: String,
    to: Address,
    subject: String,
    text: String,
    html: Option<String>,
    reply_to: Option<Address>,
}

impl Message {
    /// `id` is the id of the row that asks for it: the same row is the same message.
    pub fn new(
        id: &str,
        to: Address,
        subject: impl Into<String>,
        text: impl Into<String>,
    ) -> Result<Self, MessageError> {
        let subject = subject.into();
        check_header("subject", &subject)?;
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
            return Err(MessageError::Control("id"));
        }
        Ok(Self { id: id.to_owned(), to, subject, text: text.into(), html: None, reply_to: None })
    }

    /// Adds the formatted version of the text.
    pub fn with_html(mut self, html: impl Into<String>) -> Self {
        self.html = Some(html.into());
        self
    }

    /// Says who gets the answers.
    pub fn with_reply_to(mut self, address: Address) -> Self {
        self.reply_to = Some(address);
        self
    }

    /// The id that was given.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The receiver.
    pub fn to(&self) -> &Address {
        &self.to
    }

    /// The subject: one line.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The plain text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The formatted text.
    pub fn html(&self) -> Option<&str> {
        self.html.as_deref()
    }

    /// Who gets the answers.
    pub fn reply_to(&self) -> Option<&Address> {
        self.reply_to.as_ref()
    }
}

fn check_header(what: &'static str, text: &str) -> Result<(), MessageError> {
    // U+2028 and U+2029 are line breaks to some software although they are not control characters.
    if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(MessageError::Control(what));
    }
    if text.len() > 900 { Err(MessageError::TooLong(what)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_nonsense_is_refused() {
        let ana = Address::parse("Ana Müller <ana.m+x@mail.example.org>").unwrap();
        assert_eq!((ana.name(), ana.address().as_str()), (Some("Ana Müller"), "ana.m+x@mail.example.org"));
        assert_eq!(Address::parse("dropmate@localhost").unwrap().domain(), "localhost");
        for bad in [
            "",
            "ana",
            "@x",
            "ana@",
            "a..b@x",
            "a b@x.org",
            "a@x.org\r\nBcc: b@x.org",
            "<a@x>@y",
            "a@x,b@y",
            "\"q\"@x.org",
        ] {
            assert!(Address::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn no_value_can_add_a_header() {
        let to = Address::new("ana@example.org").unwrap();
        for subject in ["x\r\nBcc: all@example.org", "x\ny", "x\u{2028}y", "x\0"] {
            assert_eq!(
                Message::new("m1", to.clone(), subject, "").unwrap_err(),
                MessageError::Control("subject")
            );
        }
        assert!(to.clone().named("Ana\r\nBcc: x@y").is_err());
        assert!(Message::new("m1>\r\nX: y", to.clone(), "s", "").is_err());
        assert_eq!(
            Message::new("m1", to, "s".repeat(901), "").unwrap_err(),
            MessageError::TooLong("subject")
        );
    }
}
