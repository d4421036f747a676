//! The wire tap: every TCP and UDP packet of the cgroups in scope, seen once, its heads copied.
//!
//! What runs in the kernel is `wire.bpf.c`; this loads and attaches it, reads its ring and hands on
//! [`TapEvent`]s. Programs, maps and links belong to this process: they are gone when it is,
//! however it ends.

mod events;
mod offers;
pub(super) mod ring;
mod steering;

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use abi::TapCounters;
use libbpf_rs::{Link, MapCore, MapFlags, Object, ObjectBuilder};
use model::{Closed, LossCounters, Segment, TapEvent, TapHealth, Timestamp};

use super::TapError;
use super::clock::epoch_offset_ns;
use super::maps::find;
use offers::Offers;
pub(super) use offers::netns_source;
use ring::Ring;
pub use steering::Steering;

static PROGRAMS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/wire.bpf.o"));

/// The section of variables that programs read and user space may write.
const DATA: &str = ".data";
/// The end of the name of the map with what the programs are told before they are loaded.
const SETTINGS: &str = ".rodata";

/// How often the distance between the monotonic clock and the epoch is measured anew.
const CLOCK_CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// How to set the tap up.
#[derive(Clone, Debug)]
pub struct WireOptions {
    /// The cgroup v2 directories to attach to.
    pub cgroups: Vec<PathBuf>,
    /// Ring size in bytes; rounded up to a power of two of at least one page.
    pub ring_bytes: u32,
    /// Bytes of each turn copied without being asked for.
    pub turn_budget_bytes: u32,
}

impl WireOptions {
    /// 8 MiB hold about 50 ms of the fullest load measured.
    pub const RING_BYTES: u32 = 8 * 1024 * 1024;
    /// The longest message head accepted.
    pub const TURN_BUDGET_BYTES: u32 = 64 * 1024;
}

/// The loaded tap.
pub struct WireTap {
    links: Vec<Link>,
    ring: Ring,
    object: Object,
    options: WireOptions,
    epoch_offset_ns: u64,
    clock_checked: Instant,
    events: u64,
    steering: Steering,
    /// Bytes of unwanted datagrams that were handed on.
    passed: u64,
    offers: Offers,
}

impl WireTap {
    /// Loads the programs. Nothing is observed before [`WireTap::attach`].
    ///
    /// # Errors
    /// See [`TapError`].
    pub fn load(options: WireOptions) -> Result<Self, TapError> {
        let ring_bytes = options.ring_bytes.next_power_of_two().max(4096);
        let failed = |what: &'static str| move |e: libbpf_rs::Error| TapError::from_bpf(what, &e);
        libbpf_rs::set_print(None);
        let offers = Offers::look();
        let mut open = ObjectBuilder::default()
            .open_memory(PROGRAMS)
            .map_err(failed("open the tap's programs"))?;
        for mut map in open.maps_mut() {
            if map.name() == "records" {
                map.set_max_entries(ring_bytes).map_err(failed("size the ring"))?;
            } else if map.name().to_string_lossy().ends_with(DATA)
                && let Some(budget) =
                    map.initial_value_mut().and_then(|value| value.first_chunk_mut::<4>())
            {
                *budget = options.turn_budget_bytes.to_ne_bytes();
            } else if map.name().to_string_lossy().ends_with(SETTINGS)
                && let Some(value) = map.initial_value_mut().and_then(|v| v.first_chunk_mut())
            {
                *value = offers.settings.to_bytes();
            }
        }
        let object = open.load().map_err(failed("load the tap's programs"))?;
        let records = find(&object, "records")?;
        let ring = Ring::new(records.as_fd(), ring_bytes as usize)?;
        let steering = Steering::new(find(&object, "steering")?.as_fd())?;
        Ok(Self {
            links: Vec::new(),
            ring,
            object,
            options,
            epoch_offset_ns: epoch_offset_ns(),
            clock_checked: Instant::now(),
            events: 0,
            steering,
            passed: 0,
            offers,
        })
    }

    /// What this kernel does not offer, what takes its place, and what is the worse for it.
    pub fn findings(&self) -> Vec<TapHealth> {
        self.offers.findings()
    }

    /// The table that says what is worth copying.
    ///
    /// # Errors
    /// [`TapError::Failed`] if it cannot be mapped.
    pub fn steering(&self) -> Result<Steering, TapError> {
        Steering::new(find(&self.object, "steering")?.as_fd())
    }

    /// From here on this many bytes of each turn are copied unasked; 0 copies nothing at all.
    ///
    /// # Errors
    /// [`TapError::Failed`] if the kernel takes no word of it.
    pub fn set_turn_budget(&mut self, bytes: u32) -> Result<(), TapError> {
        let failed = |error: libbpf_rs::Error| TapError::from_bpf("set the turn budget", &error);
        let mut maps = self.object.maps_mut();
        let data = maps.find(|map| map.name().to_string_lossy().ends_with(DATA));
        let Some(data) = data else { return Ok(()) };
        // The only variable of the section; programs read it with one load.
        let (key, value) = (0_u32.to_ne_bytes(), bytes.to_ne_bytes());
        data.update(&key, &value, MapFlags::ANY).map_err(failed)
    }

    /// Attaches every program to every cgroup of the scope.
    ///
    /// # Errors
    /// See [`TapError`]; what was attached before the failure is detached.
    pub fn attach(&mut self) -> Result<(), TapError> {
        let mut links = Vec::new();
        for directory in &self.options.cgroups {
            let what = format!("attach to cgroup {}", directory.display());
            let cgroup = File::open(directory)
                .map_err(|error| TapError::Failed { what: what.clone(), why: error.to_string() })?;
            for program in self.object.progs_mut() {
                let link = program.attach_cgroup(cgroup.as_raw_fd());
                links.push(link.map_err(|error| TapError::from_bpf(&what, &error))?);
            }
        }
        self.links = links;
        Ok(())
    }

    /// Detaches; what is in the ring can still be drained.
    pub fn detach(&mut self) {
        self.links.clear();
    }

    /// True while attached.
    pub const fn is_attached(&self) -> bool {
        !self.links.is_empty()
    }

    /// Hands on what the kernel has recorded. Gives the number of records.
    pub fn drain(&mut self, mut sink: impl FnMut(TapEvent<'_>)) -> u64 {
        if self.clock_checked.elapsed() > CLOCK_CHECK_INTERVAL {
            self.epoch_offset_ns = epoch_offset_ns();
            self.clock_checked = Instant::now();
        }
        let (offset, steering) = (self.epoch_offset_ns, &self.steering);
        let mut in_order = |event: TapEvent<'_>| {
            // What passed of a flow comes before its end; a reset of the other side is one, too.
            let ended = match event {
                TapEvent::Closed(Closed { connection, at, .. }) => Some((connection, at)),
                TapEvent::Segment(Segment { connection, at, flags, .. }) if flags.rst() => {
                    Some((connection, at))
                }
                _ => None,
            };
            if let Some((connection, at)) = ended {
                steering.take_passed_of(connection, |direction, passed| {
                    sink(events::passed(connection, direction, at, passed));
                });
            }
            sink(event);
        };
        let records = self.ring.drain(|record| events::events(record, offset, &mut in_order));
        self.events += records;
        records
    }

    /// Hands on the sums of the datagrams that passed unwanted, and how far streams are that nobody
    /// wants. Costs a walk over the steering table if there were any: once a second is enough.
    pub fn drain_passed(&mut self, at: Timestamp, mut sink: impl FnMut(TapEvent<'_>)) {
        let passed = self.counted().bytes_passed;
        if passed == self.passed {
            return;
        }
        self.passed = passed;
        self.steering.take_passed(|connection, direction, passed| {
            sink(events::passed(connection, direction, at, passed));
        });
    }

    /// Bytes in the ring, and its size.
    pub fn fill(&self) -> (u64, u64) {
        (self.ring.fill(), u64::from(self.options.ring_bytes.next_power_of_two().max(4096)))
    }

    /// What the kernel counted, all CPUs together.
    pub fn counters(&self) -> LossCounters {
        let counted = self.counted();
        LossCounters {
            events: self.events,
            bytes_seen: counted.bytes_seen,
            bytes_copied: counted.bytes_copied,
            bytes_lost: counted.bytes_lost,
            events_lost: counted.records_lost,
            bytes_orphaned: counted.bytes_orphaned,
        }
    }

    fn counted(&self) -> TapCounters {
        let mut sum = TapCounters::default();
        let Ok(map) = find(&self.object, "counters") else { return sum };
        let Ok(Some(cpus)) = map.lookup_percpu(&0_u32.to_ne_bytes(), MapFlags::ANY) else {
            return sum;
        };
        for cpu in cpus.iter().filter_map(|cpu| abi::read::<TapCounters>(cpu)) {
            sum += cpu;
        }
        sum
    }
}
