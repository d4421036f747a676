//! The terminal surface: `redsight top`.
//!
//! [`App`] is the whole state and changes only by [`App::act`] (a key, a click), [`App::observe`]
//! (a picture) and [`App::observe_exchanges`]; [`draw`] puts it on the screen, [`hit`] says what
//! was clicked; [`run`] is the only part that knows a terminal and a clock. Pictures come from a
//! [`Source`], be it the agent's own store or a remote one.
//! Deliberately absent: any knowledge of how the numbers are made.
#![forbid(unsafe_code)]

mod app;
mod columns;
mod feed;
mod filter;
mod history;
mod keys;
mod panels;
mod rows;
mod sparkline;
mod terminal;
mod theme;
mod tree;
mod units;

pub use app::{App, Screen};
pub use keys::{Action, Mode, action};
pub use panels::screen::{draw, hit};
pub use terminal::{Options, Source, TuiError, run};
pub use theme::Theme;
