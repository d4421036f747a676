//! SQL text → endpoint, and outcomes.

use model::{EndpointId, ShortText, Status};

use crate::naming::sql::Dialect;
use crate::naming::statement;
use crate::protocol::Output;

/// The endpoint of an SQL text, of which `text` is the start if `cut`.
pub(super) fn sql(text: &[u8], cut: bool, output: &mut Output<'_>) -> EndpointId {
    statement::endpoint("mysql", Dialect::MySql, text, cut, output)
}

/// The endpoint of a command about a statement: the tables of the statement are its target.
pub(super) fn about(
    operation: &str,
    statement: Option<EndpointId>,
    output: &mut Output<'_>,
) -> EndpointId {
    let target = statement.map_or_else(String::new, |id| output.names.target(id).to_owned());
    output.names.intern(operation, &target)
}

/// An `ERR_Packet`: MySQL does not say whose fault it is, so none is the client's.
pub(super) fn failure(number: u16) -> Status {
    Status { code: ShortText::new(&number.to_string()), error: true, client_error: false }
}

/// False if an answer cannot belong to the operation: it has rows, or has none. True where both are
/// possible.
pub(super) fn fits(operation: &str, is_ok: bool) -> bool {
    match operation {
        // `SELECT … INTO` has none.
        "SHOW" | "EXPLAIN" | "DESC" | "DESCRIBE" => !is_ok,
        "SET" | "BEGIN" | "COMMIT" | "ROLLBACK" | "UPDATE" | "USE" => is_ok,
        _ => true,
    }
}
