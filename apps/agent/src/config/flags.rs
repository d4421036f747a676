//! The flags of `run`: one for every setting of the table, with its default and its variable.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches, ValueHint};

use super::effective::{Effective, Given};
use super::environment::{Environment, strangers};
use super::kind::{Kind, Value};
use super::problem::Problems;
use super::table::{SETTINGS, Setting};

/// Variable that names the file.
const FILE_VARIABLE: &str = "REDSIGHT_CONFIG";

/// What was said to `run` on the command line.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunArgs {
    /// The file, if one was named.
    pub config: Option<PathBuf>,
    /// Settings given by flags.
    given: Vec<Given>,
}

impl RunArgs {
    /// Every value that holds for `run`. Variables that look misspelt are warned of.
    pub(crate) fn effective(&self) -> Result<Effective, Problems> {
        let environment = Environment::of_this_process();
        for stranger in strangers(&environment) {
            eprintln!("redsight: warning: {stranger}");
        }
        Effective::load(self.config.as_deref(), &environment, &self.given)
    }

    /// Settings given by flags.
    #[cfg(test)]
    pub(super) fn given(&self) -> &[Given] {
        &self.given
    }
}

impl Args for RunArgs {
    fn augment_args(command: Command) -> Command {
        let command = command.arg(file_flag());
        let command = SETTINGS.iter().fold(command, |command, setting| command.arg(flag(setting)));
        switches().fold(command, |command, setting| command.arg(no_flag(setting)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn file_flag() -> Arg {
    Arg::new("config")
        .long("config")
        .value_name("FILE")
        .env(FILE_VARIABLE)
        .hide_env_values(true)
        .value_parser(clap::value_parser!(PathBuf))
        .value_hint(ValueHint::FilePath)
        .help("Read settings from this YAML file [default: /etc/redsight/config.yaml, if there]")
        .long_help(
            "Read settings from this YAML file. Flags win over environment variables, these over \
             the file. `redsight config print --origin` shows what holds, and why.\n\n\
             [default: /etc/redsight/config.yaml, if it exists]",
        )
}

/// The settings that are on or off, with the short way to switch each off: `--no-tls`.
fn switches() -> impl Iterator<Item = (&'static Setting, &'static str)> {
    SETTINGS.iter().filter_map(|setting| match setting.kind {
        Kind::Switch(off) => Some((setting, off)),
        _ => None,
    })
}

fn no_flag((setting, off): (&'static Setting, &'static str)) -> Arg {
    Arg::new(off)
        .long(off)
        .action(ArgAction::SetTrue)
        .overrides_with(setting.key)
        .help(format!("The same as --{} off", setting.flag))
        .help_heading(heading(setting))
        .hide_short_help(true)
}

/// Settings of a section stand together.
fn heading(setting: &Setting) -> Option<&'static str> {
    match setting.key.split_once('.')?.0 {
        "tls" => Some("TLS"),
        _ => Some("Limits"),
    }
}

fn flag(setting: &'static Setting) -> Arg {
    let action = if setting.kind.is_list() { ArgAction::Append } else { ArgAction::Set };
    let default = format!("[default: {}]", setting.default_in_words());
    let mut long = format!("{}.", setting.summary);
    if setting.kind.is_list() {
        long.push_str(" May be given more than once; in the variable, commas separate.");
    }
    if !setting.detail.is_empty() {
        long.push_str(&format!(" {}", setting.detail));
    }
    let notes = format!("{default} [env: {}]", setting.variable());
    let hint = match setting.kind {
        Kind::Path => ValueHint::FilePath,
        _ if setting.key == "cgroups" => ValueHint::DirPath,
        _ => ValueHint::Other,
    };
    let in_section = setting.key.contains('.');
    Arg::new(setting.key)
        .long(setting.flag)
        .value_name(setting.metavariable())
        .value_hint(hint)
        .action(action)
        .value_parser(move |text: &str| setting.kind.parse(text))
        .help(format!("{} {default}", setting.summary))
        .long_help(format!("{long}\n\n{notes}"))
        .help_heading(heading(setting))
        .hide_short_help(in_section && setting.key != "limits.cpu")
}

impl FromArgMatches for RunArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut args = Self::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.config = matches.get_one::<PathBuf>("config").cloned();
        for setting in SETTINGS {
            let Some(mut values) = matches.get_many::<Value>(setting.key) else { continue };
            let texts = values.clone().filter_map(|value| match value {
                Value::Texts(texts) => Some(texts.clone()),
                _ => None,
            });
            let value = if setting.kind.is_list() {
                Some(Value::Texts(texts.flatten().collect()))
            } else {
                values.next_back().cloned()
            };
            self.given.extend(value.map(|value| (setting, value)));
        }
        let off = switches().filter(|(_, off)| matches.get_flag(off));
        self.given.extend(off.map(|(setting, _)| (setting, Value::Switch(false))));
        Ok(())
    }
}
