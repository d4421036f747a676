//! The terminal surface: `redsight top`.
//!
//! [`App`] is the whole state and changes only by [`App::act`] (a key) and [`App::observe`] (a
//! picture); [`draw`] puts it on the screen; [`run`] is the only part that knows a terminal and a
//! clock. Pictures come from a [`Source`], be it the agent's own store or a remote one.
//! Deliberately absent: any knowledge of how the numbers are made.
#![forbid(unsafe_code)]

mod app;
mod columns;
mod filter;
mod history;
mod keys;
mod panels;
mod rows;
mod sparkline;
mod terminal;
mod theme;
mod units;

pub use app::{App, Screen};
pub use keys::{Action, Mode, action};
pub use panels::screen::draw;
pub use terminal::{Options, Source, TuiError, run};
pub use theme::Theme;
