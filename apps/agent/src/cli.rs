//! The command line, as the contract names it. The flags of `run` come from the table of settings.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::config::RunArgs;
use crate::examples as see;

/// Where `run` serves and the others look.
pub(crate) const DEFAULT_ADDRESS: &str = "127.0.0.1:9464";

/// Sees every service of this host and how it is doing, without touching it.
#[derive(Debug, Parser)]
#[command(name = "redsight", version, args_conflicts_with_subcommands = true)]
#[command(max_term_width = 100, after_long_help = see::REDSIGHT)]
pub(crate) struct Cli {
    /// What to do; without it: run.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of `run`.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Every command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Observe this host until SIGTERM or Ctrl-C.
    #[command(after_long_help = see::RUN)]
    Run(RunArgs),
    /// Read captures (pcap, pcapng, gzip of them) through the same pipeline.
    #[command(after_long_help = see::REPLAY)]
    Replay(ReplayArgs),
    /// Show services live in the terminal.
    #[command(after_long_help = see::TOP)]
    Top(TopArgs),
    /// Show exchanges of a running agent as they happen.
    #[command(after_long_help = see::TAIL)]
    Tail(TailArgs),
    /// List the services of a running agent, with the reason for each name.
    #[command(after_long_help = see::SERVICES)]
    Services(ServicesArgs),
    /// List who speaks TLS, by which engine, how its secrets are had, and what was opened.
    #[command(after_long_help = see::TLS)]
    Tls(TlsArgs),
    /// List the protocols that are recognised.
    Protocols(OutputArgs),
    /// Say what works here, what does not, why, and what to do.
    #[command(after_long_help = see::DOCTOR)]
    Doctor(DoctorArgs),
    /// Show, check and describe the configuration.
    #[command(subcommand, after_long_help = see::CONFIG)]
    Config(ConfigCommand),
    /// Print completions for a shell.
    #[command(after_long_help = see::COMPLETIONS)]
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for each command.
    #[command(after_long_help = see::MAN)]
    Man(ManArgs),
}

/// Options of `replay`.
#[derive(Args, Debug)]
pub(crate) struct ReplayArgs {
    /// Captures, read one after the other.
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// TLS secrets, in the NSS key log format (SSLKEYLOGFILE), for what is sealed.
    #[arg(long, value_name = "KEYS", value_hint = ValueHint::FilePath)]
    pub keylog: Option<PathBuf>,
    /// Print exchanges as JSON lines instead of the table.
    #[arg(long)]
    pub json: bool,
    /// Add the wire's own words: literals and query strings leave the parser. Implies --json.
    #[arg(long)]
    pub raw: bool,
}

/// Options of `top`.
#[derive(Args, Debug)]
pub(crate) struct TopArgs {
    /// The agent to ask. Default: the one on 127.0.0.1:9464, else a tap of its own.
    #[arg(long, value_name = "ADDR", env = "REDSIGHT_CONNECT", hide_env_values = true)]
    pub connect: Option<SocketAddr>,
    /// Print one table and exit.
    #[arg(long)]
    pub once: bool,
    /// Seconds the numbers cover; 0 is since the start.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    pub window: f64,
    /// With a tap of its own: observe this cgroup v2 directory only.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub cgroup: Vec<PathBuf>,
}

/// Options of `tail`.
#[derive(Args, Debug)]
pub(crate) struct TailArgs {
    /// Show only what all of these terms keep, such as `service=cart` or `latency>100ms`.
    #[arg(value_name = "FILTER")]
    pub filter: Vec<String>,
    /// Print JSON, one object a line, as `run --json` does.
    #[arg(long)]
    pub json: bool,
    /// End after this many exchanges. Default: go on until Ctrl-C.
    #[arg(short = 'n', long, value_name = "NUMBER")]
    pub count: Option<u64>,
    /// When to colour outcomes.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub color: Color,
    /// The agent to ask.
    #[command(flatten)]
    pub agent: AgentArgs,
}

/// Options of `services`.
#[derive(Args, Debug)]
pub(crate) struct ServicesArgs {
    /// List only what all of these terms keep, such as `protocol=redis` or `p99>1s`.
    #[arg(value_name = "FILTER")]
    pub filter: Vec<String>,
    /// Sort by these keys of the filter, `-` before one for the greatest first. Default: busiest
    /// first.
    #[arg(long, value_name = "KEYS", allow_hyphen_values = true)]
    pub sort: Option<String>,
    /// Seconds the numbers cover; 0 is since the start.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    pub window: f64,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// The agent to ask.
    #[command(flatten)]
    pub agent: AgentArgs,
}

/// Options of `tls`.
#[derive(Args, Debug)]
pub(crate) struct TlsArgs {
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// The agent to ask.
    #[command(flatten)]
    pub agent: AgentArgs,
}

/// Which running agent to ask.
#[derive(Args, Debug)]
pub(crate) struct AgentArgs {
    /// The agent to ask.
    #[arg(long, value_name = "ADDR", default_value = DEFAULT_ADDRESS)]
    #[arg(env = "REDSIGHT_CONNECT", hide_env_values = true)]
    pub connect: SocketAddr,
}

/// Options of `doctor`.
#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    /// Judge this scope.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub cgroup: Vec<PathBuf>,
    /// Judge this configuration file. Default: the one that `run` would read.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(env = "REDSIGHT_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// The agent to ask.
    #[command(flatten)]
    pub agent: AgentArgs,
}

/// What `config` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the JSON Schema of the configuration file.
    Schema,
    /// Say what is wrong with a file; exit code 78 if anything is.
    Check {
        /// The file.
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Print every value that holds for `run` with the same flags.
    Print(PrintArgs),
}

/// Options of `config print`.
#[derive(Args, Debug)]
pub(crate) struct PrintArgs {
    /// Say where each value comes from.
    #[arg(long)]
    pub origin: bool,
    /// How to print.
    #[arg(short = 'o', long = "output", value_enum, default_value_t = ConfigFormat::Yaml)]
    pub format: ConfigFormat,
    /// The flags of `run`.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Options of `completions`.
#[derive(Args, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Options of `man`.
#[derive(Args, Debug)]
pub(crate) struct ManArgs {
    /// Write a page for every command into this directory.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: Option<PathBuf>,
}

/// How to print.
#[derive(Args, Debug)]
pub(crate) struct OutputArgs {
    /// Table or JSON.
    #[arg(short = 'o', long = "output", value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// Forms of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Forms of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConfigFormat {
    /// As in the file.
    Yaml,
    /// For programs.
    Json,
}

/// When to print colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set; CLICOLOR_FORCE colours what is piped, too.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[cfg(test)]
#[path = "cli_tests.rs"]
mod tests;
