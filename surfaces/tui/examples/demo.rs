//! The terminal view over made-up, moving numbers: `cargo run -p redsight-tui --example demo`.
//!
//! With `empty` it shows a host where nothing is seen; with `down` an agent that does not answer.

use std::sync::atomic::AtomicBool;

use model::view::{Exchanges, ExchangesAsked, Snapshot};
use tui::{Options, Source, TuiError, run};

#[path = "../tests/picture/mod.rs"]
mod picture;

struct Demo {
    step: u64,
    kind: Option<String>,
}

impl Source for Demo {
    fn snapshot(&mut self, window_s: f64) -> Result<Snapshot, String> {
        self.step += 1;
        match self.kind.as_deref() {
            Some("empty") => Ok(picture::silence()),
            Some("down") => Err("connection refused by 127.0.0.1:9464".into()),
            _ => Ok(picture::shop(self.step, window_s)),
        }
    }

    fn exchanges(&mut self, asked: &ExchangesAsked) -> Result<Exchanges, String> {
        Ok(picture::exchanges(self.step, asked.after.unwrap_or_default()))
    }
}

fn main() -> Result<(), TuiError> {
    let mut demo = Demo { step: 0, kind: std::env::args().nth(1) };
    run(&mut demo, &Options::default(), &AtomicBool::new(false))
}
