//! One file per command.

mod config;
mod dispatch;
mod doctor;
mod exit;
mod protocols;
mod replay;
mod run;
mod services;
mod top;

pub(crate) use dispatch::dispatch;
pub(crate) use exit::exit_code;
