//! SQL text → tokens. Literals and parameters lose their value here: no token carries one.

use super::Dialect;

/// One token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword or an unquoted identifier.
    Word(&'a [u8]),
    /// A quoted identifier, without its quotes.
    Quoted(&'a [u8]),
    /// A string, number, parameter or variable.
    Literal,
    /// Any other byte.
    Mark(u8),
}

/// Reads tokens from the front of a text. Comments and blanks are passed over.
#[derive(Clone, Copy)]
pub(super) struct Lexer<'a> {
    rest: &'a [u8],
    dialect: Dialect,
    /// The text goes on after its end: a word that touches the end may be half a word.
    cut: bool,
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(text: &'a [u8], dialect: Dialect, cut: bool) -> Self {
        Self { rest: text, dialect, cut }
    }

    /// The next token, which stays.
    pub(super) fn peek(&self) -> Option<Token<'a>> {
        let mut ahead = *self;
        ahead.next()
    }

    /// Passes over everything up to and with the `;` that ends the statement.
    pub(super) fn skip_statement(&mut self) {
        for token in self.by_ref() {
            if token == Token::Mark(b';') {
                break;
            }
        }
    }

    fn byte(&self, at: usize) -> u8 {
        self.rest.get(at).copied().unwrap_or(0)
    }

    fn advance(&mut self, by: usize) {
        self.rest = self.rest.get(by..).unwrap_or_default();
    }

    /// Blanks and comments.
    fn skip_blanks(&mut self) {
        loop {
            match (self.byte(0), self.byte(1)) {
                (0, _) if self.rest.is_empty() => return,
                (b' ' | b'\t' | b'\n' | b'\r' | 11 | 12 | 0, _) => self.advance(1),
                (b'-', b'-') => self.skip_line(),
                (b'#', _) if self.dialect == Dialect::MySql => self.skip_line(),
                // MySQL runs what stands in `/*!40101 … */`.
                (b'/', b'*') if self.dialect == Dialect::MySql && self.byte(2) == b'!' => {
                    let digits = self.rest.iter().skip(3).take_while(|b| b.is_ascii_digit());
                    let length = 3 + digits.count();
                    self.advance(length);
                }
                (b'*', b'/') if self.dialect == Dialect::MySql => self.advance(2),
                (b'/', b'*') => self.skip_comment(),
                _ => return,
            }
        }
    }

    fn skip_line(&mut self) {
        let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
        self.advance(end);
    }

    /// A block comment; they nest everywhere but in MySQL.
    fn skip_comment(&mut self) {
        let mut depth = 0_u32;
        loop {
            let Some(at) = memchr::memchr2(b'*', b'/', self.rest) else {
                self.rest = &[];
                return;
            };
            self.advance(at);
            match (self.byte(0), self.byte(1)) {
                (b'/', b'*') if depth == 0 || self.dialect != Dialect::MySql => {
                    depth += 1;
                    self.advance(2);
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.advance(2);
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.advance(1),
            }
        }
    }

    /// A word of letters, digits, `_`, `$` and bytes of other scripts.
    fn word(&mut self) -> Option<Token<'a>> {
        let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | 0x80..);
        let first = self.byte(0);
        let length = 1 + self.rest.iter().skip(1).take_while(|b| part(b)).count();
        if length == self.rest.len() && self.cut {
            self.rest = &[];
            return None;
        }
        let word = self.rest.get(..length)?;
        self.advance(length);
        if length == 1 && self.byte(0) == b'\'' {
            match first {
                b'E' | b'e' => return self.string(b'\'', true),
                b'B' | b'b' | b'X' | b'x' | b'N' | b'n' => return self.string(b'\'', false),
                _ => {}
            }
        }
        Some(Token::Word(word))
    }

    /// A string that starts here. An unfinished one is the end of the text.
    fn string(&mut self, quote: u8, backslash: bool) -> Option<Token<'a>> {
        self.advance(1);
        loop {
            let found = if backslash {
                memchr::memchr2(quote, b'\\', self.rest)
            } else {
                memchr::memchr(quote, self.rest)
            };
            let Some(at) = found else {
                self.rest = &[];
                return None;
            };
            self.advance(at);
            if self.byte(0) == b'\\' || self.byte(1) == quote {
                self.advance(2);
            } else {
                self.advance(1);
                return Some(Token::Literal);
            }
        }
    }

    /// A quoted identifier that starts here; `end` twice stands for itself.
    fn quoted(&mut self, end: u8) -> Option<Token<'a>> {
        let text = self.rest.get(1..)?;
        let mut from = 0;
        while let Some(at) = text.get(from..).and_then(|t| memchr::memchr(end, t)) {
            let close = from + at;
            if text.get(close + 1) == Some(&end) {
                from = close + 2;
                continue;
            }
            self.advance(close + 2);
            return text.get(..close).map(Token::Quoted);
        }
        self.rest = &[];
        None
    }

    /// `$1`, `$$ … $$`, `$tag$ … $tag$`, or a lone `$`.
    fn dollar(&mut self) -> Option<Token<'a>> {
        let inner = self.rest.get(1..)?;
        let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | 0x80..);
        let length = inner.iter().take_while(|b| part(b)).count();
        let is_tag = !inner.first().is_some_and(u8::is_ascii_digit);
        if is_tag && inner.get(length) == Some(&b'$') {
            let (tag, body) = self.rest.split_at_checked(length + 2)?;
            let end = find(body, tag).map_or(body.len(), |at| at + tag.len());
            self.rest = body.get(end..).unwrap_or_default();
            return Some(Token::Literal);
        }
        self.advance(1 + length);
        Some(if length == 0 { Token::Mark(b'$') } else { Token::Literal })
    }

    /// A number, or a parameter such as `:name` and `@name`: its mark is already known.
    fn value(&mut self) -> Token<'a> {
        let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'$' | 0x80..);
        let length = 1 + self.rest.iter().skip(1).take_while(|b| part(b)).count();
        self.advance(length);
        Token::Literal
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blanks();
        let first = *self.rest.first()?;
        let starts_word = |b: u8| b.is_ascii_alphabetic() || matches!(b, b'_' | 0x80..);
        match first {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => self.word(),
            b'#' if self.dialect == Dialect::SqlServer => self.word(),
            b'0'..=b'9' => Some(self.value()),
            b'.' if self.byte(1).is_ascii_digit() => Some(self.value()),
            b'\'' => self.string(b'\'', self.dialect == Dialect::MySql),
            b'"' if self.dialect == Dialect::MySql => self.string(b'"', true),
            b'"' => self.quoted(b'"'),
            b'`' => self.quoted(b'`'),
            b'[' if self.dialect == Dialect::SqlServer => self.quoted(b']'),
            b'$' => self.dollar(),
            b':' if self.byte(1) == b':' => {
                self.advance(2);
                Some(Token::Mark(b':'))
            }
            b':' if starts_word(self.byte(1)) => Some(self.value()),
            b'@' if self.byte(1) == b'@' => {
                self.advance(1);
                Some(self.value())
            }
            b'@' if starts_word(self.byte(1)) => Some(self.value()),
            b'?' => {
                self.advance(1);
                Some(Token::Literal)
            }
            other => {
                self.advance(1);
                Some(Token::Mark(other))
            }
        }
    }
}

/// Where `needle`, which is not empty, first stands in `text`.
fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    memchr::memchr_iter(first, text)
        .find(|at| text.get(*at..).is_some_and(|from| from.starts_with(needle)))
}
