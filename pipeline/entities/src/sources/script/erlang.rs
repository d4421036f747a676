//! Erlang and Elixir: releases, nodes, projects of mix.

use crate::resolve::Named;
use crate::sources::command::Command;
use crate::sources::telling;
use crate::sources::words::{after, last_part};

/// Nodes that are called by a short form of their product.
const PRODUCTS: &[(&str, &str)] = &[("rabbit", "rabbitmq")];

/// The name by a release, a node, a project or a start module.
pub(crate) fn tool(command: &Command<'_>, program: &str, words: &[&str]) -> Option<Named> {
    if !matches!(program, "beam.smp" | "beam" | "erlexec" | "erl") {
        return None;
    }
    if let Some(release) = command.process.environment.get("RELEASE_NAME") {
        return Some(Named::new(release, "elixir release"));
    }
    node(words)
        .or_else(|| mix(command, words))
        .or_else(|| release(words))
        .or_else(|| script(command, words))
        .or_else(|| started(words))
}

/// `-sname shop`, `-name shop@host`.
/// <https://www.erlang.org/doc/apps/erts/erl_cmd.html>
fn node(words: &[&str]) -> Option<Named> {
    let name = after(words, "-sname").or_else(|| after(words, "-name"))?;
    let name = name.split('@').next().filter(|name| !name.is_empty())?;
    let product = PRODUCTS.iter().find(|(short, _)| *short == name);
    Some(Named::new(product.map_or(name, |(_, product)| product), "erlang node"))
}

/// `mix` in the working directory: the application of its `mix.exs`.
fn mix(command: &Command<'_>, words: &[&str]) -> Option<Named> {
    words.iter().find(|word| last_part(word) == "mix")?;
    let text = command.files.read(&command.path("mix.exs")).unwrap_or_default();
    let written = || {
        let (_, rest) = text.split_once("app:")?;
        let rest = rest.trim_start().strip_prefix(':')?;
        rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
    };
    let named = written().filter(|name| !name.is_empty());
    let named = named.map(|name| Named::new(name, "mix project"));
    named.or_else(|| command.by_folder(&command.directory, "mix project"))
}

/// `-boot /opt/shop/releases/1.0/shop`: the folder above the releases.
fn release(words: &[&str]) -> Option<Named> {
    let boot = after(words, "-boot")?;
    let (home, _) = boot.split_once("/releases/")?;
    Some(Named::new(telling::nearest_folder(home.as_ref())?, "erlang release"))
}

/// `-extra ./shop.escript`, behind which nothing is Erlang's own.
fn script(command: &Command<'_>, words: &[&str]) -> Option<Named> {
    let at = words.iter().position(|word| *word == "-extra")?;
    let script = words.get(at + 1)?;
    let is_path = script.contains(['/', '.']) && !script.starts_with('-');
    is_path.then(|| command.by_path(script, "erlang script")).flatten()
}

/// `-s module` or `-run module`: what is started first.
fn started(words: &[&str]) -> Option<Named> {
    let module = after(words, "-s").or_else(|| after(words, "-run"))?;
    let is_own = !matches!(module, "erl" | "init" | "elixir" | "rebar3" | "prim_tty");
    is_own.then(|| Named::new(module, "erlang module"))
}
