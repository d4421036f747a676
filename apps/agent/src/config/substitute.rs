//! `${VAR}`, `${env:VAR}`, `${VAR:-default}` and `$$` in values of the file, as in OpenTelemetry's
//! declarative configuration. What comes out is not looked at again.

use super::environment::Environment;

/// The text with every reference replaced. A variable that is not set and has no default gives
/// nothing.
pub(crate) fn substitute(text: &str, environment: &Environment) -> Result<String, String> {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('$') {
        done.push_str(before);
        if let Some(behind) = behind.strip_prefix('$') {
            done.push('$');
            rest = behind;
        } else if let Some(behind) = behind.strip_prefix('{') {
            let (reference, behind) =
                behind.split_once('}').ok_or_else(|| format!("`${{{behind}` has no end `}}`"))?;
            done.push_str(&resolve(reference, environment)?);
            rest = behind;
        } else {
            done.push('$');
            rest = behind;
        }
    }
    done.push_str(rest);
    Ok(done)
}

fn resolve(reference: &str, environment: &Environment) -> Result<String, String> {
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    let name = name.strip_prefix("env:").unwrap_or(name);
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !is_name {
        let forms = "write ${NAME}, ${env:NAME}, ${NAME:-default}, or $$ for a dollar sign";
        return Err(format!("`${{{reference}}}` names no variable: {forms}"));
    }
    let set = environment.variable(name).filter(|value| !value.is_empty());
    Ok(set.or(default).unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_replaced_once_and_escapes_stay() {
        let environment = Environment::of([("PORT", "9464"), ("NESTED", "${PORT}"), ("EMPTY", "")]);
        for (text, wanted) in [
            ("plain", "plain"),
            ("a:${PORT}", "a:9464"),
            ("${env:PORT}", "9464"),
            ("${NONE}", ""),
            ("${NONE:-1}", "1"),
            ("${EMPTY:-1}", "1"),
            ("${NONE:-a:-b}", "a:-b"),
            ("${PORT}${PORT}", "94649464"),
            ("$${PORT}", "${PORT}"),
            ("$$", "$"),
            ("$PORT", "$PORT"),
            ("${NESTED}", "${PORT}"),
            ("5$", "5$"),
        ] {
            assert_eq!(substitute(text, &environment).as_deref(), Ok(wanted), "{text}");
        }
        for text in ["${PORT", "${}", "${1A}", "${A B}", "${PORT:?none}", "${file:/etc/passwd}"] {
            assert!(substitute(text, &environment).is_err(), "{text}");
        }
    }
}
