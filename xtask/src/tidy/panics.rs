//! Code that reads the wire cannot panic: no `unwrap`, `expect`, `[]` indexing or `panic!`.
//!
//! Holds for the protocol folders and for every other `frame.rs` and `session.rs` of dissect.
//! Use `get`, `split_at_checked`, `first_chunk` and `let … else` instead.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::{is_test, is_test_file};
use crate::finding::Finding;
use crate::tree::{SourceFile, Tree};

const RULE: &str = "panics";
const DISSECT: &str = "pipeline/dissect/src/";
const METHODS: [&str; 4] = ["unwrap", "expect", "unwrap_err", "expect_err"];
const MACROS: [&str; 7] =
    ["panic", "unreachable", "todo", "unimplemented", "assert", "assert_eq", "assert_ne"];

/// Keywords behind which a `[` in a macro opens an array or a slice type, not an index.
const BEFORE_ARRAY: [&str; 9] =
    ["in", "return", "mut", "if", "match", "else", "const", "dyn", "break"];

/// Reads every file that reads the wire.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust_files().filter(|file| reads_the_wire(file)) {
        let mut visitor = PanicVisitor { path: &file.path, findings: &mut findings };
        if let Some(syntax) = file.syntax() {
            visitor.visit_file(syntax);
        }
    }
    findings
}

fn reads_the_wire(file: &SourceFile) -> bool {
    let Some(rest) = file.path.strip_prefix(DISSECT) else {
        return false;
    };
    let by_name = matches!(file.name(), "frame.rs" | "session.rs");
    (by_name || rest.starts_with("protocols/")) && !is_test_file(&file.path)
}

struct PanicVisitor<'a> {
    path: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl PanicVisitor<'_> {
    fn found(&mut self, span: Span, what: &str) {
        let message = format!("{what} can panic on input: use `get` or `let … else`");
        self.findings.push(Finding::new(RULE, self.path, span.start().line, message));
    }

    /// Macro arguments are tokens, not syntax: look for the shapes.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut previous: Option<TokenTree> = None;
        let mut after_dot = false;
        for token in tokens {
            match &token {
                TokenTree::Ident(name) if after_dot && METHODS.iter().any(|m| name == m) => {
                    self.found(name.span(), &format!("`{name}`"));
                }
                TokenTree::Group(group) => {
                    if group.delimiter() == Delimiter::Bracket
                        && group.stream().to_string() != ".."
                        && indexes(previous.as_ref())
                    {
                        self.found(group.span(), "indexing");
                    }
                    self.tokens(group.stream());
                }
                _ => {}
            }
            after_dot = matches!(&token, TokenTree::Punct(dot) if dot.as_char() == '.');
            previous = Some(token);
        }
    }
}

/// `[..]` takes everything and cannot miss.
fn is_full_range(index: &syn::Expr) -> bool {
    matches!(index, syn::Expr::Range(range) if range.start.is_none() && range.end.is_none())
}

fn indexes(previous: Option<&TokenTree>) -> bool {
    match previous {
        Some(TokenTree::Ident(name)) => !BEFORE_ARRAY.iter().any(|keyword| name == keyword),
        Some(TokenTree::Group(group)) => group.delimiter() != Delimiter::Brace,
        _ => false,
    }
}

impl<'ast> Visit<'ast> for PanicVisitor<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {
        // Evaluated by the compiler: what panics there does not compile.
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if METHODS.iter().any(|method| call.method == method) {
            self.found(call.method.span(), &format!("`{}`", call.method));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_index(&mut self, index: &'ast syn::ExprIndex) {
        if !is_full_range(&index.index) {
            self.found(index.span(), "indexing");
        }
        visit::visit_expr_index(self, index);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        if let Some(name) = called.path.get_ident()
            && MACROS.iter().any(|panics| name == panics)
        {
            self.found(name.span(), &format!("`{name}!`"));
        }
        self.tokens(called.tokens.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(body: &str) -> usize {
        let text = format!("fn f(a: &[u8]) {{ {body} }}");
        check(&Tree::of(&[("pipeline/dissect/src/protocols/redis/frame.rs", &text)])).len()
    }

    #[test]
    fn checked_access_passes() {
        let body = "let Some(x) = a.get(1..) else { return }; a.first().unwrap_or(&0); \
            matches!(x, [1, ..]); vec![0; 3]; dbg!(&a[..]); &a[..]; debug_assert!(x.len() == 1); \
            let y: [u8; 2] = [1, 2];";
        assert_eq!(found(body), 0);
    }

    #[test]
    fn what_can_panic_is_found() {
        assert_eq!(found("a[0]; a.first().unwrap(); a.first().expect(\"b\");"), 3);
        assert_eq!(found("unreachable!(); assert!(true);"), 2);
    }

    #[test]
    fn macro_arguments_are_read_too() {
        assert_eq!(found("matches!(a[0], 1); format!(\"{}\", f(a)[1]); dbg!(a.b().unwrap());"), 3);
    }

    #[test]
    fn tests_may_panic() {
        let text = "#[cfg(test)] mod tests { fn f(a: &[u8]) { a[0]; } } #[test] fn t() { a[0]; }";
        let path = "pipeline/dissect/src/protocols/redis/session.rs";
        assert_eq!(check(&Tree::of(&[(path, text)])), []);
    }

    #[test]
    fn other_stages_are_not_read() {
        assert_eq!(check(&Tree::of(&[("pipeline/metrics/src/red.rs", "fn f() { a[0]; }")])), []);
    }
}
