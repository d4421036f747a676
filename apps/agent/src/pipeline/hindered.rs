//! What stands between sealed connections and their keys: told once a process was looked at, and
//! said instead of "no key found".

use std::collections::HashMap;
use std::net::SocketAddr;

use model::{Endpoints, Sealed};

use super::Worker;

/// Processes that are remembered; beyond this all are forgotten and told of again.
const PROCESSES_MAX: usize = 4_096;

/// What was found at a process with sealed connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hindrance {
    /// The process.
    pub pid: u32,
    /// A TLS engine of it is known.
    pub has_engine: bool,
    /// Connections of its network namespace whose records the kernel makes.
    pub kernel_tls: Vec<[SocketAddr; 2]>,
}

/// What was told of processes, the newest of each.
#[derive(Debug, Default)]
pub(super) struct Hindrances(HashMap<u32, Hindrance>);

impl Hindrances {
    fn take(&mut self, hindrance: Hindrance) {
        if self.0.len() >= PROCESSES_MAX && !self.0.contains_key(&hindrance.pid) {
            self.0.clear();
        }
        self.0.insert(hindrance.pid, hindrance);
    }

    /// What stands in the way of a connection between these processes; 0 is nobody.
    pub(super) fn of(&self, endpoints: Option<Endpoints>, owners: [u32; 2]) -> Option<Sealed> {
        let mut told = owners.iter().filter_map(|pid| self.0.get(pid));
        let ends = endpoints.map(|ends| [ends.source, ends.destination]);
        let is_kernels = |hindrance: &Hindrance| {
            let mut sealed = hindrance.kernel_tls.iter();
            sealed.any(|&[one, other]| ends == Some([one, other]) || ends == Some([other, one]))
        };
        if told.clone().any(is_kernels) {
            return Some(Sealed::KernelTls);
        }
        // Nothing is said of an end that nobody has looked at.
        let is_looked_at = owners.iter().all(|pid| *pid == 0 || self.0.contains_key(pid));
        let is_unknown = is_looked_at && owners != [0; 2] && !told.any(|end| end.has_engine);
        is_unknown.then_some(Sealed::EngineUnknown)
    }
}

impl Worker {
    /// A process with sealed connections was looked at.
    pub(crate) fn hindered(&mut self, hindrance: Hindrance) {
        self.stages.hindrances.take(hindrance);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pid: u32, has_engine: bool, kernel_tls: Vec<[SocketAddr; 2]>) -> Hindrance {
        Hindrance { pid, has_engine, kernel_tls }
    }

    #[test]
    fn a_hindrance_is_of_the_connection_or_of_all_who_were_looked_at() {
        let [source, destination] =
            ["10.0.0.1:443", "10.0.0.2:5000"].map(|end| end.parse().expect("an address"));
        let ends = Some(Endpoints { source, destination });
        let mut all = Hindrances::default();
        assert_eq!(all.of(ends, [7, 0]), None, "nobody has looked");
        all.take(told(7, false, Vec::new()));
        assert_eq!(all.of(ends, [7, 0]), Some(Sealed::EngineUnknown));
        assert_eq!(all.of(ends, [7, 8]), None, "8 may have one");
        all.take(told(8, true, Vec::new()));
        assert_eq!(all.of(ends, [7, 8]), None);
        assert_eq!(all.of(ends, [0, 0]), None);
        all.take(told(8, true, vec![[destination, source]]));
        assert_eq!(all.of(ends, [7, 8]), Some(Sealed::KernelTls));
        all.take(told(8, true, vec![[source, source]]));
        assert_eq!(all.of(ends, [7, 8]), None);
        (100..100 + PROCESSES_MAX as u32).for_each(|pid| all.take(told(pid, true, Vec::new())));
        assert!(all.0.len() <= PROCESSES_MAX);
    }
}
