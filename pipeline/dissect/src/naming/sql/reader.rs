//! Walks over the statements of a text: their verbs, and the names of those that are no queries.
//!
//! `scan.rs` reads the queries.

use super::keyword::{self as k, Naming, Packed, Shape, pack};
use super::lexer::{Lexer, Token};
use super::scan::{Expect, FRESH, LEVELS_MAX, Level};
use super::writer::Writer;
use super::{Dialect, Sql};

/// Names of WITH lists that are told from tables.
const WITH_NAMES_MAX: usize = 16;
/// Statements read of one text; a dump has thousands and the first ones name it.
const STATEMENTS_MAX: usize = 64;
/// Parts of a dotted name: server, database, schema, table.
const PARTS_MAX: usize = 4;

pub(super) struct Reader<'a> {
    pub(super) tokens: Lexer<'a>,
    pub(super) dialect: Dialect,
    pub(super) levels: [Level; LEVELS_MAX],
    pub(super) depth: usize,
    pub(super) with_names: [&'a [u8]; WITH_NAMES_MAX],
    pub(super) with_count: usize,
    pub(super) expect: Expect,
    /// AS or FOR opens the query of a definition.
    pub(super) opens_query: bool,
    pub(super) after_distinct: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(sql: Sql<'a>) -> Self {
        Self {
            tokens: Lexer::new(sql.text, sql.dialect, sql.cut),
            dialect: sql.dialect,
            levels: [FRESH; LEVELS_MAX],
            depth: 0,
            with_names: [&[]; WITH_NAMES_MAX],
            with_count: 0,
            expect: Expect::Anything,
            opens_query: false,
            after_distinct: false,
        }
    }

    /// Reads statement after statement.
    pub(super) fn read(mut self, writer: &mut Writer<'_>) {
        for _ in 0..STATEMENTS_MAX {
            match self.tokens.peek() {
                None => return,
                Some(Token::Mark(b';')) => {
                    self.tokens.next();
                }
                Some(_) => {
                    self.statement(writer);
                    writer.end_statement();
                }
            }
        }
    }

    fn statement(&mut self, writer: &mut Writer<'_>) {
        self.depth = 0;
        self.levels = [FRESH; LEVELS_MAX];
        self.with_count = 0;
        self.expect = Expect::Anything;
        self.opens_query = false;
        let known = match self.tokens.peek() {
            Some(Token::Word(word)) => k::verb(word),
            // `(SELECT …) UNION …`, and the ODBC escape `{call proc}`.
            Some(Token::Mark(b'(')) => Some(("", Shape::Query)),
            Some(Token::Mark(b'{')) => {
                self.tokens.next();
                Some(("CALL", Shape::Named))
            }
            _ => None,
        };
        let Some((verb, shape)) = known else {
            writer.operation("_other", "", false);
            return self.tokens.skip_statement();
        };
        if shape == Shape::Query {
            return self.query(writer);
        }
        self.tokens.next();
        match shape {
            Shape::Query => {}
            Shape::Bare => {
                let starts = verb == "START" && self.skip_words(&[k::TRANSACTION]);
                writer.operation(verb, if starts { "TRANSACTION" } else { "" }, false);
                self.tokens.skip_statement();
            }
            Shape::Named => self.named(verb, writer),
            Shape::NamedAfterOn => {
                writer.operation(verb, "", false);
                self.name_after(k::ON, writer);
                self.tokens.skip_statement();
            }
            Shape::NamedAfterInto => {
                writer.operation(verb, "", false);
                self.name_after(k::INTO, writer);
                self.tokens.skip_statement();
            }
            Shape::Explain => {
                writer.operation(verb, "", false);
                self.skip_words(&[k::ANALYZE, k::VERBOSE, k::EXTENDED, k::PARTITIONS]);
                self.skip_parentheses();
                self.query(writer);
            }
            Shape::Copy => {
                writer.operation(verb, "", false);
                if self.tokens.peek() == Some(Token::Mark(b'(')) {
                    return self.query(writer);
                }
                self.name(writer);
                self.tokens.skip_statement();
            }
            Shape::Prepare => {
                writer.operation(verb, "", false);
                self.prepare(verb, writer);
            }
            Shape::Definition => self.definition(verb, writer),
        }
    }

    /// A verb with a name or a list of names.
    fn named(&mut self, verb: &'static str, writer: &mut Writer<'_>) {
        writer.operation(verb, "", false);
        // Words that may stand before the name; none of them names anything.
        self.skip_words(&[k::SESSION, k::LOCAL, k::GLOBAL, k::PERSIST]);
        self.skip_parentheses();
        if matches!(verb, "SET" | "SHOW" | "USE" | "EXECUTE" | "EXEC" | "CALL") {
            self.name(writer);
            return self.tokens.skip_statement();
        }
        self.skip_words(&[
            k::TABLE,
            k::TABLES,
            k::ONLY,
            k::FULL,
            k::FREEZE,
            k::VERBOSE,
            k::ANALYZE,
            k::INDEX,
            k::SCHEMA,
            k::DATABASE,
            k::SYSTEM,
            k::CONCURRENTLY,
            k::MATERIALIZED,
            k::VIEW,
            k::PREPARE,
            k::ALL,
            k::LOCAL,
            k::NO_WRITE_TO_BINLOG,
            k::EXTENDED,
            k::FORMAT,
        ]);
        self.name_list(writer);
        self.tokens.skip_statement();
    }

    /// `a, b, c`.
    fn name_list(&mut self, writer: &mut Writer<'_>) {
        while self.name(writer) && self.tokens.peek() == Some(Token::Mark(b',')) {
            self.tokens.next();
            self.skip_words(&[k::ONLY]);
        }
    }

    /// Moves behind the next such keyword of the statement and takes the name there.
    fn name_after(&mut self, keyword: Packed, writer: &mut Writer<'_>) {
        while let Some(token) = self.tokens.peek() {
            if token == Token::Mark(b';') {
                return;
            }
            self.tokens.next();
            if matches!(token, Token::Word(word) if pack(word) == keyword) {
                while let Some(Token::Word(word)) = self.tokens.peek() {
                    let noise = [k::ONLY, k::ALL, k::TABLES, k::COLUMN, k::CONSTRAINT];
                    if k::object(pack(word)).is_none() && !noise.contains(&pack(word)) {
                        break;
                    }
                    self.tokens.next();
                }
                self.name(writer);
                return;
            }
        }
    }

    /// `PREPARE x AS query`, `DECLARE c CURSOR FOR query`.
    fn prepare(&mut self, verb: &'static str, writer: &mut Writer<'_>) {
        if verb == "PREPARE" {
            self.name(writer);
        } else {
            // The name of a cursor is often made up; the tables of its query say more.
            self.tokens.next();
        }
        self.level().is_fresh = false;
        self.opens_query = true;
        self.query(writer);
    }

    /// CREATE, ALTER and DROP.
    fn definition(&mut self, verb: &'static str, writer: &mut Writer<'_>) {
        let mut found = None;
        // Between the verb and the kind stand a few adjectives at most.
        for _ in 0..12 {
            let word = match self.tokens.peek() {
                None | Some(Token::Mark(b';')) => break,
                Some(Token::Word(word)) => pack(word),
                Some(Token::Quoted(_) | Token::Literal | Token::Mark(_)) => 0,
            };
            self.tokens.next();
            found = k::object(word);
            if found.is_some() {
                break;
            }
        }
        let Some((object, naming)) = found else {
            writer.operation(verb, "", false);
            return self.tokens.skip_statement();
        };
        let object = match object {
            // MATERIALIZED VIEW and FOREIGN TABLE are views and tables.
            "MATERIALIZED" => self.pass(k::VIEW, "MATERIALIZED VIEW", object),
            "FOREIGN" => self.pass(k::TABLE, "FOREIGN TABLE", object),
            other => other,
        };
        writer.operation(verb, object, false);
        match naming {
            Naming::None => return self.tokens.skip_statement(),
            Naming::On if verb == "CREATE" || object != "INDEX" => self.name_after(k::ON, writer),
            Naming::On | Naming::Own => {
                self.skip_words(&[k::IF, k::NOT, k::EXISTS, k::ONLY, k::CONCURRENTLY]);
                if verb == "DROP" {
                    self.name_list(writer);
                } else {
                    self.name(writer);
                }
            }
        }
        let has_query = matches!(object, "TABLE" | "VIEW" | "MATERIALIZED VIEW");
        let has_body = matches!(object, "FUNCTION" | "PROCEDURE" | "PROC" | "TRIGGER" | "EVENT");
        if has_body && self.dialect != Dialect::Standard {
            // The body is a list of statements, and its end is not to be told from theirs.
            return while self.tokens.next().is_some() {};
        }
        if verb != "CREATE" || !has_query {
            return self.tokens.skip_statement();
        }
        self.level().is_fresh = false;
        self.opens_query = true;
        self.query(writer);
    }

    fn pass(&mut self, word: Packed, both: &'static str, alone: &'static str) -> &'static str {
        if self.skip_words(&[word]) { both } else { alone }
    }

    /// Passes over any of `words`; true if there was one.
    fn skip_words(&mut self, words: &[Packed]) -> bool {
        let mut any = false;
        while let Some(Token::Word(word)) = self.tokens.peek() {
            if !words.contains(&pack(word)) {
                break;
            }
            self.tokens.next();
            any = true;
        }
        any
    }

    /// Passes over `( … )`, if it stands here.
    fn skip_parentheses(&mut self) {
        let mut depth = 0_u32;
        while let Some(token) = self.tokens.peek() {
            match token {
                Token::Mark(b'(') => depth += 1,
                Token::Mark(b')') if depth > 0 => depth -= 1,
                Token::Mark(b';') => return,
                _ if depth == 0 => return,
                _ => {}
            }
            self.tokens.next();
            if depth == 0 {
                return;
            }
        }
    }

    /// Takes the name that stands here; false if none does.
    fn name(&mut self, writer: &mut Writer<'_>) -> bool {
        match self.tokens.peek() {
            Some(Token::Word(first) | Token::Quoted(first)) => {
                self.tokens.next();
                let (parts, count) = self.dotted(first);
                writer.table(parts.get(..count).unwrap_or_default());
                true
            }
            _ => false,
        }
    }

    /// The rest of a dotted name.
    pub(super) fn dotted(&mut self, first: &'a [u8]) -> ([&'a [u8]; PARTS_MAX], usize) {
        let mut parts: [&[u8]; PARTS_MAX] = [&[]; PARTS_MAX];
        parts[0] = first;
        let mut count = 1;
        while self.tokens.peek() == Some(Token::Mark(b'.')) {
            self.tokens.next();
            let Some(Token::Word(part) | Token::Quoted(part)) = self.tokens.peek() else {
                break;
            };
            self.tokens.next();
            if let Some(slot) = parts.get_mut(count) {
                *slot = part;
                count += 1;
            }
        }
        (parts, count)
    }
}
