//! The values that hold, each with its origin: flags over environment over file over defaults.

use std::fmt;
use std::path::{Path, PathBuf};

use model::filter::nearest;

use super::document::{self, Entry, Node, Scalar};
use super::environment::Environment;
use super::kind::{Kind, Value};
use super::problem::{Place, Problem, Problems};
use super::substitute::substitute;
use super::table::{SETTINGS, Setting};

/// The file that is read if nobody names one, and it exists.
pub(crate) const USUAL_FILE: &str = "/etc/redsight/config.yaml";

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody said anything.
    Default,
    /// A file, at this line.
    File(String, usize),
    /// An environment variable.
    Environment(String),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{path}:{line}"),
            Self::Environment(name) => f.write_str(name),
            Self::Flag(flag) => write!(f, "--{flag}"),
        }
    }
}

/// A value that holds.
#[derive(Debug)]
pub(crate) struct Found {
    /// Of which setting.
    pub setting: &'static Setting,
    /// See [`Value`].
    pub value: Value,
    /// See [`Origin`].
    pub origin: Origin,
}

impl Found {
    /// The value as the file would hold it.
    pub(crate) fn json(&self) -> serde_json::Value {
        match &self.value {
            Value::Nothing => serde_json::Value::Null,
            Value::Texts(texts) => serde_json::json!(texts),
            Value::Number(number) if matches!(self.setting.kind, Kind::Count(..)) => {
                serde_json::json!(number)
            }
            value => serde_json::json!(self.setting.kind.spell(value)),
        }
    }
}

/// One value for every setting, in the order of the table.
#[derive(Debug)]
pub(crate) struct Effective {
    /// The values.
    pub all: Vec<Found>,
    /// The file that was read, if any.
    pub file: Option<PathBuf>,
}

/// A value given by a flag, already read.
pub(crate) type Given = (&'static Setting, Value);

impl Effective {
    /// Reads every source. `file` must exist if it is named; the usual one need not.
    pub(crate) fn load(
        file: Option<&Path>,
        environment: &Environment,
        flags: &[Given],
    ) -> Result<Self, Problems> {
        let usual = Path::new(USUAL_FILE);
        let file = file.or_else(|| usual.exists().then_some(usual)).map(Path::to_owned);
        let (mut all, mut problems) = (defaults(), Vec::new());
        if let Some(path) = &file {
            match std::fs::read_to_string(path) {
                Ok(text) => {
                    read_file(&text, &path.display().to_string(), environment, &mut all)
                        .unwrap_or_else(|found| problems.extend(found.0));
                }
                Err(error) => problems.push(unreadable(path, &error)),
            }
        }
        read_environment(environment, &mut all, &mut problems);
        for (setting, value) in flags {
            put(&mut all, setting, value.clone(), Origin::Flag(setting.flag));
        }
        if problems.is_empty() { Ok(Self { all, file }) } else { Err(Problems(problems)) }
    }

    /// The value of a setting of the table.
    pub(crate) fn value(&self, key: &str) -> &Value {
        let found = self.all.iter().find(|found| found.setting.key == key);
        &found.expect("the key is one of the table").value
    }
}

/// Checks a file alone. Gives the number of settings it makes.
pub(crate) fn check(path: &Path, environment: &Environment) -> Result<usize, Problems> {
    let text =
        std::fs::read_to_string(path).map_err(|error| Problems(vec![unreadable(path, &error)]))?;
    let mut all = defaults();
    read_file(&text, &path.display().to_string(), environment, &mut all)?;
    Ok(all.iter().filter(|found| found.origin != Origin::Default).count())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::of(path.display().to_string(), format!("cannot be read: {error}"))
}

fn defaults() -> Vec<Found> {
    let of = |setting: &'static Setting| {
        let value = match setting.default {
            "" if setting.kind.is_list() => Value::Texts(Vec::new()),
            "" => Value::Nothing,
            text => setting.kind.parse(text).expect("a test reads every default of the table"),
        };
        Found { setting, value, origin: Origin::Default }
    };
    SETTINGS.iter().map(of).collect()
}

fn put(all: &mut [Found], setting: &Setting, value: Value, origin: Origin) {
    if let Some(found) = all.iter_mut().find(|found| found.setting.key == setting.key) {
        (found.value, found.origin) = (value, origin);
    }
}

/// Lays the text of a file over `all`; tells everything that is wrong with it.
pub(super) fn read_file(
    text: &str,
    source: &str,
    environment: &Environment,
    all: &mut [Found],
) -> Result<(), Problems> {
    let entries = document::entries(text, source).map_err(|problem| Problems(vec![problem]))?;
    let mut problems = Vec::new();
    for entry in &entries {
        let read = Setting::of(&entry.key)
            .ok_or_else(|| (entry.place, unknown(&entry.key)))
            .and_then(|setting| Ok((setting, value(setting, entry, environment)?)));
        match read {
            Ok((setting, Some(value))) => {
                put(all, setting, value, Origin::File(source.to_owned(), entry.place.line));
            }
            Ok((_, None)) => {}
            Err((place, message)) => problems.push(document::at(text, source, place, &message)),
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
}

/// What an entry gives; a null leaves the setting as it is.
fn value(
    setting: &Setting,
    entry: &Entry,
    environment: &Environment,
) -> Result<Option<Value>, (Place, String)> {
    let wrong = |found: &str, place| {
        let key = setting.key;
        Err((place, format!("`{key}`: expected {}, found {found}", setting.kind.expected())))
    };
    match (&entry.node, setting.kind.is_list()) {
        (Node::Nothing, _) => Ok(None),
        (Node::Scalar(scalar), true) => wrong("one text: write it as [a, b]", scalar.place),
        (Node::List(_), false) => wrong("a list", entry.place),
        (Node::Scalar(scalar), false) => one(setting, scalar, environment),
        (Node::List(scalars), true) => {
            let mut texts = Vec::new();
            for scalar in scalars {
                if let Some(Value::Texts(more)) = one(setting, scalar, environment)? {
                    texts.extend(more);
                }
            }
            Ok(Some(Value::Texts(texts)))
        }
    }
}

fn one(
    setting: &Setting,
    scalar: &Scalar,
    environment: &Environment,
) -> Result<Option<Value>, (Place, String)> {
    let told = |message: String| (scalar.place, format!("`{}`: {message}", setting.key));
    let text = substitute(&scalar.text, environment).map_err(told)?;
    // A reference to a variable that is not set leaves the default, as null does.
    if scalar.is_plain && document::is_nothing(&text) {
        return Ok(None);
    }
    setting.kind.parse(&text).map(Some).map_err(told)
}

fn unknown(key: &str) -> String {
    let known = SETTINGS.iter().map(|setting| setting.key);
    let meant = nearest(key, known.clone()).or_else(|| {
        // In the wrong section, or in none.
        let name = key.rsplit('.').next().unwrap_or(key);
        known.clone().find(|known| known.rsplit('.').next() == Some(name))
    });
    match meant {
        Some(meant) => format!("unknown setting `{key}`: did you mean `{meant}`?"),
        None => format!("unknown setting `{key}`: `redsight config schema` lists all"),
    }
}

fn read_environment(environment: &Environment, all: &mut [Found], problems: &mut Vec<Problem>) {
    for setting in SETTINGS {
        let name = setting.variable();
        // An empty variable is as good as none (POSIX shells unset nothing on `NAME=`).
        let Some(text) = environment.variable(&name).filter(|text| !text.is_empty()) else {
            continue;
        };
        let read = if setting.kind.is_list() {
            let texts = text.split(',').map(str::trim).filter(|text| !text.is_empty());
            Ok(Value::Texts(texts.map(str::to_owned).collect()))
        } else {
            setting.kind.parse(text)
        };
        match read {
            Ok(value) => put(all, setting, value, Origin::Environment(name)),
            Err(message) => problems.push(Problem::of(name, message)),
        }
    }
}
