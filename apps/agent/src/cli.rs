//! The command line, as the contract names it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::RunArgs;

/// Where `run` serves and the others look.
pub(crate) const DEFAULT_ADDRESS: &str = "127.0.0.1:9464";

/// Sees every service of this host and how it is doing, without touching it.
#[derive(Debug, Parser)]
#[command(name = "redsight", version, args_conflicts_with_subcommands = true)]
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
    Run(RunArgs),
    /// Read captures (pcap, pcapng, gzip of them) through the same pipeline.
    Replay(ReplayArgs),
    /// Show services live in the terminal.
    Top(TopArgs),
    /// List the services of a running agent, with the reason for each name.
    Services(AskArgs),
    /// List the protocols that are recognised.
    Protocols(OutputArgs),
    /// Say what works here, what does not, why, and what to do.
    Doctor(DoctorArgs),
    /// Show, check and describe the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// Options of `replay`.
#[derive(Args, Debug)]
pub(crate) struct ReplayArgs {
    /// Captures, read one after the other.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// TLS secrets (NSS key log). Accepted; sealed bytes stay sealed in this version.
    #[arg(long, value_name = "KEYS")]
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
    #[arg(long, value_name = "ADDR")]
    pub connect: Option<SocketAddr>,
    /// Print one table and exit.
    #[arg(long)]
    pub once: bool,
    /// Seconds the numbers cover; 0 is since the start.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    pub window: f64,
    /// With a tap of its own: observe this cgroup v2 directory only.
    #[arg(long, value_name = "DIR")]
    pub cgroup: Vec<PathBuf>,
}

/// Options of commands that ask a running agent.
#[derive(Args, Debug)]
pub(crate) struct AskArgs {
    /// The agent to ask.
    #[arg(long, value_name = "ADDR", default_value = DEFAULT_ADDRESS)]
    pub connect: SocketAddr,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Options of `doctor`.
#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    /// Judge this scope.
    #[arg(long, value_name = "DIR")]
    pub cgroup: Vec<PathBuf>,
    /// A running agent to ask as well.
    #[arg(long, value_name = "ADDR", default_value = DEFAULT_ADDRESS)]
    pub connect: SocketAddr,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
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

/// What `config` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the JSON Schema of the configuration file.
    Schema,
    /// Say what is wrong with a file; exit code 78 if anything is.
    Check {
        /// The file.
        #[arg(value_name = "FILE")]
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

/// Forms of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConfigFormat {
    /// As in the file.
    Yaml,
    /// For programs.
    Json,
}
