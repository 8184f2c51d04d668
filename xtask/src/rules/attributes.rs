//! `#[allow]` is banned, also inside macros and `cfg_attr`; `#[expect]` carries a reason.
//!
//! The difference: an `#[expect]` that is no longer needed is reported by the compiler.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::Report;
use crate::rust_text::rust_files;
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Report {
    let mut report = Report::default();
    for file in rust_files(workspace) {
        if let Ok(tokens) = file.text.parse::<TokenStream>() {
            for (line, message) in scan(tokens) {
                report.at_line(&file.path, line, message);
            }
        }
    }
    report
}

fn scan(tokens: TokenStream) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    let mut after_hash = false;
    for token in tokens {
        match token {
            TokenTree::Punct(p) => after_hash = p.as_char() == '#' || (after_hash && p.as_char() == '!'),
            TokenTree::Group(group) => {
                if after_hash && group.delimiter() == Delimiter::Bracket {
                    found.extend(judge(group.stream()));
                } else {
                    found.extend(scan(group.stream()));
                }
                after_hash = false;
            }
            _ => after_hash = false,
        }
    }
    found
}

/// Judges the inside of one attribute; `cfg_attr(condition, allow(...))` is judged by its parts.
fn judge(attribute: TokenStream) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    let mut name = String::new();
    for token in attribute {
        match token {
            TokenTree::Ident(ident) => name = ident.to_string(),
            TokenTree::Group(group) => {
                let line = group.span().start().line;
                let has_reason = group.stream().into_iter().any(|t| t.to_string() == "reason");
                match name.as_str() {
                    "allow" => found.push((line, "use #[expect(..., reason = \"...\")] instead of #[allow]")),
                    "expect" if !has_reason => found.push((line, "#[expect] needs `reason = \"...\"`")),
                    "cfg_attr" => found.extend(judge(group.stream())),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        scan(text.parse().unwrap()).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn expect_with_a_reason_passes() {
        assert!(lines("#[expect(dead_code, reason = \"step 2 uses it\")]\nfn f() {}").is_empty());
    }

    #[test]
    fn allow_and_bare_expect_are_found_wherever_they_hide() {
        let text = "#![allow(dead_code)]\n#[expect(unused)]\nfn f() {}\nmacro_rules! m { () => {\n#[allow(x)]\nfn g() {} } }\n#[cfg_attr(test, allow(y))]\nfn h() {}";
        assert_eq!(lines(text), [1, 2, 5, 7]);
    }

    #[test]
    fn a_method_named_expect_is_not_an_attribute() {
        assert!(lines("fn f() { value.expect(\"text\"); allow(1); }").is_empty());
    }
}
