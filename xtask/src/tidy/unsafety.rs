//! `unsafe` lives at named doors, and each block says what makes it true.

use syn::visit::{self, Visit};

use crate::finding::Finding;
use crate::tree::{SourceFile, Tree};

const RULE: &str = "unsafety";
const DOORS: [&str; 3] = ["pipeline/capture/", "foundation/abi/", "driver-windows/"];

/// How far above a block its reason may stand: a statement and its attributes lie between.
const LINES_ABOVE_MAX: usize = 12;

/// Reads every Rust file.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust_files() {
        let Some(syntax) = file.syntax() else {
            continue;
        };
        let mut visitor = UnsafeVisitor::default();
        visitor.visit_file(syntax);
        if !DOORS.iter().any(|door| file.path.starts_with(door)) {
            for line in visitor.blocks.iter().chain(&visitor.others) {
                let message = format!("`unsafe` is for {} only", DOORS.join(", "));
                findings.push(Finding::new(RULE, &file.path, *line, message));
            }
            continue;
        }
        for line in visitor.blocks {
            if !has_reason(file, line) {
                let message = "say in `// SAFETY:` which fact makes this true";
                findings.push(Finding::new(RULE, &file.path, line, message));
            }
        }
    }
    findings
}

/// True if a `SAFETY:` comment stands on the line, or above it within the same statement.
fn has_reason(file: &SourceFile, line: usize) -> bool {
    let lines: Vec<&str> = file.text.lines().take(line).collect();
    for (distance, text) in lines.iter().rev().take(LINES_ABOVE_MAX).enumerate() {
        if text.contains("SAFETY:") {
            return true;
        }
        let text = text.trim();
        let ends_statement = text.ends_with(';') || text.ends_with('{') || text.ends_with('}');
        if distance > 0 && ends_statement && !text.starts_with("//") {
            return false;
        }
    }
    false
}

#[derive(Default)]
struct UnsafeVisitor {
    blocks: Vec<usize>,
    others: Vec<usize>,
}

impl<'ast> Visit<'ast> for UnsafeVisitor {
    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        self.blocks.push(block.unsafe_token.span.start().line);
        visit::visit_expr_unsafe(self, block);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.others.extend(signature.unsafety.map(|token| token.span.start().line));
        visit::visit_signature(self, signature);
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        self.others.extend(block.unsafety.map(|token| token.span.start().line));
        visit::visit_item_impl(self, block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn block_with_its_reason_passes_at_a_door() {
        let text = "fn f() {\n    // SAFETY: p is valid.\n    let x =\n        unsafe { *p };\n}";
        assert_eq!(found("pipeline/capture/src/a.rs", text), 0);
    }

    #[test]
    fn block_without_reason_is_found() {
        let text = "fn f() {\n    // SAFETY: p is valid.\n    g();\n    unsafe { *p };\n}";
        assert_eq!(found("pipeline/capture/src/a.rs", text), 1);
    }

    #[test]
    fn unsafe_elsewhere_is_found() {
        let text = "// SAFETY: no.\nunsafe fn f() {}\nunsafe impl Send for A {}";
        assert_eq!(found("pipeline/metrics/src/a.rs", text), 2);
    }
}
