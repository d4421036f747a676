//! What a command is called, what it acts on, and how it changes the conversation.

use model::{EndpointId, ShortText, Status, Wire};

use super::commands::{self, Target};
use super::frame::{Front, Type};
use crate::naming::key;
use crate::protocol::Output;

/// Bytes of a name we take for a command's: the longest is `GEORADIUSBYMEMBER_RO`.
const NAME_BYTES_MAX: usize = 24;
/// What a command is called whose name is none.
const OTHER: &str = "_OTHER";

/// What sets a command apart from most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    /// Nothing: one answer, soon, and the first argument names its target.
    Plain,
    /// Its target is found elsewhere.
    Elsewhere(Target),
    /// The same, and its answer may take as long as it likes.
    ElsewhereBlocking(Target),
    /// Its answer may take as long as it likes.
    Blocking,
    /// `CLIENT`: `REPLY` turns answers off.
    Client,
    /// `EXEC`: errors of the transaction's commands stand inside its answer.
    Exec,
    /// `HELLO`: agrees on a version.
    Hello,
    /// Every command any client sends is pushed from here on.
    Monitor,
    /// `PSYNC`: a replica asks for the stream of changes, or the rest of it.
    Psync,
    /// `REPLCONF`: `ACK` has no answer.
    Replconf,
    /// Back to the start.
    Reset,
    /// Answered only if refused.
    Shutdown,
    /// One confirmation a channel.
    Subscribe,
    /// `SYNC`: the same as `PSYNC`, before Redis 2.8.
    Sync,
    /// One confirmation a channel; without arguments, one for each subscribed.
    Unsubscribe,
}

/// What sets the command `word` apart. Its length alone tells most are plain.
#[inline]
pub(super) fn special(word: &[u8]) -> Special {
    use Special::{Blocking, Elsewhere, ElsewhereBlocking, Plain};
    use Target::{BehindCount, BehindStreams, Key};
    let candidates: &[(&[u8], Special)] = match word.len() {
        4 => &[
            (b"EXEC", Special::Exec),
            (b"EVAL", Elsewhere(BehindCount(2))),
            (b"SYNC", Special::Sync),
            (b"WAIT", Blocking),
        ],
        5 => &[
            (b"BLPOP", Blocking),
            (b"BRPOP", Blocking),
            (b"XREAD", Elsewhere(BehindStreams)),
            (b"HELLO", Special::Hello),
            (b"RESET", Special::Reset),
            (b"FCALL", Elsewhere(BehindCount(2))),
            (b"BITOP", Elsewhere(Key(2))),
            (b"LMPOP", Elsewhere(BehindCount(1))),
            (b"ZMPOP", Elsewhere(BehindCount(1))),
            (b"ZDIFF", Elsewhere(BehindCount(1))),
            (b"PSYNC", Special::Psync),
        ],
        6 => &[
            (b"CLIENT", Special::Client),
            (b"BLMOVE", Blocking),
            (b"BLMPOP", ElsewhereBlocking(BehindCount(2))),
            (b"BZMPOP", ElsewhereBlocking(BehindCount(2))),
            (b"ZINTER", Elsewhere(BehindCount(1))),
            (b"ZUNION", Elsewhere(BehindCount(1))),
        ],
        7 => &[
            (b"EVALSHA", Elsewhere(BehindCount(2))),
            (b"EVAL_RO", Elsewhere(BehindCount(2))),
            (b"MIGRATE", Elsewhere(Key(3))),
            (b"MONITOR", Special::Monitor),
            (b"WAITAOF", Blocking),
        ],
        8 => &[
            (b"BZPOPMIN", Blocking),
            (b"BZPOPMAX", Blocking),
            (b"FCALL_RO", Elsewhere(BehindCount(2))),
            (b"REPLCONF", Special::Replconf),
            (b"SHUTDOWN", Special::Shutdown),
        ],
        9 => &[(b"SUBSCRIBE", Special::Subscribe)],
        10 => &[
            (b"PSUBSCRIBE", Special::Subscribe),
            (b"SSUBSCRIBE", Special::Subscribe),
            (b"XREADGROUP", Elsewhere(BehindStreams)),
            (b"EVALSHA_RO", Elsewhere(BehindCount(2))),
            (b"BRPOPLPUSH", Blocking),
            (b"SINTERCARD", Elsewhere(BehindCount(1))),
            (b"ZINTERCARD", Elsewhere(BehindCount(1))),
        ],
        11 => &[(b"UNSUBSCRIBE", Special::Unsubscribe)],
        12 => &[(b"PUNSUBSCRIBE", Special::Unsubscribe), (b"SUNSUBSCRIBE", Special::Unsubscribe)],
        _ => return Plain,
    };
    let found = candidates.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
    found.map_or(Plain, |(_, special)| *special)
}

/// How many arguments naming wants to see, and those who follow the conversation.
#[inline]
pub(super) fn needs(word: &[u8]) -> u64 {
    match special(word) {
        Special::Elsewhere(target) | Special::ElsewhereBlocking(target) => match target {
            Target::Key(at) => at as u64,
            Target::BehindCount(at) => at as u64 + 1,
            // GROUP g c COUNT n BLOCK ms NOACK CLAIM ms STREAMS key
            Target::BehindStreams => 12,
            Target::Nothing | Target::SubCommand => 1,
        },
        Special::Client => 2,
        _ => 1,
    }
}

/// True if the answer may take as long as it likes.
pub(super) fn is_blocking(special: Special, front: &Front<'_>) -> bool {
    match special {
        Special::Blocking | Special::ElsewhereBlocking(_) => true,
        Special::Elsewhere(Target::BehindStreams) => front
            .arguments
            .take_while(|argument| !argument.eq_ignore_ascii_case(b"STREAMS"))
            .any(|argument| argument.eq_ignore_ascii_case(b"BLOCK")),
        _ => false,
    }
}

/// True if RESP2 lets subscribers send it.
pub(super) fn is_for_subscribers(special: Special, word: &[u8]) -> bool {
    matches!(special, Special::Subscribe | Special::Unsubscribe | Special::Reset)
        || word.eq_ignore_ascii_case(b"PING")
        || word.eq_ignore_ascii_case(b"QUIT")
}

/// The endpoint of a command. Costs no more than a look-up for what was seen lately.
#[inline]
pub(super) fn endpoint(front: &Front<'_>, special: Special, output: &mut Output<'_>) -> EndpointId {
    let target = match special {
        Special::Elsewhere(target) | Special::ElsewhereBlocking(target) => argument(target, front),
        _ => front.first,
    };
    let wire = (front.word, target.unwrap_or_default());
    output.names.cached("redis", wire, |operation, name| {
        let rule = name_command(front.word, operation);
        match rule {
            Target::Nothing => {}
            Target::SubCommand => sub_command(wire.1, name),
            Target::Key(_) | Target::BehindCount(_) | Target::BehindStreams => {
                key::pattern(wire.1, name);
            }
        }
    })
}

/// Finds the argument that names the target.
fn argument<'a>(target: Target, front: &Front<'a>) -> Option<&'a [u8]> {
    let mut arguments = front.arguments;
    match target {
        Target::Key(at) => arguments.nth(at.checked_sub(1)?),
        Target::BehindCount(at) => {
            let count = arguments.nth(at.checked_sub(1)?)?;
            if count == b"0" { None } else { arguments.next() }
        }
        Target::BehindStreams => {
            arguments.find(|argument| argument.eq_ignore_ascii_case(b"STREAMS"))?;
            arguments.next()
        }
        Target::SubCommand => arguments.next(),
        Target::Nothing => None,
    }
}

/// Appends the command's name in upper case and says what its target is.
fn name_command(word: &[u8], operation: &mut String) -> Target {
    let Some(name) = std::str::from_utf8(word).ok().filter(|_| is_name(word)) else {
        operation.push_str(OTHER);
        return Target::Nothing;
    };
    operation.push_str(name);
    operation.make_ascii_uppercase();
    match commands::target(operation) {
        Some(target) => target,
        None if commands::is_of_module(operation) => Target::Key(1),
        None if word.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-')) => {
            Target::Nothing
        }
        None => {
            operation.clear();
            operation.push_str(OTHER);
            Target::Nothing
        }
    }
}

/// True if `word` may be the name of a command.
pub(super) fn is_name(word: &[u8]) -> bool {
    word.len() <= NAME_BYTES_MAX
        && word.first().is_some_and(u8::is_ascii_alphabetic)
        && word.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// True if `word` is the name of a command we know.
pub(super) fn is_known(word: &[u8]) -> bool {
    let mut name = [0; NAME_BYTES_MAX];
    let Some(name) = name.get_mut(..word.len()) else {
        return false;
    };
    name.copy_from_slice(word);
    name.make_ascii_uppercase();
    std::str::from_utf8(name)
        .is_ok_and(|name| commands::target(name).is_some() || commands::is_of_module(name))
        && is_name(word)
}

/// True for a typed command that is not the end of a framed one: `GET` ends `HGET`.
pub(super) fn is_typed(front: &Front<'_>) -> bool {
    let is_alone = [&b"PING"[..], b"INFO", b"MULTI", b"EXEC", b"DBSIZE", b"TIME", b"QUIT"];
    is_known(front.word)
        && (front.count > 0 || is_alone.iter().any(|name| front.word.eq_ignore_ascii_case(name)))
}

fn sub_command(argument: &[u8], name: &mut String) {
    let is_word = argument.len() <= NAME_BYTES_MAX
        && argument.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'-' | b'_'));
    if is_word {
        name.extend(argument.iter().map(|b| char::from(b.to_ascii_uppercase())));
    } else {
        name.push_str("{id}");
    }
}

/// The wire's own words.
pub(super) fn wire(word: &[u8], target: Option<&[u8]>) -> Box<Wire> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Box::new(Wire { operation: text(word), target: target.map(text), status: None })
}

/// The outcome that a value at the top of an answer stands for.
#[inline]
pub(super) fn status(kind: Type, text: &[u8]) -> Status {
    let code = match kind {
        Type::Simple if text == b"OK" => const { ShortText::new("OK") },
        Type::Simple => word(text, "simple"),
        Type::Error | Type::BulkError => word(text, "error"),
        Type::Integer => const { ShortText::new("int") },
        Type::Bulk => const { ShortText::new("bulk") },
        Type::Array => const { ShortText::new("array") },
        Type::Null => const { ShortText::new("null") },
        Type::Bool => const { ShortText::new("bool") },
        Type::Double => const { ShortText::new("double") },
        Type::BigNumber => const { ShortText::new("bignum") },
        Type::Verbatim => const { ShortText::new("verbatim") },
        Type::Map => const { ShortText::new("map") },
        Type::Set => const { ShortText::new("set") },
        Type::Attribute => const { ShortText::new("attribute") },
        Type::Push => const { ShortText::new("push") },
    };
    let error = matches!(kind, Type::Error | Type::BulkError);
    Status { code, error, client_error: false }
}

/// The word a line starts with, if it may be shown: scripts answer what they like.
#[inline]
fn word(text: &[u8], otherwise: &str) -> ShortText {
    let word = first_word(text);
    let is_plain = (1..=ShortText::CAPACITY).contains(&word.len())
        && word.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-'));
    if is_plain { ShortText::from_wire(word) } else { ShortText::new(otherwise) }
}

/// What stands before the first blank.
pub(super) fn first_word(text: &[u8]) -> &[u8] {
    text.split(|b| *b == b' ').next().unwrap_or_default()
}
