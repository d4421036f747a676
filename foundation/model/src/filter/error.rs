//! Why a filter was not understood, and where.

use std::fmt;

/// What is wrong, with the place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// First character that is wrong, counted from 0.
    pub at: usize,
    /// How many characters are wrong; at least 1.
    pub length: usize,
    /// What is wrong and what would be accepted.
    pub message: String,
}

impl FilterError {
    /// The text with a line below it that points at the place, for a terminal.
    pub fn pointed(&self, text: &str) -> String {
        let shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        format!("{shown}\n{}{}", " ".repeat(self.at), "^".repeat(self.length))
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, at column {}", self.message, self.at + 1)
    }
}

impl std::error::Error for FilterError {}
