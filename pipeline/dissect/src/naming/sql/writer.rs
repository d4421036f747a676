//! Collects operations and tables, within bounds, into the caller's text.

use super::Sql;
use super::keyword::is_frame;

/// An operation: a verb and, in a definition, the kind of object.
pub(super) type Operation = (&'static str, &'static str);

/// Where the reader puts what it finds.
pub(super) struct Writer<'o> {
    operation: &'o mut String,
    target: &'o mut String,
    summary: Option<&'o mut String>,
    /// The operation of the statements so far, those that only frame others left out.
    main: Option<Operation>,
    /// The first statement that only frames others.
    frame: Option<Operation>,
    /// The operation of the statement being read.
    current: Option<Operation>,
    /// The first operation inside a WITH list: stands in if the text ends there.
    nested: Option<Operation>,
    mixed: bool,
    tables: usize,
    /// Where the last operation of the summary, and its tables, begin.
    last: (usize, usize),
}

impl<'o> Writer<'o> {
    pub(super) fn new(
        operation: &'o mut String,
        target: &'o mut String,
        summary: Option<&'o mut String>,
    ) -> Self {
        Self {
            operation,
            target,
            summary,
            main: None,
            frame: None,
            current: None,
            nested: None,
            mixed: false,
            tables: 0,
            last: (0, 0),
        }
    }

    /// An operation. The first of a statement that does not stand in a WITH list names it.
    pub(super) fn operation(&mut self, verb: &'static str, object: &'static str, is_nested: bool) {
        let operation = (verb, object);
        if is_nested {
            self.nested.get_or_insert(operation);
        } else if self.current.is_none() {
            self.current = Some(operation);
            if self.frame.is_some() && self.main.is_none() && !is_frame(verb) {
                // Settings before the first real statement do not name its tables.
                self.target.clear();
                self.tables = 0;
            }
        }
        let Some(summary) = self.summary.as_deref_mut() else {
            return;
        };
        let known = summary.get(self.last.0..self.last.1).unwrap_or_default();
        let same = known.strip_prefix(verb).map(str::trim_start) == Some(object);
        if same && object.is_empty() {
            return;
        }
        let length = verb.len() + object.len() + 2;
        if summary.len() + length > Sql::NAME_BYTES_MAX {
            return;
        }
        if !summary.is_empty() {
            summary.push(' ');
        }
        self.last.0 = summary.len();
        summary.push_str(verb);
        if !object.is_empty() {
            summary.push(' ');
            summary.push_str(object);
        }
        self.last.1 = summary.len();
    }

    /// A table, or another named thing, as its parts.
    pub(super) fn table(&mut self, parts: &[&[u8]]) {
        let in_frame = self.current.is_some_and(|(verb, _)| is_frame(verb));
        if !(in_frame && self.main.is_some()) {
            self.target_table(parts);
        }
        let Some(summary) = self.summary.as_deref_mut() else {
            return;
        };
        let before = summary.len();
        summary.push(' ');
        push_name(summary, parts);
        let (head, name) = summary.split_at(before);
        let listed = head.get(self.last.1..).unwrap_or_default();
        let known = listed.split(' ').any(|other| other == name.trim_start());
        if known || summary.len() > Sql::NAME_BYTES_MAX {
            summary.truncate(before);
        }
    }

    fn target_table(&mut self, parts: &[&[u8]]) {
        if self.tables >= Sql::TABLES_MAX {
            return;
        }
        let before = self.target.len();
        if before > 0 {
            self.target.push_str(", ");
        }
        let from = self.target.len();
        push_name(self.target, parts);
        let (head, name) = self.target.split_at(from);
        let known = head.split(", ").any(|other| other == name);
        if known || name.is_empty() || self.target.len() > Sql::NAME_BYTES_MAX {
            self.target.truncate(before);
        } else {
            self.tables += 1;
        }
    }

    /// The statement ends.
    pub(super) fn end_statement(&mut self) {
        let nested = self.nested.take();
        let Some(operation) = self.current.take().or(nested) else {
            return;
        };
        if is_frame(operation.0) {
            self.frame.get_or_insert(operation);
        } else {
            let main = *self.main.get_or_insert(operation);
            self.mixed |= main != operation;
        }
    }

    /// The text ends: the operation is written.
    pub(super) fn finish(mut self) {
        self.end_statement();
        let (verb, object) = match self.main.or(self.frame) {
            Some(_) if self.mixed => ("BATCH", ""),
            Some(operation) => operation,
            None => ("EMPTY", ""),
        };
        self.operation.push_str(verb);
        if !object.is_empty() {
            self.operation.push(' ');
            self.operation.push_str(object);
        }
        if let Some(summary) = self.summary.filter(|summary| summary.is_empty()) {
            summary.push_str(verb);
        }
    }
}

/// The parts of a name with dots between them.
fn push_name(out: &mut String, parts: &[&[u8]]) {
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            out.push('.');
        }
        push_part(out, part);
    }
}

/// One identifier. Blanks and control characters become `_`, what looks like an id becomes `{id}`.
fn push_part(out: &mut String, part: &[u8]) {
    /// Digits that no longer look like a year or a shard.
    const DIGITS_MIN: usize = 5;
    /// Hexadecimal digits that no word has: half a UUID.
    const HEX_MIN: usize = 12;
    if part.iter().all(|b| b.is_ascii_alphabetic() || *b == b'_') {
        out.push_str(std::str::from_utf8(part).unwrap_or_default());
        return;
    }
    let text = String::from_utf8_lossy(part);
    let mut rest = &*text;
    while let Some(first) = rest.chars().next() {
        let run = |f: fn(&u8) -> bool| rest.bytes().take_while(f).count();
        let digits = run(u8::is_ascii_digit);
        let hex = run(u8::is_ascii_hexdigit);
        let has_digit = rest.bytes().take(hex).any(|b| b.is_ascii_digit());
        let id = if hex >= HEX_MIN && has_digit {
            hex
        } else if digits >= DIGITS_MIN {
            digits
        } else {
            0
        };
        if id > 0 {
            out.push_str("{id}");
            rest = rest.get(id..).unwrap_or_default();
            continue;
        }
        let blank = first.is_control() || first.is_whitespace() || matches!(first, ',' | ';');
        // A short run is taken whole, so that its tail is not judged by itself.
        let taken = if hex > 0 { hex.min(digits.max(1)) } else { first.len_utf8() };
        if blank {
            out.push('_');
        } else {
            out.push_str(rest.get(..taken).unwrap_or_default());
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
}
