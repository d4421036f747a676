//! WebSocket frames where the upgrade was not seen: connections live for hours.
//!
//! A frame head is two bytes of little shape, so frames must follow each other without a seam, and
//! the text in them must be text.

use model::Side;

use super::frame::{self, Head, Opcode, Read};
use crate::protocol::{Opening, Verdict};

/// Evidence of this much is a match.
const ENOUGH: u32 = 4;
/// The score of that match: bytes of another protocol fit by chance sooner than a long token.
const SCORE: u8 = 70;
/// Text as long as this, in UTF-8 and without control characters, is hardly chance.
const TEXT_BYTES: usize = 8;

/// What the bytes of one side say.
enum Found {
    /// Not frames.
    No,
    /// Frames, with so much evidence.
    Evidence(u32),
}

/// See the module.
pub(super) fn probe(opening: Opening<'_>) -> Verdict {
    // From the first byte on there is an upgrade, which names its successor.
    if opening.from_start {
        return Verdict::No;
    }
    let client = evidence(Side::Client, opening.client);
    let server = evidence(Side::Server, opening.server);
    match (client, server) {
        (Found::No, _) | (_, Found::No) => Verdict::No,
        (Found::Evidence(client), Found::Evidence(server)) if client + server >= ENOUGH => {
            Verdict::Match(SCORE)
        }
        _ => Verdict::NotYet,
    }
}

fn evidence(side: Side, bytes: &[u8]) -> Found {
    // A single zero byte is the keep-alive probe of TCP, not a continuation.
    if bytes.first().is_some_and(|first| first & 0x0F == 0) {
        return Found::No;
    }
    let (mut rest, mut sum) = (bytes, 0);
    while !rest.is_empty() {
        let (head, length) = match frame::head(side, rest) {
            Read::Whole(head, length) if head.is_minimal => (head, length),
            Read::Partial => break,
            Read::Whole(..) | Read::Malformed => return Found::No,
        };
        let payload = rest.get(length..).unwrap_or_default();
        let wanted = usize::try_from(head.payload_bytes).unwrap_or(usize::MAX);
        let Some((payload, after)) = payload.split_at_checked(wanted) else { break };
        let Some(found) = judge(&head, payload) else { return Found::No };
        sum += found;
        rest = after;
    }
    Found::Evidence(sum)
}

/// What one whole frame says; `None` if it cannot be one.
fn judge(head: &Head, payload: &[u8]) -> Option<u32> {
    let is_masked = head.mask.is_some_and(|key| key != [0; 4]);
    match head.opcode {
        Opcode::Text if head.is_last && !head.is_compressed => {
            let clear: Vec<u8> = frame::unmasked(head, payload).collect();
            let text = std::str::from_utf8(&clear).ok()?;
            let is_plain = text.chars().all(|c| !c.is_control() || c.is_whitespace());
            if !is_plain {
                return None;
            }
            let is_long = text.len() >= TEXT_BYTES;
            // Random bytes behind a mask do not turn into text.
            Some(if is_long && is_masked { 3 } else { 1 })
        }
        Opcode::Close => {
            let code = frame::close_code(head, payload);
            code.is_none_or(|code| (1000..5000).contains(&code)).then_some(1)
        }
        Opcode::Ping | Opcode::Pong => Some(1),
        Opcode::Text | Opcode::Binary | Opcode::Continuation => Some(u32::from(is_masked)),
    }
}
