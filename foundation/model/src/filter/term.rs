//! One condition of a filter, and whether a row fulfils it.

use super::fields::{Field, Fields};
use super::key::{KEYS, Key, Sort};
use super::pattern::Pattern;
use super::value::Value;

/// How a key is compared with its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Unequal,
    Above,
    AtLeast,
    Below,
    AtMost,
    Like,
    Unlike,
}

impl Operator {
    /// All with their spelling, longer ones first, so that `>=` is not read as `>`.
    pub(super) const ALL: [(&'static str, Self); 9] = [
        ("==", Self::Equal),
        ("!=", Self::Unequal),
        (">=", Self::AtLeast),
        ("<=", Self::AtMost),
        ("!~", Self::Unlike),
        ("=", Self::Equal),
        (">", Self::Above),
        ("<", Self::Below),
        ("~", Self::Like),
    ];

    /// True for the four that need numbers.
    pub(super) const fn is_order(self) -> bool {
        matches!(self, Self::Above | Self::AtLeast | Self::Below | Self::AtMost)
    }

    /// True for the two that search text.
    pub(super) const fn is_search(self) -> bool {
        matches!(self, Self::Like | Self::Unlike)
    }

    /// True for the two that say what must not be.
    const fn is_denial(self) -> bool {
        matches!(self, Self::Unequal | Self::Unlike)
    }

    fn orders(self, found: f64, asked: f64) -> bool {
        match self {
            Self::Above => found > asked,
            Self::AtLeast => found >= asked,
            Self::Below => found < asked,
            Self::AtMost => found <= asked,
            Self::Equal | Self::Unequal | Self::Like | Self::Unlike => found == asked,
        }
    }
}

/// What a term asks.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    /// A word that must stand in any text of the row.
    Word(Pattern),
    /// The value is known and says something: a flag is set, a reason is given.
    Present(Key),
    /// A key compared with one of the values.
    Compare { key: Key, operator: Operator, values: Vec<Value> },
}

/// One condition, with its place in the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Term {
    pub(super) is_negated: bool,
    pub(super) test: Test,
    /// First character and length.
    pub(super) place: (usize, usize),
}

impl Term {
    /// The key it asks for; a bare word asks for none.
    pub(super) const fn key(&self) -> Option<Key> {
        match &self.test {
            Test::Word(_) => None,
            Test::Present(key) | Test::Compare { key, .. } => Some(*key),
        }
    }

    /// True if the row fulfils it.
    pub(super) fn keeps(&self, row: &dyn Fields) -> bool {
        let holds = match &self.test {
            Test::Word(pattern) => {
                let texts = KEYS.iter().filter(|about| about.sort.is_text());
                texts.into_iter().any(|about| row.field(about.key).any_text(|t| pattern.fits(t)))
            }
            Test::Present(key) => match row.field(*key) {
                Field::Flag(flag) => flag,
                field => field.any_text(|text| !text.is_empty()),
            },
            Test::Compare { key, operator, values } => {
                let field = row.field(*key);
                // Each value is asked for as if it were the only one: `a,b` is a or b.
                let any = values.iter().any(|v| holds(&field, key.about().sort, *operator, v));
                any != operator.is_denial()
            }
        };
        holds != self.is_negated
    }
}

/// True if the field has this value; a denial is turned around by the caller. A value that is not
/// known has none.
fn holds(field: &Field<'_>, sort: Sort, operator: Operator, value: &Value) -> bool {
    match (field, value) {
        (Field::Number(found), Value::Number { value, .. }) => operator.orders(*found, *value),
        (Field::Flag(found), Value::Flag(asked)) => found == asked,
        (_, Value::Pattern(pattern)) => field.any_text(|text| {
            !text.is_empty()
                && (pattern.fits(text) || (sort == Sort::Address && fits_part(pattern, text)))
        }),
        (_, Value::Class(class)) => field.any_text(|text| is_of_class(text, class)),
        (_, Value::Number { value, digits }) => field.any_text(|text| {
            // 23505 of SQL is no HTTP status: only as many digits as were asked for compare.
            text.len() == *digits && text.parse().is_ok_and(|found| operator.orders(found, *value))
        }),
        _ => false,
    }
}

/// The address or the port of `ip:port` alone; behind the port may stand `/udp`.
fn fits_part(pattern: &Pattern, text: &str) -> bool {
    let Some((address, port)) = text.rsplit_once(':') else {
        return false;
    };
    let bare = address.trim_start_matches('[').trim_end_matches(']');
    let number = port.split('/').next().unwrap_or(port);
    [address, bare, port, number].into_iter().any(|part| pattern.fits(part))
}

fn is_of_class(text: &str, class: &str) -> bool {
    let fits =
        |(found, asked): (u8, u8)| found == asked || (asked == b'x' && found.is_ascii_digit());
    text.len() == class.len() && text.bytes().zip(class.bytes()).all(fits)
}
