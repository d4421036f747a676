//! What was found in files, remembered: in memory by the file's identity, on disk by its build id.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::anchor::{Anchor, Located};
use super::bytes::read;
use super::files::{Key, Opened};
use super::locate::{build_id, locate};

/// Changes when the locator finds anything else in the same file.
const VERSION: u32 = 2;
/// Files remembered. Beyond this all are forgotten and looked up again.
const FILES_MAX: usize = 8_192;
/// Files on disk; beyond this nothing is added.
const CACHED_MAX: usize = 8_192;
/// The largest entry: eight anchors of some hundred bytes each.
const ENTRY_BYTES_MAX: u64 = 64 * 1024;
/// Build ids of other lengths are not written: 20 bytes are usual, 8 and 16 exist.
const BUILD_ID_BYTES: std::ops::RangeInclusive<usize> = 8..=64;

/// What is known of one file.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) located: Located,
    build_id: Vec<u8>,
}

/// See the module's documentation.
pub(super) struct Catalog {
    known: HashMap<Key, Arc<Known>>,
    folder: Option<Folder>,
}

/// The folder on disk, which is this user's alone.
struct Folder {
    path: PathBuf,
    entries: usize,
}

/// One file on disk.
#[derive(Serialize, Deserialize)]
struct Entry {
    version: u32,
    size: u64,
    located: Located,
}

impl Catalog {
    /// With a folder to keep findings in, if one was named and it is safe.
    pub(super) fn new(folder: Option<&Path>) -> Self {
        Self { known: HashMap::new(), folder: folder.and_then(Folder::open) }
    }

    /// What is in the file; read now if nobody remembers.
    pub(super) fn look(&mut self, opened: &Opened) -> Arc<Known> {
        if let Some(known) = self.known.get(&opened.key) {
            return Arc::clone(known);
        }
        if self.known.len() >= FILES_MAX {
            self.known.clear();
        }
        let build_id = build_id(&opened.file);
        let cached = self.folder.as_ref().and_then(|folder| folder.load(&build_id, opened));
        let located = cached.unwrap_or_else(|| {
            let located = locate(&opened.file).unwrap_or_default();
            if let Some(folder) = &mut self.folder {
                folder.store(&build_id, opened.key.size, &located);
            }
            located
        });
        let known = Arc::new(Known { located, build_id });
        self.known.insert(opened.key, Arc::clone(&known));
        known
    }
}

impl Known {
    /// True if the file still has the build id and the code for which the anchor was found.
    pub(super) fn still_holds(&self, file: &File, anchor: &Anchor) -> bool {
        has_code(file, anchor) && build_id(file) == self.build_id
    }
}

fn has_code(file: &File, anchor: &Anchor) -> bool {
    !anchor.code.is_empty() && read(file, anchor.offset, anchor.code.len()) == anchor.code
}

impl Folder {
    /// Makes the folder if need be. Nobody else may write there: a wrong address kills a process.
    fn open(path: &Path) -> Option<Self> {
        let _ = DirBuilder::new().recursive(true).mode(0o700).create(path);
        let is = fs::symlink_metadata(path).ok()?;
        let own = fs::metadata("/proc/self").ok()?.uid();
        let is_safe = is.is_dir() && is.uid() == own && is.mode() & 0o077 == 0;
        let entries = fs::read_dir(path).ok()?.count();
        is_safe.then(|| Self { path: path.to_owned(), entries })
    }

    fn file(&self, build_id: &[u8]) -> Option<PathBuf> {
        let name: String = build_id.iter().map(|byte| format!("{byte:02x}")).collect();
        BUILD_ID_BYTES.contains(&build_id.len()).then(|| self.path.join(name))
    }

    /// What was found before, if it is whole and its code is in this file.
    fn load(&self, build_id: &[u8], opened: &Opened) -> Option<Located> {
        let mut options = OpenOptions::new();
        let file = options.read(true).custom_flags(libc::O_NOFOLLOW).open(self.file(build_id)?);
        let mut text = String::new();
        file.ok()?.take(ENTRY_BYTES_MAX).read_to_string(&mut text).ok()?;
        let entry: Entry = serde_json::from_str(&text).ok()?;
        let is_same = entry.version == VERSION && entry.size == opened.key.size;
        let mut anchors = entry.located.engines.iter().flat_map(|engine| &engine.anchors);
        let is_whole = anchors.all(|anchor| {
            let is_labelled = anchor.labels.iter().all(|(_, label)| label.secret().is_some());
            is_labelled && has_code(&opened.file, anchor)
        });
        (is_same && is_whole).then_some(entry.located)
    }

    /// Writes beside and renames, so that no reader sees half. What fails is found again next time.
    fn store(&mut self, build_id: &[u8], size: u64, located: &Located) {
        let Some(path) = self.file(build_id).filter(|_| self.entries < CACHED_MAX) else { return };
        let entry = Entry { version: VERSION, size, located: located.clone() };
        let Ok(text) = serde_json::to_vec(&entry) else { return };
        let beside = self.path.join(format!(".{}", std::process::id()));
        let mut options = OpenOptions::new();
        let opened = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&beside);
        if opened.and_then(|mut file| file.write_all(&text)).is_ok()
            && fs::rename(&beside, path).is_ok()
        {
            self.entries += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::files;
    use super::*;

    /// A file that any machine with these tests has mapped, and can open.
    fn own() -> Option<Opened> {
        let pid = std::process::id();
        files::mapped(pid)
            .iter()
            .find_map(|mapped| mapped.open(pid).filter(|opened| !build_id(&opened.file).is_empty()))
    }

    #[test]
    fn findings_come_back_from_disk_and_damaged_ones_do_not() {
        let Some(opened) = own() else {
            eprintln!("skipped: map_files may not be opened by this user");
            return;
        };
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("anchors");
        let found = Catalog::new(Some(&path)).look(&opened);
        let entries: Vec<_> = fs::read_dir(&path).expect("it was made").flatten().collect();
        assert_eq!(entries.len(), 1);
        let mode = entries[0].metadata().expect("it is there").mode();
        assert_eq!(mode & 0o777, 0o600);
        let kept = Folder::open(&path).expect("it is ours");
        let id = build_id(&opened.file);
        assert_eq!(kept.load(&id, &opened), Some(found.located.clone()));
        for damage in
            ["", "{", "{\"version\":0,\"size\":1,\"located\":{\"engines\":[],\"openssl\":\"\"}}"]
        {
            fs::write(entries[0].path(), damage).expect("it is ours");
            assert_eq!(kept.load(&id, &opened), None, "{damage:?}");
        }
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_not_used() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("anchors");
        fs::create_dir(&path).expect("it is ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("it is ours");
        assert!(Folder::open(&path).is_none());
        assert!(Folder::open(Path::new("/proc/none/anchors")).is_none());
    }
}
