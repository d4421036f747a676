//! Where does a frame begin? Asked after a gap, of bytes that start at a packet boundary.
//!
//! Packets mostly begin with a frame; inside of one a frame header is told from a payload by the
//! headers that must follow it, and by streams that are in use.

use super::frame::{Frames, Type};

/// Headers that follow one another until nobody doubts them.
const FRAMES_ENOUGH: usize = 4;
/// Streams that may have been opened unseen.
const UNSEEN_STREAMS_MAX: u32 = 2_000;

/// The first place in `bytes` where frames begin. `highest` is the highest odd stream seen in use,
/// 0 if none was.
pub(super) fn boundary(highest: u32, bytes: &[u8]) -> Option<usize> {
    if begins(highest, bytes, Place::Packet) {
        return Some(0);
    }
    // Frames that start with another byte than 0 are longer than 64 KiB.
    memchr::memchr_iter(0, bytes)
        .filter(|start| *start > 0)
        .find(|start| begins(highest, bytes.get(*start..).unwrap_or_default(), Place::Inside))
}

/// Where frames are said to begin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// With the packet: likely.
    Packet,
    /// Inside of it.
    Inside,
}

fn begins(highest: u32, bytes: &[u8], place: Place) -> bool {
    let mut frames = Frames::new(bytes);
    let mut count = 0;
    for (header, payload) in frames.by_ref() {
        let may_stand_here = count > 0 || header.kind != Type::Continuation;
        let is_near = highest == 0 || header.stream <= highest + UNSEEN_STREAMS_MAX;
        if !header.is_usual() || !may_stand_here || !is_near {
            return false;
        }
        count += 1;
        if count == FRAMES_ENOUGH {
            return true;
        }
        if payload.len() < header.length as usize {
            // The last one goes on in the next packet: alone, it has to be of a stream in use, or
            // to stand where frames do.
            let is_likely = place == Place::Packet && highest > 0;
            return count > 1 || is_likely || (1..=highest).contains(&header.stream);
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
}
