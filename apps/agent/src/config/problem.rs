//! What is wrong with a configuration, and where.

use std::fmt;

/// More would only hide the first ones.
const SHOWN_MAX: usize = 20;

/// A place in a file: line and column count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub line: usize,
    pub column: usize,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The file or the variable.
    pub source: String,
    /// Where in it; a variable has no places.
    pub place: Option<Place>,
    /// The line of the file, for the reader's eye.
    pub excerpt: String,
    /// What is wrong, and what is expected.
    pub message: String,
}

/// Everything that is wrong: one run tells all of it. Ends the program with 78.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Problems(pub Vec<Problem>);

impl Problem {
    /// A problem of something that has no places.
    pub(crate) fn of(source: impl Into<String>, message: impl Into<String>) -> Self {
        let (source, message) = (source.into(), message.into());
        Self { source, place: None, excerpt: String::new(), message }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Place { line, column }) = self.place else {
            return write!(f, "{}: {}", self.source, self.message);
        };
        write!(f, "{}:{line}:{column}: {}", self.source, self.message)?;
        if !self.excerpt.is_empty() {
            let number = line.to_string();
            // Tabs stay tabs, so that the caret stands below its letter.
            let before = self.excerpt.chars().take(column.saturating_sub(1));
            let indent: String = before.map(|c| if c == '\t' { c } else { ' ' }).collect();
            let gutter = " ".repeat(number.len());
            write!(f, "\n  {number} | {}\n  {gutter} | {indent}^", self.excerpt)?;
        }
        Ok(())
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.0.iter().take(SHOWN_MAX).enumerate() {
            let newline = if number == 0 { "" } else { "\n" };
            write!(f, "{newline}{problem}")?;
        }
        match self.0.len().saturating_sub(SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for Problems {}
