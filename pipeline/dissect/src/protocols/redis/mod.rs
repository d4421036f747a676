//! Redis and what speaks its protocol (Valkey, KeyDB, Dragonfly): RESP2, RESP3 and inline commands.
//!
//! **An operation** is one command with its answer, also inside a pipeline: every command of a
//! pipeline starts with its own first byte. Its name is the command in upper case (`_OTHER` if it
//! is no name); its target the pattern of the first key or channel (`user:{id}:cart`), of `EVAL`
//! and its like the first declared key, of `CLIENT`, `CONFIG`, `XINFO` and their like the
//! sub-command. Values, messages, scripts and passwords never leave the parser. Commands of a
//! transaction are answered `QUEUED`; their results are those of `EXEC`. `SUBSCRIBE` and its like
//! are answered by the confirmation of their first channel; further ones are read and not reported.
//! A command that blocks (`BLPOP`, `XREAD BLOCK`) takes as long as it takes and never times out. A
//! command whose answer was turned off (`CLIENT REPLY`) has neither status nor duration, and
//! neither has a `SHUTDOWN` obeyed.
//!
//! **Status** is the word of a simple string (`OK`, `PONG`, `QUEUED`) or of an error (`ERR`,
//! `WRONGTYPE`, `MOVED`), else the type of the answer: `int`, `bulk`, `array`, `map`, `set`,
//! `null`, `bool`, `double`, `bignum`, `verbatim`, `push`. **An error** is every error answer, and
//! an `EXEC` whose answer holds one: the first is its status.
//!
//! **A session**: none; `HELLO`, `AUTH`, `SELECT` and `PING` are commands. **A push** is a
//! published message (its target: the pattern of the channel), any other RESP3 push, and a line of
//! `MONITOR`.
//!
//! **Not seen**: the database in use; which of several keys; results of a transaction's single
//! commands; replication, which is passed over from `PSYNC` on. After lost bytes the commands are
//! reported as `gap` until both sides are surely in step again. A pipeline deeper than 8,192
//! commands is reported beyond that without answers.
//!
//! Specification: <https://redis.io/docs/latest/develop/reference/protocol-spec/>,
//! <https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md>.

mod commands;
mod frame;
mod operation;
mod probe;
mod session;
#[cfg(test)]
mod tests;
mod turns;

use model::{Family, ProtocolInfo};

use crate::protocol::{Opening, Protocol, Session, Start, Verdict};

/// Redis.
pub struct Redis;

/// The one value of [`Redis`].
pub static PROTOCOL: Redis = Redis;

static INFO: ProtocolInfo = ProtocolInfo {
    name: "redis",
    family: Family::Database,
    system: "redis",
    specification: "https://redis.io/docs/latest/develop/reference/protocol-spec/",
    ports: &[6379, 6380, 26379, 16379],
};

impl Protocol for Redis {
    fn protocol(&self) -> &'static ProtocolInfo {
        &INFO
    }

    fn probe(&self, opening: Opening<'_>) -> Verdict {
        probe::probe(opening)
    }

    fn open(&self, start: Start) -> Box<dyn Session> {
        Box::new(session::Redis::new(start))
    }
}
