//! The commands: their numbers, their names, and what answers them.

use model::Kind;

/// What answers a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Authentication, up to OK or an error.
    Login,
    /// OK, an error, or columns and rows; possibly several of those.
    Result,
    /// A statement's number, definitions of its parameters and columns.
    Prepare,
    /// Rows.
    Fetch,
    /// Definitions.
    Fields,
    /// OK, EOF or an error.
    Simple,
    /// One packet of text.
    Text,
    /// A stream without end.
    Stream,
    /// Whatever comes before the next command.
    Whatever,
    /// Nothing.
    Nothing,
}

/// A command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Command {
    /// Its name without `COM_`.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) form: Form,
    /// Shortest and longest payload, the command byte included.
    pub(super) length: (usize, usize),
}

pub(super) const QUIT: u8 = 0x01;
pub(super) const INIT_DB: u8 = 0x02;
pub(super) const QUERY: u8 = 0x03;
pub(super) const FIELD_LIST: u8 = 0x04;
pub(super) const CREATE_DB: u8 = 0x05;
pub(super) const DROP_DB: u8 = 0x06;
pub(super) const CHANGE_USER: u8 = 0x11;
pub(super) const STMT_PREPARE: u8 = 0x16;
pub(super) const STMT_EXECUTE: u8 = 0x17;
pub(super) const STMT_SEND_LONG_DATA: u8 = 0x18;
pub(super) const STMT_CLOSE: u8 = 0x19;
pub(super) const STMT_RESET: u8 = 0x1a;
pub(super) const SET_OPTION: u8 = 0x1b;
pub(super) const STMT_FETCH: u8 = 0x1c;
pub(super) const RESET_CONNECTION: u8 = 0x1f;
pub(super) const STMT_BULK_EXECUTE: u8 = 0xfa;

/// Identifiers have at most 64 characters of at most 4 bytes.
const NAME_MAX: usize = 256;
const ANY: usize = usize::MAX;

/// The command of this number; `None` if there is none that a client sends.
pub(super) const fn command(number: u8) -> Option<Command> {
    use Form::{Fetch, Fields, Login, Nothing, Prepare, Result, Simple, Stream, Text, Whatever};
    use Kind::{Oneway, Request, Session};
    let (name, kind, form, shortest, longest) = match number {
        QUIT => ("QUIT", Session, Nothing, 1, 1),
        INIT_DB => ("INIT_DB", Request, Simple, 1, 1 + NAME_MAX),
        QUERY => ("QUERY", Request, Result, 1, ANY),
        FIELD_LIST => ("FIELD_LIST", Request, Fields, 2, 2 + 2 * NAME_MAX),
        CREATE_DB => ("CREATE_DB", Request, Simple, 2, 1 + NAME_MAX),
        DROP_DB => ("DROP_DB", Request, Simple, 2, 1 + NAME_MAX),
        0x07 => ("REFRESH", Request, Simple, 1, 2),
        0x08 => ("SHUTDOWN", Request, Simple, 1, 2),
        0x09 => ("STATISTICS", Request, Text, 1, 1),
        0x0a => ("PROCESS_INFO", Request, Result, 1, 1),
        0x0c => ("PROCESS_KILL", Request, Simple, 5, 5),
        0x0d => ("DEBUG", Request, Simple, 1, 1),
        0x0e => ("PING", Request, Simple, 1, 1),
        CHANGE_USER => ("CHANGE_USER", Session, Login, 3, 64 * 1024),
        0x12 => ("BINLOG_DUMP", Request, Stream, 11, 11 + 1_024),
        0x13 => ("TABLE_DUMP", Request, Whatever, 3, 3 + 2 * NAME_MAX),
        0x15 => ("REGISTER_SLAVE", Request, Simple, 16, 16 + 3 * NAME_MAX),
        STMT_PREPARE => ("STMT_PREPARE", Request, Prepare, 1, ANY),
        STMT_EXECUTE => ("STMT_EXECUTE", Request, Result, 10, ANY),
        STMT_SEND_LONG_DATA => ("STMT_SEND_LONG_DATA", Oneway, Nothing, 7, ANY),
        STMT_CLOSE => ("STMT_CLOSE", Oneway, Nothing, 5, 5),
        STMT_RESET => ("STMT_RESET", Request, Simple, 5, 5),
        SET_OPTION => ("SET_OPTION", Request, Simple, 3, 3),
        STMT_FETCH => ("STMT_FETCH", Request, Fetch, 9, 9),
        0x1e => ("BINLOG_DUMP_GTID", Request, Stream, 23, ANY),
        RESET_CONNECTION => ("RESET_CONNECTION", Request, Simple, 1, 1),
        0x20 => ("CLONE", Request, Whatever, 1, 1),
        0x21 => ("SUBSCRIBE_GROUP_REPLICATION_STREAM", Request, Stream, 1, ANY),
        STMT_BULK_EXECUTE => ("STMT_BULK_EXECUTE", Request, Result, 7, ANY),
        0xfe => ("MULTI", Request, Whatever, 2, ANY),
        _ => return None,
    };
    Some(Command { name, kind, form, length: (shortest, longest) })
}
