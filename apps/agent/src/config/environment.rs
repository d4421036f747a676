//! Environment variables: a copy of them, taken once.

use std::collections::BTreeMap;

use model::filter::nearest;

use super::table::{SETTINGS, Setting};

/// What the names of our variables begin with.
pub(super) const PREFIX: &str = "REDSIGHT_";

/// The variables as they were when the program began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Those of this process that are text.
    pub(crate) fn of_this_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
        )
    }

    /// Those given.
    #[cfg(test)]
    pub(crate) fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        Self(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }

    /// What a variable holds.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// Variables that look like settings and are none: a misspelt one would say nothing otherwise.
pub(crate) fn strangers(environment: &Environment) -> Vec<String> {
    let known: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
    // As keys are spelt: small letters are what words are compared by.
    let words: Vec<String> = SETTINGS.iter().map(|s| s.key.replace('.', "__")).collect();
    let unknown = environment.0.keys().filter(|name| !known.contains(name));
    unknown
        .filter_map(|name| {
            let meant = nearest(name.strip_prefix(PREFIX)?, words.iter().map(String::as_str))?;
            let meant = meant.to_uppercase();
            Some(format!("{name} is not a setting: did you mean {PREFIX}{meant}?"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_variable_is_told_of_and_another_tool_s_is_not() {
        let environment = Environment::of([
            ("REDSIGHT_LISTEN", "x"),
            ("REDSIGHT_LIMIT__CPU", "x"),
            ("REDSIGHT_BIN", "x"),
            ("OTHER_LISTEN", "x"),
        ]);
        let told = strangers(&environment);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("REDSIGHT_LIMITS__CPU"), "{told:?}");
    }
}
