//! MySQL and MariaDB, client/server protocol 10.
//!
//! **Operations.** Every command is one request and ends with the last packet of its answer; a
//! `COM_QUERY` with several statements or a procedure with several results is still one. The
//! operation of SQL text is its verb (`SELECT`, `CREATE TABLE`), the target its tables; no literal
//! is kept. `COM_STMT_PREPARE` is a `PREPARE` of those tables, `COM_STMT_EXECUTE` (and MariaDB's
//! bulk form) has the name of the prepared text, or is a bare `EXECUTE` if that was sent before the
//! observation began; `COM_STMT_FETCH`, `STMT_RESET`, `STMT_CLOSE` and `STMT_SEND_LONG_DATA` have
//! its tables as target, and the last two no answer. Other commands have their own names: `PING`,
//! `INIT_DB`, `STATISTICS`. `LOAD DATA LOCAL` is one request, its file part of it. A binary log
//! dump is answered when the stream begins; the stream itself is not counted.
//!
//! **Errors.** Every `ERR_Packet` is an error, its number the status (`1146`); success is `OK`. The
//! SQLSTATE beside the number says nothing that the number does not. An error in a later result is
//! the command's. Progress reports are none.
//!
//! **Sessions.** `Login` (target: the database; from the client's answer to the greeting to `OK`,
//! with whatever the authentication plugins say between), `CHANGE_USER`, `QUIT` and `SSLRequest`
//! (no answer). `Connect` is a connection that the server refused before any login: too many
//! connections, host blocked.
//!
//! **Not seen.** What flows after `SSLRequest` is sealed here; once opened it is read like any
//! other connection. With zlib compression the frames are opened; with zstd the login is seen and
//! the rest is unknown bytes. From mid-stream the capabilities are read off the answers; a
//! connection that is compressed is not recognised then. Where bytes are missing in the middle of a
//! result, its end is found again or the next command tells that it has passed: the request counts,
//! as `gap` if its outcome was not seen. Passwords, parameters and rows are passed over unread.
//! Protocol 9 (before 1998) is not read.
//!
//! Specification: <https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html> and
//! <https://mariadb.com/kb/en/clientserver-protocol/>.

mod answers;
mod command;
mod compressed;
mod frame;
mod login;
mod operation;
mod prepared;
mod probe;
mod progress;
mod requests;
mod session;
#[cfg(test)]
mod tests;

use model::{Family, ProtocolInfo};

use crate::protocol::{Opening, Protocol, Session, Start, Verdict};

/// MySQL and MariaDB.
pub struct Mysql;

/// The one value of [`Mysql`].
pub static PROTOCOL: Mysql = Mysql;

static INFO: ProtocolInfo = ProtocolInfo {
    name: "mysql",
    family: Family::Database,
    system: "mysql",
    specification: "https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html",
    ports: &[3306, 4000, 6033],
};

impl Protocol for Mysql {
    fn protocol(&self) -> &'static ProtocolInfo {
        &INFO
    }

    fn probe(&self, opening: Opening<'_>) -> Verdict {
        probe::probe(opening)
    }

    fn open(&self, start: Start) -> Box<dyn Session> {
        Box::new(session::MySql::new(start))
    }
}
