//! What is known of one direction's records.

use model::{MissingReason, Timestamp};

use super::framing::Framing;
use super::keys::Keys;
use super::messages::Messages;

/// Which secrets the records of a direction are sealed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// TLS 1.3: early data.
    Early,
    /// TLS 1.3: the rest of the handshake.
    Handshake,
    /// TLS 1.3: everything after.
    Application,
    /// Before TLS 1.3: everything after the change of ciphers.
    Cipher,
}

/// What protects the next record.
#[derive(Default)]
pub(super) enum Protection {
    /// Nothing.
    #[default]
    Clear,
    /// Keys that are not known.
    Sealed(Stage),
    /// These keys, from this record on.
    Open { keys: Box<Keys>, stage: Stage, from: u64 },
}

/// Bytes since the place in the stream was lost.
#[derive(Clone, Copy, Default)]
pub(super) struct Gap {
    pub(super) lost: u64,
    pub(super) skipped: u64,
    /// There, but of no known record.
    pub(super) present: u64,
    /// When the last of them passed.
    pub(super) at: Timestamp,
}

impl Gap {
    pub(super) const fn bytes(&self) -> u64 {
        self.lost + self.skipped + self.present
    }
}

/// What is still to come of a record whose start was handed on.
#[derive(Clone, Copy, Default)]
pub(super) struct Tail {
    /// Content.
    pub(super) content: u64,
    /// It was not opened.
    pub(super) is_sealed: bool,
    /// Why bytes of it are missing, once some are.
    pub(super) reason: Option<MissingReason>,
}

/// One direction.
#[derive(Default)]
pub(super) struct Stream {
    pub(super) framing: Framing,
    pub(super) protection: Protection,
    pub(super) messages: Messages,
    /// Of a key block that opened the other direction.
    pub(super) prepared: Option<Box<Keys>>,
    /// Records of this stage that were not opened.
    pub(super) unopened: u64,
    /// Since the last record that was opened, the place was lost.
    pub(super) gap: Option<Gap>,
    pub(super) tail: Tail,
    /// Records are padded here: their lengths do not tell what they hold.
    pub(super) pads: bool,
    /// Records in a row that their keys did not open.
    pub(super) failures: u8,
    /// The record that secrets were tried on, and the number of the last of them.
    pub(super) tried: (u64, u64),
}

impl Stream {
    pub(super) fn seal(&mut self, stage: Stage) {
        self.protection = Protection::Sealed(stage);
        self.unopened = 0;
        self.tried = (0, 0);
    }
}
