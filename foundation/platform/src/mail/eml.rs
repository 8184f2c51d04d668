//! A message as text that every mail program opens (RFC 5322, MIME). The bodies stay readable (8bit), because people
//! look into these files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::time::Timestamp;

use super::{Address, Message};

pub(super) fn format(message: &Message, from: &Address, now: Timestamp, boundary: &str) -> String {
    let mut lines = vec![
        format!("From: {}", mailbox(from)),
        format!("To: {}", mailbox(message.to())),
        format!("Subject: {}", words(message.subject())),
        format!("Date: {}", now.strftime("%a, %d %b %Y %H:%M:%S +0000")),
        format!("Message-ID: <{}@{}>", message.id(), from.domain()),
        "MIME-Version: 1.0".to_owned(),
    ];
    if let Some(address) = message.reply_to() {
        lines.push(format!("Reply-To: {}", mailbox(address)));
    }
    match message.html() {
        None => lines.extend(part("plain", message.text())),
        Some(html) => {
            lines.push(format!("Content-Type: multipart/alternative; boundary=\"{boundary}\""));
            lines.push(String::new());
            for (kind, text) in [("plain", message.text()), ("html", html)] {
                lines.push(format!("--{boundary}"));
                lines.extend(part(kind, text));
            }
            lines.push(format!("--{boundary}--"));
        }
    }
    lines.push(String::new());
    lines.join("\r\n")
}

fn part(kind: &str, text: &str) -> Vec<String> {
    let mut lines = vec![
        format!("Content-Type: text/{kind}; charset=utf-8"),
        "Content-Transfer-Encoding: 8bit".to_owned(),
        String::new(),
    ];
    lines.extend(text.lines().map(str::to_owned));
    lines
}

fn mailbox(address: &Address) -> String {
    match address.name() {
        None => address.address(),
        Some(name) => {
            let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || " .-_".contains(c));
            let name = if plain { format!("\"{name}\"") } else { encoded(name) };
            format!("{name} <{}>", address.address())
        }
    }
}

fn words(text: &str) -> String {
    if text.is_ascii() && text.len() <= 200 { text.to_owned() } else { encoded(text) }
}

/// Encoded words (RFC 2047): at most 75 characters each, never cutting a character in two.
fn encoded(text: &str) -> String {
    let mut chunks: Vec<String> = vec![String::new()];
    for character in text.chars() {
        if chunks.last().is_some_and(|chunk| chunk.len() + character.len_utf8() > 42) {
            chunks.push(String::new());
        }
        if let Some(chunk) = chunks.last_mut() {
            chunk.push(character);
        }
    }
    let words: Vec<String> =
        chunks.iter().map(|chunk| format!("=?utf-8?B?{}?=", STANDARD.encode(chunk))).collect();
    words.join("\r\n ")
}
