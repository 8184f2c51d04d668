//! Sending e-mail through a mail server (SMTP), behind `platform::mail::Mailer`.
//!
//! What matters is the answer to "may I send it again?": a refusal before the text was handed over is safe to repeat, a
//! connection that broke afterwards is not, because the server may have taken the message without being able to say
//! so. When in doubt the answer is `MaybeSent`.

#[cfg(test)]
mod tests;

use std::time::Duration;

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use platform::mail::{Address, BoxFuture, Failure, MailError, Mailer, Message};
use secrecy::{ExposeSecret, SecretString};

/// A mail server and the sender's address.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
    /// Bounds a whole hand-over; the transport's own limit is per reply.
    deadline: Duration,
}

impl std::fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The transport knows the password.
        f.write_str("SmtpMailer")
    }
}

/// Why the address of the mail server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// The URL cannot be read. Its text may hold the password and is not repeated.
    #[error("mail.smtp_url cannot be read: {0}")]
    Url(String),
    /// A password would be sent in the open.
    #[error("mail.smtp_url has a password but no encryption: use smtps:// or add ?tls=required")]
    Unencrypted,
}

impl SmtpMailer {
    /// `url` as in `smtps://user:password@host:465` or `smtp://user:password@host:587?tls=required`; `timeout` for each
    /// reply of the server.
    pub fn new(url: &SecretString, from: Address, timeout: Duration) -> Result<Self, SmtpError> {
        let url = url.expose_secret();
        if url.starts_with("smtp://") && url.contains('@') && !url.contains("tls=required") {
            return Err(SmtpError::Unencrypted);
        }
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|error| SmtpError::Url(platform::telemetry::scrub(&error.to_string()).into_owned()))?;
        // Few connections: most providers limit them, and mail comes in small bursts.
        let pool = smtp::PoolConfig::new().max_size(4).idle_timeout(Duration::from_mins(1));
        let transport = builder.timeout(Some(timeout)).pool_config(pool).build();
        Ok(Self { transport, from, deadline: timeout * 4 })
    }
}

impl SmtpMailer {
    /// Connects and signs in, without a message. What is wrong, in words without addresses.
    pub async fn reach(&self) -> Result<(), String> {
        match tokio::time::timeout(self.deadline, self.transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err("it hung up".to_owned()),
            Ok(Err(error)) => Err(classify(&error).reason),
            Err(_elapsed) => Err("it took too long".to_owned()),
        }
    }
}

impl Mailer for SmtpMailer {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(async move {
            let mail = build(message, &self.from)?;
            match tokio::time::timeout(self.deadline, self.transport.send(mail)).await {
                Ok(Ok(_accepted)) => Ok(()),
                Ok(Err(error)) => Err(classify(&error)),
                Err(_elapsed) => Err(MailError {
                    failure: Failure::MaybeSent,
                    reason: "the mail server took too long".to_owned(),
                }),
            }
        })
    }
}

fn build(message: &Message, from: &Address) -> Result<lettre::Message, MailError> {
    let permanent = |reason: String| MailError { failure: Failure::Permanent, reason };
    let mut builder = lettre::Message::builder()
        .from(mailbox(from)?)
        .to(mailbox(message.to())?)
        .subject(message.subject())
        .message_id(Some(format!("<{}@{}>", message.id(), from.domain())));
    if let Some(address) = message.reply_to() {
        builder = builder.reply_to(mailbox(address)?);
    }
    let built = match message.html() {
        Some(html) => {
            builder.multipart(MultiPart::alternative_plain_html(message.text().to_owned(), html.to_owned()))
        }
        None => {
            builder.header(lettre::message::header::ContentType::TEXT_PLAIN).body(message.text().to_owned())
        }
    };
    built.map_err(|error| permanent(error.to_string()))
}

fn mailbox(address: &Address) -> Result<Mailbox, MailError> {
    let parsed = address.address().parse().map_err(|_refused| MailError {
        failure: Failure::Permanent,
        reason: "the mail library does not accept the address".to_owned(),
    })?;
    Ok(Mailbox::new(address.name().map(str::to_owned), parsed))
}

fn classify(error: &smtp::Error) -> MailError {
    let code = error.status().map(u16::from);
    // 530 to 538 speak about us (not signed in, wrong password), not about the message: somebody has to repair the
    // configuration, and then it can be sent.
    let about_us = matches!(code, Some(530..=538));
    let text = error.to_string();
    let failure = if error.is_permanent() && !about_us {
        Failure::Permanent
    } else if about_us
        || error.is_transient()
        || error.is_tls()
        || error.is_client()
        || error.is_transport_shutdown()
        // The library has no question for this one kind. Should its text change, the answer becomes the careful one.
        || text.to_lowercase().starts_with("connection error")
    {
        Failure::Retry
    } else {
        // The connection broke or made no sense: nobody knows how far it came.
        Failure::MaybeSent
    };
    // Replies quote addresses: only the code goes to the log.
    let reason = match code {
        Some(code) => format!("the mail server answered {code}"),
        None => platform::telemetry::scrub(&text).into_owned(),
    };
    MailError { failure, reason }
}
