//! Sources of values as rows of data; the table against everything that is derived from it.

use clap::{Args, Command, FromArgMatches};

use super::document::entries;
use super::effective::{Effective, Origin};
use super::environment::Environment;
use super::flags::RunArgs;
use super::kind::Value;
use super::page::page;
use super::problem::Problems;
use super::schema::schema;
use super::settings::Settings;
use super::table::{SETTINGS, Setting};

/// A value other than the default for every setting.
const OTHERS: &[(&str, &str)] = &[
    ("cgroups", "/sys/fs/cgroup/a"),
    ("listen", "127.0.0.1:1"),
    ("hosts", "shop.internal"),
    ("json", "/tmp/lines"),
    ("ring_bytes", "1MiB"),
    ("turn_budget_bytes", "4096"),
    ("tls.enabled", "off"),
    ("tls.cache", "/tmp/tls"),
    ("tls.key_scan", "off"),
    ("tls.hooks", "on"),
    ("limits.cpu", "3%"),
    ("limits.connections", "99"),
    ("limits.services", "98"),
    ("limits.edges", "97"),
    ("limits.endpoints", "96"),
    ("limits.series", "95"),
    ("limits.recent", "30s"),
    ("limits.recent_bytes", "2MiB"),
];

fn flags(words: &[&str]) -> RunArgs {
    let command = RunArgs::augment_args(Command::new("run").no_binary_name(true));
    let matches = command.try_get_matches_from(words).expect("the flags are known");
    RunArgs::from_arg_matches(&matches).expect("the values are read")
}

fn load(yaml: &str, environment: &Environment, words: &[&str]) -> Result<Effective, Problems> {
    let folder = tempfile::tempdir().expect("a folder for the file");
    let path = folder.path().join("c.yaml");
    std::fs::write(&path, yaml).expect("the file can be written");
    Effective::load(Some(&path), environment, flags(words).given())
}

fn holds<'a>(effective: &'a Effective, key: &str) -> (&'a Value, &'a Origin) {
    let found = effective.all.iter().find(|found| found.setting.key == key).expect("a setting");
    (&found.value, &found.origin)
}

#[test]
fn every_setting_acts_by_flag_by_variable_and_by_file() {
    let nothing = Settings::from(&load("", &Environment::default(), &[]).expect("empty is fine"));
    assert_eq!(OTHERS.len(), SETTINGS.len(), "a row for every setting");
    for (key, text) in OTHERS {
        let setting = Setting::of(key).expect("a key of the table");
        let flag = format!("--{}={text}", setting.flag);
        let variable = setting.variable();
        let environment = Environment::of([(&variable, text)]);
        let (section, name) = key.split_once('.').unwrap_or(("", key));
        let list = if setting.kind.is_list() { format!("[{text}]") } else { (*text).to_owned() };
        let yaml = match section {
            "" => format!("{name}: {list}"),
            _ => format!("{section}:\n  {name}: {list}"),
        };
        let none = Environment::default();
        for (source, loaded) in [
            ("flag", load("", &none, &[&flag])),
            ("variable", load("", &environment, &[])),
            ("file", load(&yaml, &none, &[])),
        ] {
            let loaded = loaded.unwrap_or_else(|wrong| panic!("{key} by {source}: {wrong}"));
            assert_ne!(Settings::from(&loaded), nothing, "{key} by {source} does nothing");
            let (value, _) = holds(&loaded, key);
            let spelt = setting.kind.spell(value);
            let back = setting.kind.parse(&spelt);
            assert_eq!(back.as_ref(), Ok(value), "{key}: {spelt} does not read back");
        }
    }
}

#[test]
fn defaults_are_those_of_the_stages() {
    let settings = Settings::from(&load("", &Environment::default(), &[]).expect("no file"));
    assert_eq!(settings.connections, connections::Limits::default());
    assert_eq!(settings.store, metrics::StoreLimits::default());
    assert_eq!(settings.listen.to_string(), crate::cli::DEFAULT_ADDRESS);
    assert_eq!(settings.cpu_share, Some(0.1));
}

#[test]
fn flags_win_over_variables_over_the_file_over_defaults() {
    let environment = Environment::of([("REDSIGHT_LIMITS__EDGES", "22"), ("REDSIGHT_JSON", "e")]);
    let yaml = "json: f\nlimits:\n  services: 33\n  edges: 33\n";
    let effective = load(yaml, &environment, &["--json", "flag"]).expect("all is well");
    let text = |text: &str| Value::Text(text.to_owned());
    assert_eq!(holds(&effective, "json"), (&text("flag"), &Origin::Flag("json")));
    let variable = Origin::Environment("REDSIGHT_LIMITS__EDGES".to_owned());
    assert_eq!(holds(&effective, "limits.edges"), (&Value::Number(22), &variable));
    let (value, origin) = holds(&effective, "limits.services");
    assert_eq!(value, &Value::Number(33));
    assert!(matches!(origin, Origin::File(path, 3) if path.ends_with("c.yaml")), "{origin}");
    assert_eq!(holds(&effective, "limits.series").1, &Origin::Default);
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_is_expected() {
    let rows = [
        ("limts:\n  cpu: 5%\n", "2:3: unknown setting `limts.cpu`", "did you mean `limits.cpu`?"),
        ("limits:\n  cpus: 5%\n", "2:3: unknown setting `limits.cpus`", "mean `limits.cpu`?"),
        ("cpu: 5%\n", "1:1: unknown setting `cpu`", "did you mean `limits.cpu`?"),
        ("zzzzzzzz: 1\n", "1:1: unknown setting `zzzzzzzz`", "config schema"),
        ("listen: 9464\n", "1:9", "expected an address and port"),
        ("listen: [a]\n", "1:1", "found a list"),
        ("cgroups: /a\n", "1:10", "write it as [a, b]"),
        ("cgroups: [[/a]]\n", "1:11", "lists hold texts only"),
        ("ring_bytes: many\n", "1:13", "a size from 4KiB to 1GiB"),
        ("ring_bytes: 1\n", "1:13", "found \"1\""),
        ("limits:\n  connections: -1\n", "2:16", "a whole number"),
        ("limits:\n  cpu: 500%\n", "2:8", "from 0.1% to 100%"),
        ("limits: 5\n", "1:1: unknown setting `limits`", ""),
        ("json: a\njson: b\n", "2:1", "twice"),
        ("json: ${A B}\n", "1:7", "names no variable"),
        ("json: &x a\n", "1:", "anchors"),
        ("json: !t a\n", "1:", "tags"),
        ("json: a\n---\njson: b\n", "2:1", "one document"),
        ("- a\n", "1:1", "a mapping of settings"),
        ("json: \"a\n", "1:", "no YAML"),
        ("json: a\n\tlisten: b\n", "1:", "no YAML"),
    ];
    for (yaml, place, words) in rows {
        let wrong = load(yaml, &Environment::default(), &[]).expect_err(yaml).to_string();
        assert!(wrong.contains(&format!("c.yaml:{place}")), "{yaml}: {wrong}");
        assert!(wrong.contains(words), "{yaml}: {wrong}");
    }
    let both = load("a: 1\nb: 2\n", &Environment::default(), &[]).expect_err("two are wrong");
    assert_eq!(both.0.len(), 2, "{both}");
    let variable = Environment::of([("REDSIGHT_LISTEN", "here")]);
    let wrong = load("", &variable, &[]).expect_err("no address").to_string();
    assert!(wrong.starts_with("REDSIGHT_LISTEN: expected an address"), "{wrong}");
}

#[test]
fn the_caret_stands_below_its_letter() {
    let wrong = load("limits:\n  cpus: 5%\n", &Environment::default(), &[]).expect_err("cpus");
    let shown = wrong.to_string();
    let lines: Vec<&str> = shown.lines().skip(1).collect();
    assert_eq!(lines, ["  2 |   cpus: 5%", "    |   ^"], "{shown}");
}

#[test]
fn nulls_empty_files_and_unset_variables_leave_the_defaults() {
    for yaml in ["", "# nothing\n", "~\n", "---\n", "json:\n", "json: null\n", "json: ${NONE}\n"] {
        let effective = load(yaml, &Environment::default(), &[]).expect(yaml);
        assert_eq!(holds(&effective, "json"), (&Value::Nothing, &Origin::Default), "{yaml}");
    }
}

#[test]
fn no_text_makes_the_reader_panic() {
    bolero::check!().with_type::<String>().for_each(|text| {
        let _ = entries(text, "fuzz");
    });
}

#[test]
fn pages_are_those_of_the_table() {
    committed("docs/configuration.md", &page());
    let schema = serde_json::to_string_pretty(&schema()).expect("it is JSON") + "\n";
    committed("docs/configuration.schema.json", &schema);
}

/// Compares a committed file with what it should be; with BLESS set, writes it.
pub(crate) fn committed(path: &str, wanted: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, wanted).expect("the page can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    let how = "BLESS=1 cargo test -p redsight pages";
    assert!(found == wanted, "{} is stale: {how}", path.display());
}
