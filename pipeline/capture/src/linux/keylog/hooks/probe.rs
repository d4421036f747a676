//! The loaded programs, and their attachment to single processes.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;

use abi::hooks::HookSettings;
use abi::keylog::CGROUPS_MAX;
use libbpf_rs::{Link, MapCore, MapFlags, Object, ObjectBuilder, UprobeMultiOpts};

use super::place::Spot;
use super::told::Told;
use crate::linux::TapError;
use crate::linux::machine::kernel_version;
use crate::linux::maps::find;
use crate::linux::wire::netns_source;

static PROGRAMS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hooks.bpf.o"));
const SETTINGS: &str = ".rodata";
/// From this kernel on one link holds all probes of a file, and means the whole process.
const KERNEL: (u32, u32) = (6, 12);

/// See the module's documentation.
pub(super) struct Probe {
    object: Object,
}

impl Probe {
    /// Loads the programs for a scope; nothing is probed yet. No control group is the whole host.
    pub(super) fn load(cgroups: &[PathBuf]) -> Result<(Self, Told), TapError> {
        let what = "load the plaintext probes";
        let failed = |why: &str| TapError::Failed { what: what.to_owned(), why: why.to_owned() };
        if kernel_version() < KERNEL {
            return Err(failed("they need Linux 6.12 or later"));
        }
        if cgroups.len() > CGROUPS_MAX {
            return Err(failed("too many cgroups: observe a common parent"));
        }
        let settings = HookSettings { cgroups: cgroups.len() as u32, netns: netns_source().into() };
        let object = load(settings).map_err(|error| TapError::from_bpf(what, &error))?;
        let scope = find(&object, "cgroups")?;
        for (number, directory) in cgroups.iter().enumerate() {
            let cgroup = File::open(directory).map_err(|error| failed(&error.to_string()))?;
            let (key, value) = (number as u32, cgroup.as_raw_fd() as u32);
            scope
                .update(&key.to_ne_bytes(), &value.to_ne_bytes(), MapFlags::ANY)
                .map_err(|error| TapError::from_bpf(what, &error))?;
        }
        let (ring, counters) = (find(&object, "plaintext")?, find(&object, "hook_counters")?);
        let told = Told::new(ring.as_fd(), counters.as_fd())?;
        Ok((Self { object }, told))
    }

    /// Puts probes into one process: `file` is what the process has mapped.
    pub(super) fn attach(
        &self,
        pid: u32,
        file: &File,
        spots: &[Spot],
    ) -> Result<Vec<Link>, TapError> {
        let returning: Vec<Spot> = spots.iter().filter(|spot| spot.returns()).cloned().collect();
        // What returns without its entry having been seen says nothing; the other way round it
        // would be remembered until the thread's next call.
        let mut links = vec![self.attach_all(pid, file, spots, "hook_enter")?];
        if !returning.is_empty() {
            links.push(self.attach_all(pid, file, &returning, "hook_leave")?);
        }
        Ok(links)
    }

    fn attach_all(
        &self,
        pid: u32,
        file: &File,
        spots: &[Spot],
        name: &str,
    ) -> Result<Link, TapError> {
        let what = "put plaintext probes into a process";
        let failed = |why: &str| TapError::Failed { what: what.to_owned(), why: why.to_owned() };
        let pid = i32::try_from(pid).map_err(|_| failed("no such pid"))?;
        let options = UprobeMultiOpts {
            offsets: spots.iter().map(|spot| spot.offset as usize).collect(),
            cookies: spots.iter().map(|spot| spot.kind).collect(),
            retprobe: name == "hook_leave",
            ..UprobeMultiOpts::default()
        };
        // The open file and no path: between two looks a path may come to name another file.
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let mut programs = self.object.progs_mut();
        let program = programs.find(|program| program.name() == name);
        let program = program.ok_or_else(|| failed("the compiled programs lack one"))?;
        let link = program.attach_uprobe_multi_with_opts(pid, path, "", options);
        link.map_err(|error| TapError::from_bpf(what, &error))
    }
}

fn load(settings: HookSettings) -> libbpf_rs::Result<Object> {
    libbpf_rs::set_print(None);
    let mut open = ObjectBuilder::default().open_memory(PROGRAMS)?;
    for mut map in open.maps_mut() {
        if map.name().to_string_lossy().ends_with(SETTINGS)
            && let Some(value) = map.initial_value_mut().and_then(|v| v.first_chunk_mut())
        {
            *value = settings.to_bytes();
        }
    }
    open.load()
}
