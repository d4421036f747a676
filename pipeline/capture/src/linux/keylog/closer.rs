//! Takes probes out of processes without holding anybody up.
//!
//! The kernel waits for everyone who may be inside a probe before it lets go of one: some ten to a
//! hundred milliseconds each, one after the other for one thread. Threads that wait at the same
//! time wait for the same moment, so many probes go as fast as one.

use std::thread::{self, JoinHandle};

use libbpf_rs::Link;

/// Probes taken out at the same time.
const AT_ONCE: usize = 32;

/// See the module's documentation.
#[derive(Default)]
pub(super) struct Closer {
    waiting: Vec<Link>,
    running: Option<JoinHandle<()>>,
}

impl Closer {
    /// Takes a probe; it goes with the next [`Closer::work`].
    pub(super) fn add(&mut self, link: Link) {
        self.waiting.push(link);
    }

    /// Begins to take out what waits, unless that is still being done with what waited before.
    pub(super) fn work(&mut self) {
        if self.running.as_ref().is_some_and(JoinHandle::is_finished) {
            self.join();
        }
        if self.waiting.is_empty() || self.running.is_some() {
            return;
        }
        let links = std::mem::take(&mut self.waiting);
        let spawned = thread::Builder::new().name("redsight-close".to_owned());
        // If there is no thread to be had, they are gone all the same: with the closure.
        self.running = spawned.spawn(move || close(links)).ok();
    }

    /// True while [`Closer::work`] is still needed.
    pub(super) const fn is_busy(&self) -> bool {
        self.running.is_some() || !self.waiting.is_empty()
    }

    /// Takes out all there are, and waits for it.
    pub(super) fn finish(&mut self) {
        self.join();
        close(std::mem::take(&mut self.waiting));
    }

    fn join(&mut self) {
        if let Some(running) = self.running.take() {
            // A panic there was reported by the panic hook.
            let _ = running.join();
        }
    }
}

impl Drop for Closer {
    fn drop(&mut self) {
        self.finish();
    }
}

fn close(mut links: Vec<Link>) {
    let share = links.len().div_ceil(AT_ONCE).max(1);
    thread::scope(|scope| {
        while links.len() > share {
            let some = links.split_off(links.len() - share);
            scope.spawn(move || drop(some));
        }
        drop(links);
    });
}
