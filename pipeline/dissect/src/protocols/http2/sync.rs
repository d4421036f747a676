//! Where does a frame begin? Asked after a gap, of bytes that start at a packet boundary.
//!
//! Packets mostly begin with a frame; inside of one a frame header is told from a payload by the
//! headers that must follow it, and by streams that are in use.

use super::frame::{Frames, Type};

/// Headers that follow one another until nobody doubts them.
const FRAMES_ENOUGH: usize = 4;
/// Numbers of streams that may have been used unseen, whatever is missing.
const UNSEEN_STREAMS_MIN: u32 = 2_000;
/// A request takes ten bytes at least, and numbers of streams count by two.
const BYTES_A_NUMBER_MIN: u64 = 5;

/// What is known of the streams on a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Streams {
    /// The highest odd one seen in use, 0 if none was.
    pub(super) highest: u32,
    /// Bytes missing since, of either side.
    pub(super) missing_bytes: u64,
}

impl Streams {
    /// True if this one may be in use now.
    fn may_include(self, stream: u32) -> bool {
        let unseen = self.missing_bytes / BYTES_A_NUMBER_MIN;
        let unseen = u32::try_from(unseen).unwrap_or(u32::MAX).max(UNSEEN_STREAMS_MIN);
        self.highest == 0 || stream <= self.highest.saturating_add(unseen)
    }
}

/// The first place in `bytes` where frames begin.
pub(super) fn boundary(streams: Streams, bytes: &[u8]) -> Option<usize> {
    if begins(streams, bytes, Place::Packet) {
        return Some(0);
    }
    // Frames that start with another byte than 0 are longer than 64 KiB.
    memchr::memchr_iter(0, bytes)
        .filter(|start| *start > 0)
        .find(|start| begins(streams, bytes.get(*start..).unwrap_or_default(), Place::Inside))
}

/// Where frames are said to begin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// With the packet: likely.
    Packet,
    /// Inside of it.
    Inside,
}

fn begins(streams: Streams, bytes: &[u8], place: Place) -> bool {
    let mut frames = Frames::new(bytes);
    let mut count = 0;
    for (header, payload) in frames.by_ref() {
        let may_stand_here = count > 0 || header.kind != Type::Continuation;
        if !header.is_usual() || !may_stand_here || !streams.may_include(header.stream) {
            return false;
        }
        count += 1;
        if count == FRAMES_ENOUGH {
            return true;
        }
        if payload.len() < header.length as usize {
            // The last one goes on in the next packet: alone, it has to be of a stream in use, or
            // to stand where frames do.
            let is_likely = place == Place::Packet && streams.highest > 0;
            return count > 1 || is_likely || (1..=streams.highest).contains(&header.stream);
        }
    }
    match (count, frames.rest()) {
        (0, start) => place == Place::Packet && may_begin(start),
        // It ends with the packet, or is followed by the start of a header.
        (1, rest) => rest.is_empty() || may_begin(rest),
        _ => true,
    }
}

/// True if less than a header may be the start of one.
fn may_begin(start: &[u8]) -> bool {
    let is_short = start.first() == Some(&0);
    let is_known = start.get(3).is_none_or(|kind| *kind <= 9);
    let is_clear = start.get(5).is_none_or(|stream| *stream < 0x80);
    is_short && is_known && is_clear
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0abcdefgh";
    const DATA: &[u8] = b"\0\0\x02\0\x01\0\0\0\x07ok";

    fn boundary(highest: u32, bytes: &[u8]) -> Option<usize> {
        super::boundary(Streams { highest, missing_bytes: 0 }, bytes)
    }

    #[test]
    fn frames_are_found_behind_the_end_of_a_payload() {
        for payload in [&b""[..], b"x", b"\0\0\0\0\0\0\0\0\0\0\0\0", b"\0\0\0\x04\0\0\0\0\0\0"] {
            let bytes = [payload, DATA, PING].concat();
            assert_eq!(boundary(9, &bytes), Some(payload.len()), "{payload:x?}");
        }
    }

    #[test]
    fn a_payload_is_no_frame() {
        let strange = b"x\0\0\x02\0\x01\x01\0\0\x07ok";
        for payload in [&b"some text that goes on"[..], &[0; 64], strange] {
            assert_eq!(boundary(9, payload), None, "{payload:x?}");
        }
        // Its number alone tells nothing, where none is known.
        assert_eq!(boundary(0, b"\0\x40\0\0\0\0\0\0\x07begins here"), None);
        assert_eq!(boundary(7, b"\0\x40\0\0\0\0\0\0\x07begins here"), Some(0));
    }

    #[test]
    fn streams_are_as_far_on_as_what_is_missing_allows() {
        let bytes = b"\0\0\x02\0\x01\0\0\x75\x31ok";
        assert_eq!(boundary(9, bytes), None);
        let streams = Streams { highest: 9, missing_bytes: 150_000 };
        assert_eq!(super::boundary(streams, bytes), Some(0));
    }
}
