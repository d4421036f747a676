//! One file per command.

mod completions;
mod config;
mod dispatch;
mod doctor;
mod exit;
mod protocols;
mod replay;
mod run;
mod services;
mod tail;
mod tls;
mod top;

pub(crate) use dispatch::dispatch;
pub(crate) use exit::exit_code;
