//! What the protocols that carry SQL have in common: the endpoint of a text, and the wire's own
//! words for `--raw`.

use model::{EndpointId, ShortText, Status, Wire};

use super::sql::{Dialect, Sql};
use crate::protocol::Output;

/// Bytes of a statement that name it: the first tables of a statement stand in here, and a longer
/// text gives the same name however much of it was copied.
pub(crate) const NAMING_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a statement shown with `--raw`.
pub(crate) const RAW_BYTES_MAX: usize = 60 * 1024;

/// The endpoint of an SQL text, of which `text` is the start if `cut`. `protocol` is the id.
pub(crate) fn endpoint(
    protocol: &'static str,
    dialect: Dialect,
    text: &[u8],
    cut: bool,
    output: &mut Output<'_>,
) -> EndpointId {
    let cut = cut || text.len() > NAMING_BYTES_MAX;
    let text = text.get(..NAMING_BYTES_MAX).unwrap_or(text);
    output.names.cached(protocol, (text, b""), |operation, target| {
        Sql { text, dialect, cut }.name(operation, target);
    })
}

/// A text as `--raw` shows it.
pub(crate) fn raw(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// The wire's words for a request, if they are wanted.
pub(crate) fn wire(
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

/// Success. How many rows there were is no status.
pub(crate) fn success() -> Status {
    Status { code: ShortText::new("OK"), ..Status::default() }
}
