//! Budgets: a production file has at most 600 lines, a function at most 80, signature and comments included.
//!
//! Test code does not count. The median and the 90th percentile are printed beside their goals, so that a
//! drift is seen before it becomes a wall.

use syn::visit::{self, Visit};
use syn::{ImplItemFn, Item, ItemFn, TraitItemFn};

use super::Report;
use crate::measure::percentile;
use crate::rust_text::{
    ProductionFile, attributes_of, is_test_only, lines_of, production_files, test_ranges,
};
use crate::workspace::Workspace;

const FILE_LIMIT: usize = 600;
const FUNCTION_LIMIT: usize = 80;

pub(super) fn run(workspace: &Workspace) -> Report {
    let mut report = Report::default();
    let (mut files, mut functions) = (Vec::new(), Vec::new());
    for production in production_files(workspace) {
        let path = &production.file.path;
        let lines = production_lines(&production);
        if lines > FILE_LIMIT {
            report.at(
                path,
                format!("{lines} production lines, the limit is {FILE_LIMIT}: split it by rule or verb"),
            );
        }
        files.push(lines);
        for function in functions_of(&production.ast) {
            if function.lines > FUNCTION_LIMIT {
                let message = format!(
                    "fn {} has {} lines, the limit is {FUNCTION_LIMIT}",
                    function.name, function.lines
                );
                report.at_line(path, function.first_line, message);
            }
            functions.push(function.lines);
        }
    }
    report.remarks.push(summary("files", &mut files, "120, 350"));
    report.remarks.push(summary("functions", &mut functions, "10, 35"));
    report
}

fn summary(what: &str, lengths: &mut [usize], goal: &str) -> String {
    let total = lengths.len();
    let (median, p90) = (percentile(lengths, 50), percentile(lengths, 90));
    format!("{total} {what}: median {median}, p90 {p90} lines (goal: {goal})")
}

fn production_lines(production: &ProductionFile<'_>) -> usize {
    let test: usize = test_ranges(&production.ast).iter().map(|(first, last)| last - first + 1).sum();
    production.file.text.lines().count().saturating_sub(test)
}

struct Function {
    name: String,
    first_line: usize,
    lines: usize,
}

fn functions_of(ast: &syn::File) -> Vec<Function> {
    let mut collector = Collector(Vec::new());
    collector.visit_file(ast);
    collector.0
}

struct Collector(Vec<Function>);

impl Collector {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let (first_line, _) = lines_of(signature);
        let (_, last_line) = lines_of(block);
        self.0.push(Function {
            name: signature.ident.to_string(),
            first_line,
            lines: last_line - first_line + 1,
        });
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test_only(attributes_of(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !is_test_only(&function.attrs) {
            self.add(&function.sig, &function.block);
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.add(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long_function(lines: usize) -> String {
        format!("fn long() {{\n{}}}\n", "    step();\n".repeat(lines - 2))
    }

    fn violations(path: &str, text: &str) -> Vec<String> {
        run(&Workspace::of_files(&[(path, text)])).violations.into_iter().map(|v| v.message).collect()
    }

    #[test]
    fn a_function_of_eighty_lines_passes_and_of_eighty_one_fails() {
        assert!(violations("services/a/src/lib.rs", &long_function(80)).is_empty());
        let found = violations("services/a/src/lib.rs", &long_function(81));
        assert_eq!(found, ["fn long has 81 lines, the limit is 80"]);
    }

    #[test]
    fn methods_count_too() {
        let text = format!("struct S;\nimpl S {{\n{}}}\n", long_function(90));
        assert_eq!(violations("services/a/src/lib.rs", &text).len(), 1);
    }

    #[test]
    fn a_file_over_the_limit_fails() {
        let found = violations("services/a/src/lib.rs", &"const A: u8 = 1;\n".repeat(601));
        assert!(found[0].starts_with("601 production lines"));
    }

    #[test]
    fn test_code_is_free() {
        let text = format!("#[cfg(test)]\nmod tests {{\n{}{}}}\n", long_function(300), long_function(400));
        assert!(violations("services/a/src/lib.rs", &text).is_empty());
        assert!(violations("services/a/tests/it/main.rs", &long_function(900)).is_empty());
    }
}
