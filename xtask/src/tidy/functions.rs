//! A function fits on a screen: 70 lines from its name to its closing brace.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::finding::Finding;
use crate::tree::{SourceFile, Tree};

const RULE: &str = "functions";
const LINES_MAX: usize = 70;

/// Measures every function of Rust and C.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().filter(|file| !file.is_case()) {
        let lengths = match file.extension() {
            "rs" => rust_lengths(file),
            "c" | "h" => c_lengths(file),
            _ => continue,
        };
        for (line, name, length) in lengths {
            if length > LINES_MAX {
                let message = format!("`{name}` has {length} lines; at most {LINES_MAX}");
                findings.push(Finding::new(RULE, &file.path, line, message));
            }
        }
    }
    findings
}

type Lengths = Vec<(usize, String, usize)>;

fn rust_lengths(file: &SourceFile) -> Lengths {
    let mut lengths = LengthVisitor(Vec::new());
    if let Some(syntax) = file.syntax() {
        lengths.visit_file(syntax);
    }
    lengths.0
}

struct LengthVisitor(Lengths);

impl LengthVisitor {
    fn measure(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.span().start().line;
        let last = block.span().end().line;
        self.0.push((first, signature.ident.to_string(), last + 1 - first));
    }
}

impl<'ast> Visit<'ast> for LengthVisitor {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.measure(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

/// By shape: a function of C ends with a `}` in the first column, and the block that ends there
/// began with a line in the first column that has a `(`.
fn c_lengths(file: &SourceFile) -> Lengths {
    let mut lengths = Vec::new();
    let mut start: Option<(usize, &str)> = None;
    for (number, line) in (1..).zip(file.text.lines()) {
        let outermost = line.starts_with(|first: char| first.is_ascii_alphabetic());
        if outermost && line.contains('(') && !line.ends_with(';') {
            start = Some((number, line));
        } else if line.starts_with('}')
            && let Some((first, line)) = start.take()
        {
            let name = line.split('(').next().and_then(|head| head.split_whitespace().last());
            lengths.push((first, name.unwrap_or_default().to_owned(), number + 1 - first));
        }
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, lines: usize) -> usize {
        let body = "    a();\n".repeat(lines - 2);
        let text = match path {
            "a.c" => format!("static int b(int c) {{\n{body}}}\n"),
            _ => format!("impl B {{\nfn b() {{\n{body}}}\n}}\n"),
        };
        check(&Tree::of(&[(path, &text)])).len()
    }

    #[test]
    fn a_function_of_the_longest_length_passes() {
        assert_eq!((found("a.rs", LINES_MAX), found("a.c", LINES_MAX)), (0, 0));
    }

    #[test]
    fn one_line_more_is_found() {
        assert_eq!((found("a.rs", LINES_MAX + 1), found("a.c", LINES_MAX + 1)), (1, 1));
    }
}
