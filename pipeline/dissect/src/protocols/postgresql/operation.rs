//! SQL text → endpoint, and the wire's own words for `--raw`.

use model::{EndpointId, ShortText, Status, Wire};

use crate::naming::sql::{Dialect, Sql};
use crate::protocol::Output;

/// Bytes of a statement that name it: the first tables of a statement stand in here, and a longer
/// text gives the same name however much of it was copied.
pub(super) const NAMING_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a statement shown with `--raw`.
pub(super) const RAW_BYTES_MAX: usize = 60 * 1024;

/// The endpoint of an SQL text.
pub(super) fn sql(text: &[u8], output: &mut Output<'_>) -> EndpointId {
    let cut = text.len() > NAMING_BYTES_MAX;
    let text = text.get(..NAMING_BYTES_MAX).unwrap_or(text);
    output.names.cached("postgresql", (text, b""), |operation, target| {
        let sql = Sql { text, dialect: Dialect::Standard, cut };
        sql.name(operation, target);
    })
}

/// The text of a statement as `--raw` shows it.
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

/// Success. The number of rows that a command tag carries is no status.
pub(super) fn success() -> Status {
    Status { code: ShortText::new("OK"), ..Status::default() }
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
