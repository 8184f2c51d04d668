//! A mailer that writes files: for installations without a mail server, and for development.

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use kernel::random::Random;
use kernel::time::SharedClock;

use super::{Address, BoxFuture, Failure, MailError, Mailer, Message, eml};

/// Writes each message to a file of its own, complete or not at all. The files hold links that sign people in, so only
/// their owner may read them.
#[derive(Debug)]
pub struct FolderMailer {
    folder: PathBuf,
    from: Address,
    clock: SharedClock,
    random: Random,
}

impl FolderMailer {
    /// The folder (`<data>/outbox-mail`) is created when the first message is written.
    pub fn new(folder: impl Into<PathBuf>, from: Address, clock: SharedClock, random: Random) -> Self {
        Self { folder: folder.into(), from, clock, random }
    }
}

impl Mailer for FolderMailer {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(async move {
            let now = self.clock.now();
            let text = eml::format(message, &self.from, now, &format!("part-{}", self.random.code(24)));
            // Sorted by time; the id makes a repeated message replace its first copy of the same second only.
            let name = format!("{}-{}", now.strftime("%Y%m%dT%H%M%SZ"), message.id());
            let folder = self.folder.clone();
            let written = tokio::task::spawn_blocking(move || write(&folder, &name, &text)).await;
            match written {
                Ok(Ok(path)) => {
                    tracing::info!(file = %path.display(), "an e-mail was written to a file");
                    Ok(())
                }
                Ok(Err(error)) => Err(MailError { failure: Failure::Retry, reason: error.to_string() }),
                Err(error) => Err(MailError { failure: Failure::MaybeSent, reason: error.to_string() }),
            }
        })
    }
}

fn write(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let (draft, path) = (folder.join(format!(".{name}.new")), folder.join(format!("{name}.eml")));
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&draft, &path)?;
    File::open(folder)?.sync_all()?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::sync::Arc;

    use kernel::time::ManualClock;

    use super::*;

    async fn written(message: &Message) -> (String, u32) {
        let home = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().unwrap()));
        let from = Address::parse("Blumen Größe <shop@example.org>").unwrap();
        let mailer: Arc<dyn Mailer> =
            Arc::new(FolderMailer::new(home.path().join("outbox-mail"), from, clock, Random::seeded(1)));
        mailer.send(message).await.unwrap();
        let files: Vec<_> = std::fs::read_dir(home.path().join("outbox-mail")).unwrap().flatten().collect();
        assert_eq!(files.len(), 1, "one message is one file, and no draft stays behind");
        assert_eq!(files[0].file_name(), "20261120T120000Z-msg-1.eml");
        let mode = files[0].metadata().unwrap().mode() & 0o777;
        (std::fs::read_to_string(files[0].path()).unwrap(), mode)
    }

    #[tokio::test]
    async fn a_message_becomes_a_file_that_only_its_owner_reads() {
        let ana = Address::parse("Ana <ana@example.org>").unwrap();
        let message = Message::new("msg-1", ana, "Grüße", "Hello\nhttps://example.org/x")
            .unwrap()
            .with_html("<p>Hello</p>")
            .with_reply_to(Address::new("help@example.org").unwrap());
        let (text, mode) = written(&message).await;
        assert_eq!(mode, 0o600);
        for line in [
            "From: =?utf-8?B?Qmx1bWVuIEdyw7bDn2U=?= <shop@example.org>\r\n",
            "To: \"Ana\" <ana@example.org>\r\n",
            "Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n",
            "Date: Fri, 20 Nov 2026 12:00:00 +0000\r\n",
            "Message-ID: <msg-1@example.org>\r\n",
            "Reply-To: help@example.org\r\n",
            "\r\nHello\r\nhttps://example.org/x\r\n",
            "\r\n<p>Hello</p>\r\n",
        ] {
            assert!(text.contains(line), "{line:?} is missing in\n{text}");
        }
    }

    #[tokio::test]
    async fn a_plain_message_has_one_part() {
        let message = Message::new("msg-1", Address::new("ana@example.org").unwrap(), "Hi", "Text").unwrap();
        let (text, _) = written(&message).await;
        assert!(text.contains("Subject: Hi\r\n") && text.ends_with("8bit\r\n\r\nText\r\n"), "{text}");
    }
}
