//! The loaded probe program: attached to processes one by one, its secrets read through a mapping.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;

use abi::keylog::{ANCHORS_MAX, CGROUPS_MAX, KeylogAnchor, LABELS_MAX, NOWHERE};
use libbpf_rs::{Link, MapCore, MapFlags, Object, ObjectBuilder, UprobeMultiOpts, UprobeOpts};

use super::anchor::{Anchor, Place};
use super::files::Key;
use super::secrets::Secrets;
use crate::linux::TapError;
use crate::linux::machine::kernel_version;
use crate::linux::maps::find;

static PROGRAMS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/keylog.bpf.o"));
/// The end of the name of the map with what the program is told before it is loaded.
const SETTINGS: &str = ".rodata";

/// How the kernel attaches a probe, and how the program learns which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// By a link of its own kind (`uprobe_multi`), with a number. From 6.12 on it means the whole
    /// process and not one thread of it.
    Multi,
    /// By a perf event, with a number: from 5.15 on. Of these the kernel takes one out at a time,
    /// some 100 ms each; of the others as many at once as are asked for.
    Numbered,
    /// By a perf event without: each anchor has a program of its own.
    Own,
}

impl Way {
    const fn of(kernel: (u32, u32)) -> Self {
        match kernel {
            (7.., _) | (6, 12..) => Self::Multi,
            (6, _) | (5, 15..) => Self::Numbered,
            _ => Self::Own,
        }
    }

    /// The program in the object.
    const fn program(self) -> &'static str {
        match self {
            Self::Multi => "keylog_multi",
            Self::Numbered => "keylog",
            Self::Own => "keylog_old",
        }
    }
}

/// The program, and which anchors the kernel knows.
pub(super) struct Probe {
    object: Object,
    way: Way,
    cgroups: u32,
    rows: HashMap<Row, u32>,
    free: Vec<u32>,
    /// The programs of anchors that have one of their own.
    own: HashMap<u32, Object>,
    /// Anchors that found no room.
    pub(super) refused: u64,
}

/// Names an anchor: the file and the place in it.
pub(super) type Row = (Key, u64);

impl Probe {
    /// Loads the program for a scope; nothing is probed yet. No control group is the whole host.
    pub(super) fn load(cgroups: &[PathBuf]) -> Result<(Self, Secrets), TapError> {
        let failed = |what: &'static str| move |e: libbpf_rs::Error| TapError::from_bpf(what, &e);
        if cgroups.len() > CGROUPS_MAX {
            let what = format!("look for keys in more than {CGROUPS_MAX} cgroups");
            return Err(TapError::Failed { what, why: "observe a common parent".to_owned() });
        }
        let (way, count) = (Way::of(kernel_version()), cgroups.len() as u32);
        let object = load(count, way, None).map_err(failed("load the key-log probe"))?;
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
        let (rows, own) = (HashMap::new(), HashMap::new());
        Ok((Self { object, way, cgroups: count, rows, free, own, refused: 0 }, secrets))
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
        let way = self.way;
        let object = match way {
            Way::Multi | Way::Numbered => &mut self.object,
            Way::Own => self.own_program(number)?,
        };
        let mut programs = object.progs_mut();
        let program = programs.find(|program| program.name() == way.program());
        let program = program.expect("the object has every program");
        let link = match way {
            Way::Multi => {
                let options = UprobeMultiOpts {
                    offsets: vec![offset],
                    cookies: vec![cookie],
                    ..UprobeMultiOpts::default()
                };
                program.attach_uprobe_multi_with_opts(pid, path, "", options)
            }
            Way::Numbered => {
                let options = UprobeOpts { cookie, ..UprobeOpts::default() };
                program.attach_uprobe_with_opts(pid, path, offset, options)
            }
            Way::Own => program.attach_uprobe(false, pid, path, offset),
        };
        link.map_err(|error| TapError::from_bpf(what, &error))
    }

    /// The program that belongs to this row alone, on the same maps as all others.
    fn own_program(&mut self, number: u32) -> Result<&mut Object, TapError> {
        match self.own.entry(number) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(free) => {
                let loaded = load(self.cgroups, self.way, Some((number, &self.object)));
                let failed = |error| TapError::from_bpf("load another key-log probe", &error);
                Ok(free.insert(loaded.map_err(failed)?))
            }
        }
    }

    /// No process has the anchor any more: its row is free.
    pub(super) fn forget(&mut self, row: Row) {
        let number = self.rows.remove(&row);
        if let Some(number) = &number {
            self.own.remove(number);
        }
        self.free.extend(number);
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

/// Loads the program that will be attached; for a row of its own on the maps of another object.
fn load(cgroups: u32, way: Way, own: Option<(u32, &Object)>) -> libbpf_rs::Result<Object> {
    libbpf_rs::set_print(None);
    let mut open = ObjectBuilder::default().open_memory(PROGRAMS)?;
    for mut map in open.maps_mut() {
        let is_settings = map.name().to_string_lossy().ends_with(SETTINGS);
        if is_settings && let Some(settings) = map.initial_value_mut() {
            // `struct keylog_settings`.
            let row = own.map_or(0, |(row, _)| row);
            for (to, value) in settings.chunks_exact_mut(4).zip([cgroups, row]) {
                to.copy_from_slice(&value.to_ne_bytes());
            }
        } else if let Some((_, shared)) = own
            && let Some(same) = shared.maps().find(|shared| shared.name() == map.name())
        {
            map.reuse_fd(same.as_fd())?;
        }
    }
    for mut program in open.progs_mut() {
        let is_wanted = program.name() == way.program();
        program.set_autoload(is_wanted);
    }
    open.load()
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
