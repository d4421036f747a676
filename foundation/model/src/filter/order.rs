//! In which order rows are shown: `-p99`, `service`, `-errors,service`.

use std::cmp::Ordering;

use super::error::FilterError;
use super::fields::{Field, Fields};
use super::grammar::unknown;
use super::key::{Key, Rows};

/// Keys of one order; rows that are equal in four are as good as equal.
const KEYS_MAX: usize = 4;

/// Keys to sort by, the first that tells two rows apart decides. The default leaves rows as they
/// are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// Each with whether the greatest comes first.
    keys: Vec<(Key, bool)>,
}

impl Order {
    /// Reads a list of keys; `-` before one puts its greatest values first.
    ///
    /// # Errors
    /// For a key that there is not or that such rows do not have, with its place.
    pub fn parse_for(rows: Rows, text: &str) -> Result<Self, FilterError> {
        let mut keys = Vec::new();
        let mut at = 0;
        for part in text.split(',').filter(|_| !text.is_empty()) {
            let (name, is_descending) = match part.strip_prefix('-') {
                Some(name) => (name, true),
                None => (part, false),
            };
            let start = at + usize::from(is_descending);
            let length = name.chars().count();
            let failed = |message| FilterError { at: start, length: length.max(1), message };
            let key = Key::named(name).ok_or_else(|| failed(unknown(name)))?;
            if !key.about().rows.contains(&rows) {
                let name = key.about().name;
                return Err(failed(format!("{} have no {name} to sort by", rows.as_str())));
            }
            if keys.len() == KEYS_MAX {
                return Err(failed(format!("at most {KEYS_MAX} keys to sort by")));
            }
            keys.push((key, is_descending));
            at += part.chars().count() + 1;
        }
        Ok(Self { keys })
    }

    /// True if it leaves rows as they are.
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Which of two rows comes first. What is not known comes last, whichever way is up.
    pub fn compare(&self, a: &dyn Fields, b: &dyn Fields) -> Ordering {
        let by = |(key, is_descending): &(Key, bool)| {
            let (a, b) = (a.field(*key), b.field(*key));
            is_unknown(&a).cmp(&is_unknown(&b)).then_with(|| match is_descending {
                true => values(&b, &a),
                false => values(&a, &b),
            })
        };
        self.keys.iter().map(by).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

const fn is_unknown(field: &Field<'_>) -> bool {
    match field {
        Field::Text(text) => text.is_empty(),
        Field::Texts(texts) => texts.is_empty(),
        Field::Number(_) | Field::Flag(_) => false,
        Field::Unknown | Field::Absent => true,
    }
}

fn values(a: &Field<'_>, b: &Field<'_>) -> Ordering {
    match (a, b) {
        (Field::Text(a), Field::Text(b)) => a.cmp(b),
        (Field::Texts(a), Field::Texts(b)) => a.cmp(b),
        (Field::Number(a), Field::Number(b)) => a.total_cmp(b),
        (Field::Flag(a), Field::Flag(b)) => a.cmp(b),
        _ => Ordering::Equal,
    }
}
