//! The last net under secrets in logs: passwords in addresses and bearer tokens are cut out of every line.
//!
//! It is a net, not the rule: the rule is that secrets are typed (`config::Secret`) and never formatted. Errors of
//! libraries quote connection strings all the same.

use std::borrow::Cow;
use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

const CUT: &str = "***";

/// Replaces `user:password@` behind `://`, and what follows `Bearer `, by `***`.
pub fn scrub(text: &str) -> Cow<'_, str> {
    if !text.contains("://") && !text.contains("earer ") {
        return Cow::Borrowed(text);
    }
    Cow::Owned(scrub_bearer(&scrub_addresses(text)))
}

fn scrub_addresses(text: &str) -> String {
    let mut pieces = text.split("://");
    let mut clean = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        clean.push_str("://");
        // The authority ends at the first of these; a password may itself contain '@', so the last one counts.
        let end = piece.find(|c: char| c.is_whitespace() || "/?#\"'\\<>".contains(c)).unwrap_or(piece.len());
        let (authority, rest) = piece.split_at(end);
        match authority.rsplit_once('@') {
            Some((_, host)) => clean.extend([CUT, "@", host]),
            None => clean.push_str(authority),
        }
        clean.push_str(rest);
    }
    clean
}

fn scrub_bearer(text: &str) -> String {
    let mut pieces = text.split("earer ");
    let mut clean = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        clean.push_str("earer ");
        let end =
            piece.find(|c: char| !c.is_ascii_alphanumeric() && !"-._~+/=".contains(c)).unwrap_or(piece.len());
        // Short words are prose ("the bearer of"), not tokens.
        if end >= 16 {
            clean.push_str(CUT);
            clean.push_str(&piece[end..]);
        } else {
            clean.push_str(piece);
        }
    }
    clean
}

/// A writer of log lines that scrubs them.
#[derive(Debug, Clone)]
pub struct Scrubbed<W>(pub W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Scrubbed<W> {
    type Writer = ScrubbedWriter<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        ScrubbedWriter(self.0.make_writer())
    }
}

/// One line on its way. The formatter hands over whole lines.
#[derive(Debug)]
pub struct ScrubbedWriter<W>(W);

impl<W: Write> Write for ScrubbedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(scrub(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_tokens_are_cut_out() {
        for (line, clean) in [
            ("cannot reach postgres://bob:p@ss@db:5432/x", "cannot reach postgres://***@db:5432/x"),
            ("two redis://:a@one and amqp://u:b@two/%2f", "two redis://***@one and amqp://***@two/%2f"),
            ("Authorization: Bearer eyJhbGciOiJFZERTQSJ9.e30.sig\"}", "Authorization: Bearer ***\"}"),
            ("the bearer of bad news", "the bearer of bad news"),
            ("see https://example.org/a@b", "see https://example.org/a@b"),
            ("nothing here", "nothing here"),
        ] {
            assert_eq!(scrub(line), clean);
        }
    }
}
