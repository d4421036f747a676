//! Handshake messages put together from records: they may be cut anywhere and share records
//! (RFC 8446 §5.1).

use super::handshake::{
    CERTIFICATE, CLIENT_HELLO, ENCRYPTED_EXTENSIONS, END_OF_EARLY_DATA, FINISHED, KEY_UPDATE,
    SERVER_HELLO,
};

/// The longest message that is looked into. Client hellos with keys of the lattice kind and resumed
/// sessions have some four KiB, chains of certificates the same.
const MESSAGE_BYTES_MAX: usize = 16 * 1024;
const HEAD_BYTES: usize = 4;

/// The handshake stream of one direction.
#[derive(Default)]
pub(crate) struct Messages {
    held: Vec<u8>,
    /// Bytes still to pass of a message nobody looks into.
    passing: usize,
    /// Bytes are missing: where the next message begins is not known.
    lost: bool,
}

impl Messages {
    /// Takes the content of a record; calls `each` with type and body of every message that is of
    /// interest.
    pub(crate) fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(u8, &[u8])) {
        if self.lost {
            return;
        }
        loop {
            let pass = self.passing.min(bytes.len());
            self.passing -= pass;
            bytes = bytes.get(pass..).unwrap_or_default();
            if bytes.is_empty() {
                return;
            }
            let wanted = HEAD_BYTES.saturating_sub(self.held.len());
            if wanted > 0 {
                let (head, rest) = bytes.split_at(wanted.min(bytes.len()));
                self.held.extend_from_slice(head);
                bytes = rest;
            }
            let Some([kind, a, b, c]) = self.held.first_chunk().copied() else {
                return;
            };
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            if !is_read(kind) || length > MESSAGE_BYTES_MAX {
                self.passing = length;
                self.held.clear();
                continue;
            }
            let wanted = (HEAD_BYTES + length).saturating_sub(self.held.len());
            let (body, rest) = bytes.split_at(wanted.min(bytes.len()));
            self.held.extend_from_slice(body);
            bytes = rest;
            if body.len() < wanted {
                return;
            }
            each(kind, self.held.get(HEAD_BYTES..).unwrap_or_default());
            self.held = Vec::new();
        }
    }

    /// So many bytes of the handshake are missing.
    pub(crate) fn missing(&mut self, bytes: usize) {
        match self.passing.checked_sub(bytes) {
            Some(left) => self.passing = left,
            None => {
                self.lost = true;
                self.held = Vec::new();
            }
        }
    }

    /// The next record begins a message.
    pub(crate) fn begin(&mut self) {
        *self = Self::default();
    }
}

/// True for the messages somebody looks into.
const fn is_read(kind: u8) -> bool {
    matches!(
        kind,
        CLIENT_HELLO
            | SERVER_HELLO
            | END_OF_EARLY_DATA
            | ENCRYPTED_EXTENSIONS
            | CERTIFICATE
            | FINISHED
            | KEY_UPDATE
    )
}
