//! Reading Rust files: which code is test code, and what stands in calls and attributes.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::{Attribute, Item};

use crate::workspace::{TextFile, Workspace};

/// A Rust file that is not test code as a whole.
pub(crate) struct ProductionFile<'a> {
    pub(crate) file: &'a TextFile,
    pub(crate) ast: syn::File,
}

/// Every production file that parses; a file that does not parse is the compiler's to report.
pub(crate) fn production_files(workspace: &Workspace) -> Vec<ProductionFile<'_>> {
    let mut parsed = Vec::new();
    let mut test_modules = BTreeSet::new();
    for file in rust_files(workspace).filter(|f| !is_test_path(&f.path)) {
        let Ok(ast) = syn::parse_file(&file.text) else {
            continue;
        };
        test_modules.extend(declared_test_modules(&file.path, &ast));
        parsed.push(ProductionFile { file, ast });
    }
    parsed.retain(|p| {
        let path = p.file.path.trim_end_matches(".rs").trim_end_matches("/mod");
        !test_modules.iter().any(|m| path == m || path.starts_with(&format!("{m}/")))
    });
    parsed
}

/// All Rust files of the repository.
pub(crate) fn rust_files(workspace: &Workspace) -> impl Iterator<Item = &TextFile> {
    workspace.files.iter().filter(|f| f.path.rsplit_once('.').is_some_and(|(_, ext)| ext == "rs"))
}

/// Test code by its place: integration tests, the scenarios, `tests.rs` and `*_tests.rs` beside the code.
pub(crate) fn is_test_path(path: &str) -> bool {
    path.starts_with("tests/")
        || ["/tests/", "/benches/", "/examples/", "/fixtures/"].iter().any(|part| path.contains(part))
        || ["/tests.rs", "_tests.rs", "_test.rs"].iter().any(|end| path.ends_with(end))
}

/// `#[cfg(test)] mod name;` in this file, as paths without `.rs`.
fn declared_test_modules(path: &str, ast: &syn::File) -> Vec<String> {
    let stem = path.trim_end_matches(".rs");
    let folder = match stem.rsplit_once('/') {
        Some((folder, "mod" | "lib" | "main")) => folder,
        _ => stem,
    };
    let outside = |item: &Item| match item {
        Item::Mod(m) if m.content.is_none() && is_test_only(&m.attrs) => {
            Some(format!("{folder}/{}", m.ident))
        }
        _ => None,
    };
    ast.items.iter().filter_map(outside).collect()
}

/// Is this item compiled for tests only?
pub(crate) fn is_test_only(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|a| {
        let words = a.meta.require_list().map(|l| l.tokens.to_string()).unwrap_or_default();
        let cfg_test = a.path().is_ident("cfg")
            && words.split(|c: char| !c.is_alphanumeric()).any(|w| w == "test")
            && !words.contains("not");
        cfg_test || a.path().segments.last().is_some_and(|s| s.ident == "test")
    })
}

/// The attributes of an item, for the kinds that carry test code.
pub(crate) fn attributes_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Mod(i) => &i.attrs,
        Item::Fn(i) => &i.attrs,
        Item::Impl(i) => &i.attrs,
        Item::Use(i) => &i.attrs,
        Item::Struct(i) => &i.attrs,
        Item::Enum(i) => &i.attrs,
        Item::Const(i) => &i.attrs,
        Item::Macro(i) => &i.attrs,
        _ => &[],
    }
}

/// First and last line of something parsed, counted from 1.
pub(crate) fn lines_of(node: &impl Spanned) -> (usize, usize) {
    let span = node.span();
    (span.start().line, span.end().line)
}

/// A string literal and the line on which it starts.
pub(crate) struct Literal {
    pub(crate) text: String,
    pub(crate) line: usize,
    /// Does it stand inside a call or macro named `query...`, `raw_sql` or `AssertSqlSafe`?
    pub(crate) in_query: bool,
}

/// Every string literal of the production items of a file, doc comments left out.
pub(crate) fn literals(text: &str, ast: &syn::File) -> Vec<Literal> {
    let mut found = Vec::new();
    let Ok(tokens) = text.parse::<TokenStream>() else {
        return found;
    };
    collect_literals(tokens, false, &mut found);
    let test_lines = test_ranges(ast);
    found.retain(|l| !test_lines.iter().any(|(first, last)| (*first..=*last).contains(&l.line)));
    found
}

/// Lines taken by items that are compiled for tests only.
pub(crate) fn test_ranges(ast: &syn::File) -> Vec<(usize, usize)> {
    ast.items.iter().filter(|i| is_test_only(attributes_of(i))).map(lines_of).collect()
}

fn collect_literals(tokens: TokenStream, in_query: bool, found: &mut Vec<Literal>) {
    let mut call = String::new();
    let mut after_hash = false;
    let mut before = ' ';
    // Depth of `::<...>` after the name of a call; its type names are not the call.
    let mut turbofish = 0_usize;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                before = ' ';
                if turbofish == 0 {
                    call = ident.to_string();
                }
            }
            TokenTree::Punct(p) => {
                let sign = p.as_char();
                after_hash = sign == '#' || (after_hash && sign == '!');
                match sign {
                    '<' if turbofish > 0 || before == ':' => turbofish += 1,
                    '>' => turbofish = turbofish.saturating_sub(1),
                    ';' | '=' => (turbofish, call) = (0, String::new()),
                    _ => {}
                }
                before = sign;
            }
            TokenTree::Group(group) => {
                before = ' ';
                if !after_hash {
                    collect_literals(group.stream(), in_query || is_query_call(&call), found);
                }
                after_hash = false;
                call.clear();
            }
            TokenTree::Literal(literal) => {
                let line = literal.span().start().line;
                if let syn::Lit::Str(s) = syn::Lit::new(literal) {
                    found.push(Literal { text: s.value(), line, in_query });
                }
            }
        }
    }
}

fn is_query_call(name: &str) -> bool {
    name.starts_with("query") || name == "raw_sql" || name == "AssertSqlSafe"
}

/// The queries of the checked query macros (`query!`, `query_as!`, ...) of a file, test code included.
pub(crate) fn checked_queries(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(tokens) = text.parse::<TokenStream>() {
        collect_queries(tokens, &mut found);
    }
    found
}

const QUERY_MACROS: [&str; 3] = ["query", "query_as", "query_scalar"];

fn collect_queries(tokens: TokenStream, found: &mut Vec<String>) {
    let mut name = String::new();
    let mut is_macro = false;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => (name, is_macro) = (ident.to_string(), false),
            TokenTree::Punct(sign) => is_macro = sign.as_char() == '!' && !name.is_empty(),
            TokenTree::Group(group) if is_macro && QUERY_MACROS.contains(&name.as_str()) => {
                found.extend(first_text(group.stream()));
            }
            TokenTree::Group(group) => collect_queries(group.stream(), found),
            TokenTree::Literal(_) => name.clear(),
        }
    }
}

/// The first string of a macro's arguments; pieces may be joined with `+`, as the macros allow.
fn first_text(arguments: TokenStream) -> Option<String> {
    let mut text: Option<String> = None;
    let mut joins = true;
    for token in arguments {
        match token {
            TokenTree::Literal(literal) if joins => {
                let syn::Lit::Str(piece) = syn::Lit::new(literal) else { continue };
                text.get_or_insert_default().push_str(&piece.value());
                joins = false;
            }
            TokenTree::Punct(sign) if text.is_some() && sign.as_char() == '+' => joins = true,
            _ if text.is_some() => break,
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_know_whether_they_stand_in_a_query() {
        let source = r#"
            /// not me
            fn f() { sqlx::query_as!(Row, "select 1", id); log("hello"); sqlx::query::<Pg>("select 2"); }
            #[cfg(test)] mod tests { const S: &str = "test only"; }
        "#;
        let found: Vec<_> = literals(source, &syn::parse_file(source).unwrap())
            .into_iter()
            .map(|l| (l.text, l.in_query))
            .collect();
        assert_eq!(
            found,
            [("select 1".to_owned(), true), ("hello".to_owned(), false), ("select 2".to_owned(), true)]
        );
    }

    #[test]
    fn test_modules_in_other_files_are_not_production() {
        let workspace = Workspace::of_files(&[
            ("services/a/src/lib.rs", "//! a\n#[cfg(test)] mod helpers;\nmod real;"),
            ("services/a/src/helpers.rs", "fn h() {}"),
            ("services/a/src/helpers/deep.rs", "fn d() {}"),
            ("services/a/src/real.rs", "fn r() {}"),
            ("services/a/tests/it/main.rs", "fn t() {}"),
        ]);
        let paths: Vec<_> = production_files(&workspace).iter().map(|p| p.file.path.as_str()).collect();
        assert_eq!(paths, ["services/a/src/lib.rs", "services/a/src/real.rs"]);
    }

    #[test]
    fn code_for_not_test_is_production() {
        let file = syn::parse_file(
            "#[cfg(not(test))] fn a() {} #[cfg(test)] fn b() {} #[tokio::test] async fn c() {}",
        )
        .unwrap();
        let flags: Vec<_> = file.items.iter().map(|i| is_test_only(attributes_of(i))).collect();
        assert_eq!(flags, [false, true, true]);
    }

    #[test]
    fn checked_queries_are_found_where_they_stand_and_joined_where_they_are_split() {
        let source = r##"
            /// sqlx::query!("in a comment")
            async fn f(tx: &mut Tx) -> Result<()> {
                sqlx::query!("SELECT 1", id, "not me").execute(tx).await?;
                let rows = sqlx::query_as!(Row, r#"SELECT a AS "a!" FROM t"#, name).fetch_all(tx);
                if sqlx::query_scalar!("SELECT " + "count(*)" + " FROM t").fetch_one(tx).await? > 0 { vec![query!("SELECT 2")]; }
                sqlx::query("unchecked").execute(tx).await?;
                format!("SELECT {}", 3);
            }
            #[cfg(test)] mod tests { fn g() { sqlx::query!("SELECT 4"); } }
        "##;
        assert_eq!(
            checked_queries(source),
            ["SELECT 1", "SELECT a AS \"a!\" FROM t", "SELECT count(*) FROM t", "SELECT 2", "SELECT 4"]
        );
    }
}
