//! The loaded probe program: attached to processes one by one, its secrets read through a mapping.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;

use abi::keylog::{ANCHORS_MAX, CGROUPS_MAX, KeylogAnchor, LABELS_MAX, NOWHERE};
use libbpf_rs::{Link, MapCore, MapFlags, Object, ObjectBuilder, UprobeMultiOpts, UprobeOpts};

use super::anchor::{Anchor, Place};
use super::files::Key;
use super::secrets::Secrets;
use crate::linux::TapError;

static PROGRAMS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/keylog.bpf.o"));
/// The end of the name of the map with what the program is told before it is loaded.
const SETTINGS: &str = ".rodata";
/// Why a kernel may refuse: what gives a probe its number is of 5.15.
const NEEDS: &str = "key-log probes need Linux 5.15 or later";
/// The program for links of their own kind (uprobe_multi). Of perf events the kernel takes one out
/// at a time, some 100 ms each; of these as many at once as are asked for.
const MULTI: &str = "keylog_multi";
/// From this kernel on such a link means the whole process and not one thread of it.
const KERNEL_WITH_MULTI: (u32, u32) = (6, 12);

/// The program, and which anchors the kernel knows.
pub(super) struct Probe {
    object: Object,
    is_multi: bool,
    rows: HashMap<Row, u32>,
    free: Vec<u32>,
    /// Anchors that found no room.
    pub(super) refused: u64,
}

/// Names an anchor: the file and the place in it.
pub(super) type Row = (Key, u64);

impl Probe {
    /// Loads the program for a scope; nothing is probed yet. No control group is the whole host.
    pub(super) fn load(cgroups: &[PathBuf]) -> Result<(Self, Secrets), TapError> {
        let failed = |what: &'static str| move |e: libbpf_rs::Error| refusal(what, &e);
        if cgroups.len() > CGROUPS_MAX {
            let what = format!("look for keys in more than {CGROUPS_MAX} cgroups");
            return Err(TapError::Failed { what, why: "observe a common parent".to_owned() });
        }
        let is_multi = kernel() >= KERNEL_WITH_MULTI;
        let object = load(cgroups.len(), is_multi).map_err(failed("load the key-log probe"))?;
        let scope = find(&object, "cgroups")?;
        for (number, directory) in cgroups.iter().enumerate() {
            let what = format!("look for keys in cgroup {}", directory.display());
            let cgroup = File::open(directory)
                .map_err(|error| TapError::Failed { what: what.clone(), why: error.to_string() })?;
            let (key, value) = (number as u32, cgroup.as_raw_fd() as u32);
            scope
                .update(&key.to_ne_bytes(), &value.to_ne_bytes(), MapFlags::ANY)
                .map_err(|error| TapError::from_bpf(&what, &error))?;
        }
        let (slots, counters) = (find(&object, "secrets")?, find(&object, "counters")?);
        let secrets = Secrets::new(slots.as_fd(), counters.as_fd())?;
        let free = (0..ANCHORS_MAX).rev().collect();
        Ok((Self { object, is_multi, rows: HashMap::new(), free, refused: 0 }, secrets))
    }

    /// Puts the probe into one process: `file` is what the process has mapped.
    pub(super) fn attach(
        &mut self,
        pid: u32,
        file: &File,
        row: Row,
        anchor: &Anchor,
    ) -> Result<Link, TapError> {
        let what = "put a key-log probe into a process";
        let number = self.number(row, anchor)?;
        let pid = i32::try_from(pid).map_err(|_| TapError::Failed {
            what: what.to_owned(),
            why: "no such pid".to_owned(),
        })?;
        let offset = usize::try_from(anchor.offset).unwrap_or(usize::MAX);
        // The open file and no path: between two looks a path may come to name another file.
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let cookie = u64::from(number);
        let mut programs = self.object.progs_mut();
        let program = programs.find(|program| (program.name() == MULTI) == self.is_multi);
        let program = program.expect("the object has both programs");
        let link = if self.is_multi {
            let options = UprobeMultiOpts {
                offsets: vec![offset],
                cookies: vec![cookie],
                ..UprobeMultiOpts::default()
            };
            program.attach_uprobe_multi_with_opts(pid, path, "", options)
        } else {
            let options = UprobeOpts { cookie, ..UprobeOpts::default() };
            program.attach_uprobe_with_opts(pid, path, offset, options)
        };
        link.map_err(|error| refusal(what, &error))
    }

    /// No process has the anchor any more: its row is free.
    pub(super) fn forget(&mut self, row: Row) {
        self.free.extend(self.rows.remove(&row));
    }

    fn number(&mut self, row: Row, anchor: &Anchor) -> Result<u32, TapError> {
        if let Some(number) = self.rows.get(&row) {
            return Ok(*number);
        }
        let what = "keep another key-log anchor";
        let Some(number) = self.free.pop() else {
            self.refused += 1;
            let why = format!("{ANCHORS_MAX} are kept already");
            return Err(TapError::Failed { what: what.to_owned(), why });
        };
        let anchors = find(&self.object, "anchors")?;
        let written =
            anchors.update(&number.to_ne_bytes(), &for_kernel(anchor).to_bytes(), MapFlags::ANY);
        match written {
            Ok(()) => {
                self.rows.insert(row, number);
                Ok(number)
            }
            Err(error) => {
                self.free.push(number);
                Err(TapError::from_bpf(what, &error))
            }
        }
    }
}

/// Loads the one of the two programs that will be attached.
fn load(cgroups: usize, is_multi: bool) -> libbpf_rs::Result<Object> {
    libbpf_rs::set_print(None);
    let mut open = ObjectBuilder::default().open_memory(PROGRAMS)?;
    for mut map in open.maps_mut() {
        if map.name().to_string_lossy().ends_with(SETTINGS)
            && let Some(count) = map.initial_value_mut().and_then(|v| v.first_chunk_mut::<4>())
        {
            *count = (cgroups as u32).to_ne_bytes();
        }
    }
    for mut program in open.progs_mut() {
        let is_wanted = (program.name() == MULTI) == is_multi;
        program.set_autoload(is_wanted);
    }
    open.load()
}

/// Major and minor number of the running kernel; 0 if they cannot be read.
pub(super) fn kernel() -> (u32, u32) {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    let mut next = || numbers.next().and_then(Result::ok).unwrap_or(0);
    (next(), next())
}

fn find<'a>(object: &'a Object, name: &str) -> Result<libbpf_rs::Map<'a>, TapError> {
    object.maps().find(|map| map.name() == name).ok_or_else(|| TapError::Failed {
        what: format!("find the map {name}"),
        why: "the compiled program lacks it".to_owned(),
    })
}

fn refusal(what: &str, error: &libbpf_rs::Error) -> TapError {
    match TapError::from_bpf(what, error) {
        TapError::Unsupported { what, why } => {
            TapError::Failed { what, why: format!("{why}; {NEEDS}") }
        }
        other => other,
    }
}

fn for_kernel(anchor: &Anchor) -> KeylogAnchor {
    let (mut distances, mut numbers) = ([0; LABELS_MAX], [0; LABELS_MAX]);
    let slots = distances.iter_mut().zip(&mut numbers);
    for ((distance, number), (at, label)) in slots.zip(&anchor.labels) {
        (*distance, *number) = (*at, label.number());
    }
    let (length, length_at) = match anchor.length {
        Place::Register(register) => (register as u8, 0),
        Place::Stack(at) => (NOWHERE, at),
    };
    let random = anchor.random;
    KeylogAnchor {
        distances,
        numbers,
        labels: anchor.labels.len().min(LABELS_MAX) as u8,
        label: anchor.label as u8,
        secret: anchor.secret as u8,
        length,
        length_at,
        random: random.map_or(NOWHERE, |random| random.base as u8),
        is_through: u8::from(random.is_some_and(|random| random.through.is_some())),
        padding: 0,
        through: random.and_then(|random| random.through).unwrap_or(0),
        random_at: random.map_or(0, |random| random.offset),
        unused: 0,
    }
}
