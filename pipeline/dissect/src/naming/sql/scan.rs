//! Queries: tables stand behind FROM, JOIN, INTO, UPDATE, wherever the parentheses put them.
//!
//! Parentheses make levels. Each level knows whether its commas separate tables, whether a FROM
//! in it introduces tables (in `extract(year from x)` it does not), and whether a verb may begin.

use super::Dialect;
use super::keyword::{self as k, Packed, pack};
use super::lexer::Token;
use super::reader::Reader;
use super::writer::Writer;

/// Parentheses deeper than this share a level.
pub(super) const LEVELS_MAX: usize = 24;

/// What the next word may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    Anything,
    /// A table to read; a name before `(` is a function.
    Source,
    /// A table to write; `(` after it opens a list of columns.
    Target,
    /// The name of a WITH query.
    WithName,
}

/// One level of parentheses.
#[derive(Clone, Copy, Default)]
pub(super) struct Level {
    /// Commas separate tables.
    pub(super) lists_tables: bool,
    /// FROM and JOIN introduce tables.
    pub(super) is_query: bool,
    /// USING introduces tables.
    pub(super) has_using: bool,
    /// A verb may begin here.
    pub(super) is_fresh: bool,
    /// In a WITH list, before its main verb.
    pub(super) in_with: bool,
}

pub(super) const FRESH: Level = Level {
    lists_tables: false,
    is_query: false,
    has_using: false,
    is_fresh: true,
    in_with: false,
};

impl<'a> Reader<'a> {
    pub(super) fn level(&mut self) -> &mut Level {
        let at = self.depth.min(LEVELS_MAX - 1);
        &mut self.levels[at]
    }

    /// Scans up to the end of the statement for verbs and tables.
    pub(super) fn query(&mut self, writer: &mut Writer<'_>) {
        while let Some(token) = self.tokens.next() {
            match token {
                Token::Mark(b';') => return,
                Token::Mark(mark) => self.mark(mark),
                Token::Literal => {
                    self.expect = Expect::Anything;
                    self.level().is_fresh = false;
                }
                Token::Quoted(name) => self.identifier(name, writer),
                Token::Word(word) => self.word(word, writer),
            }
        }
    }

    fn mark(&mut self, mark: u8) {
        match mark {
            b'(' => {
                // `FROM (a JOIN b …)` holds tables, `FROM (SELECT …)` a query.
                let holds_tables = self.expect == Expect::Source;
                self.depth += 1;
                *self.level() =
                    Level { lists_tables: holds_tables, is_query: holds_tables, ..FRESH };
                if !holds_tables {
                    self.expect = Expect::Anything;
                }
            }
            b')' => {
                self.depth = self.depth.saturating_sub(1);
                self.expect = Expect::Anything;
            }
            b',' => {
                self.expect = match *self.level() {
                    Level { in_with: true, .. } => Expect::WithName,
                    Level { lists_tables: true, .. } => Expect::Source,
                    _ => Expect::Anything,
                };
            }
            _ => {
                self.expect = Expect::Anything;
                self.level().is_fresh = false;
            }
        }
    }

    /// A word that is no keyword here, or a quoted name.
    fn identifier(&mut self, name: &'a [u8], writer: &mut Writer<'_>) {
        let expect = std::mem::replace(&mut self.expect, Expect::Anything);
        if expect != Expect::Target {
            self.level().is_fresh = false;
        }
        match expect {
            Expect::Anything => {}
            Expect::WithName => {
                if let Some(slot) = self.with_names.get_mut(self.with_count) {
                    *slot = name;
                    self.with_count += 1;
                }
            }
            Expect::Source | Expect::Target => {
                let (parts, count) = self.dotted(name);
                let is_function =
                    expect == Expect::Source && self.tokens.peek() == Some(Token::Mark(b'('));
                let names = self.with_names.get(..self.with_count).unwrap_or_default();
                let is_with = count == 1 && names.iter().any(|n| n.eq_ignore_ascii_case(name));
                if !is_function && !is_with {
                    writer.table(parts.get(..count).unwrap_or_default());
                }
            }
        }
    }

    fn word(&mut self, word: &'a [u8], writer: &mut Writer<'_>) {
        let key = pack(word);
        let after_distinct = std::mem::replace(&mut self.after_distinct, key == k::DISTINCT);
        if self.verb(key, writer) || self.noise(key) {
            return;
        }
        if self.expect != Expect::Anything {
            return self.identifier(word, writer);
        }
        let opens_query = self.opens_query;
        let level = self.level();
        match key {
            // `IS DISTINCT FROM` compares.
            k::FROM if level.is_query && !after_distinct => {
                level.lists_tables = true;
                self.expect = Expect::Source;
            }
            k::JOIN | k::STRAIGHT_JOIN | k::APPLY if level.is_query => {
                self.expect = Expect::Source;
            }
            // `INTO OUTFILE 'file'` writes no table.
            k::INTO if level.is_query => match self.tokens.peek() {
                Some(Token::Word(word)) if matches!(pack(word), k::OUTFILE | k::DUMPFILE) => {}
                _ => self.expect = Expect::Target,
            },
            k::USING if level.has_using => {
                level.lists_tables = true;
                // `USING (a, b)` after a JOIN lists columns.
                if self.tokens.peek() != Some(Token::Mark(b'(')) {
                    self.expect = Expect::Source;
                }
            }
            k::AS | k::FOR if opens_query => level.is_fresh = true,
            k::SET
            | k::WHERE
            | k::GROUP
            | k::ORDER
            | k::HAVING
            | k::LIMIT
            | k::RETURNING
            | k::WINDOW
            | k::OFFSET
            | k::FOR => level.lists_tables = false,
            k::UNION | k::INTERSECT | k::EXCEPT | k::MINUS => {
                level.lists_tables = false;
                level.is_fresh = true;
            }
            _ => level.is_fresh = false,
        }
    }

    /// Words between a keyword and the table it introduces.
    fn noise(&mut self, key: Packed) -> bool {
        match self.expect {
            Expect::Anything => false,
            Expect::WithName => key == k::RECURSIVE,
            Expect::Source => matches!(key, k::ONLY | k::LATERAL),
            Expect::Target => matches!(
                key,
                k::ONLY
                    | k::TABLE
                    | k::INTO
                    | k::IGNORE
                    | k::OVERWRITE
                    | k::TOP
                    | k::LOW_PRIORITY
                    | k::HIGH_PRIORITY
                    | k::DELAYED
                    | k::QUICK
                    | k::TEMP
                    | k::TEMPORARY
                    | k::UNLOGGED
            ),
        }
    }

    /// Takes a verb where one may begin; false if the word is none.
    fn verb(&mut self, key: Packed, writer: &mut Writer<'_>) -> bool {
        let opening = self.level().is_fresh || self.level().in_with;
        let verb = match key {
            k::SELECT => "SELECT",
            _ if !opening => return false,
            k::WITH => "WITH",
            k::INSERT => "INSERT",
            k::UPDATE => "UPDATE",
            k::DELETE => "DELETE",
            k::MERGE => "MERGE",
            k::REPLACE => "REPLACE",
            k::VALUES if !self.level().is_query => "VALUES",
            k::TABLE if self.depth == 0 => "TABLE",
            _ => return false,
        };
        // `REPLACE(a, b, c)` and `INSERT(…)` are functions, `VALUES (…)` is a verb.
        let may_be_call = matches!(key, k::INSERT | k::REPLACE);
        if may_be_call && self.tokens.peek() == Some(Token::Mark(b'(')) {
            return false;
        }
        if key == k::WITH {
            *self.level() = Level { in_with: true, ..Level::default() };
            self.expect = Expect::WithName;
            return true;
        }
        let outer = self.levels.get(..self.depth.min(LEVELS_MAX)).unwrap_or_default();
        let is_nested = outer.iter().any(|level| level.in_with);
        writer.operation(verb, "", is_nested);
        self.opens_query = false;
        *self.level() = Level {
            lists_tables: key == k::UPDATE,
            is_query: true,
            has_using: matches!(key, k::DELETE | k::MERGE),
            // `INSERT INTO t WITH …` and `INSERT INTO t TABLE u`.
            is_fresh: matches!(key, k::INSERT | k::REPLACE),
            in_with: false,
        };
        self.expect = match key {
            k::INSERT | k::UPDATE | k::MERGE | k::REPLACE | k::TABLE => Expect::Target,
            k::DELETE if self.dialect == Dialect::SqlServer => self.delete_target(),
            _ => Expect::Anything,
        };
        true
    }

    /// SQL Server allows `DELETE t WHERE …`.
    fn delete_target(&self) -> Expect {
        match self.tokens.peek() {
            Some(Token::Word(word)) if pack(word) == k::FROM => Expect::Anything,
            _ => Expect::Target,
        }
    }
}
