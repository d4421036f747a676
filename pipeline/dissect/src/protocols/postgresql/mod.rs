//! PostgreSQL, frontend/backend protocol 3.0 and 3.2.
//!
//! **Operations.** A simple query is one request, however many statements it holds, and ends with
//! `ReadyForQuery`. In the extended protocol each `Execute` is one request; it begins with the
//! first byte of its `Parse` or `Bind` and ends with its `CommandComplete`, `PortalSuspended` or
//! error. The operation is the SQL verb (`SELECT`, `CREATE TABLE`), the target its tables; no
//! literal is kept. Prepared statements, named or not, are followed to their text; if that was
//! sent before the observation began, the operation is a bare `EXECUTE`. A function call is a
//! request too. A `COPY` is one request, whichever way and however long it flows.
//! `START_REPLICATION` is answered when the stream begins; the stream itself is not counted.
//!
//! **Errors.** Every `ErrorResponse` is an error, its SQLSTATE the status; success is `OK`. A
//! multi-statement query has the first error. A `Parse`, `Bind` or `Describe` that fails without
//! an `Execute` behind it is a request that failed, named by its text. What the server skips
//! after an error, up to the next `Sync`, has neither a status nor a duration. An error at the
//! commit behind the last `Execute` is that one's.
//!
//! **Sessions.** `Startup` (target: the database; until the first `ReadyForQuery`, so with
//! authentication), `SSLRequest` and `GSSENCRequest` (status `S`, `G` or `N`), `CancelRequest`
//! and `Terminate` (no answer). A `NotificationResponse` is a push, its target the channel.
//!
//! **Not seen.** What flows after `S` or `G` is sealed here; once opened it is read like any
//! other connection. Which statement of a simple query failed. Cursors inside SQL. Passwords,
//! cancel keys, parameters and rows are passed over unread. Protocol 2 (before 2003) is not read.
//!
//! Specification: <https://www.postgresql.org/docs/current/protocol.html>.

mod answers;
mod frame;
mod operation;
mod prepared;
mod probe;
mod requests;
mod session;
#[cfg(test)]
mod tests;

use model::{Family, ProtocolInfo};

use crate::protocol::{Opening, Protocol, Session, Start, Verdict};

/// PostgreSQL.
pub struct Postgresql;

/// The one value of [`Postgresql`].
pub static PROTOCOL: Postgresql = Postgresql;

static INFO: ProtocolInfo = ProtocolInfo {
    name: "postgresql",
    family: Family::Database,
    system: "postgresql",
    specification: "https://www.postgresql.org/docs/current/protocol.html",
    ports: &[5432, 6432],
};

impl Protocol for Postgresql {
    fn protocol(&self) -> &'static ProtocolInfo {
        &INFO
    }

    fn probe(&self, opening: Opening<'_>) -> Verdict {
        probe::probe(opening)
    }

    fn open(&self, start: Start) -> Box<dyn Session> {
        Box::new(session::Postgres::new(start))
    }
}
