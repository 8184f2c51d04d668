//! Reading SQL without a parser: comments and strings blanked out, offsets kept, statements and words.

use std::ops::Range;

/// What happens to `$$ ... $$` bodies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bodies {
    /// Keep them as SQL; only the dollar tags go.
    Keep,
    /// Blank them, except those of `DO`, which run at once.
    Blank,
}

/// The same text with comments and string literals replaced by spaces; line breaks and offsets stay.
pub(crate) fn masked(sql: &str, bodies: Bodies) -> String {
    let bytes = sql.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'-' if bytes[at..].starts_with(b"--") => find(bytes, at, b"\n"),
            b'/' if bytes[at..].starts_with(b"/*") => find(bytes, at + 2, b"*/") + 2,
            b'\'' => quoted_end(bytes, at),
            b'$' => match dollar_tag(bytes, at) {
                Some(tag) if bodies == Bodies::Keep || follows_do(&out[..at]) => at + tag.len(),
                Some(tag) => find(bytes, at + tag.len(), tag) + tag.len(),
                None => at,
            },
            _ => at,
        };
        let end = end.min(bytes.len());
        blank(&mut out[at..end]);
        at = end.max(at + 1);
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|b| **b != b'\n') {
        *byte = b' ';
    }
}

/// Offset of `needle` at or after `from`; the end of the text when it is missing.
fn find(bytes: &[u8], from: usize, needle: &[u8]) -> usize {
    let from = from.min(bytes.len());
    bytes[from..].windows(needle.len()).position(|w| w == needle).map_or(bytes.len(), |i| from + i)
}

fn quoted_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        if bytes[at] == b'\'' {
            if bytes.get(at + 1) != Some(&b'\'') {
                return at + 1;
            }
            at += 1;
        }
        at += 1;
    }
    at
}

/// `$$` or `$name$` at this place; `$1` is a parameter.
fn dollar_tag(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let length = bytes[at + 1..].iter().position(|b| !(b.is_ascii_alphanumeric() || *b == b'_'))?;
    let closes = bytes[at + 1 + length] == b'$' && !bytes[at + 1].is_ascii_digit();
    closes.then(|| &bytes[at..at + length + 2])
}

fn follows_do(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    let start = before.iter().rposition(|b| !b.is_ascii_alphanumeric()).map_or(0, |i| i + 1);
    before[start..].eq_ignore_ascii_case(b"do")
}

/// Byte ranges of the statements in masked SQL, without the semicolons.
pub(crate) fn statements(masked: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    for end in masked.match_indices(';').map(|(i, _)| i).chain([masked.len()]) {
        if !masked[start..end].trim().is_empty() {
            ranges.push(start..end);
        }
        start = end + 1;
    }
    ranges
}

/// A word (name with its dots, in lower case, quotes removed) or a single sign, with its offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) offset: usize,
}

/// The words of masked SQL between two offsets.
pub(crate) fn words(masked: &str, range: Range<usize>) -> Vec<Word> {
    let mut found: Vec<Word> = Vec::new();
    let mut open = false;
    for (i, c) in masked[range.clone()].char_indices() {
        let offset = range.start + i;
        if c.is_alphanumeric() || matches!(c, '_' | '.' | '"' | '$') {
            if !open {
                found.push(Word { text: String::new(), offset });
            }
            open = true;
            if let (Some(word), true) = (found.last_mut(), c != '"') {
                word.text.extend(c.to_lowercase());
            }
        } else {
            open = false;
            if !c.is_whitespace() {
                found.push(Word { text: c.to_string(), offset });
            }
        }
    }
    found
}

/// The line of an offset, counted from 1.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.char_indices().take_while(|(at, _)| *at < offset).filter(|(_, c)| *c == '\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_vanish_and_lines_stay() {
        let sql = "select 'it''s; x' -- drop table\nfrom a /* b; */ where c = $1;";
        let clean = masked(sql, Bodies::Blank);
        assert_eq!(clean.len(), sql.len());
        assert!(!clean.contains("drop") && !clean.contains("it") && clean.contains("$1"));
        assert_eq!(clean.lines().count(), 2);
    }

    #[test]
    fn function_bodies_are_blanked_and_do_blocks_are_not() {
        let function = "create function f() returns void as $body$ drop table x; $body$ language sql;";
        assert!(!masked(function, Bodies::Blank).contains("drop"));
        assert!(masked(function, Bodies::Keep).contains("drop"));
        assert!(masked("DO $$ begin drop table x; end $$;", Bodies::Blank).contains("drop"));
    }

    #[test]
    fn words_keep_dotted_names_together() {
        let text: Vec<_> =
            words("Insert INTO \"orders\".line(a)", 0..28).into_iter().map(|w| w.text).collect();
        assert_eq!(text, ["insert", "into", "orders.line", "(", "a", ")"]);
    }

    #[test]
    fn statements_are_split_at_semicolons() {
        assert_eq!(statements("a; b\n;\n ").len(), 2);
    }

    #[test]
    fn an_open_string_or_tag_at_the_end_does_not_panic() {
        for sql in ["select 'open", "select $$open", "select $", "/* open", "--"] {
            assert_eq!(masked(sql, Bodies::Blank).len(), sql.len());
        }
    }
}
