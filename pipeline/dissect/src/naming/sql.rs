//! SQL text → operation and tables, without a literal.
//!
//! A lexer and a scanner of table positions, not a parser: it takes any dialect, text cut off
//! anywhere and text that is no SQL at all, and would rather name no table than a wrong one.
//! Literals, parameters and comments cannot reach the output: the lexer drops their bytes. What is
//! put out are keywords of fixed lists and identifiers in a table position; long runs of digits in
//! those become `{id}`.

mod keyword;
mod lexer;
mod reader;
mod scan;
mod writer;

#[cfg(test)]
mod tests;

use reader::Reader;
use writer::Writer;

/// How quotes and comments read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The SQL standard, PostgreSQL, Oracle, SQLite: `"` quotes identifiers.
    Standard,
    /// MySQL and MariaDB: `"` quotes strings, a backslash escapes, `#` begins a comment.
    MySql,
    /// SQL Server: `[` quotes identifiers.
    SqlServer,
}

/// An SQL text, and how to read it.
#[derive(Clone, Copy, Debug)]
pub struct Sql<'a> {
    /// One or several statements.
    pub text: &'a [u8],
    /// How quotes and comments read.
    pub dialect: Dialect,
    /// True if the text goes on after `text` ends.
    pub cut: bool,
}

impl<'a> Sql<'a> {
    /// Most tables named in a target.
    pub const TABLES_MAX: usize = 3;
    /// Longest target and longest summary, in bytes.
    pub const NAME_BYTES_MAX: usize = 255;

    /// A whole text of the standard dialect.
    pub const fn standard(text: &'a [u8]) -> Self {
        Self { text, dialect: Dialect::Standard, cut: false }
    }

    /// Appends the operation (`SELECT`, `CREATE TABLE`) and the tables (`orders, customers`).
    ///
    /// An empty text is `EMPTY`, an unknown one `_other`. Of several statements those that only
    /// frame others (`BEGIN`, `SET`, `COMMIT`) give way; unlike ones together are a `BATCH`.
    pub fn name(self, operation: &mut String, target: &mut String) {
        let mut writer = Writer::new(operation, target, None);
        Reader::new(self).read(&mut writer);
        writer.finish();
    }

    /// Operations and tables in order, as OpenTelemetry's `db.query.summary` has them:
    /// `SELECT orders customers`.
    pub fn summary(self) -> String {
        let (mut operation, mut target, mut summary) = Default::default();
        let mut writer = Writer::new(&mut operation, &mut target, Some(&mut summary));
        Reader::new(self).read(&mut writer);
        writer.finish();
        summary
    }
}
