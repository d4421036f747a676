//! SQL text → endpoint, and outcomes.

use model::{EndpointId, ShortText, Status};

use crate::naming::sql::Dialect;
use crate::naming::statement;
use crate::protocol::Output;

/// The endpoint of an SQL text.
pub(super) fn sql(text: &[u8], output: &mut Output<'_>) -> EndpointId {
    statement::endpoint("postgresql", Dialect::Standard, text, false, output)
}

/// An `ErrorResponse`: PostgreSQL does not say whose fault it is, so none is the client's.
pub(super) fn failure(sqlstate: [u8; 5]) -> Status {
    Status { code: ShortText::from_wire(&sqlstate), error: true, client_error: false }
}

/// False if a command tag cannot belong to the operation. True where several tags are possible.
pub(super) fn fits(operation: &str, tag: &[u8]) -> bool {
    let word = |text: &str| text.split(' ').next().map(str::to_owned);
    let strict = ["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "BEGIN", "SET", "SHOW", "COPY"];
    let tag = String::from_utf8_lossy(tag);
    !strict.contains(&operation) || word(&tag).as_deref() == Some(operation)
}
