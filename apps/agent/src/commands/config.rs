//! `redsight config schema | check | print`: what can be set, what is wrong, what holds and why.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Map, Value as Json, json};

use crate::cli::{ConfigCommand, ConfigFormat, PrintArgs};
use crate::config::{self, Environment, Found};

/// Does one of the three.
pub(super) fn run(command: &ConfigCommand) -> Result<ExitCode> {
    match command {
        ConfigCommand::Schema => {
            println!("{}", serde_json::to_string_pretty(&config::schema())?);
            Ok(ExitCode::SUCCESS)
        }
        ConfigCommand::Check { file } => check(file),
        ConfigCommand::Print(arguments) => print(arguments),
    }
}

fn check(file: &Path) -> Result<ExitCode> {
    let count = config::check(file, &Environment::of_this_process())?;
    let settings = if count == 1 { "setting" } else { "settings" };
    println!("{}: {count} {settings}, nothing wrong", file.display());
    Ok(ExitCode::SUCCESS)
}

fn print(arguments: &PrintArgs) -> Result<ExitCode> {
    let effective = arguments.run.effective()?;
    match arguments.format {
        ConfigFormat::Json => {
            let all = nested(&effective.all, arguments.origin);
            println!("{}", serde_json::to_string_pretty(&all)?);
        }
        ConfigFormat::Yaml => {
            let file = effective.file.as_ref().map_or("none".into(), |file| file.to_string_lossy());
            print!("# file: {file}\n{}", yaml(&effective.all, arguments.origin));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// As the file would say it.
fn yaml(all: &[Found], with_origin: bool) -> String {
    let (mut text, mut section) = (String::new(), "");
    for found in all {
        let (now, name) = found.setting.key.split_once('.').unwrap_or(("", found.setting.key));
        if now != section {
            section = now;
            text.push_str(&format!("{section}:\n"));
        }
        let indent = if section.is_empty() { "" } else { "  " };
        // JSON is YAML: what it quotes is quoted right.
        let line = format!("{indent}{name}: {}", found.json());
        let origin = &found.origin;
        match with_origin {
            true => text.push_str(&format!("{line:<40} # {origin}\n")),
            false => text.push_str(&format!("{line}\n")),
        }
    }
    text
}

fn nested(all: &[Found], with_origin: bool) -> Json {
    let mut top = Map::new();
    for found in all {
        let mut value = found.json();
        if with_origin {
            value = json!({"value": value, "origin": found.origin.to_string()});
        }
        let (section, name) = found.setting.key.split_once('.').unwrap_or(("", found.setting.key));
        if section.is_empty() {
            top.insert(name.to_owned(), value);
        } else {
            top.entry(section).or_insert_with(|| json!({}))[name] = value;
        }
    }
    Json::Object(top)
}
