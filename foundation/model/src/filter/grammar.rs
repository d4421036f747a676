//! Reads the text of a filter.
//!
//! ```text
//! filter = term { blank term }                    all of them must hold
//! term   = [ "!" | "not" blank ] ( key operator value { "," value } | word )
//! value  = quoted | anything up to a blank or comma
//! ```

use super::error::FilterError;
use super::key::{KEYS, Key, Sort};
use super::nearest::nearest;
use super::pattern::Pattern;
use super::term::{Operator, Term, Test};
use super::value::{self, Value};

/// Bytes of a filter; longer than anyone types, short enough to be read for each row.
pub(super) const BYTES_MAX: usize = 1_024;
/// Terms of a filter.
pub(super) const TERMS_MAX: usize = 32;
/// Values behind one operator.
pub(super) const VALUES_MAX: usize = 64;

/// Reads every term.
pub(super) fn read(text: &str) -> Result<Vec<Term>, FilterError> {
    if text.len() > BYTES_MAX {
        let message = format!("the filter is longer than {BYTES_MAX} bytes");
        return Err(FilterError { at: 0, length: 1, message });
    }
    let mut reader = Reader { text: text.chars().collect(), at: 0 };
    let mut terms = Vec::new();
    loop {
        reader.skip_blanks();
        if reader.at == reader.text.len() {
            return Ok(terms);
        }
        if terms.len() == TERMS_MAX {
            let message = format!("a filter has at most {TERMS_MAX} terms");
            return Err(reader.error(reader.at, message));
        }
        terms.push(reader.term()?);
    }
}

struct Reader {
    text: Vec<char>,
    at: usize,
}

/// One value as it stands in the text.
struct Raw {
    text: String,
    is_quoted: bool,
    at: usize,
}

impl Reader {
    fn term(&mut self) -> Result<Term, FilterError> {
        let start = self.at;
        let is_negated = self.negation();
        if self.at == self.text.len() {
            return Err(self.error(start, "nothing follows that could be negated".to_owned()));
        }
        let test = match self.key() {
            Some((name, at, operator)) => self.comparison(&name, at, operator)?,
            None => self.word()?,
        };
        Ok(Term { is_negated, test, place: (start, self.at - start) })
    }

    /// Takes any number of `!` and `not`; true if they turn the term around.
    fn negation(&mut self) -> bool {
        let mut is_negated = false;
        loop {
            let rest = &self.text[self.at..];
            if rest.first() == Some(&'!') {
                self.at += 1;
            } else if rest.len() > 3
                && rest[..3].iter().collect::<String>().eq_ignore_ascii_case("not")
                && rest[3].is_whitespace()
            {
                self.at += 3;
            } else {
                return is_negated;
            }
            self.skip_blanks();
            is_negated = !is_negated;
        }
    }

    /// Takes a key and its operator, blanks between them allowed; nothing if there is none.
    fn key(&mut self) -> Option<(String, usize, Operator)> {
        let start = self.at;
        let is_part = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let name: String = self.text[start..].iter().take_while(|c| is_part(c)).collect();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let mut end = start + name.len();
        while self.text.get(end).is_some_and(|c| c.is_whitespace()) {
            end += 1;
        }
        let ahead: String = self.text[end..].iter().take(2).collect();
        let (spelling, operator) = Operator::ALL.iter().find(|(s, _)| ahead.starts_with(s))?;
        self.at = end + spelling.len();
        self.skip_blanks();
        Some((name, start, *operator))
    }

    fn comparison(
        &mut self,
        name: &str,
        at: usize,
        operator: Operator,
    ) -> Result<Test, FilterError> {
        let Some(key) = Key::named(name) else {
            return Err(FilterError { at, length: name.len(), message: unknown(name) });
        };
        let sort = key.about().sort;
        if let Some(message) = misfit(key, operator) {
            return Err(FilterError { at, length: self.at - at, message });
        }
        let mut values = Vec::new();
        loop {
            let raw = self.value()?;
            values.push(meaning(key, operator, &raw).map_err(|message| FilterError {
                at: raw.at,
                length: (self.at - raw.at).max(1),
                message,
            })?);
            if self.text.get(self.at) != Some(&',') {
                break;
            }
            self.at += 1;
            if operator.is_order() {
                let message = format!("{} is compared with one value here", key.about().name);
                return Err(self.error(self.at - 1, message));
            }
            if values.len() == VALUES_MAX {
                let message = format!("at most {VALUES_MAX} values in one list");
                return Err(self.error(self.at, message));
            }
        }
        debug_assert!(sort != Sort::Flag || !operator.is_search());
        Ok(Test::Compare { key, operator, values })
    }

    /// A quoted text, or everything up to a blank or comma.
    fn value(&mut self) -> Result<Raw, FilterError> {
        let at = self.at;
        if let Some(text) = self.quoted()? {
            return Ok(Raw { text, is_quoted: true, at });
        }
        let is_part = |c: &char| !c.is_whitespace() && *c != ',';
        let text: String = self.text[at..].iter().take_while(|c| is_part(c)).collect();
        if text.is_empty() {
            return Err(self.error(at, "a value is missing".to_owned()));
        }
        self.at += text.chars().count();
        Ok(Raw { text, is_quoted: false, at })
    }

    /// A bare word, looked for in every text; a bare flag asks if it is set.
    fn word(&mut self) -> Result<Test, FilterError> {
        let at = self.at;
        if let Some(text) = self.quoted()? {
            return Ok(Test::Word(Pattern::literal(&text, false)));
        }
        let text: String = self.text[at..].iter().take_while(|c| !c.is_whitespace()).collect();
        self.at += text.chars().count();
        let place = |message: &str| FilterError {
            at,
            length: text.chars().count(),
            message: message.to_owned(),
        };
        match text.to_ascii_lowercase().as_str() {
            "or" | "||" | "|" => Err(place(
                "there is no `or`; one of several values is a list: protocol=redis,mysql",
            )),
            "and" | "&&" | "&" => Err(place("terms need no `and`; all of them must hold")),
            "not" => Err(place("nothing follows that could be negated")),
            _ => Ok(match Key::named(&text) {
                Some(key @ (Key::Error | Key::ClientError | Key::Incomplete)) => Test::Present(key),
                _ => Test::Word(Pattern::with_stars(&text, false)),
            }),
        }
    }

    /// A text in single or double quotes; a backslash takes the next character as it is.
    fn quoted(&mut self) -> Result<Option<String>, FilterError> {
        let start = self.at;
        let Some(quote) = self.text.get(start).filter(|c| matches!(c, '"' | '\'')) else {
            return Ok(None);
        };
        let (mut text, mut rest) = (String::new(), self.text[start + 1..].iter());
        let mut length = 1;
        while let Some(c) = rest.next() {
            length += 1;
            if c == quote {
                self.at = start + length;
                return Ok(Some(text));
            }
            if *c == '\\' {
                text.extend(rest.next());
                length += 1;
            } else {
                text.push(*c);
            }
        }
        Err(self.error(start, format!("the text in {quote} has no end")))
    }

    fn skip_blanks(&mut self) {
        while self.text.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
    }

    const fn error(&self, at: usize, message: String) -> FilterError {
        FilterError { at, length: 1, message }
    }
}

/// What is said of a key that there is not.
pub(super) fn unknown(name: &str) -> String {
    let spellings = KEYS.iter().flat_map(Key::spellings);
    let hint = match nearest(&name.replace('-', "_"), spellings) {
        Some(key) => format!("did you mean {key}?"),
        None => {
            let names: Vec<&str> = KEYS.iter().map(|about| about.name).collect();
            format!("there are {}", names.join(" "))
        }
    };
    format!("unknown key {name:?}: {hint}")
}

/// Why the operator makes no sense for the key.
fn misfit(key: Key, operator: Operator) -> Option<String> {
    let about = key.about();
    let (name, expected) = (about.name, about.sort.expected());
    let is_order = operator.is_order() && (about.sort.is_text() || about.sort == Sort::Flag);
    if is_order && about.sort != Sort::Status {
        return Some(format!("{name} has no order: use = != ~ ({expected})"));
    }
    let is_search = operator.is_search() && !about.sort.is_text();
    is_search.then(|| format!("{name} is no text to search: use = != > >= < <= ({expected})"))
}

fn meaning(key: Key, operator: Operator, raw: &Raw) -> Result<Value, String> {
    let about = key.about();
    if operator.is_search() {
        let pattern = match raw.is_quoted {
            true => Pattern::literal(&raw.text, false),
            false => Pattern::with_stars(&raw.text, false),
        };
        return Ok(Value::Pattern(pattern));
    }
    let is_order = operator.is_order();
    if raw.is_quoted && matches!(about.sort, Sort::Text | Sort::Address | Sort::Status) && !is_order
    {
        return Ok(Value::Pattern(Pattern::literal(&raw.text, true)));
    }
    value::read(about.sort, &raw.text, is_order).ok_or_else(|| {
        let expected = match about.sort {
            Sort::Choice(words) => format!("one of {}", words.join(" ")),
            Sort::Status if is_order => "a number such as 500".to_owned(),
            sort => sort.expected().to_owned(),
        };
        format!("{} {:?} is not understood: expected {expected}", about.name, raw.text)
    })
}
