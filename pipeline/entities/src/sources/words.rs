//! Words of a command line: values of flags, and what is no flag.

/// The value of the first of the flags that is there: `--name x`, `--name=x`, `-n x`, `-nx`.
pub(crate) fn value<'a>(words: &[&'a str], flags: &[&str]) -> Option<&'a str> {
    for (at, word) in words.iter().enumerate() {
        if *word == "--" {
            return None;
        }
        for flag in flags {
            let Some(rest) = word.strip_prefix(flag) else {
                continue;
            };
            if rest.is_empty() {
                return words.get(at + 1).copied();
            }
            if let Some(value) = rest.strip_prefix('=') {
                return Some(value);
            }
            if flag.len() == 2 && !flag.starts_with("--") {
                return Some(rest);
            }
        }
    }
    None
}

/// The word behind a flag that takes no joined value.
pub(crate) fn after<'a>(words: &[&'a str], flag: &str) -> Option<&'a str> {
    let at = words.iter().position(|word| *word == flag)?;
    words.get(at + 1).copied()
}

/// What is no flag and no value of the flags that take one, in order.
pub(crate) fn operands<'a>(words: &[&'a str], valued: &[&str]) -> Vec<&'a str> {
    let mut operands = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if *word == "--" {
            operands.extend(words.by_ref());
        } else if valued.contains(word) {
            words.next();
        } else if !word.starts_with('-') {
            operands.push(*word);
        }
    }
    operands
}

/// The last part of a path.
pub(crate) fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// True for a Python module path, or for any other dotted name.
pub(crate) fn is_dotted_name(text: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    !text.is_empty() && text.split('.').all(is_part)
}

/// What stands between quotes, or the text as it is.
pub(crate) fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inner = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::{operands, value};

    #[test]
    fn a_flag_gives_its_value_in_each_spelling() {
        for words in [&["-n", "x"][..], &["-nx"], &["--name", "x"], &["--name=x"], &["a", "-n=x"]] {
            assert_eq!(value(words, &["-n", "--name"]), Some("x"), "{words:?}");
        }
        for words in [&["--names=x"][..], &["-n"], &["--", "-n", "x"], &[]] {
            assert_eq!(value(words, &["-n", "--name"]), None, "{words:?}");
        }
    }

    #[test]
    fn operands_are_neither_flags_nor_their_values() {
        let words = ["-w", "4", "shop:app", "--reload", "-b=:80", "--", "-x"];
        assert_eq!(operands(&words, &["-w"]), ["shop:app", "-x"]);
    }
}
