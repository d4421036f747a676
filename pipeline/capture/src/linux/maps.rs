//! The maps of the loaded programs, by name.

use libbpf_rs::{MapCore, Object};

use crate::linux::TapError;

/// The map, or the error that says the programs lack it.
pub(super) fn find<'a>(object: &'a Object, name: &str) -> Result<libbpf_rs::Map<'a>, TapError> {
    object.maps().find(|map| map.name() == name).ok_or_else(|| TapError::Failed {
        what: format!("find the map {name}"),
        why: "the compiled programs lack it".to_owned(),
    })
}
