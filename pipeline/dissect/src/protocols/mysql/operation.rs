//! SQL text → endpoint, and the wire's own words for `--raw`.

use model::{EndpointId, ShortText, Status, Wire};

use crate::naming::sql::{Dialect, Sql};
use crate::protocol::Output;

/// Bytes of a statement that name it: the first tables of a statement stand in here, and a longer
/// text gives the same name however much of it was copied.
pub(super) const NAMING_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a statement shown with `--raw`.
pub(super) const RAW_BYTES_MAX: usize = 60 * 1024;

/// The endpoint of an SQL text, of which `text` is the start if `cut`.
pub(super) fn sql(text: &[u8], cut: bool, output: &mut Output<'_>) -> EndpointId {
    let cut = cut || text.len() > NAMING_BYTES_MAX;
    let text = text.get(..NAMING_BYTES_MAX).unwrap_or(text);
    output.names.cached("mysql", (text, b""), |operation, target| {
        let sql = Sql { text, dialect: Dialect::MySql, cut };
        sql.name(operation, target);
    })
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

/// A text as `--raw` shows it.
pub(super) fn raw(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// The wire's words for a request, if they are wanted.
pub(super) fn wire(
    operation: &str,
    target: Option<&str>,
    output: &Output<'_>,
) -> Option<Box<Wire>> {
    output.raw.then(|| {
        Box::new(Wire {
            operation: operation.to_owned(),
            target: target.map(str::to_owned),
            status: None,
        })
    })
}

/// Success.
pub(super) fn success() -> Status {
    Status { code: ShortText::new("OK"), ..Status::default() }
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
