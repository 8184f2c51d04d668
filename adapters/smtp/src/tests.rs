//! Against a mail server of a few lines that answers as it is told.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;

/// Where the server misbehaves.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Accept,
    /// This reply to RCPT.
    Recipient(&'static str),
    /// This reply to the end of the text.
    Text(&'static str),
    /// Takes the text and hangs up without a word.
    HangUpAfterText,
    /// Takes the text and says nothing.
    SilentAfterText,
}

async fn server(answer: Answer) -> (SmtpMailer, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = SecretString::from(format!("smtp://{}", listener.local_addr().unwrap()));
    #[expect(clippy::disallowed_methods, reason = "a server inside a test has no lifecycle")]
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        converse(stream, answer).await
    });
    let from = Address::parse("Shop <shop@example.org>").unwrap();
    (SmtpMailer::new(&url, from, Duration::from_millis(300)).unwrap(), served)
}

/// Speaks until the client leaves; returns everything that it said.
async fn converse(stream: TcpStream, answer: Answer) -> String {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let mut heard = String::new();
    let mut in_text = false;
    writer.write_all(b"220 test\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        heard.push_str(&line);
        heard.push('\n');
        let reply = match (in_text, line.as_str(), answer) {
            (true, ".", Answer::HangUpAfterText) => return heard,
            (true, ".", Answer::SilentAfterText) => continue,
            (true, ".", Answer::Text(reply)) => reply,
            (true, ".", _) => "250 taken",
            (true, ..) => continue,
            (false, "DATA", _) => "354 go on",
            (false, line, Answer::Recipient(reply)) if line.starts_with("RCPT") => reply,
            (false, "QUIT", _) => "221 bye",
            _ => "250 ok",
        };
        in_text = line == "DATA" || (in_text && line != ".");
        if writer.write_all(format!("{reply}\r\n").as_bytes()).await.is_err() {
            break;
        }
    }
    heard
}

fn message() -> Message {
    Message::new("msg-1", Address::parse("Ana <ana@example.com>").unwrap(), "Your order", "Hello Ana")
        .unwrap()
}

async fn failure(answer: Answer) -> MailError {
    let (mailer, _served) = server(answer).await;
    mailer.send(&message()).await.unwrap_err()
}

#[tokio::test]
async fn a_message_is_handed_over_whole() {
    let (mailer, served) = server(Answer::Accept).await;
    let help = Address::new("help@example.org").unwrap();
    mailer.send(&message().with_html("<p>Hello Ana</p>").with_reply_to(help)).await.unwrap();
    drop(mailer);
    let heard = served.await.unwrap();
    for line in [
        "MAIL FROM:<shop@example.org>",
        "RCPT TO:<ana@example.com>",
        "Message-ID: <msg-1@example.org>",
        "Subject: Your order",
        "Reply-To: help@example.org",
        "multipart/alternative",
        "<p>Hello Ana</p>",
    ] {
        assert!(heard.contains(line), "{line} is missing in\n{heard}");
    }
}

#[tokio::test]
async fn a_refusal_for_now_may_be_tried_again() {
    assert_eq!(failure(Answer::Recipient("450 mailbox busy")).await.failure, Failure::Retry);
    assert_eq!(failure(Answer::Text("451 later")).await.failure, Failure::Retry);
}

#[tokio::test]
async fn a_refusal_for_good_is_permanent_and_its_text_stays_out_of_the_log() {
    let error = failure(Answer::Recipient("550 ana@example.com unknown")).await;
    assert_eq!(error.failure, Failure::Permanent);
    assert!(error.to_string().contains("550") && !error.to_string().contains("ana@"), "{error}");
    assert_eq!(failure(Answer::Text("554 spam")).await.failure, Failure::Permanent);
}

#[tokio::test]
async fn a_wrong_password_of_ours_does_not_condemn_the_message() {
    assert_eq!(failure(Answer::Recipient("530 sign in first")).await.failure, Failure::Retry);
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_text_leaves_doubt() {
    assert_eq!(failure(Answer::HangUpAfterText).await.failure, Failure::MaybeSent);
    assert_eq!(failure(Answer::SilentAfterText).await.failure, Failure::MaybeSent);
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = SecretString::from(format!("smtp://{}", listener.local_addr().unwrap()));
    drop(listener);
    let from = Address::new("shop@example.org").unwrap();
    let mailer = SmtpMailer::new(&url, from, Duration::from_secs(1)).unwrap();
    assert_eq!(mailer.send(&message()).await.unwrap_err().failure, Failure::Retry);
}

#[tokio::test]
async fn a_password_is_never_sent_in_the_open_or_printed() {
    let from = Address::new("shop@example.org").unwrap();
    let open = SecretString::from("smtp://bob:hunter2@mail.example.org");
    assert!(matches!(
        SmtpMailer::new(&open, from.clone(), Duration::from_secs(1)),
        Err(SmtpError::Unencrypted)
    ));
    let broken = SecretString::from("smtps://bob:hunter2@:not-a-port");
    let error = SmtpMailer::new(&broken, from.clone(), Duration::from_secs(1)).unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
    let good = SecretString::from("smtps://bob:hunter2@mail.example.org");
    let mailer = SmtpMailer::new(&good, from, Duration::from_secs(1)).unwrap();
    assert!(!format!("{mailer:?}").contains("hunter2"));
}
