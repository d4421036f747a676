//! What stands on the wire → names of low cardinality, and outcomes.

use model::{EndpointId, ShortText, Status, Wire};

use crate::protocol::Output;

/// The endpoint of a question; naming is skipped for a topic seen lately.
pub(super) fn endpoint(verb: &'static str, topic: &[u8], output: &mut Output<'_>) -> EndpointId {
    output.names.cached("template", (verb.as_bytes(), topic), |operation, target| {
        operation.push_str(verb);
        // A topic is a word; anything else may be a literal that somebody put in its place.
        let is_word = topic.iter().all(u8::is_ascii_lowercase);
        target.push_str(if is_word { std::str::from_utf8(topic).unwrap_or("") } else { "{topic}" });
    })
}

/// The question as on the wire.
pub(super) fn wire(verb: &str, topic: &[u8]) -> Box<Wire> {
    Box::new(Wire {
        operation: verb.to_owned(),
        target: Some(String::from_utf8_lossy(topic).into_owned()).filter(|topic| !topic.is_empty()),
        status: None,
    })
}

/// `NO internal` is the server's fault, any other `NO` the client's.
pub(super) fn refused(reason: &[u8]) -> Status {
    let is_internal = reason == b"internal";
    Status { code: ShortText::from_wire(reason), error: is_internal, client_error: !is_internal }
}

/// The status of an answer.
pub(super) fn granted() -> Status {
    Status { code: ShortText::new("YES"), ..Status::default() }
}
