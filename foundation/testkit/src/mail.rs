//! A mailer that keeps what it was given.

use std::sync::{Arc, Mutex, PoisonError};

use platform::db::BoxFuture;
use platform::mail::{MailError, Mailer, Message};

/// Records messages instead of sending them.
#[derive(Debug, Clone, Default)]
pub struct RecordingMailer {
    sent: Arc<Mutex<Vec<Message>>>,
}

impl RecordingMailer {
    /// Everything that was sent so far, oldest first; empties the record.
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Mailer for RecordingMailer {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(async move {
            self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone());
            Ok(())
        })
    }
}
